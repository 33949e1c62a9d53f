package change

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// mostMoved bounds the clients that are asked one by one whether they reach a server; of
// more, every server is compared in full.
const mostMoved = 500

// A calm says of which servers nothing can have changed, so that of two large estates
// only what somebody touched is compared in full. It may say too few, never too many.
type calm struct {
	*comparer
	// whole says that what all servers share is the same: facts, nodes, routes, mesh
	// objects, and that all of it could be read.
	whole bool
	// names says that names resolve as they did, for clients that did not move.
	names bool
	// services and pods are the namespaces in which some are not the same.
	services, pods map[string]bool
	// moved are the clients that only one estate has, or that are not the same in both.
	moved [2][]*snapshot.Pod
}

func (c *comparer) calmness() *calm {
	k := &calm{comparer: c, services: map[string]bool{}, pods: map[string]bool{}}
	old, next := c.engines[before].World, c.engines[after].World
	k.whole = len(old.Problems)+len(next.Problems) == 0 && !old.HasMesh() && !next.HasMesh() &&
		alike(timeless(old.Facts), timeless(next.Facts)) && alike(old.Nodes, next.Nodes) && alike(old.Routes, next.Routes) && alike(old.Skipped, next.Skipped) &&
		alike(old.Standing(), next.Standing())
	if !k.whole {
		return k
	}
	k.compareServices(old, next)
	k.findMoved()
	k.names = k.sameResolver()
	return k
}

// timeless are facts without the time at which they were read.
func timeless(f snapshot.Facts) snapshot.Facts {
	f.Now = 0
	return f
}

// compareServices finds the namespaces whose Services are not the same.
func (k *calm) compareServices(old, next *snapshot.Snapshot) {
	was := map[snapshot.Ref]*snapshot.Service{}
	for _, s := range old.Services {
		was[s.Ref()] = s
	}
	for _, s := range next.Services {
		if before, known := was[s.Ref()]; !known || !alike(describe(before), describe(s)) {
			k.services[s.Namespace] = true
		}
		delete(was, s.Ref())
	}
	for ref := range was {
		k.services[ref.Namespace] = true
	}
}

// describe is a Service with its endpoints by name: what became of those pods is told of
// the pods.
func describe(s *snapshot.Service) any {
	own := *s
	own.Backends = nil
	var names []string
	for _, p := range s.Backends {
		names = append(names, p.Ref().String())
	}
	return struct {
		Service snapshot.Service
		Names   []string
	}{own, names}
}

// findMoved finds the pods that are not in both estates the same.
func (k *calm) findMoved() {
	for v, pods := range k.comparer.pods {
		for _, p := range pods {
			twin := k.network.Before(p)
			if age(v) == before {
				twin = k.network.After(p)
			}
			if twin == nil || !samePod(p, twin) {
				k.moved[v] = append(k.moved[v], p)
				k.pods[p.Namespace] = true
				k.whole = k.whole && !k.engines[v].IsProxy(p) // it may be who a server sees
			}
		}
	}
	k.whole = k.whole && len(k.moved[before])+len(k.moved[after]) <= mostMoved
}

// samePod compares pods by themselves, as clients and as what Services lead to.
func samePod(a, b *snapshot.Pod) bool {
	x, y := *a, *b
	for _, p := range []*snapshot.Pod{&x, &y} {
		p.Workload, p.Images, p.ServiceAccount, p.Demands = nil, nil, "", nil // no layer that is decided sees them
	}
	return alike(x, y)
}

// sameResolver reports whether every client that did not move resolves names as it did.
func (k *calm) sameResolver() bool {
	was, inside := k.engines[before].Resolvers()
	now, stillInside := k.engines[after].Resolvers()
	switch {
	case inside != stillInside:
		return false
	case inside:
		return len(was) == len(now) && !slices.ContainsFunc(now, func(p *snapshot.Pod) bool {
			return !slices.Contains(was, k.network.Before(p)) || slices.Contains(k.moved[after], p) || !k.network.IsSame(p)
		})
	}
	k.moveSenders()
	home := k.engines[after].ResolverNamespace()
	return alike(k.engines[before].World.Namespaces[home], k.engines[after].World.Namespaces[home])
}

// moveSenders counts as moved whose egress may have changed: where resolvers are no pods of
// the estate, nothing else tells who still gets to them.
func (k *calm) moveSenders() {
	for v, list := range k.comparer.pods {
		for _, p := range list {
			next := p
			if age(v) == before {
				next = k.network.After(p)
			}
			if next != nil && !k.network.SendsAlike(next) {
				k.moved[v] = append(k.moved[v], p)
			}
		}
	}
	k.whole = k.whole && len(k.moved[before])+len(k.moved[after]) <= mostMoved
}

// isSame reports whether surely all that is asked of a server by clients, and of its
// control ports, is answered the same.
func (k *calm) isSame(pair serverPair) bool {
	if !k.whole || !k.names || !pair.both() || !alike(answering(pair[before]), answering(pair[after])) {
		return false
	}
	for _, p := range targets(pair[after]) {
		if k.services[p.Namespace] || k.pods[p.Namespace] || !k.network.IsSame(p) {
			return false
		}
	}
	if hasAlias(pair[after]) && len(k.services) > 0 {
		return false
	}
	return !k.reachedByMoved(pair)
}

// answering is of a server what its answers to clients depend on, but for policies and
// for pods of others.
func answering(s *snapshot.Server) snapshot.Server {
	out := *s
	out.Vital, out.Settings, out.Disagreements, out.Unsettled, out.Secrets, out.Source = nil, nil, nil, nil, nil, nil
	return out
}

// targets are the pods of a server that clients talk to.
func targets(s *snapshot.Server) []*snapshot.Pod {
	out := s.Members()
	for _, p := range s.Poolers {
		out = append(out, p.Workload.Pods...)
	}
	return out
}

func hasAlias(s *snapshot.Server) bool {
	lists := [][]*snapshot.Service{s.Services}
	for _, p := range s.Poolers {
		lists = append(lists, p.Services)
	}
	for _, list := range lists {
		for _, svc := range list {
			if svc.Type == "ExternalName" {
				return true
			}
		}
	}
	return false
}

// reachedByMoved reports whether a client that moved gets, or may get, packets to the
// server, so that there is something to tell of it.
func (k *calm) reachedByMoved(pair serverPair) bool {
	for v, clients := range k.moved {
		for _, to := range targets(pair[v]) {
			for _, port := range listening(pair[v], to) {
				for _, from := range clients {
					if k.engines[v].Pass(from, to, port) != verdict.Deny {
						return true
					}
				}
			}
		}
	}
	return false
}

// listening are the ports of a pod that answers are about.
func listening(s *snapshot.Server, p *snapshot.Pod) []uint16 {
	var out []uint16
	if pooler := s.PoolerOf(p.Workload); pooler != nil {
		return []uint16{pooler.Port}
	}
	for _, sp := range s.Ports {
		out = append(out, sp.Port)
	}
	for _, c := range s.Control {
		out = append(out, c.Port)
	}
	return out
}
