package report

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A fix is the smallest change that takes one blocker out of the way. It says
// where and what; whether access ought to be given is for a person to say.
type fixJSON struct {
	Origin verdict.Origin `json:"origin"`
	Layer  verdict.Layer  `json:"layer"`
	Text   string         `json:"text"`
	// Patch is what to add, as it would stand in the file; empty where the file is a template.
	Patch string `json:"patch,omitempty"`
}

// fixes proposes a change for each blocker of a route.
func (a *Asked) fixes(m memberAnswer, r route) []fixJSON {
	out := []fixJSON{}
	if m.decision.Verdict == verdict.Allow {
		return out
	}
	q := m.question
	for _, s := range blockers(r.path.Steps) {
		f, ok := sessionFix(s)
		if policy, isPolicy := a.Engine.Fix(q, r.path, s); isPolicy {
			f, ok = policyFix(policy, a.World), true
		}
		f.Layer, f.Origin = s.Layer, a.World.Locate(f.Origin)
		if ok && !slices.ContainsFunc(out, f.sameEdit) {
			out = append(out, f)
		}
	}
	return out
}

// sameEdit reports whether two blockers are taken away by one change.
func (f fixJSON) sameEdit(o fixJSON) bool {
	o.Layer = f.Layer
	return f == o
}

// place writes where to make the change; empty where no object holds it yet.
func (f fixJSON) place() string {
	if f.Origin.IsZero() {
		return ""
	}
	return f.Origin.String() + ": "
}

func sessionFix(s verdict.Step) (fixJSON, bool) {
	text, ok := sessionFixes[s.Reason]
	return fixJSON{Origin: s.Origin, Text: fill(text, s.Facts)}, ok
}

// sessionFixes words the changes outside of policies.
var sessionFixes = map[verdict.Reason]string{
	"service/no-endpoints":       "make the selector {selector} name labels that the pods have",
	"service/no-such-port-name":  "name the container port {name}, or give targetPort as a number",
	"service/no-such-port":       "connect to a port that the Service has",
	"service/not-exposed":        "connect from inside the cluster; exposing the Service opens it to everybody outside",
	"service/source-ranges":      "add the client's range to loadBalancerSourceRanges",
	"service/source-ranges-part": "ask about one address, or add the others to loadBalancerSourceRanges",
	"service/internal":           "name the client's range under outside in the facts file if it is near, or connect through what is",
	"service/internal-part":      "ask about one address",
	"service/node-port-closed":   "connect to the load balancer's address",
	"route/sources":              "add the client's range to the ranges that the annotation names",
	"route/sources-part":         "ask about one address",
	"route/tls-only":             "connect with TLS",
	"route/proxy-unknown":        "read the proxy's workload too",
	"server/not-listening":       "connect to the port that PostgreSQL listens on",
	"tls/refused":                "enable TLS on the listener, or connect without it (--no-tls)",
	"hba/rejected":               "add a record above {record} that matches {who}",
	"hba/no-record":              "add a record to {file} that matches {who}",
	"hba/cert-required":          "present a client certificate for the role (--cert), or add a record above {record} that asks for another credential",
	"hba/cert-no-ca":             "configure a CA for client certificates",
	"hba/unreadable":             "mend or settle it: {error}",
	"hba/unsure":                 "{depends}",
	"ident/not-mapped":           "add a line to the map that maps {system} to {role}",
	"reach/unreadable":           "mend the document, or leave it out with --skip: {error}",
	"netpol/unreadable":          "mend the document, or leave it out with --skip: {error}",
}

