package kube

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// tcpServices is the name that documentation gives to the list of TCP ports of an
// ingress controller; charts end other names in the same word or in "-tcp"
// (https://kubernetes.github.io/ingress-nginx/user-guide/exposing-tcp-udp-services/).
const tcpServices = "tcp-services"

func isTCPServices(o object.Object) bool {
	return o.Type() == configMapType && (strings.HasSuffix(o.Name, tcpServices) || strings.HasSuffix(o.Name, "-tcp"))
}

// tcpServices makes a route of each entry `"5432": "payments/ledger-rw:5432"`. What else
// has such a name has other entries, and is left alone.
func (c *converter) tcpServices(o object.Object) {
	var in struct {
		Data map[string]string `json:"data"`
	}
	if o.Decode(&in) != nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(in.Data)) {
		at := o.Origin().At("%s", "data"+object.Key(false, key))
		listener, err := strconv.ParseUint(key, 10, 16)
		backend, ok := tcpBackend(in.Data[key])
		if err != nil || listener == 0 || !ok {
			if strings.HasSuffix(o.Name, tcpServices) {
				c.warn("route-unreadable", at, fmt.Sprintf("%q leads nowhere: want a port, and namespace/service:port behind it", key))
			}
			continue
		}
		backend.Origin = at
		c.addRoute(snapshot.Route{Ref: o.Ref(), Class: "nginx", TCP: true, Port: uint16(listener),
			Backends: []snapshot.RouteBackend{backend}, Origin: at})
	}
}

// tcpBackend reads "namespace/service:port", with a name for the port or a number, and
// perhaps ":PROXY" behind it.
func tcpBackend(text string) (b snapshot.RouteBackend, ok bool) {
	namespace, rest, slash := strings.Cut(strings.TrimSpace(text), "/")
	parts := strings.Split(rest, ":")
	if !slash || namespace == "" || len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return b, false
	}
	b = snapshot.RouteBackend{Namespace: namespace, Service: parts[0], PortName: parts[1]}
	if n, err := strconv.ParseUint(parts[1], 10, 16); err == nil {
		b.Port, b.PortName = uint16(n), ""
	}
	return b, true
}
