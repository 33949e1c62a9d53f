package exposurerules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An outsideWay leads from beyond the cluster to a port of pods: an exposed Service, or a
// route through a proxy.
type outsideWay struct {
	door    door
	service *snapshot.Service
	route   *snapshot.Route // nil where the Service itself is exposed
	port    snapshot.ServicePort
	name    string
	origin  verdict.Origin
	// shut says what to do to close it; assumptions are what it rests on.
	shut        string
	assumptions []string
}

// ways are all of them, by the namespace of the Service.
type ways struct {
	services map[string][]*snapshot.Service
	routes   map[string][]routed
}

// A routed is a route with the Service port it leads to.
type routed struct {
	route   *snapshot.Route
	service *snapshot.Service
	port    snapshot.ServicePort
	origin  verdict.Origin // of the backend
}

// outsideWays finds the exposed Services and the backends of routes.
func outsideWays(world *snapshot.Snapshot) ways {
	w := ways{services: candidates(world, exposed), routes: map[string][]routed{}}
	named := map[snapshot.Ref]*snapshot.Service{}
	for _, list := range candidates(world, func(*snapshot.Service) bool { return true }) {
		for _, svc := range list {
			named[svc.Ref()] = svc
		}
	}
	for _, r := range world.Routes {
		for _, b := range r.Backends {
			svc := behind(named, b)
			if svc == nil {
				continue
			}
			for _, sp := range svc.Ports {
				if b.PortName != "" && b.PortName == sp.Name || b.PortName == "" && (b.Port == sp.Port || b.Port == 0) {
					w.routes[svc.Namespace] = append(w.routes[svc.Namespace], routed{r, svc, sp, b.Origin})
				}
			}
		}
	}
	return w
}

// behind is the Service of a backend, or the one that it is an alias of.
func behind(named map[snapshot.Ref]*snapshot.Service, b snapshot.RouteBackend) *snapshot.Service {
	svc := named[snapshot.Ref{Kind: "Service", Namespace: b.Namespace, Name: b.Service}]
	if svc == nil || svc.Type != "ExternalName" {
		return svc
	}
	parts := strings.Split(strings.TrimSuffix(svc.ExternalName, "."), ".")
	if len(parts) < 2 {
		return nil
	}
	return named[snapshot.Ref{Kind: "Service", Namespace: parts[1], Name: parts[0]}]
}

// to lists the ways to a door.
func (w ways) to(d door) []outsideWay {
	var out []outsideWay
	for _, svc := range w.services[d.ref.Namespace] {
		for _, sp := range svc.Ports {
			if leadsBy(svc, sp, d) {
				out = append(out, throughService(d, svc, sp))
			}
		}
	}
	for _, r := range w.routes[d.ref.Namespace] {
		if leadsBy(r.service, r.port, d) {
			out = append(out, outsideWay{door: d, service: r.service, route: r.route, port: r.port, name: r.route.String(), origin: r.origin,
				shut: "take the backend away", assumptions: []string{snapshot.AssumeGatewayOpen}})
		}
	}
	return slices.CompactFunc(out, func(a, b outsideWay) bool { return a.service == b.service && a.route == b.route })
}

func throughService(d door, svc *snapshot.Service, sp snapshot.ServicePort) outsideWay {
	return outsideWay{door: d, service: svc, port: sp, name: exposureOf(svc), origin: edit(svc, "type"), shut: shut(svc)}
}

// exposureOf names what exposes a Service.
func exposureOf(svc *snapshot.Service) string {
	kind := "of type " + svc.Type
	if svc.Type == "ClusterIP" {
		kind = "with external IPs"
	}
	return fmt.Sprintf("%s, %s,", svc.Ref(), kind)
}

// limited reports whether only named ranges get in.
func (w outsideWay) limited() bool {
	list := w.service.SourceRanges
	switch {
	case w.route != nil:
		list = w.route.Sources
	case w.service.Type != "LoadBalancer" || len(w.service.ExternalIPs) > 0:
		return false
	}
	return len(list) > 0 && !slices.ContainsFunc(list, isWide)
}

// finding begins one about the way.
func (w outsideWay) finding() audit.Finding {
	return audit.Finding{Origin: w.origin, Certain: !unsettled(w.door.server, w.service), Assumptions: w.assumptions}
}
