package report

import (
	"fmt"
	"io"
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
	from, to []snapshot.Ref
	views    []network.PortView
}

// Add adds the answers for one member of either end. Members that are told the same
// are shown together.
func (x *Explained) Add(from, to snapshot.Ref, views []network.PortView) {
	for i := range x.pairs {
		if p := &x.pairs[i]; sameViews(p.views, views) {
			p.from, p.to = withRef(p.from, from), withRef(p.to, to)
			return
		}
	}
	x.pairs = append(x.pairs, explainedPair{[]snapshot.Ref{from}, []snapshot.Ref{to}, views})
}

func withRef(list []snapshot.Ref, r snapshot.Ref) []snapshot.Ref {
	for _, known := range list {
		if known == r {
			return list
		}
	}
	return append(list, r)
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
	for i, p := range x.pairs {
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
	t.line("")
	t.assumptions(x.World, x.assumptions())
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
	t.verdict(e.Verdict, "%s: %s %s %s at %s%s", answerWord[e.Verdict], refsText(p.from), canWord[e.Verdict], refsText(p.to), v.Ports, over)
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
		fix := policyFix(f)
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
