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
		} else if !passes(key, value) {
			out[key] = value
		}
	}
	if len(out) == 0 {
		return generic
	}
	return out
}

// ofOnePod are labels of one pod or one release: no policy may rest on them.
var ofOnePod = []string{
	"cnpg.io/instanceName", "stackgres.io/cluster-uid", "stackgres.io/disruptible", "pgv2.percona.com/version",
	"apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name", "controller-revision-hash", "pod-template-hash",
}

// passes reports whether a pod has a label for a time: until the next failover or restart.
func passes(key, value string) bool {
	if slices.Contains([]string{"primary", "master", "replica"}, value) && strings.HasSuffix(strings.ToLower(key), "role") {
		return true
	}
	return slices.Contains(ofOnePod, key)
}

func sortedKeys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
