// Package vitalrules holds a rule for each kind of flow that a database needs to
// stay alive. What the flows are is known to the operators' adapters; that one is
// cut is decided by package reach over all layers.
package vitalrules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Rules are the family's, in the order of their numbers. VIT1099 speaks of flows that
// no other rule does, so that a new one is never passed over.
var Rules = []*audit.Rule{VIT1001, VIT1002, VIT1003, VIT1004, VIT1005, VIT1006, VIT1007, VIT1008, VIT1009, VIT1010, VIT1011, VIT1012, VIT1099}

// A kind is a flow's rule: the ids of the flows, and what their loss causes.
type kind struct {
	flows  []string
	causes string
}

// run is the rule's Run.
func (k kind) run(p *audit.Pass) {
	for _, s := range p.World.Servers {
		var told []verdict.Step
		for _, d := range p.Vital(s) {
			if d.Verdict == verdict.Allow || !k.includes(d.Flow.ID) {
				continue
			}
			first := blockers(d)[0]
			if slices.ContainsFunc(told, func(s verdict.Step) bool { return alike(s, first) }) {
				continue
			}
			told = append(told, first)
			p.Report(k.finding(p, s, d))
		}
	}
}

// alike: one cause is told once for flows of one rule.
func alike(a, b verdict.Step) bool {
	return a.Layer == b.Layer && a.Verdict == b.Verdict && a.Reason == b.Reason && a.Origin == b.Origin && !a.Origin.IsZero()
}

func (k kind) includes(id string) bool {
	if len(k.flows) > 0 {
		return slices.Contains(k.flows, id)
	}
	return !slices.ContainsFunc(kinds, func(other kind) bool { return slices.Contains(other.flows, id) })
}

// blockers are the steps that keep the flow from passing, refusals first.
func blockers(d reach.VitalDecision) []verdict.Step {
	var out []verdict.Step
	for _, v := range []verdict.Verdict{verdict.Deny, verdict.Unknown} {
		for _, s := range d.Steps {
			if s.Verdict == v {
				out = append(out, s)
			}
		}
	}
	if len(out) == 0 {
		out = []verdict.Step{{Verdict: d.Verdict}}
	}
	return out
}

func (k kind) finding(p *audit.Pass, s *snapshot.Server, d reach.VitalDecision) audit.Finding {
	steps := blockers(d)
	f := audit.Finding{
		Subject: s.Ref(), Certain: d.Verdict == verdict.Deny, Because: steps, Assumptions: d.Assumptions,
		Origin: steps[0].Origin, Fix: fix(d, steps),
	}
	if f.Origin.IsZero() {
		f.Origin = s.Origin
	}
	for _, step := range steps[1:] {
		if !step.Origin.IsZero() && step.Origin != f.Origin {
			f.Also = append(f.Also, step.Origin)
		}
	}
	if d.Flow.Optional {
		f.Severity = audit.Low
	}
	word := "is cut"
	if !f.Certain {
		word = "may be cut"
	}
	f.Message = fmt.Sprintf("a flow that %s needs %s: %s (%s)", s.Ref(), word, d.Flow.What, ports(d.Flow))
	if onlyTCP(p, s, d) {
		f.Severity = audit.Medium
		f.Message += "; UDP passes, TCP does not: long answers fail now and then"
	} else if k.causes != "" && !d.Flow.Optional {
		f.Message += "; without it " + k.causes
	}
	return f
}

// onlyTCP reports whether a flow to DNS passes over UDP, which nearly suffices.
func onlyTCP(p *audit.Pass, s *snapshot.Server, d reach.VitalDecision) bool {
	if d.Flow.ID != "dns" {
		return false
	}
	only := *s
	d.Flow.Ports = slices.DeleteFunc(slices.Clone(d.Flow.Ports), func(r flow.PortRange) bool { return r.Protocol != flow.UDP })
	only.Vital = []snapshot.VitalFlow{d.Flow}
	return p.Reach.Vital(&only)[0].Verdict == verdict.Allow
}

func ports(f snapshot.VitalFlow) string {
	var out []string
	for _, r := range f.Ports {
		out = append(out, flow.PortsOf(r).String())
	}
	join := " and "
	if f.AnyOf {
		join = " or "
	}
	return strings.Join(out, join)
}

// fix says which rule would let the flow pass, on each side that refuses it.
func fix(d reach.VitalDecision, steps []verdict.Step) string {
	var out []string
	for _, s := range steps {
		switch s.Layer {
		case verdict.Ingress:
			out = append(out, fmt.Sprintf("admit it where it arrives, in a policy that selects %s:\ningress:\n  - from:\n%s    ports:\n%s",
				name(d.Flow.To), peer(d.Flow.From), list(d.Flow)))
		case verdict.Egress:
			out = append(out, fmt.Sprintf("admit it where it leaves, in a policy that selects %s:\negress:\n  - to:\n%s    ports:\n%s",
				name(d.Flow.From), peer(d.Flow.To), list(d.Flow)))
		case verdict.HBA, verdict.Pooler, verdict.Ident:
			out = append(out, fmt.Sprintf("let pg_hba.conf admit role %s above the line that refuses it", d.Flow.Role))
		}
	}
	return strings.Join(slices.Compact(out), "\n")
}

func name(p snapshot.VitalPeer) string {
	if p.Name == "" {
		return "its pods"
	}
	return p.Name
}

// peer writes one side as an entry of from or to.
func peer(p snapshot.VitalPeer) string {
	var b strings.Builder
	labels, namespace := p.Labels.Set, p.Namespace
	if len(p.Pods) > 0 {
		labels, namespace = common(p.Pods), p.Pods[0].Namespace
	}
	switch {
	case len(labels) > 0:
		fmt.Fprintf(&b, "      - namespaceSelector:\n          matchLabels:\n            %s: %s\n        podSelector:\n          matchLabels:\n",
			snapshot.MetadataName, namespace)
		for _, key := range sortedKeys(labels) {
			fmt.Fprintf(&b, "            %s: %q\n", key, labels[key])
		}
	case !p.Outside.IsEmpty():
		for _, prefix := range p.Outside.Prefixes() {
			fmt.Fprintf(&b, "      - ipBlock:\n          cidr: %s\n", prefix)
		}
	default:
		fmt.Fprintf(&b, "      - ipBlock:\n          cidr: ADDRESS/32 # of %s\n", name(p))
	}
	return b.String()
}

func list(f snapshot.VitalFlow) string {
	var out []string
	for _, r := range f.Ports {
		out = append(out, fmt.Sprintf("      - {protocol: %s, port: %d}", r.Protocol, r.From))
	}
	return strings.Join(out, "\n")
}

// common are the labels that all pods have alike, without those that everything of
// one vendor has.
func common(pods []*snapshot.Pod) map[string]string {
	out, generic := map[string]string{}, map[string]string{}
	for key, value := range pods[0].Labels.Set {
		if slices.ContainsFunc(pods, func(p *snapshot.Pod) bool { return p.Labels.Set[key] != value }) {
			continue
		}
		if strings.HasPrefix(key, "app.kubernetes.io/") {
			generic[key] = value
		} else if !isRole(key) {
			out[key] = value
		}
	}
	if len(out) == 0 {
		return generic
	}
	return out
}

// isRole knows the labels that change at a failover: no policy may rest on them.
func isRole(key string) bool {
	return slices.Contains([]string{"role", "cnpg.io/instanceRole", "cnpg.io/instanceName", "stackgres.io/cluster-uid"}, key)
}

func sortedKeys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
