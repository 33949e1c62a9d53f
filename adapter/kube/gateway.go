package kube

import (
	"cmp"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const gatewayGroup = "gateway.networking.k8s.io"

// A gateway has the listeners that routes hang on.
type gateway struct {
	namespace string
	class     string
	listeners []listener
}

type listener struct {
	Name     string `json:"name"`
	Hostname string `json:"hostname"`
	Port     uint16 `json:"port"`
	Protocol string `json:"protocol"`
	TLS      *struct {
		Mode string `json:"mode"`
	} `json:"tls"`
	Allowed struct {
		Namespaces struct {
			From     string                `json:"from"`
			Selector *metav1.LabelSelector `json:"selector"`
		} `json:"namespaces"`
	} `json:"allowedRoutes"`
}

// gateway notes a Gateway.
func (c *converter) gateway(o object.Object) error {
	var in struct {
		Spec struct {
			Class     string     `json:"gatewayClassName"`
			Listeners []listener `json:"listeners"`
		} `json:"spec"`
	}
	if err := o.Decode(&in); err != nil {
		return err
	}
	if c.leading.gateways == nil {
		c.leading.gateways = map[snapshot.Ref]gateway{}
	}
	c.leading.gateways[o.Ref()] = gateway{o.Namespace, in.Spec.Class, in.Spec.Listeners}
	return nil
}

// tls says whether the client's side of the listener is TLS. What passes through a TCP
// listener may be or not.
func (l listener) tls() verdict.Verdict {
	switch {
	case l.Protocol == "HTTPS" || l.Protocol == "TLS" || l.Protocol == "TCP" && l.TLS != nil:
		return verdict.Allow
	case l.Protocol == "HTTP":
		return verdict.Deny
	}
	return verdict.Unknown
}

// routeProtocols are those of the listeners that take a kind of route. Protocols with a
// domain are an implementation's own, and may take any (Gateway API, ProtocolType).
var routeProtocols = map[string][]string{
	"HTTPRoute": {"HTTP", "HTTPS"}, "GRPCRoute": {"HTTP", "HTTPS"}, "TLSRoute": {"TLS"}, "TCPRoute": {"TCP", "TLS"},
}

func (l listener) takes(kind string) bool {
	if strings.Contains(l.Protocol, "/") {
		return true
	}
	for _, p := range routeProtocols[kind] {
		if p == l.Protocol {
			return true
		}
	}
	return false
}

// admits reports whether the listener may take routes from a namespace; from its own
// where it does not say. Of a namespace that nothing declares, labels may be there.
func (c *converter) admits(l listener, own, from string) bool {
	switch l.Allowed.Namespaces.From {
	case "", "Same":
		return own == from
	case "Selector":
		s := c.readable(cmp.Or(l.Allowed.Namespaces.Selector, &metav1.LabelSelector{}))
		return s == nil || mayMatch(*s, c.world.NamespaceOf(from))
	case "None":
		return false
	}
	return true
}

// shared are the names that both a listener and a route answer to; ok is false where
// there are none. A wildcard stands for any number of labels (Gateway API, Hostname).
func shared(listener string, route []string) (hosts []string, ok bool) {
	switch {
	case listener == "":
		return route, true
	case len(route) == 0:
		return []string{listener}, true
	}
	for _, h := range route {
		switch {
		case h == listener || within(h, listener):
			hosts = append(hosts, h)
		case within(listener, h):
			hosts = append(hosts, listener)
		}
	}
	return hosts, len(hosts) > 0
}

// within reports whether a wildcard stands for the name.
func within(name, wildcard string) bool {
	suffix, found := strings.CutPrefix(wildcard, "*")
	return found && strings.HasSuffix(name, suffix) && len(name) > len(suffix)
}

// A grant is a ReferenceGrant: who may name what of its namespace.
type grant struct {
	namespace string
	from, to  []granted
}

type granted struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

func (c *converter) referenceGrant(o object.Object) error {
	var in struct {
		Spec struct {
			From []granted `json:"from"`
			To   []granted `json:"to"`
		} `json:"spec"`
	}
	if err := o.Decode(&in); err != nil {
		return err
	}
	c.leading.grants = append(c.leading.grants, grant{o.Namespace, in.Spec.From, in.Spec.To})
	return nil
}

// granted reports whether a route may have a Service of another namespace behind it.
func (c *converter) granted(route snapshot.Ref, namespace, service string) bool {
	for _, g := range c.leading.grants {
		if g.namespace == namespace && g.allows(route, service) {
			return true
		}
	}
	return false
}

func (g grant) allows(route snapshot.Ref, service string) bool {
	for _, f := range g.from {
		if f.Group != gatewayGroup || f.Kind != route.Kind || f.Namespace != route.Namespace {
			continue
		}
		for _, t := range g.to {
			if t.Group == "" && t.Kind == "Service" && (t.Name == "" || t.Name == service) {
				return true
			}
		}
	}
	return false
}
