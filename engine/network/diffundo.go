package network

import (
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A stand is one end of an attempt in both estates: a pod, or an address outside.
type stand struct {
	pods    [2]*snapshot.Pod // nil for outside
	outside netip.Addr
}

func outsideStand(a netip.Addr) stand { return stand{outside: a} }

func (s stand) isOutside() bool { return s.pods[before] == nil }

func (s stand) at(v age) Endpoint {
	if s.isOutside() {
		return outsideAt(s.outside)
	}
	return PodEndpoint(s.pods[v])
}

func outsideAt(a netip.Addr) Endpoint {
	return OutsideEndpoint(flow.AddressesOf(netip.PrefixFrom(a, a.BitLen())))
}

// A trial is an attempt that can be made again with edits undone.
type trial struct {
	*ledger
	ends     [2]stand // from, to
	protocol flow.Protocol
	port     uint16
}

func (t *trial) attempt(from, to Endpoint) Attempt {
	return Attempt{From: from, To: to, Protocol: t.protocol, Port: t.port}
}

func (t *trial) at(v age) Attempt { return t.attempt(t.ends[0].at(v), t.ends[1].at(v)) }

// verdict makes the attempt in the new estate with some edits undone.
func (t *trial) verdict(undone []int32) verdict.Verdict {
	e := t.engine(undone)
	from := t.endpoint(t.ends[0], undone)
	to := from
	if t.ends[1].isOutside() || t.ends[1].pods[after] != t.ends[0].pods[after] {
		to = t.endpoint(t.ends[1], undone)
	}
	return e.Pass(t.attempt(from, to))
}

// engine decides as the new estate with edits undone would. What it takes from the
// whole estate it is told.
func (t *trial) engine(undone []int32) *Engine {
	e := New(t.variant(undone))
	whole := t.engines[after]
	if id, edited := t.facts[factFamilies]; edited && slices.Contains(undone, id) {
		whole = t.engines[before]
	}
	e.twoFamilies = whole.twoFamilies
	if len(t.nodesEdited) == 0 {
		e.world.Nodes, e.nodes, e.nodeRanges = t.world(after).Nodes, whole.nodes, whole.nodeRanges
	}
	return e
}

func (t *trial) endpoint(s stand, undone []int32) Endpoint {
	if s.isOutside() {
		return s.at(after)
	}
	p := s.pods[after]
	for _, field := range podFields {
		id, ok := t.pods[podField{p.Workload.Ref, field}]
		if ok && slices.Contains(undone, id) {
			mixed := *p
			takeField[field](&mixed, s.pods[before])
			p = &mixed
		}
	}
	return PodEndpoint(p)
}

// spaces are the namespaces of the ends, each once.
func (t *trial) spaceNames() []string {
	var out []string
	for _, s := range t.ends {
		if !s.isOutside() && !slices.Contains(out, s.pods[after].Namespace) {
			out = append(out, s.pods[after].Namespace)
		}
	}
	return out
}

// variant is the part of the new estate that matters to the attempt, with edits undone.
func (t *trial) variant(undone []int32) *snapshot.Snapshot {
	version := func(edit int32) age {
		if edit != none && slices.Contains(undone, edit) {
			return before
		}
		return after
	}
	world := t.world(after)
	out := &snapshot.Snapshot{Namespaces: map[string]*snapshot.Namespace{}, Facts: world.Facts, Skipped: world.Skipped, Problems: world.Problems,
		Coverage: world.Coverage, Missing: world.Missing}
	for field, id := range t.facts {
		if version(id) == before && takeFact[field] != nil {
			takeFact[field](out, t.world(before))
		}
	}
	if version(t.problems) == before {
		out.Problems = t.world(before).Problems
	}
	for _, name := range t.spaceNames() {
		id, edited := t.spaces[name]
		if !edited {
			id = none
		}
		out.Namespaces[name] = t.world(version(id)).NamespaceOf(name)
	}
	t.addPolicies(out, version)
	for _, n := range t.nodes {
		if len(t.nodesEdited) == 0 {
			break
		}
		if node := n.versions[version(n.edit)]; node != nil {
			out.Nodes = append(out.Nodes, node)
		}
	}
	for _, u := range t.unmodelled {
		if object := u.versions[version(u.edit)]; object != nil {
			out.Unmodelled = append(out.Unmodelled, *object)
		}
	}
	return out
}

// addPolicies adds those of the cluster and of the namespaces of the ends: no others
// have a say.
func (t *trial) addPolicies(out *snapshot.Snapshot, version func(int32) age) {
	for _, name := range append(t.spaceNames(), "") {
		for i := range t.policies[name] {
			two := &t.policies[name][i]
			p := two.versions[version(two.edit)]
			switch {
			case p == nil:
			case p.Tier.IsOrdered():
				out.ClusterPolicies = append(out.ClusterPolicies, p)
			default:
				out.Policies = append(out.Policies, p)
			}
		}
	}
}
