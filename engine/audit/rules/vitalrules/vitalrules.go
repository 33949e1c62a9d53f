// Package vitalrules holds a rule for each kind of flow that a database needs to
// stay alive. What the flows are is known to the operators' adapters; that one is
// cut is decided by package reach over all layers.
package vitalrules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Rules are the family's, in the order of their numbers. VIT1099 speaks of flows that
// no other rule does, so that a new one is never passed over.
var Rules = []*audit.Rule{
	VIT1001, VIT1002, VIT1003, VIT1004, VIT1005, VIT1006, VIT1007, VIT1008, VIT1009, VIT1010, VIT1011, VIT1012,
	VIT1013, VIT1014, VIT1015, VIT1016, VIT1017, VIT1099,
}

// A kind is a flow's rule: the ids of the flows, and what their loss causes, for some
// ids something else.
type kind struct {
	flows  []string
	causes string
	except map[string]string
}

// run is the rule's Run. One cause is told once for flows of one rule, at the flow that
// suffers most.
func (k kind) run(p *audit.Pass) {
	for _, s := range p.World.Servers {
		for _, group := range grouped(k.cut(p.Vital(s))) {
			if d := group[0]; len(d.Steps) == 0 {
				unseen(p, s, d.Flow)
			} else if isOwn(s, d) {
				p.Skip(s.Ref(), fmt.Sprintf("whether the operator's own lines let in whom they are for is not settled: %s", d.Flow.What))
			} else {
				p.Report(k.finding(p, s, group))
			}
		}
	}
}

// unseen says of a flow neither end of which was read that it was not checked: only
// policies of its namespace could cut it.
func unseen(p *audit.Pass, s *snapshot.Server, f snapshot.VitalFlow) {
	reason := fmt.Sprintf("neither end was read: %s", f.What)
	if len(p.PoliciesIn(f.To.Namespace)) > 0 {
		p.Skip(s.Ref(), reason)
		return
	}
	p.Useless(s.Ref(), reason)
}

// isOwn reports whether all that leaves a flow in doubt are lines that the operator
// writes itself, with no person's behind them. It would not run as it does if they kept
// its own flows out; nobody but the server can say that they do not.
func isOwn(s *snapshot.Server, d reach.VitalDecision) bool {
	for _, step := range blockers(d) {
		if step.Verdict != verdict.Unknown || step.Layer != verdict.HBA || step.Origin.Note == "" {
			return false
		}
		after := slices.ContainsFunc(s.HBA.Records, func(r hba.Record) bool { return r.Origin.Object != "" && r.Line > step.Origin.Line })
		if step.Origin.Object != "" || after {
			return false
		}
	}
	return true
}

// cut are the flows of the kind that do not surely pass, those that something dies
// without first.
func (k kind) cut(all []reach.VitalDecision) []reach.VitalDecision {
	var needed, useful []reach.VitalDecision
	for _, d := range all {
		switch {
		case d.Verdict == verdict.Allow || !k.includes(d.Flow):
		case d.Flow.Optional:
			useful = append(useful, d)
		default:
			needed = append(needed, d)
		}
	}
	return append(needed, useful...)
}

// grouped joins what the same thing cuts.
func grouped(list []reach.VitalDecision) [][]reach.VitalDecision {
	var out [][]reach.VitalDecision
next:
	for _, d := range list {
		for i := range out {
			if alike(blockers(out[i][0])[0], blockers(d)[0]) {
				out[i] = append(out[i], d)
				continue next
			}
		}
		out = append(out, []reach.VitalDecision{d})
	}
	return out
}

func alike(a, b verdict.Step) bool {
	return a.Layer == b.Layer && a.Verdict == b.Verdict && a.Reason == b.Reason && a.Origin == b.Origin && !a.Origin.IsZero()
}

// sources are flows that VIT1014 speaks of where a restore is what needs them.
var sources = []string{"backup", "cloud-metadata", "external"}

// includes reports whether the kind is the flow's. The one without ids has the rest.
func (k kind) includes(f snapshot.VitalFlow) bool {
	id := f.ID
	if f.Phase == snapshot.Restore && slices.Contains(sources, id) {
		id = "restore"
	}
	if len(k.flows) > 0 {
		return slices.Contains(k.flows, id)
	}
	return !slices.ContainsFunc(kinds, func(other kind) bool { return slices.Contains(other.flows, id) })
}

