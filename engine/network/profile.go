package network

import (
	"encoding/binary"
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A profile is what classes with the same selecting policies, and the same numbers
// behind the port names those use, are admitted in one direction: sure, and beyond
// that extra, which depends on a fact that is missing.
type profile struct {
	sure, extra region
	// refuses says that a policy, if it is enforced, refuses something.
	refuses bool
	classes []int32
}

// profiler finds the profile of each class in one direction.
type profiler struct {
	*matcher
	ports *portSets
	dir   netpol.Direction
	// policies are the NetworkPolicies and after them those of the ordered tiers.
	policies []*netpol.Policy
	terms    [][]terms // of a policy, when first used
	profiles []*profile
	of       []int32 // the profile of a class
	doubted  set     // classes of namespaces in doubt
	// onHost are the classes on the host network; byNode those of them by the name of
	// their node, empty where nobody knows.
	onHost set
	byNode map[string]set
	// admin remembers what the Admin tier makes of everything, by the policies asked.
	admin map[string]tierRegions
	asked readingsAsked
}

// readingsAsked are the readings of the world that some profile rests on.
type readingsAsked struct{ cluster, baseline bool }

func newProfiler(m *matcher, ports *portSets, dir netpol.Direction) *profiler {
	policies := slices.Concat(m.engine.world.Policies, m.engine.ordered[netpol.Admin], m.engine.ordered[netpol.Baseline])
	p := &profiler{
		matcher: m, ports: ports, dir: dir, policies: policies, admin: map[string]tierRegions{},
		terms: make([][]terms, len(policies)), of: make([]int32, len(m.classes)),
	}
	p.doubted = p.inDoubt()
	p.onHost, p.byNode = p.hostClasses()
	return p
}

func (p *profiler) inDoubt() set {
	var list []int32
	if len(p.engine.world.Problems) == 0 {
		return set{}
	}
	for ns, classes := range p.byNamespace {
		if len(p.engine.world.PoliciesInDoubt(ns)) > 0 {
			list = append(list, classes...)
		}
	}
	return listSet(list).packed(len(p.classes))
}

// selecting are the policies, by number, that have a say over a class.
type selecting struct {
	// sure and maybe are the NetworkPolicies that isolate it in this direction.
	sure, maybe []int32
	// atAll asks whether a NetworkPolicy selects it in whichever direction.
	atAll netpol.Match
	// ordered are those of the ordered tiers, in the order they are asked.
	ordered [3][]chosen
}

// chosen is a policy of an ordered tier that surely, or perhaps, applies to a class.
type chosen struct {
	policy int32
	sure   bool
}

func (by selecting) hasOrdered() bool {
	return len(by.ordered[netpol.Admin]) > 0 || len(by.ordered[netpol.Baseline]) > 0
}

// run gives each class its profile.
func (p *profiler) run() {
	by := p.selections()
	ids := map[string]int32{}
	for c := range p.classes {
		key := p.key(c, by[c])
		id, ok := ids[key]
		if !ok {
			id = int32(len(p.profiles)) //nolint:gosec // far below 2^31
			p.profiles = append(p.profiles, p.profile(c, by[c]))
			ids[key] = id
		}
		p.of[c] = id
		p.profiles[id].classes = append(p.profiles[id].classes, int32(c))
	}
}

func (p *profiler) selections() []selecting {
	by := make([]selecting, len(p.classes))
	for c := range by {
		by[c].atAll = netpol.No
	}
	for i, policy := range p.policies {
		n := int32(i) //nolint:gosec // far below 2^31
		b := p.peer(policy.Namespace, netpol.Peer{Namespaces: policy.Namespaces, Pods: &policy.Pods})
		doubt := b.maybe.minus(b.sure)
		switch {
		case policy.Tier.IsOrdered():
			if len(policy.Rules[p.dir]) > 0 {
				b.maybe.each(func(c int32) {
					by[c].ordered[policy.Tier] = append(by[c].ordered[policy.Tier], chosen{n, b.sure.has(c)})
				})
			}
			continue
		case policy.Isolates[p.dir]:
			b.sure.each(func(c int32) { by[c].sure = append(by[c].sure, n) })
			doubt.each(func(c int32) { by[c].maybe = append(by[c].maybe, n) })
		}
		b.sure.each(func(c int32) { by[c].atAll = netpol.Yes })
		doubt.each(func(c int32) { by[c].atAll = either(by[c].atAll, netpol.Unsure) })
	}
	return by
}

// stance is how far policies have a say over a class.
type stance byte

const (
	ruled  stance = iota // policies decide
	open                 // whatever policies say, everything passes
	absent               // it cannot use the family of the view
	hidden               // nothing is known
)

// stance follows the guards of Decide, in their order.
func (p *profiler) stance(c int) stance {
	e, pod := p.engine, p.classes[c].pod
	resting := e.world.Facts.Strict && len(e.standing) > 0
	switch {
	case !e.canUse(p.family, pod):
		return absent
	case slices.ContainsFunc(e.dialects[p.dir], func(u snapshot.Unmodelled) bool { return u.MayTouch(pod) }):
		return hidden
	case e.world.Facts.Enforces == verdict.Deny:
		return open
	case resting:
		return hidden
	case pod.HostNetwork:
		return open
	case p.doubted.words != nil || len(p.doubted.list) > 0:
		if p.doubted.has(int32(c)) { //nolint:gosec // far below 2^31
			return hidden
		}
	}
	return ruled
}

// key is equal for classes of one profile.
func (p *profiler) key(c int, by selecting) string {
	key := []byte{byte(p.stance(c))}
	if p.stance(c) != ruled {
		return string(key)
	}
	numbers := slices.Concat(by.sure, by.maybe)
	for _, list := range [][]int32{by.sure, by.maybe} {
		key = binary.AppendUvarint(key, uint64(len(list)))
		for _, i := range list {
			key = binary.AppendUvarint(key, uint64(i)) //nolint:gosec // never negative
		}
	}
	if len(numbers) > 0 || by.hasOrdered() {
		node := p.engine.nodeName(p.classes[c].pod)
		key = append(binary.AppendUvarint(key, uint64(len(node))), node...)
	}
	if p.engine.maybeOpen(p.classes[c].pod) {
		key = append(key, 'o')
	}
	if by.hasOrdered() {
		key = append(key, '|', byte(by.atAll))
	}
	for _, tier := range netpol.Tiers {
		if len(by.ordered[tier]) > 0 {
			key = append(append(key, byte(tier)), p.tierKey(by.ordered[tier], c)...)
		}
	}
	return string(p.appendNamed(key, c, numbers))
}

// tierKey is equal for classes that the tier treats alike.
func (p *profiler) tierKey(policies []chosen, c int) []byte {
	key := binary.AppendUvarint(nil, uint64(len(policies)))
	var numbers []int32
	for _, ch := range policies {
		sure := uint64(0)
		if ch.sure {
			sure = 1
		}
		key = binary.AppendUvarint(key, uint64(ch.policy)<<1|sure) //nolint:gosec // never negative
		numbers = append(numbers, ch.policy)
	}
	return p.appendNamed(key, c, numbers)
}

// appendNamed writes the numbers behind the port names that policies use towards c.
func (p *profiler) appendNamed(key []byte, c int, policies []int32) []byte {
	if p.dir == netpol.Egress {
		return key
	}
	for _, i := range policies {
		for _, t := range p.termsOf(i) {
			for _, name := range t.names {
				key = binary.BigEndian.AppendUint16(key, p.classes[c].pod.NamedPort(name.name, name.protocol))
			}
		}
	}
	return key
}

// everything is the whole space.
func (p *profiler) everything() region { return region{{p.all, flow.AllAddresses(), allPorts}} }

// profile builds what a class is admitted; answer tells why the bounds are these.
func (p *profiler) profile(c int, by selecting) *profile {
	out := &profile{}
	switch p.stance(c) {
	case open:
		out.sure = p.everything()
		return out
	case hidden:
		out.extra = p.everything()
		return out
	case absent:
		return out
	}
	if by.hasOrdered() {
		out = p.tiered(c, by)
	} else {
		out = p.additive(c, by)
	}
	if p.engine.maybeOpen(p.classes[c].pod) && out.refuses {
		out.extra = append(out.extra, p.everything()...)
	}
	p.hidePeers(out)
	return out
}

// additive is the profile of a class that only NetworkPolicies have a say over.
func (p *profiler) additive(c int, by selecting) *profile {
	facts := p.engine.world.Facts
	a := p.admissions(c, by)
	out := &profile{sure: a.sure, extra: a.extra, refuses: len(by.sure) > 0}
	switch {
	case len(by.sure) == 0 && len(by.maybe) == 0:
		out.sure = p.everything()
	case len(by.sure) == 0:
		out.extra = p.everything()
	case facts.Strict && facts.Enforces == verdict.Unknown:
		out.extra = append(out.extra, p.everything()...)
	}
	return out
}

// admissions returns what the NetworkPolicies over a class admit: surely, and beyond
// that perhaps. A policy that may not select it may also be the only one that does.
func (p *profiler) admissions(c int, by selecting) (out struct{ sure, extra region }) {
	for _, i := range by.sure {
		sure, extra := p.grants(c, i)
		out.sure, out.extra = append(out.sure, sure...), append(out.extra, extra...)
	}
	for k, i := range by.maybe {
		sure, extra := p.grants(c, i)
		out.extra = append(append(out.extra, sure...), extra...)
		switch {
		case len(by.sure) > 0:
		case k == 0:
			out.sure = sure
		default:
			out.sure = p.ports.intersect(out.sure, sure)
		}
	}
	if len(by.sure)+len(by.maybe) == 0 {
		return out
	}
	own, perhaps := p.ownNode(c)
	if !own.isEmpty() {
		out.sure = append(slices.Clip(out.sure), own)
	}
	if !perhaps.isEmpty() {
		out.extra = append(out.extra, perhaps)
	}
	return out
}

// hidePeers leaves open what passes from and to classes in doubt: they may be any pods.
func (p *profiler) hidePeers(out *profile) {
	if p.doubted.isEmpty() {
		return
	}
	for i := range out.sure {
		out.sure[i].classes = out.sure[i].classes.minus(p.doubted)
	}
	out.extra = append(out.extra, grant{classes: p.doubted, ports: allPorts})
}
