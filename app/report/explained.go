package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Explained is what policies say between two ends, member by member.
type Explained struct {
	World    *snapshot.Snapshot
	From, To snapshot.Ref
	pairs    []explainedPair
}

// An explainedPair holds members that get the same answers at all ports.
type explainedPair struct {
	from, to members
	views    []network.PortView
}

// members are some of an end: pods, or with none of them the end itself.
type members struct {
	end  snapshot.Ref
	pods []*snapshot.Pod
}

func (m *members) add(e network.Endpoint) {
	if e.Pod != nil && !slices.Contains(m.pods, e.Pod) {
		m.pods = append(m.pods, e.Pod)
	}
}

// refs names the members by what tells them from the rest of their workloads.
func (m members) refs() []snapshot.Ref {
	if len(m.pods) == 0 {
		return []snapshot.Ref{m.end}
	}
	var out []snapshot.Ref
	for _, p := range m.pods {
		var same []*snapshot.Pod
		for _, other := range m.pods {
			if other.Workload == p.Workload {
				same = append(same, other)
			}
		}
		if ref := network.GroupRef(p.Workload, same); !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	}
	return out
}

// Add adds the answers for one member of either end. Members that are told the same
// are shown together.
func (x *Explained) Add(from, to network.Endpoint, views []network.PortView) {
	p := x.pairOf(from, views)
	p.from.add(from)
	p.to.add(to)
}

// pairOf finds the pair of the same source that has the same views.
func (x *Explained) pairOf(from network.Endpoint, views []network.PortView) *explainedPair {
	for i := range x.pairs {
		if p := &x.pairs[i]; p.from.isJust(from) && sameViews(p.views, views) {
			return p
		}
	}
	x.pairs = append(x.pairs, explainedPair{members{end: x.From}, members{end: x.To}, views})
	return &x.pairs[len(x.pairs)-1]
}

func (m members) isJust(e network.Endpoint) bool {
	return e.Pod == nil && len(m.pods) == 0 || len(m.pods) == 1 && m.pods[0] == e.Pod
}

// together joins the sources that are told the same of the same destinations.
func (x *Explained) together() []explainedPair {
	var out []explainedPair
next:
	for _, p := range x.pairs {
		for i := range out {
			if slices.Equal(out[i].to.pods, p.to.pods) && sameViews(out[i].views, p.views) {
				out[i].from.pods = slices.Concat(out[i].from.pods, p.from.pods)
				continue next
			}
		}
		out = append(out, p)
	}
	return out
}

func sameViews(a, b []network.PortView) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].Ports.Equal(b[i].Ports) || !a[i].Explanation.Same(b[i].Explanation) {
			return false
		}
	}
	return true
}

// Verdict is that of all members and ports: Unknown where they differ.
func (x *Explained) Verdict() verdict.Verdict {
	var all []verdict.Verdict
	for _, p := range x.pairs {
		for _, v := range p.views {
			all = append(all, v.Explanation.Verdict)
		}
	}
	for _, v := range all {
		if v != all[0] {
			return verdict.Unknown
		}
	}
	if len(all) == 0 {
		return verdict.Unknown
	}
	return all[0]
}

// Write prints the explanation in the format: table, md or json.
func (x *Explained) Write(out io.Writer, format string) error {
	if format == "json" {
		return writeJSON(out, x.json())
	}
	t := newText(out, format == "md")
	for i, p := range x.together() {
		if i > 0 {
			t.line("")
		}
		for k, v := range p.views {
			if k > 0 {
				t.line("")
			}
			x.view(t, p, v)
		}
	}
	if codes := x.assumptions(); len(codes) > 0 {
		t.line("")
		t.assumptions(x.World, codes)
	}
	return t.err
}

func refsText(refs []snapshot.Ref) string {
	words := make([]string, len(refs))
	for i, r := range refs {
		words[i] = r.String()
	}
	return strings.Join(words, ", ")
}

func (x *Explained) view(t *text, p explainedPair, v network.PortView) {
	e := v.Explanation
	over := ""
	if e.Attempt.Family != network.AnyFamily {
		over = " over " + e.Attempt.Family.String()
	}
	t.verdict(e.Verdict, "%s: %s %s %s at %s%s", answerWord[e.Verdict], refsText(p.from.refs()), canWord[e.Verdict], refsText(p.to.refs()), v.Ports, over)
	for _, s := range e.Sides {
		t.step(x.World, s.Step)
		for _, tier := range s.Tiers {
			x.tier(t, s, tier)
		}
	}
	x.change(t, e)
}

