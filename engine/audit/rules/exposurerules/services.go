package exposurerules

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A led is a Service that leads to a door.
type led struct {
	service *snapshot.Service
	door    door
	port    snapshot.ServicePort
}

// leading lists the Services that are asked for and lead to one of the doors, each once
// for a door.
func leading(world *snapshot.Snapshot, doors []door, ask func(*snapshot.Service) bool) []led {
	var out []led
	in := candidates(world, ask)
	for _, d := range doors {
		for _, svc := range in[d.ref.Namespace] {
			if sp, ok := leadsTo(svc, d); ok {
				out = append(out, led{svc, d, sp})
			}
		}
	}
	return out
}

// candidates are the Services that were read and those that operators will create, by
// namespace, as far as they are asked for.
func candidates(world *snapshot.Snapshot, ask func(*snapshot.Service) bool) map[string][]*snapshot.Service {
	out := map[string][]*snapshot.Service{}
	seen := map[*snapshot.Service]bool{}
	take := func(list []*snapshot.Service) {
		for _, svc := range list {
			if !seen[svc] && ask(svc) {
				out[svc.Namespace] = append(out[svc.Namespace], svc)
			}
			seen[svc] = true
		}
	}
	take(world.Services)
	for _, s := range world.Servers {
		take(s.Services)
		for _, p := range s.Poolers {
			take(p.Services)
		}
	}
	return out
}

// ofType asks for Services of a type.
func ofType(kind string) func(*snapshot.Service) bool {
	return func(svc *snapshot.Service) bool { return svc.Type == kind }
}

// exposed asks for Services that take connections from beyond the cluster.
func exposed(svc *snapshot.Service) bool {
	return svc.Type == "LoadBalancer" || svc.Type == "NodePort" || len(svc.ExternalIPs) > 0
}

func leadsTo(svc *snapshot.Service, d door) (snapshot.ServicePort, bool) {
	for _, sp := range svc.Ports {
		if leadsBy(svc, sp, d) {
			return sp, true
		}
	}
	return snapshot.ServicePort{}, false
}

func leadsBy(svc *snapshot.Service, sp snapshot.ServicePort, d door) bool {
	return slices.ContainsFunc(d.pods, func(pod *snapshot.Pod) bool {
		return isBehind(svc, pod) && slices.Contains(d.ports, sp.PodPort(pod))
	})
}

func isBehind(svc *snapshot.Service, pod *snapshot.Pod) bool {
	if len(svc.Selector) == 0 {
		return slices.Contains(svc.Backends, pod)
	}
	return svc.Namespace == pod.Namespace && svc.Selector.Match(pod.Labels) != netpol.No
}
