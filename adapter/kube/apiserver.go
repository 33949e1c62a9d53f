package kube

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/verdict"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// The codes of warnings that somebody states one thing of the cluster and its objects
// show another.
const (
	apiServerContradiction = "apiserver-contradiction"
	dnsContradiction       = "dns-contradiction"
)

// The Service of the kube-apiserver. Its endpoints are written by the kube-apiservers
// themselves, with the addresses and the port that they answer at
// (kubernetes pkg/controlplane/reconcilers).
const apiServerNamespace, apiServerName = "default", "kubernetes"

// detectAPIServer settles where the kube-apiserver answers, after DNAT: what somebody
// stated counts before what the endpoints of its Service show.
func (c *converter) detectAPIServer() {
	addresses, ports, origin := c.sightAPIServer()
	f := &c.world.Facts
	if differs := unlike(f.APIServer, addresses, f.APIServerPorts, ports); differs != "" {
		c.warn(apiServerContradiction, origin,
			fmt.Sprintf("the endpoints of the kube-apiserver have %s, which is not what is stated: what is stated counts", differs))
	}
	if f.APIServer.IsEmpty() && !addresses.IsEmpty() {
		f.APIServer, f.APIServerOrigin = addresses, origin
	}
	if len(f.APIServerPorts) == 0 {
		f.APIServerPorts = ports
	}
}

// unlike names what was seen and is not among what is stated; empty for nothing.
func unlike(stated, seen flow.Addresses, statedPorts, seenPorts []uint16) string {
	if more := seen.Minus(stated); !stated.IsEmpty() && !more.IsEmpty() {
		return more.Text()
	}
	for _, p := range seenPorts {
		if len(statedPorts) > 0 && !slices.Contains(statedPorts, p) {
			return fmt.Sprintf("port %d", p)
		}
	}
	return ""
}

// sightAPIServer collects what the endpoints say; the origin is that of the first. What
// cannot be read is a Problem that was told of already.
func (c *converter) sightAPIServer() (flow.Addresses, []uint16, verdict.Origin) {
	var all []netip.Prefix
	var ports []uint16
	var origin verdict.Origin
	for _, o := range c.endpoints {
		if !isAPIServer(o) {
			continue
		}
		ends, to, err := endsOf(o)
		if err != nil {
			continue
		}
		for _, e := range ends {
			if a, err := netip.ParseAddr(e.ip); err == nil && a.Zone() == "" {
				all = append(all, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			}
		}
		for _, p := range to {
			if n, err := portNumber(p.field, p.number); err == nil && (p.protocol == "" || p.protocol == corev1.ProtocolTCP) {
				ports = append(ports, n)
			}
		}
		if origin.IsZero() {
			origin = o.Origin()
		}
	}
	slices.Sort(ports)
	return flow.AddressesOf(all...), slices.Compact(ports), origin
}

// isAPIServer reports whether endpoints are those of the kube-apiserver.
func isAPIServer(o object.Object) bool {
	return o.Namespace == apiServerNamespace && serviceOf(o) == apiServerName
}

// serviceOf is the name of the Service that endpoints belong to.
func serviceOf(o object.Object) string {
	if o.Kind == "EndpointSlice" {
		return o.Labels[discoveryv1.LabelServiceName]
	}
	return o.Name
}