// when says for people when a flow is needed.
var when = map[snapshot.Phase]string{
	snapshot.Bootstrap: "when it begins", snapshot.Join: "when a replica is made", snapshot.Failover: "after a failover",
	snapshot.Backup: "for backups", snapshot.Restore: "for a restore", snapshot.Upgrade: "for operations and upgrades",
	snapshot.Monitoring: "for monitoring",
}

// needed says when a flow is needed, before the verb; nothing for always.
func needed(f snapshot.VitalFlow) string {
	if text := when[f.Phase]; text != "" {
		return " " + text
	}
	return ""
}

// others says of which other times the same thing cuts flows.
func others(group []reach.VitalDecision) string {
	var out []string
	for _, d := range group[1:] {
		if text := when[d.Flow.Phase]; text != "" && d.Flow.Phase != group[0].Flow.Phase && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "; it is cut " + strings.Join(out, " and ") + " too"
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

// finding is about the first of the flows that one thing cuts.
func (k kind) finding(p *audit.Pass, s *snapshot.Server, group []reach.VitalDecision) audit.Finding {
	d := group[0]
	steps := blockers(d)
	f := audit.Finding{
		Subject: s.Ref(), Certain: d.Verdict == verdict.Deny, Because: steps, Assumptions: d.Assumptions,
		Origin: steps[0].Origin, Fix: fix(group),
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
	f.Message = fmt.Sprintf("a flow that %s needs%s %s: %s (%s)", s.Ref(), needed(d.Flow), word, d.Flow.What, ports(d.Flow))
	if onlyTCP(p, s, d) {
		f.Severity = audit.Medium
		f.Message += "; UDP passes, TCP does not: long answers fail now and then"
	} else if causes := k.cause(d.Flow); causes != "" && !d.Flow.Optional {
		f.Message += "; without it " + causes
	}
	f.Message += others(group)
	return f
}

func (k kind) cause(f snapshot.VitalFlow) string { return cmp.Or(k.except[f.ID], k.causes) }

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

// fix says which rules would let the flows pass, on each side that refuses one.
func fix(group []reach.VitalDecision) string {
	var out []string
	if flows := refused(group, verdict.Ingress); len(flows) > 0 {
		out = append(out, admission("arrives", "ingress:", flows, func(f *snapshot.VitalFlow) snapshot.VitalPeer { return f.To }, words.Ingress))
	}
	if flows := refused(group, verdict.Egress); len(flows) > 0 {
		out = append(out, admission("leaves", "egress:", flows, func(f *snapshot.VitalFlow) snapshot.VitalPeer { return f.From }, words.Egress))
	}
	for _, layer := range []verdict.Layer{verdict.HBA, verdict.Pooler, verdict.Ident} {
		for _, f := range refused(group, layer) {
			out = append(out, fmt.Sprintf("let pg_hba.conf admit role %s above the line that refuses it", f.Role))
		}
	}
	return strings.Join(slices.Compact(out), "\n")
}

// refused are the flows that the layer keeps from passing, as needed ones: somebody asks
// for each.
func refused(group []reach.VitalDecision, layer verdict.Layer) []*snapshot.VitalFlow {
	var out []*snapshot.VitalFlow
	for _, d := range group {
		if slices.ContainsFunc(blockers(d), func(s verdict.Step) bool { return s.Layer == layer }) {
			f := d.Flow
			f.Optional = false
			out = append(out, &f)
		}
	}
	return out
}

// admission writes the rules for one side of flows. Pods of different duty have different
// labels, and what they have alike others may have too: each has a policy.
func admission(where, word string, flows []*snapshot.VitalFlow, side func(*snapshot.VitalFlow) snapshot.VitalPeer,
	rules func(string, []*snapshot.VitalFlow) []string,
) string {
	var names, selectors []string
	for _, f := range flows {
		p := side(f)
		if names = append(names, words.Named(p)); len(p.Pods) > 0 {
			selectors = append(selectors, "podSelector: {matchLabels: {"+strings.Join(words.MatchLabels(words.Labels(p.Pods)), ", ")+"}}")
		}
	}
	selectors = slices.Compact(slices.Sorted(slices.Values(selectors)))
	first := side(flows[0])
	namespace := first.Namespace
	if len(first.Pods) > 0 {
		namespace = first.Pods[0].Namespace
	}
	of := "a policy that selects "
	if len(selectors) > 1 {
		of = "a policy for each of "
	}
	lines := append([]string{"admit it where it " + where + ", in " + of + words.List(names) + ":"}, selectors...)
	lines = append(lines, word)
	for _, l := range rules(namespace, flows) {
		lines = append(lines, "  "+l)
	}
	return strings.Join(lines, "\n")
}
