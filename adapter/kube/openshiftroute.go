package kube

import (
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// openShiftRoute reads a Route of OpenShift. With passthrough the router does not look
// into TLS, and needs a client that names the host in it
// [openshift/api route/v1/types.go].
func (c *converter) openShiftRoute(o object.Object) error {
	type target struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
	}
	var in struct {
		Spec struct {
			Host string   `json:"host"`
			To   target   `json:"to"`
			More []target `json:"alternateBackends"`
			Port struct {
				Target portRef `json:"targetPort"`
			} `json:"port"`
			TLS *struct {
				Termination string `json:"termination"`
			} `json:"tls"`
		} `json:"spec"`
	}
	if err := o.Decode(&in); err != nil {
		return err
	}
	r := snapshot.Route{Ref: o.Ref(), Sources: c.sources(o), Origin: o.Origin()}
	if in.Spec.Host != "" {
		r.Hosts = []string{in.Spec.Host}
	}
	r = encrypted(r, in.Spec.TLS != nil)
	r.TCP = in.Spec.TLS != nil && in.Spec.TLS.Termination == "passthrough"
	for i, t := range append([]target{in.Spec.To}, in.Spec.More...) {
		if t.Kind != "" && t.Kind != "Service" || t.Name == "" {
			continue
		}
		at := o.Origin().At("spec.to")
		if i > 0 {
			at = o.Origin().At("spec.alternateBackends[%d]", i-1)
		}
		r.Backends = append(r.Backends, c.routed(o.Namespace, t.Name, in.Spec.Port.Target, at)...)
	}
	c.addRoute(r)
	return nil
}

// routed are the ports of a Service that the router takes: those whose endpoints have
// the name or the number, all where the Route names none. A Service that was not read is
// taken at its word.
func (c *converter) routed(namespace, name string, target portRef, at verdict.Origin) (out []snapshot.RouteBackend) {
	s := c.serviceNamed(namespace, name)
	if s == nil {
		return []snapshot.RouteBackend{{Namespace: namespace, Service: name, Port: target.number, PortName: target.name, Origin: at}}
	}
	for _, sp := range s.Ports {
		named := target.name != "" && sp.Name == target.name
		numbered := target.number != 0 && (sp.Target == target.number || sp.TargetName != "")
		if target == (portRef{}) || named || numbered {
			out = append(out, snapshot.RouteBackend{Namespace: namespace, Service: name, Port: sp.Port, Origin: at})
		}
	}
	return out
}
