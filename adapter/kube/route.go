package kube

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// routeKinds are the kinds by which people lead clients from outside through a proxy,
// whatever their version: the fields read here are the same in all that were published.
var routeKinds = map[object.Type]func(*converter, object.Object) error{
	{Group: gatewayGroup, Kind: "HTTPRoute"}:                (*converter).gatewayRoute,
	{Group: gatewayGroup, Kind: "GRPCRoute"}:                (*converter).gatewayRoute,
	{Group: gatewayGroup, Kind: "TLSRoute"}:                 (*converter).gatewayRoute,
	{Group: gatewayGroup, Kind: "TCPRoute"}:                 (*converter).gatewayRoute,
	{Group: "route.openshift.io", Kind: "Route"}:            (*converter).openShiftRoute,
	{Group: "traefik.io", Kind: "IngressRoute"}:             (*converter).traefikRoute,
	{Group: "traefik.io", Kind: "IngressRouteTCP"}:          (*converter).traefikRoute,
	{Group: "traefik.containo.us", Kind: "IngressRoute"}:    (*converter).traefikRoute,
	{Group: "traefik.containo.us", Kind: "IngressRouteTCP"}: (*converter).traefikRoute,
	{Group: "projectcontour.io", Kind: "HTTPProxy"}:         (*converter).contourProxy,
}

// routeParts are the kinds that routes name, and that lead nowhere by themselves.
var routeParts = map[object.Type]func(*converter, object.Object) error{
	{Group: gatewayGroup, Kind: "Gateway"}:                (*converter).gateway,
	{Group: gatewayGroup, Kind: "ReferenceGrant"}:         (*converter).referenceGrant,
	{Group: "traefik.io", Kind: "Middleware"}:             (*converter).middleware,
	{Group: "traefik.io", Kind: "MiddlewareTCP"}:          (*converter).middleware,
	{Group: "traefik.containo.us", Kind: "Middleware"}:    (*converter).middleware,
	{Group: "traefik.containo.us", Kind: "MiddlewareTCP"}: (*converter).middleware,
}

// configMapType is the type of what some controllers are configured with.
var configMapType = object.Type{Kind: "ConfigMap"}

// TellsRoutes reports whether an object of the type, with this text, may be the list of
// TCP ports of an ingress controller.
func TellsRoutes(t object.Type, text []byte) bool {
	return t == configMapType && (bytes.Contains(text, []byte(tcpServices)) || bytes.Contains(text, []byte("-tcp")))
}

// convertRoutes reads what routes name before the routes themselves.
func (c *converter) convertRoutes() {
	if len(c.routes) == 0 {
		return
	}
	c.leading = leading{services: make(map[snapshot.Ref]*snapshot.Service, len(c.world.Services))}
	for _, s := range c.world.Services {
		c.leading.services[s.Ref()] = s
	}
	for _, kinds := range []map[object.Type]func(*converter, object.Object) error{routeParts, routeKinds} {
		for _, o := range c.routes {
			if read, ok := kinds[o.Type()]; ok {
				if err := read(c, o); err != nil {
					c.fail(o, err)
				}
			}
		}
	}
	for _, o := range c.routes {
		switch o.Type() {
		case ingressType:
			if err := c.ingress(o); err != nil {
				c.fail(o, err)
			}
		case configMapType:
			c.tcpServices(o)
		}
	}
}

// leading is what routes are looked up in.
type leading struct {
	services    map[snapshot.Ref]*snapshot.Service
	gateways    map[snapshot.Ref]gateway
	grants      []grant
	middlewares map[snapshot.Ref]middleware
}

func (c *converter) serviceNamed(namespace, name string) *snapshot.Service {
	return c.leading.services[snapshot.Ref{Kind: "Service", Namespace: namespace, Name: name}]
}

func (c *converter) addRoute(r snapshot.Route) { c.world.Routes = append(c.world.Routes, &r) }

// A portRef is a number or a name, as it is written.
type portRef struct {
	number uint16
	name   string
}

// UnmarshalJSON reads either; a number as a text is that number.
func (p *portRef) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &p.name) != nil {
		return json.Unmarshal(data, &p.number)
	}
	if n, err := strconv.ParseUint(p.name, 10, 16); err == nil {
		p.number, p.name = uint16(n), ""
	}
	return nil
}

// The annotations and filters by which a proxy asks for credentials before it passes a
// request on. Those whose value may switch them off again have that value here.
var authAnnotations = []struct{ key, off string }{
	// https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/
	{"nginx.ingress.kubernetes.io/auth-url", ""},
	{"nginx.ingress.kubernetes.io/auth-type", ""},
	{nginxTLS, ""},
	// https://docs.nginx.com/nginx-ingress-controller/configuration/ingress-resources/advanced-configuration-with-annotations/
	{"nginx.org/basic-auth-secret", ""},
	{"nginx.com/jwt-key", ""},
	// https://haproxy-ingress.github.io/docs/configuration/keys/
	{"haproxy-ingress.github.io/auth-url", ""},
	{"haproxy-ingress.github.io/auth-secret", ""},
	{"haproxy-ingress.github.io/auth-tls-secret", ""},
	{"haproxy-ingress.github.io/oauth", ""},
	// https://www.haproxy.com/documentation/kubernetes-ingress/
	{"haproxy.org/auth-type", ""},
	// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
	{"alb.ingress.kubernetes.io/auth-type", "none"},
}

// nginxVerify can make the client's certificate, which nginxTLS asks for, a wish.
const nginxTLS, nginxVerify = "nginx.ingress.kubernetes.io/auth-tls-secret", "nginx.ingress.kubernetes.io/auth-tls-verify-client"

// auth is the annotation that makes a proxy ask for credentials; empty for none.
func auth(annotations map[string]string) string {
	for _, a := range authAnnotations {
		if v := annotations[a.key]; v == "" || v == a.off {
			continue
		}
		if verify := annotations[nginxVerify]; a.key == nginxTLS && verify != "" && verify != "on" {
			continue
		}
		return a.key
	}
	return ""
}

// sourceAnnotations limit the clients of a proxy to ranges, with commas or spaces
// between.
var sourceAnnotations = []string{
	"nginx.ingress.kubernetes.io/whitelist-source-range", "nginx.ingress.kubernetes.io/allowlist-source-range",
	"haproxy-ingress.github.io/whitelist-source-range", "haproxy-ingress.github.io/allowlist-source-range",
	"haproxy.org/whitelist", "haproxy.org/allow-list",
	"haproxy.router.openshift.io/ip_whitelist", "haproxy.router.openshift.io/ip_allowlist",
	"alb.ingress.kubernetes.io/inbound-cidrs",
}

// sources are the clients that the annotations let through; nil for all, also where
// they cannot be read.
func (c *converter) sources(o object.Object) []netip.Prefix {
	for _, key := range sourceAnnotations {
		list, ok := o.Annotations[key]
		if !ok {
			continue
		}
		out, err := rangeList(annotation(key), strings.Join(strings.FieldsFunc(list, isBetween), ","), addressOrPrefix)
		if err == nil {
			return out
		}
		c.warn("route-sources", o.Origin().At("%s", annotation(key)), fmt.Sprintf("the ranges of clients cannot be read, and limit nobody: %v", err))
	}
	return nil
}

func isBetween(r rune) bool { return r == ' ' || r == ',' }
