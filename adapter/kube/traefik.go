package kube

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A middleware is what Traefik does to a request before it passes it on.
type middleware struct {
	asks    bool // for credentials
	sources []netip.Prefix
}

// middleware notes one of Traefik's
// (https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/overview/).
func (c *converter) middleware(o object.Object) error {
	type ranges struct {
		SourceRange []string `json:"sourceRange"`
	}
	var in struct {
		Spec struct {
			Basic   *struct{} `json:"basicAuth"`
			Digest  *struct{} `json:"digestAuth"`
			Forward *struct{} `json:"forwardAuth"`
			Allow   *ranges   `json:"ipAllowList"`
			White   *ranges   `json:"ipWhiteList"`
		} `json:"spec"`
	}
	if err := o.Decode(&in); err != nil {
		return err
	}
	m := middleware{asks: in.Spec.Basic != nil || in.Spec.Digest != nil || in.Spec.Forward != nil}
	for _, list := range []*ranges{in.Spec.Allow, in.Spec.White} {
		if list == nil || len(list.SourceRange) == 0 {
			continue
		}
		sources, err := rangeList("spec", strings.Join(list.SourceRange, ","), addressOrPrefix)
		if err != nil {
			c.warn("route-sources", o.Origin().At("spec"), "the ranges of clients cannot be read, and limit nobody")
		}
		m.sources = sources
	}
	if c.leading.middlewares == nil {
		c.leading.middlewares = map[snapshot.Ref]middleware{}
	}
	c.leading.middlewares[o.Ref()] = m
	return nil
}

// A traefikRule is a route of an IngressRoute or an IngressRouteTCP.
type traefikRule struct {
	Match    string `json:"match"`
	Services []struct {
		Kind      string  `json:"kind"`
		Name      string  `json:"name"`
		Namespace string  `json:"namespace"`
		Port      portRef `json:"port"`
	} `json:"services"`
	Middlewares []struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"middlewares"`
}

// traefikRoute makes a route of each rule. Which ports the entry points have only
// Traefik's own configuration tells; two have the same everywhere.
func (c *converter) traefikRoute(o object.Object) error {
	var in struct {
		Spec struct {
			EntryPoints []string      `json:"entryPoints"`
			Routes      []traefikRule `json:"routes"`
			TLS         *struct{}     `json:"tls"`
		} `json:"spec"`
	}
	if err := o.Decode(&in); err != nil {
		return err
	}
	tcp := o.Kind == "IngressRouteTCP"
	for i, rule := range in.Spec.Routes {
		r := snapshot.Route{Ref: o.Ref(), Class: "traefik", TCP: tcp, Hosts: matchedHosts(rule.Match), Origin: o.Origin().At("spec.routes[%d]", i)}
		switch {
		case in.Spec.TLS != nil:
			r.TLS = verdict.Allow
		case !tcp:
			r.TLS = verdict.Deny
		}
		if len(in.Spec.EntryPoints) == 1 {
			r.Port = map[string]uint16{"web": httpPort, "websecure": httpsPort}[in.Spec.EntryPoints[0]]
		}
		c.treat(&r, o, rule)
		for j, s := range rule.Services {
			if s.Kind != "" && s.Kind != "Service" {
				continue
			}
			if s.Namespace == "" {
				s.Namespace = o.Namespace
			}
			r.Backends = once(r.Backends, snapshot.RouteBackend{Namespace: s.Namespace, Service: s.Name,
				Port: s.Port.number, PortName: s.Port.name, Origin: o.Origin().At("spec.routes[%d].services[%d]", i, j)})
		}
		c.addRoute(r)
	}
	return nil
}

// treat adds what the middlewares of a rule do. One that was not read does nothing that
// is known.
func (c *converter) treat(r *snapshot.Route, o object.Object, rule traefikRule) {
	kind := strings.Replace(o.Kind, "IngressRoute", "Middleware", 1)
	for _, named := range rule.Middlewares {
		if named.Namespace == "" {
			named.Namespace = o.Namespace
		}
		ref := snapshot.Ref{Kind: kind, Namespace: named.Namespace, Name: named.Name}
		m := c.leading.middlewares[ref]
		if m.asks && r.Auth == "" {
			r.Auth = ref.String()
		}
		if m.sources != nil {
			r.Sources = m.sources
		}
	}
}

var (
	hostMatcher = regexp.MustCompile(`Host(?:SNI)?\(([^)]*)\)`)
	quoted      = regexp.MustCompile("[`\"]([^`\"]+)[`\"]")
)

// matchedHosts are the names that a rule asks for; none where it takes all, or where it
// is more than a choice of names.
func matchedHosts(match string) (out []string) {
	for _, m := range hostMatcher.FindAllStringSubmatch(match, -1) {
		for _, q := range quoted.FindAllStringSubmatch(m[1], -1) {
			out = append(out, q[1])
		}
	}
	if strings.Contains(match, "!") || slices.Contains(out, "*") || strings.Contains(match, "HostRegexp") || strings.Contains(match, "HostSNIRegexp") {
		return nil
	}
	return out
}
