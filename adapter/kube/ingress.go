package kube

import (
	"cmp"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

var ingressType = object.Type{Group: "networking.k8s.io", Kind: "Ingress"}

// An ingressSpec is what is read of an Ingress.
type ingressSpec struct {
	Class   string          `json:"ingressClassName"`
	Default *ingressBackend `json:"defaultBackend"`
	TLS     []struct {
		Hosts []string `json:"hosts"`
	} `json:"tls"`
	Rules []struct {
		Host string `json:"host"`
		HTTP struct {
			Paths []struct {
				Backend ingressBackend `json:"backend"`
			} `json:"paths"`
		} `json:"http"`
	} `json:"rules"`
}

type ingressBackend struct {
	Service struct {
		Name string `json:"name"`
		Port struct {
			Number uint16 `json:"number"`
			Name   string `json:"name"`
		} `json:"port"`
	} `json:"service"`
}

// The annotations of an Ingress that change what it is.
const ingressClass = "kubernetes.io/ingress.class"

// passthrough are those that leave the client's TLS to the Service.
var passthrough = []string{
	"nginx.ingress.kubernetes.io/ssl-passthrough", "haproxy-ingress.github.io/ssl-passthrough", "haproxy.org/ssl-passthrough",
}

// certified are those that give the proxy a certificate without spec.tls.
var certified = []string{
	"alb.ingress.kubernetes.io/certificate-arn", "networking.gke.io/managed-certificates", "ingress.gcp.kubernetes.io/pre-shared-cert",
}

// The ports that an Ingress answers on: "An Ingress does not expose arbitrary ports or
// protocols" (Kubernetes documentation, Ingress).
const httpPort, httpsPort = 80, 443

// ingress makes a route of each rule, and one of what no rule is about.
func (c *converter) ingress(o object.Object) error {
	var in struct {
		Spec ingressSpec `json:"spec"`
	}
	if err := o.Decode(&in); err != nil {
		return err
	}
	base := snapshot.Route{Ref: o.Ref(), Class: cmp.Or(in.Spec.Class, o.Annotations[ingressClass]), TCP: says(o.Annotations, passthrough, "true")}
	if !base.TCP { // what is passed on, nobody looks into
		base.Auth, base.Sources = c.ingressAuth(o), c.sources(o)
	}
	for i, rule := range in.Spec.Rules {
		r := base
		r.Origin = o.Origin().At("spec.rules[%d]", i)
		if rule.Host != "" {
			r.Hosts = []string{rule.Host}
		}
		for j, p := range rule.HTTP.Paths {
			r.Backends = p.Backend.add(r.Backends, o.Namespace, o.Origin().At("spec.rules[%d].http.paths[%d].backend", i, j))
		}
		c.addRoute(encrypted(r, r.TCP || in.Spec.covers(rule.Host) || says(o.Annotations, certified, "")))
	}
	if in.Spec.Default != nil {
		base.Origin = o.Origin().At("spec.defaultBackend")
		base.Backends = in.Spec.Default.add(nil, o.Namespace, base.Origin)
		c.addRoute(encrypted(base, base.TCP || in.Spec.covers("") || says(o.Annotations, certified, "")))
	}
	return nil
}

// encrypted settles the client's side of a route that speaks HTTP, or passes TLS on.
func encrypted(r snapshot.Route, tls bool) snapshot.Route {
	r.TLS, r.Port = verdict.Deny, httpPort
	if tls {
		r.TLS, r.Port = verdict.Allow, httpsPort
	}
	return r
}

// says reports whether one of the annotations has the value; any value where that is
// empty.
func says(annotations map[string]string, keys []string, value string) bool {
	for _, key := range keys {
		if v, ok := annotations[key]; ok && (value == "" || v == value) {
			return true
		}
	}
	return false
}

// covers reports whether spec.tls is about the host. An entry without hosts is about
// all of them.
func (s ingressSpec) covers(host string) bool {
	for _, t := range s.TLS {
		if len(t.Hosts) == 0 {
			return true
		}
		for _, h := range t.Hosts {
			if h == host || underWildcard(host, h) {
				return true
			}
		}
	}
	return false
}

// underWildcard reports whether "*.example.com" stands for a host: of an Ingress it is
// exactly one label more.
func underWildcard(host, pattern string) bool {
	_, rest, found := strings.Cut(host, ".")
	return found && "*."+rest == pattern
}

// add puts the backend behind the others, once; one that is no Service is none.
func (b ingressBackend) add(list []snapshot.RouteBackend, namespace string, at verdict.Origin) []snapshot.RouteBackend {
	if b.Service.Name == "" {
		return list
	}
	return once(list, snapshot.RouteBackend{Namespace: namespace, Service: b.Service.Name,
		Port: b.Service.Port.Number, PortName: b.Service.Port.Name, Origin: at})
}

// once adds a backend, unless the list has that port of the Service.
func once(list []snapshot.RouteBackend, b snapshot.RouteBackend) []snapshot.RouteBackend {
	for _, known := range list {
		known.Origin = b.Origin
		if known == b {
			return list
		}
	}
	return append(list, b)
}

// ingressAuth also looks at Traefik's Middlewares, which annotations only name.
func (c *converter) ingressAuth(o object.Object) string {
	if key := auth(o.Annotations); key != "" {
		return key
	}
	const key = "traefik.ingress.kubernetes.io/router.middlewares"
	for name := range strings.SplitSeq(o.Annotations[key], ",") {
		name, found := strings.CutSuffix(strings.TrimSpace(name), "@kubernetescrd")
		for ref, m := range c.leading.middlewares {
			if found && m.asks && name == ref.Namespace+"-"+ref.Name {
				return key
			}
		}
	}
	return ""
}
