// Package network decides what NetworkPolicy lets through: one attempt with its
// reason, or every pair of workloads with all their ports.
package network

import (
	"sync"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An Attempt is a packet that wants to open a connection. Port is the pod port,
// after DNAT.
type Attempt struct {
	From, To Endpoint
	Protocol flow.Protocol
	Port     uint16
}

// Engine decides over one snapshot. It is safe for concurrent use.
type Engine struct {
	world *snapshot.Snapshot
	// policies are those of a namespace, in the snapshot's order.
	policies map[string][]*netpol.Policy
	// dialects are the unmodelled policy objects of a direction.
	dialects [2][]snapshot.Unmodelled
	// standing are the assumptions that every answer from policies rests on.
	standing []string
	// podRanges are Facts.PodCIDRs.
	podRanges flow.Addresses
	// seen is what policies can see of pods; found when first asked for.
	seen func() *vision
	// compiled is built when whole sets are first asked for.
	compiled func() *estate
}

// New prepares an engine.
func New(world *snapshot.Snapshot) *Engine {
	e := &Engine{world: world, policies: map[string][]*netpol.Policy{}, standing: standing(world)}
	e.podRanges = flow.AddressesOf(world.Facts.PodCIDRs...)
	for _, p := range world.Policies {
		e.policies[p.Namespace] = append(e.policies[p.Namespace], p)
	}
	for _, u := range world.Unmodelled {
		if u.Layer != verdict.Egress && u.Layer != verdict.Ingress {
			continue
		}
		for _, dir := range netpol.Directions {
			if u.Directions[dir] {
				e.dialects[dir] = append(e.dialects[dir], u)
			}
		}
	}
	e.seen = sync.OnceValue(func() *vision { return visionOf(e) })
	e.compiled = sync.OnceValue(func() *estate { return compile(e) })
	return e
}

func standing(world *snapshot.Snapshot) []string {
	var out []string
	if !world.Facts.Complete {
		out = append(out, snapshot.AssumeComplete)
	}
	if len(world.Skipped) > 0 {
		out = append(out, snapshot.AssumeSkipped)
	}
	return out
}
