package network

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// tierRegions is what an ordered tier makes of a region: where each action may come
// out, and what may go on to the next tier, by a Pass or because no rule matches.
type tierRegions struct{ accept, deny, next region }

// ends is where an attempt may end allowed, and where refused. Where both, nobody knows.
type ends struct{ allow, deny region }

// tiered is the profile of a class that policies of ordered tiers have a say over.
// Under Facts.Strict whatever else the world may be is possible, too.
func (p *profiler) tiered(c int, by selecting) *profile {
	e := p.openedToNode(c, p.ends(c, by, p.engine.world.Facts.Profile.Has(cni.BaselineByPod), false))
	out := &profile{refuses: len(e.deny) > 0}
	facts := p.engine.world.Facts
	if facts.Strict {
		for _, r := range p.engine.readings() {
			q := query{byPod: facts.Profile.Has(cni.BaselineByPod)}
			r.change(&q)
			other := p.openedToNode(c, p.ends(c, by, q.byPod, q.ignoring))
			e.allow, e.deny = append(e.allow, other.allow...), append(e.deny, other.deny...)
		}
		if facts.Enforces == verdict.Unknown {
			e.allow = append(e.allow, p.everything()...)
		}
	}
	out.sure = p.ports.without(slices.Clone(e.allow), e.deny)
	out.extra = p.ports.intersect(e.allow, e.deny)
	return out
}

// openedToNode lets the class's own node in past every policy, where the plugin does.
func (p *profiler) openedToNode(c int, e ends) ends {
	if p.dir != netpol.Ingress || !p.engine.world.Facts.Profile.Has(cni.NodeIngressOpen) {
		return e
	}
	own, perhaps := p.ownNode(c)
	e.allow = append(slices.Clip(e.allow), own, perhaps)
	e.deny = p.ports.without(slices.Clone(e.deny), region{own})
	return e
}

// ends asks the tiers in turn, as answer does for one attempt.
func (p *profiler) ends(c int, by selecting, byPod, ignoring bool) ends {
	if ignoring {
		by.ordered = [3][]chosen{}
	}
	admin := p.adminTier(c, by.ordered[netpol.Admin])
	out := ends{slices.Clip(admin.accept), slices.Clip(admin.deny)}
	rest := admin.next
	if len(by.sure)+len(by.maybe) > 0 {
		a := p.admissions(c, by)
		out.allow = append(out.allow, p.ports.intersect(rest, slices.Concat(a.sure, a.extra))...)
		out.deny = append(out.deny, p.ports.without(slices.Clone(rest), a.sure)...)
	}
	if len(by.sure) > 0 {
		return out
	}
	if byPod && by.atAll != netpol.No {
		out.allow = append(out.allow, rest...)
		if by.atAll == netpol.Yes {
			return out
		}
	}
	baseline := p.tier(c, by.ordered[netpol.Baseline], rest)
	p.note(by, baseline)
	out.allow = append(append(out.allow, baseline.accept...), baseline.next...)
	out.deny = append(out.deny, baseline.deny...)
	return out
}

// note remembers the readings of the world that matter to this class.
func (p *profiler) note(by selecting, baseline tierRegions) {
	if by.atAll != netpol.No && len(baseline.deny) > 0 {
		p.asked.baseline = true
	}
}

// adminTier asks the Admin tier about everything, once for classes it treats alike.
func (p *profiler) adminTier(c int, policies []chosen) tierRegions {
	if len(policies) == 0 {
		return tierRegions{next: p.everything()}
	}
	p.asked.cluster = true
	key := string(p.tierKey(policies, c))
	out, ok := p.admin[key]
	if !ok {
		out = p.tier(c, policies, p.everything())
		p.admin[key] = out
	}
	return out
}

// tier asks the policies of an ordered tier, which are in the order of their priority,
// about a region.
func (p *profiler) tier(c int, policies []chosen, rest region) tierRegions {
	var out tierRegions
	for len(policies) > 0 && len(rest) > 0 {
		n := 1
		for n < len(policies) && p.priority(policies[n]) == p.priority(policies[0]) {
			n++
		}
		rest = p.equals(c, policies[:n], rest, &out)
		policies = policies[n:]
		p.asked.cluster = true
	}
	out.next = append(out.next, rest...)
	return out
}

func (p *profiler) priority(ch chosen) int32 { return p.policies[ch.policy].Priority }

// equals asks policies of one priority, each of which may come first, and returns where
// none of them may match.
func (p *profiler) equals(c int, policies []chosen, rest region, out *tierRegions) region {
	left := rest
	for i, ch := range policies {
		own := p.rules(c, ch, rest, out)
		if i == 0 {
			left = own
		} else {
			left = p.ports.intersect(left, own)
		}
	}
	return left
}

// rules asks the rules of one policy in their order, and returns where none may match.
func (p *profiler) rules(c int, ch chosen, rest region, out *tierRegions) region {
	left := slices.Clone(rest)
	for _, t := range p.termsOf(ch.policy) {
		sure, extra := p.matched(c, t)
		hit := p.ports.intersect(left, slices.Concat(sure, extra))
		switch t.action {
		case netpol.Accept:
			out.accept = append(out.accept, hit...)
		case netpol.Deny:
			out.deny = append(out.deny, hit...)
		case netpol.Pass:
			out.next = append(out.next, hit...)
		default:
			continue
		}
		left = p.ports.without(left, sure)
	}
	if !ch.sure {
		return rest
	}
	return left
}
