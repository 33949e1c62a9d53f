package network

import (
	"cmp"
	"slices"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An Explanation is all that policies say of one attempt, allowed or refused.
type Explanation struct {
	Attempt Attempt
	// Verdict is that of both ends together.
	Verdict verdict.Verdict
	// Sides are the ends that are pods: egress of the source, ingress of the destination.
	Sides []Side
	// Flip is the smallest set of edits that would turn the verdict around, all of them
	// needed; empty where no edit of a policy or label can, and of an Unknown.
	Flip []Fix
}

// A Side is what the policies over one end say.
type Side struct {
	Direction netpol.Direction
	Step      verdict.Step
	// Tiers are those with policies over the end, in the order they are asked.
	Tiers []TierView
}

// A TierView is what one tier says of an attempt.
type TierView struct {
	Tier netpol.Tier
	// Asked is false where an earlier tier has made the decision.
	Asked bool
	// Policies are those that select the end, or may: of an ordered tier in the order they
	// are asked; of the NetworkPolicy tier those with the nearest misses first.
	Policies []PolicyView
	// Others are NetworkPolicies of the namespace that would admit the attempt, if they
	// selected the end: Miss of each says why it does not.
	Others []PolicyView
}

// A PolicyView is what one policy says of an attempt.
type PolicyView struct {
	Policy  *netpol.Policy
	Selects netpol.Match
	// Miss says which label the policy's own selector asks for, where it selects not.
	Miss *Miss
	// Rules are in the order they are asked in an ordered tier, else nearest first.
	Rules []RuleView
}

// A RuleView is what one rule says of an attempt.
type RuleView struct {
	Index  int
	Action netpol.Action
	// Reached is false for a rule of an ordered tier behind one that surely decided.
	Reached bool
	Match   netpol.Match
	// Origin is the peer that matches, or the rule.
	Origin verdict.Origin
	// Misses say of each peer why it does not match, nearest first, or of the ports; empty
	// where the rule matches.
	Misses []Miss
	Rule   netpol.Rule
}

// Explain decides an attempt and says how each policy that has a say over either end
// answers. An attempt between pods of two families is explained in the one that decides.
func (e *Engine) Explain(a Attempt) Explanation {
	x := e.Outline(a)
	for i := range x.Sides {
		x.Sides[i].Tiers = e.ask(x.Sides[i].Direction, x.Attempt).tiers()
	}
	x.Flip = e.Flip(a)
	return x
}

// Outline is an Explanation with the steps alone, in the family that decides: of those
// that both ends have, one that is open is enough.
func (e *Engine) Outline(a Attempt) Explanation {
	best := Explanation{Verdict: verdict.Deny}
	for i, f := range e.Families(a) {
		a.Family = f
		x := e.outlineOver(a)
		if i == 0 || verdict.Any(x.Verdict, best.Verdict) != best.Verdict {
			best = x
		}
	}
	return best
}

func (e *Engine) outlineOver(a Attempt) Explanation {
	x := Explanation{Attempt: a}
	verdicts := []verdict.Verdict{}
	for _, dir := range []netpol.Direction{netpol.Egress, netpol.Ingress} {
		q := e.ask(dir, a)
		if q.subject.isOutside() {
			continue
		}
		side := Side{Direction: dir, Step: e.Decide(dir, a)}
		verdicts = append(verdicts, side.Step.Verdict)
		x.Sides = append(x.Sides, side)
	}
	x.Verdict = verdict.Allow // between two ends outside no policy of ours stands
	if len(verdicts) > 0 {
		x.Verdict = verdict.All(verdicts...)
	}
	return x
}

// tiers views every tier that has policies over the subject.
func (q *query) tiers() []TierView {
	parts := q.answers()
	asked := func(t netpol.Tier) bool {
		return slices.ContainsFunc(parts, func(a answer) bool { return a.asked[t] })
	}
	var out []TierView
	for _, tier := range netpol.Tiers {
		v := TierView{Tier: tier, Asked: asked(tier)}
		if tier.IsOrdered() {
			v.Policies = q.viewOrdered(tier)
		} else {
			v.Policies, v.Others = q.viewNamespaced()
		}
		if len(v.Policies)+len(v.Others) > 0 {
			out = append(out, v)
		}
	}
	return out
}

func (q *query) viewOrdered(tier netpol.Tier) []PolicyView {
	var out []PolicyView
	reached, later, priority := true, true, int32(-1)
	for _, p := range q.Engine.ordered[tier] {
		if p.Priority != priority { // those of one priority are all asked
			reached, priority = later, p.Priority
		}
		selects := q.isSubject(p)
		if selects == netpol.No || len(p.Rules[q.dir]) == 0 {
			continue
		}
		v := PolicyView{Policy: p, Selects: selects}
		reaches := reached
		for i := range p.Rules[q.dir] {
			r := q.viewRule(p, i)
			r.Reached = reaches
			if r.Match == netpol.Yes && r.Action != netpol.NoAction {
				reaches = false
			}
			v.Rules = append(v.Rules, r)
		}
		if selects == netpol.Yes {
			later = later && reaches
		}
		out = append(out, v)
	}
	return out
}

// viewNamespaced returns the policies that isolate the subject, and the others of its
// namespace that would admit the attempt.
func (q *query) viewNamespaced() (isolating, others []PolicyView) {
	for _, p := range q.Engine.policies[q.subject.namespace()] {
		if !p.Isolates[q.dir] {
			continue
		}
		v := PolicyView{Policy: p, Selects: p.Pods.Match(q.subject.labels())}
		for i := range p.Rules[q.dir] {
			r := q.viewRule(p, i)
			r.Reached = true
			v.Rules = append(v.Rules, r)
		}
		slices.SortStableFunc(v.Rules, func(a, b RuleView) int { return cmp.Compare(a.distance(), b.distance()) })
		switch {
		case v.Selects != netpol.No:
			isolating = append(isolating, v)
		case len(v.Rules) > 0 && v.Rules[0].Match == netpol.Yes:
			m := Miss{Policy: p, Rule: -1, Peer: -1, Origin: p.Origin.At("spec.podSelector"), cost: missing(p.Pods, q.subject.labels())}
			m.labels(MissPod, p.Pods, q.subject.labels())
			v.Miss = &m
			others = append(others, v)
		}
	}
	slices.SortStableFunc(isolating, func(a, b PolicyView) int { return cmp.Compare(a.distance(), b.distance()) })
	slices.SortStableFunc(others, func(a, b PolicyView) int { return cmp.Compare(a.Miss.cost, b.Miss.cost) })
	return isolating, others
}

// distance orders rules: those that match, those that may, then by the nearest miss.
func (r RuleView) distance() int {
	switch {
	case r.Match == netpol.Yes:
		return -2
	case r.Match == netpol.Unsure:
		return -1
	case len(r.Misses) > 0:
		return r.Misses[0].cost
	}
	return 1 << 20
}

func (v PolicyView) distance() int {
	if len(v.Rules) == 0 {
		return 1 << 21
	}
	return v.Rules[0].distance()
}

func (q *query) viewRule(p *netpol.Policy, i int) RuleView {
	r := p.Rules[q.dir][i]
	v := RuleView{Index: i, Action: r.Action, Rule: r}
	v.Match, v.Origin = q.rule(p, r)
	if v.Match == netpol.Unsure && q.peer.isOutside() && q.holdsAllParts(p, r) {
		v.Match = netpol.Yes
	}
	if v.Match == netpol.No {
		v.Misses = q.misses(p, i)
	}
	return v
}

// holdsAllParts reports whether peers of the rule together hold a peer outside that none of
// them holds alone.
func (q *query) holdsAllParts(p *netpol.Policy, r netpol.Rule) bool {
	whole := q.peer
	defer func() { q.peer = whole }()
	for _, part := range q.parts() {
		q.peer = OutsideEndpoint(part)
		if m, _ := q.rule(p, r); m != netpol.Yes {
			return false
		}
	}
	return true
}
