package network

import (
	"github.com/pgmoat/pgmoat/model/netpol"
)

// A ruling is what an ordered tier makes of an attempt: each action that may come out,
// with the rules that bring it about. NoAction stands for no rule that matches. More
// than one action is possible where a match is in doubt, or where policies of equal
// priority disagree.
type ruling struct {
	may [4]bool // by netpol.Action
	by  [4][]ruleMatch
	// rivals are the deciding rules of policies of equal priority that disagree.
	rivals []ruleMatch
	// selecting are the policies of the tier that apply to the subject, or may.
	selecting []*netpol.Policy
}

// only reports whether the action is the one that comes out.
func (r ruling) only(a netpol.Action) bool {
	for other, may := range r.may {
		if may != (netpol.Action(other) == a) { //nolint:gosec // four actions
			return false
		}
	}
	return true
}

func (r *ruling) add(a netpol.Action, by ruleMatch) {
	r.may[a] = true
	r.by[a] = append(r.by[a], by)
}

// goesOn reports whether the next tier may be asked.
func (r ruling) goesOn() bool { return r.may[netpol.Pass] || r.may[netpol.NoAction] }

// ordered asks a tier: "Policies with lower priority values have higher precedence, and
// are checked before policies with higher priority values in the same tier."
func (q *query) ordered(tier netpol.Tier) ruling {
	out := ruling{}
	policies := q.Engine.ordered[tier]
	if q.ignoring {
		policies = nil
	}
	for len(policies) > 0 {
		group := equals(policies)
		policies = policies[len(group):]
		if !q.group(group, &out) {
			return out
		}
	}
	out.may[netpol.NoAction] = true
	return out
}

// equals returns the policies at the head of the list that have the first one's priority.
func equals(policies []*netpol.Policy) []*netpol.Policy {
	for i, p := range policies {
		if p.Priority != policies[0].Priority {
			return policies[:i]
		}
	}
	return policies
}

// group asks policies of one priority: "the implementation can apply any of the matching
// policies to the connection". It reports whether the next priority may be asked.
func (q *query) group(policies []*netpol.Policy, out *ruling) (goesOn bool) {
	goesOn = true
	var firsts []ruleMatch
	for _, p := range policies {
		selects := q.isSubject(p)
		if selects == netpol.No || len(p.Rules[q.dir]) == 0 {
			continue
		}
		out.selecting = append(out.selecting, p)
		matches, unmatched := q.first(p)
		for _, m := range matches {
			m.match = both(selects, m.match)
			out.add(actionOf(m, q.dir), m)
		}
		if len(matches) > 0 {
			firsts = append(firsts, matches[len(matches)-1])
		}
		if selects == netpol.Yes && !unmatched {
			goesOn = false
		}
	}
	if disagree(firsts, q.dir) {
		out.rivals = append(out.rivals, firsts...)
	}
	return goesOn
}

func actionOf(m ruleMatch, dir netpol.Direction) netpol.Action {
	return m.policy.Rules[dir][m.index].Action
}

func disagree(ms []ruleMatch, dir netpol.Direction) bool {
	for _, m := range ms {
		if actionOf(m, dir) != actionOf(ms[0], dir) {
			return true
		}
	}
	return false
}

// first returns the rules of a policy that may be the first to match: "a rule that
// appears at the top … would take the highest precedence". Unmatched says that perhaps
// none does.
func (q *query) first(p *netpol.Policy) (matches []ruleMatch, unmatched bool) {
	for i, r := range p.Rules[q.dir] {
		m, origin := q.rule(p, r)
		if m == netpol.No || r.Action == netpol.NoAction {
			continue
		}
		matches = append(matches, ruleMatch{p, i, m, origin})
		if m == netpol.Yes {
			return matches, false
		}
	}
	return matches, true
}