// tier shows what every policy of a tier says.
func (x *Explained) tier(t *text, s network.Side, tier network.TierView) {
	note := ""
	if !tier.Asked {
		note = " (not asked: decided before)"
	}
	t.line("      %s tier%s", tier.Tier, note)
	for _, p := range tier.Policies {
		t.line("        %s%s → %s", policyName(p.Policy), policyNote(s.Direction, p), x.World.Locate(p.Policy.Origin))
		for _, r := range p.Rules {
			x.rule(t, s.Direction, p, r)
		}
	}
	for _, p := range tier.Others {
		t.line("        %s would admit it, but does not select the pod: %s → %s", policyName(p.Policy),
			selectorMiss(*p.Miss), x.World.Locate(p.Miss.Origin))
	}
}

func policyName(p *netpol.Policy) string { return p.Kind + " " + p.FullName() }

func policyNote(dir netpol.Direction, p network.PolicyView) string {
	switch {
	case p.Policy.Tier.IsOrdered():
		return fmt.Sprintf(" (priority %d)", p.Policy.Priority) + mayNote(p.Selects)
	case len(p.Rules) == 0:
		return " isolates the pod for " + dir.String() + mayNote(p.Selects) + " and has no rule"
	}
	return " isolates the pod for " + dir.String() + mayNote(p.Selects)
}

func mayNote(m netpol.Match) string {
	if m == netpol.Unsure {
		return ", if it selects it, which depends on a label whose value nobody wrote down"
	}
	return ""
}

// selectorMiss says why a policy does not select the pod.
func selectorMiss(m network.Miss) string {
	return missLabel(m.Facts(), "the pod")
}

// rule shows one rule: that it matches, or why not, nearest peer first.
func (x *Explained) rule(t *text, dir netpol.Direction, p network.PolicyView, r network.RuleView) {
	name := ""
	if r.Rule.Name != "" {
		name = fmt.Sprintf(" %q", r.Rule.Name)
	}
	head := fmt.Sprintf("rule %d", r.Index) + name
	if p.Policy.Tier.IsOrdered() {
		head += ", " + r.Action.String()
	}
	switch {
	case r.Match == netpol.Yes && !r.Reached:
		t.line("          %s: would match, but a rule before it decides → %s", head, x.World.Locate(r.Origin))
	case r.Match == netpol.Yes && r.Rule.FailsClosed:
		t.line("          %s: matches everything: it names a peer or a protocol of a form that is not known, and fails closed → %s", head, x.World.Locate(r.Origin))
	case r.Match == netpol.Yes:
		t.line("          %s: matches → %s", head, x.World.Locate(r.Origin))
	case r.Match == netpol.Unsure:
		t.line("          %s: may match; that depends on a fact nobody wrote down → %s", head, x.World.Locate(r.Origin))
	default:
		for _, m := range r.Misses {
			t.line("          %s: %s → %s", head, missWords(m.Facts(), dir == netpol.Egress), x.World.Locate(m.Origin))
		}
	}
}

// change shows the smallest edits that would turn the answer around.
func (x *Explained) change(t *text, e network.Explanation) {
	if len(e.Flip) == 0 {
		return
	}
	turn := map[verdict.Verdict]string{verdict.Deny: "let it through", verdict.Allow: "refuse it"}[e.Verdict]
	t.line("    smallest change that would %s:", turn)
	for _, f := range x.fixes(e) {
		t.line("      - %s%s", f.place(), f.Text)
		for _, l := range strings.Split(strings.TrimRight(f.Patch, "\n"), "\n") {
			if l != "" {
				t.line("          %s", l)
			}
		}
	}
}

func (x *Explained) fixes(e network.Explanation) []fixJSON {
	out := []fixJSON{}
	for _, f := range e.Flip {
		fix := policyFix(f, x.World)
		fix.Layer = verdict.Ingress
		if f.Direction == netpol.Egress.String() {
			fix.Layer = verdict.Egress
		}
		fix.Origin = x.World.Locate(fix.Origin)
		out = append(out, fix)
	}
	return out
}

func (x *Explained) assumptions() []string {
	var codes []string
	for _, p := range x.pairs {
		for _, v := range p.views {
			for _, s := range v.Explanation.Sides {
				codes = snapshot.Merge(codes, s.Step.Assumptions)
			}
		}
	}
	return codes
}
