package network

import (
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Comparison lays two estates over each other and answers for single attempts what
// changed them. It is not safe for concurrent use.
type Comparison struct {
	explainer *explainer
	classes   [2]map[*snapshot.Pod]int32 // joint classes
	spots     map[*snapshot.Pod]int32    // of pods of the new estate
	twins     [2]map[*snapshot.Pod]*snapshot.Pod
	// reached is of changed, once it was asked for.
	reached []bool
}

// Compare prepares a Comparison.
func Compare(old, next *Engine) *Comparison {
	j := join(compiled(old, next))
	c := &Comparison{explainer: newExplainer(j), spots: map[*snapshot.Pod]int32{}}
	for _, v := range ages {
		c.classes[v], c.twins[v] = map[*snapshot.Pod]int32{}, map[*snapshot.Pod]*snapshot.Pod{}
	}
	for n, s := range j.spots {
		for _, p := range s.pods[after] {
			c.spots[p] = int32(n) //nolint:gosec // far below 2^31
		}
		for _, v := range ages {
			for i, p := range s.pods[v] {
				c.classes[v][p], c.twins[v][p] = s.class, s.pods[1-v][i]
			}
		}
	}
	return c
}

// Edits are all that was changed and a policy could see.
func (c *Comparison) Edits() []*Edit { return c.explainer.edits.list }

// After returns the pod of the new estate that an old one is; nil for one that is gone.
func (c *Comparison) After(old *snapshot.Pod) *snapshot.Pod { return c.twins[before][old] }

// Before returns the pod of the old estate that a new one was; nil for one that was added.
func (c *Comparison) Before(next *snapshot.Pod) *snapshot.Pod { return c.twins[after][next] }

// A Kin is what Causes depends on of two pods beside the port: attempts of one Kin have
// the same causes where both answers are the same. The zero value is of pods that not
// both estates have.
type Kin struct {
	edits    editSet
	from, to int32
	both     bool
}

// Kin returns that of two pods of the new estate.
func (c *Comparison) Kin(from, to *snapshot.Pod) Kin {
	a, ok := c.spots[from]
	b, ok2 := c.spots[to]
	if !ok || !ok2 {
		return Kin{}
	}
	x := c.explainer
	k := Kin{edits: x.relevant(a, b), both: true}
	if len(x.edits.sets[k.edits]) > 1 {
		k.from, k.to = x.spots[a].class, x.spots[b].class
	}
	return k
}

// Causes returns the edits that made the answer to an attempt another, and how far that
// is proven. The attempt is that of the new estate. Of ends that only one estate has,
// and of pods that no estate holds, nothing is known: it returns all edits that may
// matter to what is known.
func (c *Comparison) Causes(a Attempt) ([]*Edit, Proof) {
	x := c.explainer
	t := trial{ledger: x.edits, protocol: a.Protocol, port: a.Port}
	edits, whole := editSet(0), true
	for i, end := range []Endpoint{a.From, a.To} {
		var touching editSet
		touching, t.ends[i], whole = c.end(netpol.Directions[1-i], end, whole)
		edits = x.edits.union(edits, touching)
	}
	was := verdict.Unknown
	if whole {
		was = x.edits.engines[before].Pass(t.at(before))
		if was == x.edits.engines[after].Pass(t.at(after)) {
			return nil, ProofEach
		}
	}
	if !whole || len(x.edits.sets[edits]) <= 1 {
		return c.named(edits), map[bool]Proof{true: ProofEach, false: ProofAmong}[whole]
	}
	causes, proof := x.causes(&t, edits, was)
	return c.named(causes), proof
}

// end is an end of an attempt in both estates, with the edits that may matter to it.
func (c *Comparison) end(dir netpol.Direction, at Endpoint, whole bool) (editSet, stand, bool) {
	x := c.explainer
	if at.Pod != nil {
		old := c.Before(at.Pod)
		if old == nil {
			return 0, stand{}, false
		}
		pods := [2]*snapshot.Pod{old, at.Pod}
		return x.edits.touching(dir, pods, x.classes[c.classes[after][at.Pod]].edits), stand{pods: pods}, whole
	}
	if at.Virtual != nil || at.OutsideUnknown || at.Outside.IsEmpty() {
		return 0, stand{}, false
	}
	return 0, outsideStand(at.Outside.Prefixes()[0].Addr()), whole // what matters to it does to the other end
}

func (c *Comparison) named(edits editSet) []*Edit {
	var out []*Edit
	for _, e := range c.explainer.edits.sets[edits] {
		out = append(out, c.explainer.edits.list[e])
	}
	return out
}

// sameContainerPort leaves out where a port is written.
func sameContainerPort(a, b snapshot.ContainerPort) bool {
	return a.Name == b.Name && a.Protocol == b.Protocol && a.Port == b.Port
}