// policyFix words an edit of a policy or of a label.
func policyFix(f network.Fix, world *snapshot.Snapshot) fixJSON {
	out := fixJSON{Origin: f.Edit}
	switch f.Kind {
	case network.FixAddPort:
		out.Text = fmt.Sprintf("add %s to the ports of this rule", portText(*f.Port))
		out.Patch = snippet([]any{portPatch(f)})
	case network.FixPeerNS:
		out.Text = "add a namespaceSelector beside the podSelector"
		out.Patch = snippet(map[string]any{"namespaceSelector": matching(map[string]string{snapshot.MetadataName: f.Namespace})})
	case network.FixLabelPod:
		out.Text = "give the pods the label " + f.Want
	case network.FixLabelNS:
		out.Text = fmt.Sprintf("give namespace %s the label %s", f.Namespace, f.Want)
	case network.FixAddRule:
		out.Text = fmt.Sprintf("add a rule to the %s of NetworkPolicy %s", f.Direction, f.Policy)
		out.Patch = snippet([]any{rulePatch(f)})
	case network.FixAccept, network.FixDeny:
		action := tierAction(f)
		out.Text = fmt.Sprintf("put a rule with action %s before this rule of %s", action, f.Policy)
		out.Patch = snippet([]any{tierRulePatch(f, action)})
	case network.FixRemove:
		out.Text = "remove it from NetworkPolicy " + f.Policy
		if f.WriteTypes {
			out.Text += " and write policyTypes: [Ingress, Egress], since a policy without egress rules and policyTypes leaves egress open"
		}
	case network.FixIsolate:
		out.Text = fmt.Sprintf("write a NetworkPolicy that isolates the pod for %s", f.Direction)
		if len(f.Labels) == 0 {
			out.Text += "; the pod has no labels, so it has to select every pod of the namespace"
		}
		out.Patch = snippet(isolation(f, freeName(world, f)))
	}
	switch {
	case !f.Wider:
	case f.Kind == network.FixRemove || f.Kind == network.FixIsolate:
		out.Text += " (others are shut out by it too)"
	default:
		out.Text += " (others get in by it too)"
	}
	if f.Edit.Via != "" {
		// What would stand in the object need not be what has to be written into the template.
		out.Patch = ""
		out.Text += "; it is rendered: change what the " + f.Edit.Via + " makes of it"
	}
	return out
}

func portPatch(f network.Fix) map[string]any {
	return map[string]any{"protocol": f.Port.Protocol.String(), "port": f.Port.From}
}

func rulePatch(f network.Fix) map[string]any {
	side := map[string]string{"ingress": "from", "egress": "to"}[f.Direction]
	peers := []any{}
	for _, c := range f.CIDR {
		peers = append(peers, map[string]any{"ipBlock": map[string]any{"cidr": c}})
	}
	if f.Namespace != "" {
		peer := map[string]any{"podSelector": matching(f.Labels)}
		if ns, _, _ := strings.Cut(f.Policy, "/"); ns != f.Namespace {
			peer["namespaceSelector"] = matching(map[string]string{snapshot.MetadataName: f.Namespace})
		}
		peers = append(peers, peer)
	}
	return map[string]any{side: peers, "ports": []any{portPatch(f)}}
}

// tierAction is the action as the kind of policy writes it.
func tierAction(f network.Fix) string {
	switch {
	case f.Kind == network.FixDeny:
		return "Deny"
	case f.PolicyKind == "ClusterNetworkPolicy":
		return "Accept"
	}
	return "Allow"
}

// tierRulePatch is a rule of a ClusterNetworkPolicy, or of its older forms.
func tierRulePatch(f network.Fix, action string) map[string]any {
	side := map[string]string{"ingress": "from", "egress": "to"}[f.Direction]
	peer := map[string]any{"networks": f.CIDR}
	if len(f.CIDR) == 0 {
		peer = map[string]any{"pods": map[string]any{
			"namespaceSelector": matching(map[string]string{snapshot.MetadataName: f.Namespace}),
			"podSelector":       matching(f.Labels),
		}}
	}
	if f.PolicyKind != "ClusterNetworkPolicy" {
		return map[string]any{"action": action, side: []any{peer}, "ports": []any{
			map[string]any{"portNumber": portPatch(f)}}}
	}
	protocol := strings.ToLower(f.Port.Protocol.String())
	return map[string]any{"action": action, side: []any{peer}, "protocols": []any{
		map[string]any{protocol: map[string]any{"destinationPort": map[string]any{"number": f.Port.From}}}}}
}

// freeName is a name that no policy of the namespace has, so that none is written over.
func freeName(world *snapshot.Snapshot, f network.Fix) string {
	taken := map[string]bool{}
	for _, p := range world.Policies {
		if p.Namespace == f.Namespace {
			taken[p.Name] = true
		}
	}
	name := "isolate-" + f.Direction
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("isolate-%s-%d", f.Direction, n)
	}
	return name
}

// isolation is a NetworkPolicy that selects a pod and admits nothing.
func isolation(f network.Fix, name string) map[string]any {
	direction := map[string]string{"ingress": "Ingress", "egress": "Egress"}[f.Direction]
	return map[string]any{
		"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
		"metadata": map[string]any{"namespace": f.Namespace, "name": name},
		"spec":     map[string]any{"podSelector": matching(f.Labels), "policyTypes": []any{direction}},
	}
}

func matching(labels map[string]string) map[string]any {
	if len(labels) == 0 {
		return map[string]any{}
	}
	return map[string]any{"matchLabels": labels}
}

// snippet writes a part of a manifest.
func snippet(v any) string {
	out, err := yaml.Marshal(v)
	if err != nil { // maps of strings and numbers
		return ""
	}
	return string(out)
}
