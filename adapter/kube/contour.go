package kube

import (
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// contourProxy reads an HTTPProxy of Contour
// (https://projectcontour.io/docs/main/config/api/).
func (c *converter) contourProxy(o object.Object) error {
	type service struct {
		Name string `json:"name"`
		Port uint16 `json:"port"`
	}
	var in struct {
		Spec struct {
			Class string `json:"ingressClassName"`
			Host  struct {
				Name string `json:"fqdn"`
				TLS  *struct {
					Passthrough bool      `json:"passthrough"`
					Client      *struct{} `json:"clientValidation"`
				} `json:"tls"`
				Authorization *struct{} `json:"authorization"`
			} `json:"virtualhost"`
			Routes []struct {
				Services []service `json:"services"`
			} `json:"routes"`
			TCP *struct {
				Services []service `json:"services"`
			} `json:"tcpproxy"`
		} `json:"spec"`
	}
	if err := o.Decode(&in); err != nil {
		return err
	}
	host := in.Spec.Host
	r := encrypted(snapshot.Route{Ref: o.Ref(), Class: in.Spec.Class, Origin: o.Origin()}, host.TLS != nil)
	if r.Class == "" {
		r.Class = "contour"
	}
	if host.Name != "" {
		r.Hosts = []string{host.Name}
	}
	if host.TLS != nil && host.TLS.Client != nil && !host.TLS.Passthrough {
		r.Auth = "spec.virtualhost.tls.clientValidation"
	}
	passed := r
	if host.Authorization != nil { // of requests
		r.Auth = "spec.virtualhost.authorization"
	}
	for i, rule := range in.Spec.Routes {
		for j, s := range rule.Services {
			r.Backends = once(r.Backends, snapshot.RouteBackend{Namespace: o.Namespace, Service: s.Name, Port: s.Port,
				Origin: o.Origin().At("spec.routes[%d].services[%d]", i, j)})
		}
	}
	if len(r.Backends) > 0 {
		c.addRoute(r)
	}
	if in.Spec.TCP == nil {
		return nil
	}
	passed.TCP, passed.Origin = true, o.Origin().At("spec.tcpproxy")
	for i, s := range in.Spec.TCP.Services {
		passed.Backends = once(passed.Backends, snapshot.RouteBackend{Namespace: o.Namespace, Service: s.Name, Port: s.Port,
			Origin: o.Origin().At("spec.tcpproxy.services[%d]", i)})
	}
	c.addRoute(passed)
	return nil
}
