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

// leading lists the Services of a type that lead to PostgreSQL.
func leading(world *snapshot.Snapshot, kind string) []led {
	var out []led
	for _, d := range doors(world) {
		var seen []*snapshot.Service
		for _, svc := range candidates(world) {
			if svc.Type != kind || slices.Contains(seen, svc) {
				continue
			}
			if sp, ok := leadsTo(svc, d); ok {
				out = append(out, led{svc, d, sp})
				seen = append(seen, svc)
			}
		}
	}
	return out
}

// candidates are the Services that were read and those that operators will create.
func candidates(world *snapshot.Snapshot) []*snapshot.Service {
	out := slices.Clone(world.Services)
	for _, s := range world.Servers {
		out = append(out, s.Services...)
		for _, p := range s.Poolers {
			out = append(out, p.Services...)
		}
	}
	return out
}

func leadsTo(svc *snapshot.Service, d door) (snapshot.ServicePort, bool) {
	for _, sp := range svc.Ports {
		for _, pod := range d.pods {
			if isBehind(svc, pod) && slices.Contains(d.ports, sp.PodPort(pod)) {
				return sp, true
			}
		}
	}
	return snapshot.ServicePort{}, false
}

func isBehind(svc *snapshot.Service, pod *snapshot.Pod) bool {
	if len(svc.Selector) == 0 {
		return slices.Contains(svc.Backends, pod)
	}
	return svc.Namespace == pod.Namespace && svc.Selector.Match(pod.Labels) != netpol.No
}
