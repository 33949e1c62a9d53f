package reach

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// throughRoutes are the ways by those of the routes that are asked for which lead to the
// port of a Service that the way goes through: one for each of the proxy's pods, since
// that is who the pod sees.
func (e *Engine) throughRoutes(w way, ask func(*snapshot.Route) bool) []way {
	var out []way
	for _, r := range e.World.Routes {
		if ask(r) && leadsTo(r, e.alias(w.service), *w.entry) {
			out = append(out, e.proxiedBy(w, r, e.alias(w.service))...)
		}
	}
	return out
}

// speaksTCP reports whether a route passes connections on as they are: no other leads to
// PostgreSQL.
func speaksTCP(r *snapshot.Route) bool { return r.TCP }

// anyRoute is for what listens to HTTP too.
func anyRoute(*snapshot.Route) bool { return true }

// proxiedBy is a way as a route's proxy takes it.
func (e *Engine) proxiedBy(w way, r *snapshot.Route, svc *snapshot.Service) []way {
	d := door{kind: proxied, name: r.String(), service: svc, route: r, origin: r.Origin,
		facts: map[string]string{"route": r.String(), "service": svc.Namespace + "/" + svc.Name}}
	w.door, w.through, w.seen = &d, d.name, SeenProxy
	w.as = &network.Endpoint{OutsideUnknown: true}
	pods := e.proxies(r)
	if len(pods) == 0 {
		return []way{w}
	}
	out := make([]way, len(pods))
	for i, p := range pods {
		out[i] = w
		from := network.PodEndpoint(p)
		out[i].as = &from
	}
	return out
}

// leadsTo reports whether a route has the port of a Service for a backend.
func leadsTo(r *snapshot.Route, svc *snapshot.Service, sp snapshot.ServicePort) bool {
	return slices.ContainsFunc(r.Backends, func(b snapshot.RouteBackend) bool {
		return b.Namespace == svc.Namespace && b.Service == svc.Name &&
			(b.PortName != "" && b.PortName == sp.Name || b.PortName == "" && b.Port == sp.Port)
	})
}

// The labels by which the pods of a proxy are found. The first is on what an
// implementation makes for a Gateway, in the Gateway's namespace (Gateway API,
// "Automated Deployments", GEP-1762); the others are those of Envoy Gateway, of
// OpenShift's router, and of charts, which name the program.
const (
	gatewayName        = "gateway.networking.k8s.io/gateway-name"
	envoyGatewayName   = "gateway.envoyproxy.io/owning-gateway-name"
	envoyGatewaySpace  = "gateway.envoyproxy.io/owning-gateway-namespace"
	openshiftRouter    = "ingresscontroller.operator.openshift.io/deployment-ingresscontroller"
	applicationName    = "app.kubernetes.io/name"
	applicationPart    = "app.kubernetes.io/component"
	openshiftRouteKind = "Route"
)

// proxies are the pods that take a route's connections in; none where they are not known.
func (e *Engine) proxies(r *snapshot.Route) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, w := range e.World.Workloads {
		for _, p := range w.Pods {
			if isProxy(p, r) {
				out = append(out, p)
			}
		}
	}
	return out
}

// IsProxy reports whether a pod takes in the connections of some route.
func (e *Engine) IsProxy(p *snapshot.Pod) bool {
	return slices.ContainsFunc(e.World.Routes, func(r *snapshot.Route) bool { return isProxy(p, r) })
}

func isProxy(p *snapshot.Pod, r *snapshot.Route) bool {
	has := p.Labels.Set
	for _, g := range r.Gateways {
		if has[gatewayName] == g.Name && p.Namespace == g.Namespace ||
			has[envoyGatewayName] == g.Name && has[envoyGatewaySpace] == g.Namespace {
			return true
		}
	}
	switch {
	case len(r.Gateways) > 0:
		return false
	case r.Kind == openshiftRouteKind:
		return has[openshiftRouter] != ""
	case r.Class == "" || has[applicationPart] != "" && has[applicationPart] != "controller":
		return false
	}
	return slices.Contains([]string{r.Class, "ingress-" + r.Class, r.Class + "-ingress"}, has[applicationName])
}

// proxy says from whom the proxy of a route takes connections: from those that an
// annotation names, else, as is assumed, from all.
func (e *Engine) proxy(from network.Endpoint, r *snapshot.Route, step verdict.Step) verdict.Step {
	step.Reason = "route/leads-to"
	if len(r.Sources) > 0 {
		step = only(step, from, flow.AddressesOf(r.Sources...), "route/sources", r.Origin)
	}
	if step.Verdict == verdict.Allow {
		return e.assume(step, snapshot.AssumeGatewayOpen)
	}
	return step
}

// unknownProxy is what policies come to for a proxy that nobody knows the pods of: they
// may admit just those.
func unknownProxy(step verdict.Step, d door) verdict.Step {
	step.Verdict, step.Reason = verdict.Unknown, "route/proxy-unknown"
	step.Facts = map[string]string{"route": d.name}
	return step
}

// passedOn is the step of a route that takes only sessions which begin with TLS, for a
// session in plain text; none for others.
func passedOn(w way, s Session) []verdict.Step {
	if s.TLS || !w.tlsOnly() {
		return nil
	}
	return []verdict.Step{{Layer: verdict.Service, Verdict: verdict.Deny, Reason: "route/tls-only",
		Origin: w.door.origin, Facts: w.door.facts}}
}

// tlsOnly reports whether a way is by a route that takes only sessions which begin with
// TLS: those are told apart by the name they ask for.
func (w way) tlsOnly() bool {
	return w.door != nil && w.door.kind == proxied && w.door.route.TLS == verdict.Allow
}
