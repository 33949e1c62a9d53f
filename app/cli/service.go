package cli

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// strayServices resolves a Service that no server has for its own: one that is an
// alias of a server's, and one that leads nowhere, of which the answer says why. A
// Service in front of something else is none of them.
func strayServices(world *snapshot.Snapshot, r reference) []place {
	var out []place
	engine := reach.New(world)
	for _, svc := range world.Services {
		if !r.names(svc.Ref()) {
			continue
		}
		pods := engine.Backends(svc)
		if len(pods) == 0 {
			out = append(out, place{svc.Ref(), reach.Target{Service: svc}})
		} else if t, ok := inFront(world, pods); ok {
			t.Service = svc
			out = append(out, place{svc.Ref(), t})
		}
	}
	return out
}

// inFront finds the server, or the pooler of one, that one of the pods belongs to.
func inFront(world *snapshot.Snapshot, pods []*snapshot.Pod) (reach.Target, bool) {
	isOf := func(w *snapshot.Workload) bool {
		return slices.ContainsFunc(pods, func(p *snapshot.Pod) bool { return p.Workload == w })
	}
	for _, s := range world.Servers {
		if isOf(s.Workload) {
			return reach.Target{Server: s}, true
		}
		for _, p := range s.Poolers {
			if isOf(p.Workload) {
				return reach.Target{Server: s, Pooler: p}, true
			}
		}
	}
	return reach.Target{}, false
}
