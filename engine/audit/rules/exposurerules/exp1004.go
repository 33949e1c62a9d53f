package exposurerules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// EXP1004 finds ports that control a database and that others reach than its
// members, its operator and who else is known to need them.
var EXP1004 = &audit.Rule{
	ID:       "EXP1004",
	Title:    "a control port is open to others",
	Severity: audit.High,
	Why: `Beside 5432 a member listens on ports of its operator: Patroni's REST API, the
instance manager's status port, a proxy's administration, metrics. Most ask for no
credential, and some can restart, fail over or reconfigure the database. Only the
members, the operator and a metrics collector need them. How bad it is depends on the
port: one that obeys everybody is high, one that asks for credentials medium, one that
only tells low. CloudNativePG's 8000 obeys everybody before release 1.30
(GHSA-7qwx-x8ff-3px9); where nobody told the release, that is a doubt.`,
	Setting: `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: payments}
spec: {instances: 2, imageName: "ghcr.io/cloudnative-pg/postgresql:17", storage: {size: 1Gi}}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
  ingress:
    - from: [{namespaceSelector: {}}]
      ports: [{port: 8000}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
  ingress:
    - from:
        - podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: cnpg-system}}
          podSelector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
      ports: [{port: 8000}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		ways := outsideWays(p.World)
		for _, s := range p.World.Servers {
			for _, c := range s.Control {
				control(p, s, c)
				ledOut(p, ways.to(door{ref: s.Ref(), origin: s.Origin, pods: s.Members(), ports: []uint16{c.Port}, server: s}), c)
			}
		}
	},
}

// severities are what it means that others reach a port, by what it gives. One of which
// nobody knows is told as the worst, and as a doubt.
var severities = map[snapshot.Power]audit.Severity{
	snapshot.PowerUnknown: audit.High, snapshot.Tells: audit.Low, snapshot.Guarded: audit.Medium, snapshot.Obeys: audit.High,
}

// found begins a finding about a control port.
func found(s *snapshot.Server, c snapshot.ControlPort) audit.Finding {
	return audit.Finding{Subject: s.Ref(), Severity: severities[c.Gives], Certain: c.Gives != snapshot.PowerUnknown, Fix: controlFix(s, c)}
}

func control(p *audit.Pass, s *snapshot.Server, c snapshot.ControlPort) {
	step := knock(p, stranger, s.Members(), []uint16{c.Port})
	f := found(s, c)
	switch {
	case step.Verdict == verdict.Allow && step.Reason != network.NotEnforced:
		f.Origin, f.Because = step.Origin, []verdict.Step{step}
		if f.Origin.IsZero() {
			f.Origin = s.Origin
		}
		f.Message = fmt.Sprintf("every pod of every namespace reaches port %d (%s) of %s: %s", c.Port, c.Name, s.Ref(), c.Why)
		p.Report(f)
	case step.Verdict == verdict.Deny:
		for _, e := range entries(p, s.Members(), []uint16{c.Port}) {
			if who := uninvited(p, s, c, e); len(who) > 0 {
				f.Origin, f.Severity = e.origin(), min(f.Severity, audit.Medium)
				f.Message = fmt.Sprintf("%s admits %s to port %d (%s) of %s, which needs none of them there: %s",
					e.ref(), list(who), c.Port, c.Name, s.Ref(), c.Why)
				p.Report(f)
			}
		}
	case step.Verdict == verdict.Unknown:
		p.Skip(s.Ref(), fmt.Sprintf("who reaches port %d (%s) cannot be told", c.Port, c.Name))
	}
}

// ledOut reports the Services and routes that take clients from outside to the port.
func ledOut(p *audit.Pass, ways []outsideWay, c snapshot.ControlPort) {
	for _, w := range ways {
		f := found(w.door.server, c)
		f.Origin, f.Assumptions = w.origin, w.assumptions
		f.Message = fmt.Sprintf("%s leads from outside the cluster to port %d (%s) of %s: %s", w.name, c.Port, c.Name, w.door.ref, c.Why)
		f.Fix = "lead nothing from outside there: " + w.shut
		p.Report(f)
	}
}

// controlFix is the entry that admits only those who are known to need the port.
func controlFix(s *snapshot.Server, c snapshot.ControlPort) string {
	var b strings.Builder
	fmt.Fprintf(&b, "admit port %d only from those who need it, in a policy that selects the members:\n- from:\n", c.Port)
	var told []string
	for _, peer := range needing(s, c) {
		if text := peerEntry(s, peer); text != "" && !slices.Contains(told, text) {
			told = append(told, text)
			b.WriteString(text)
		}
	}
	if len(told) == 0 {
		b.WriteString("    - podSelector: {matchLabels: {app: COLLECTOR}} # of metrics, where there is one\n")
	}
	fmt.Fprintf(&b, "  ports:\n    - {protocol: TCP, port: %d}", c.Port)
	if c.Fix != "" {
		fmt.Fprintf(&b, "\nand %s", c.Fix)
	}
	return b.String()
}

// needing are the members, whatever part they have today, and the peers of the server's
// flows to the port. What only comforts is left out, unless the port is for nothing else.
func needing(s *snapshot.Server, c snapshot.ControlPort) []snapshot.VitalPeer {
	var out []snapshot.VitalPeer
	if c.Gives != snapshot.Tells {
		out = append(out, snapshot.VitalPeer{Name: "the members", Pods: s.Members()})
	}
	for _, f := range s.Vital {
		mine := len(f.From.Pods) > 0 && !slices.ContainsFunc(f.From.Pods, func(p *snapshot.Pod) bool { return !slices.Contains(s.Members(), p) })
		if asks(f, c) && !mine && (!f.Optional || c.Gives == snapshot.Tells) {
			out = append(out, f.From)
		}
	}
	return out
}

// asks reports whether a flow leads to the port.
func asks(f snapshot.VitalFlow, c snapshot.ControlPort) bool {
	return slices.ContainsFunc(f.Ports, func(r flow.PortRange) bool { return r.From <= c.Port && c.Port <= r.To })
}

// peerEntry writes a peer as an entry of from; "" for one that no entry selects.
func peerEntry(s *snapshot.Server, p snapshot.VitalPeer) string {
	namespace, labels := p.Namespace, []string{}
	if len(p.Pods) > 0 {
		namespace, labels = p.Pods[0].Namespace, common(p.Pods)
	} else {
		for _, key := range slices.Sorted(maps.Keys(p.Labels.Set)) {
			labels = append(labels, fmt.Sprintf("%s: %q", key, p.Labels.Set[key]))
		}
	}
	if len(labels) == 0 {
		return ""
	}
	pods := fmt.Sprintf("podSelector: {matchLabels: {%s}}", strings.Join(labels, ", "))
	if namespace == s.Ref().Namespace {
		return fmt.Sprintf("    - %s # %s\n", pods, p.Name)
	}
	return fmt.Sprintf("    - namespaceSelector: {matchLabels: {%s: %s}} # %s\n      %s\n", snapshot.MetadataName, namespace, p.Name, pods)
}

// uninvited names the workloads that an entry admits and that no vital flow of the
// port brings. Whoever scrapes metrics is left alone on a port that only tells.
func uninvited(p *audit.Pass, s *snapshot.Server, c snapshot.ControlPort, e entry) []string {
	if e.peer == nil || e.peer.Block != nil || c.Gives == snapshot.Tells {
		return nil
	}
	var out []string
	for _, namespace := range meant(p, e) {
		for _, pod := range p.PodsIn(namespace) {
			if (e.peer.Pods == nil || e.peer.Pods.Match(pod.Labels) == netpol.Yes) && !invited(s, c, pod) {
				out = append(out, pod.Workload.Ref.String())
			}
		}
	}
	return out
}

// meant are the namespaces that an entry surely means.
func meant(p *audit.Pass, e entry) []string {
	if e.peer.Namespaces == nil {
		return []string{e.policy.Namespace}
	}
	var out []string
	for _, name := range p.Namespaces() {
		if e.peer.Namespaces.Match(p.World.NamespaceOf(name).Labels) == netpol.Yes {
			out = append(out, name)
		}
	}
	return out
}

// invited: the server's own pods, and both ends of its vital flows to the port.
func invited(s *snapshot.Server, c snapshot.ControlPort, pod *snapshot.Pod) bool {
	return pod.Workload == s.Workload ||
		slices.ContainsFunc(s.Vital, func(f snapshot.VitalFlow) bool { return asks(f, c) && slices.Contains(f.From.Pods, pod) })
}
