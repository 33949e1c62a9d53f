package kube

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A gatewayRouteSpec is what the routes of the Gateway API have in common.
type gatewayRouteSpec struct {
	Parents   []parentRef `json:"parentRefs"`
	Hostnames []string    `json:"hostnames"`
	Rules     []struct {
		Backends []backendRef  `json:"backendRefs"`
		Filters  []routeFilter `json:"filters"`
	} `json:"rules"`
}

type routeFilter struct {
	Type string `json:"type"`
}

func (f routeFilter) asks() bool { return f.Type == externalAuth }

// asks reports whether every rule that leads somewhere asks for credentials.
func (s gatewayRouteSpec) asks() bool {
	some := false
	for _, rule := range s.Rules {
		asks := slices.ContainsFunc(rule.Filters, routeFilter.asks)
		if !asks && len(rule.Backends) > 0 {
			return false
		}
		some = some || asks
	}
	return some
}

type parentRef struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Section   string `json:"sectionName"`
	Port      uint16 `json:"port"`
}

type backendRef struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Port      uint16 `json:"port"`
}

// externalAuth is the filter that asks somebody else about a request (GEP-1494).
const externalAuth = "ExternalAuth"

// gatewayRoute makes a route for each listener that a route hangs on. One whose parent
// is a Service is of a mesh, and leads nobody in from outside.
func (c *converter) gatewayRoute(o object.Object) error {
	var in struct {
		Spec gatewayRouteSpec `json:"spec"`
	}
	if err := o.Decode(&in); err != nil {
		return err
	}
	base := snapshot.Route{Ref: o.Ref(), TCP: o.Kind == "TCPRoute" || o.Kind == "TLSRoute", Hosts: in.Spec.Hostnames, Origin: o.Origin()}
	if in.Spec.asks() {
		base.Auth = externalAuth
	}
	for i, rule := range in.Spec.Rules {
		for j, b := range rule.Backends {
			c.backendOf(&base, b, fmt.Sprintf("spec.rules[%d].backendRefs[%d]", i, j))
		}
	}
	for i, p := range in.Spec.Parents {
		if p.Kind == "Service" {
			continue
		}
		c.hang(base, p, fmt.Sprintf("spec.parentRefs[%d]", i))
	}
	return nil
}

// backendOf adds a backend of a route. One of another namespace needs a ReferenceGrant
// there; without it the route leads nowhere (Gateway API, BackendObjectReference).
func (c *converter) backendOf(r *snapshot.Route, b backendRef, field string) {
	if b.Group != "" || cmp.Or(b.Kind, "Service") != "Service" {
		return
	}
	namespace, at := cmp.Or(b.Namespace, r.Namespace), r.Origin.At("%s", field)
	if namespace != r.Namespace && !c.granted(r.Ref, namespace, b.Name) {
		c.warn("route-not-granted", at, fmt.Sprintf("no ReferenceGrant of namespace %s lets the route lead to Service %s/%s", namespace, namespace, b.Name))
		return
	}
	r.Backends = once(r.Backends, snapshot.RouteBackend{Namespace: namespace, Service: b.Name, Port: b.Port, Origin: at})
}

// hang adds the route at each listener of its parent that takes it. Of a parent that was
// not read only its name is known.
func (c *converter) hang(r snapshot.Route, p parentRef, field string) {
	ref := snapshot.Ref{Kind: cmp.Or(p.Kind, "Gateway"), Namespace: cmp.Or(p.Namespace, r.Namespace), Name: p.Name}
	r.Gateways = []snapshot.Ref{ref}
	g, known := c.leading.gateways[ref]
	if !known {
		r.Port = p.Port
		c.addRoute(r)
		return
	}
	hung := false
	for _, l := range g.listeners {
		if p.Section != "" && p.Section != l.Name || p.Port != 0 && p.Port != l.Port || !l.takes(r.Kind) || !c.admits(l, g.namespace, r.Namespace) {
			continue
		}
		hosts, ok := shared(l.Hostname, r.Hosts)
		if !ok {
			continue
		}
		at := r
		at.Hosts, at.Class, at.Port, at.TLS = hosts, g.class, l.Port, l.tls()
		c.addRoute(at)
		hung = true
	}
	if !hung {
		c.warn("route-not-attached", r.Origin.At("%s", field), fmt.Sprintf("no listener of %s takes the route", ref))
	}
}
