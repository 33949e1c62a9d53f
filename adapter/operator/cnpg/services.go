package cnpg

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/kube"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// services adds C-rw, C-ro and C-r, of which the last two can be disabled, and
// spec.managed.services.additional [cnpg pkg/specs/services.go@1.30.0].
func (c *cluster) services() {
	for i, kind := range c.spec.Managed.Services.Disabled {
		if kind != "ro" && kind != "r" {
			world.Refuse(c.w, c.obj, c.at("spec.managed.services.disabledDefaultServices[%d]", i).Field, "%q: want ro or r", kind)
		}
	}
	for _, kind := range []string{"rw", "ro", "r"} {
		if c.offers(kind) {
			c.add(c.service(kind))
		}
	}
	if c.release.since(version{1, 24, 0}) == netpol.No { // spec.managed.services is not known
		return
	}
	for i, a := range c.spec.Managed.Services.Additional {
		c.additional(i, a)
	}
}

// offers reports whether the Cluster has the default Service of a kind.
func (c *cluster) offers(kind string) bool {
	return kind == "rw" || c.release.since(version{1, 24, 0}) == netpol.No ||
		!slices.Contains(c.spec.Managed.Services.Disabled, kind)
}

// add puts a Service into the estate; where one is there, that one is the truth.
func (c *cluster) add(declared snapshot.Service) {
	s := world.AddService(c.w, declared)
	c.own, c.declared = append(c.own, s), append(c.declared, declared)
}

// service is a default Service of a kind.
func (c *cluster) service(kind string) snapshot.Service {
	labels := map[string]string{clusterLabel: c.obj.Name}
	switch kind {
	case "rw":
		labels[roleLabel] = snapshot.Primary
	case "ro":
		labels[roleLabel] = snapshot.Replica
	default:
		labels[podRoleLabel] = "instance"
	}
	return snapshot.Service{
		Namespace: c.obj.Namespace, Name: c.obj.Name + "-" + kind, Type: "ClusterIP", Selector: world.Equals(labels),
		Ports: []snapshot.ServicePort{world.TCPPort("postgres", 5432, "", 5432)}, Origin: c.obj.Origin(),
	}
}

// additional is a template laid over the default Service of its selectorType; the
// operator sets the selector, and adds its port unless the template has one of the
// same name or number.
func (c *cluster) additional(i int, a additionalService) {
	at := c.at("spec.managed.services.additional[%d]", i)
	if !slices.Contains([]string{"rw", "ro", "r"}, a.SelectorType) {
		world.Refuse(c.w, c.obj, at.Field+".selectorType", "%q: want rw, ro or r", a.SelectorType)
		return
	}
	s := c.service(a.SelectorType)
	s.Name, s.Origin = a.Template.Metadata.Name, at
	if s.Name == "" {
		world.Refuse(c.w, c.obj, at.Field+".serviceTemplate.metadata.name", "must be specified")
		return
	}
	c.lay(&s, a.Template, at.Field+".serviceTemplate.spec")
	if u := a.UpdateStrategy; u != "" && u != "patch" && u != "replace" {
		world.Refuse(c.w, c.obj, at.Field+".updateStrategy", "%q: want patch or replace", u)
	}
	c.add(s)
}

func (c *cluster) lay(s *snapshot.Service, t serviceTemplate, field string) {
	s.Type = cmp.Or(t.Spec.Type, s.Type)
	if err := t.Spec.Valid(); err != nil {
		world.Refuse(c.w, c.obj, field, "%w", err)
	}
	s.SourceRanges, _ = t.Spec.Ranges()
	s.Ports = laid(t.Spec.ServicePorts(s.Origin.At("%s", field)), s.Ports[0])
	t.outside(s, strings.TrimSuffix(field, ".spec"))
}

// outside sets what decides about clients from beyond the cluster; field is the
// template's.
func (t serviceTemplate) outside(s *snapshot.Service, field string) {
	s.KeepsClient = t.Spec.ExternalTrafficPolicy == "Local"
	s.NoNodePorts = t.Spec.NodePorts != nil && !*t.Spec.NodePorts
	for _, text := range t.Spec.ExternalIPs {
		if ip, err := netip.ParseAddr(text); err == nil {
			s.ExternalIPs = append(s.ExternalIPs, ip)
		}
	}
	if s.Type != "LoadBalancer" {
		return
	}
	if internal, key := kube.Exposure(t.Metadata.Annotations); key != "" {
		s.Internal, s.InternalOrigin = internal, s.Origin.At("%s.metadata.annotations%s", field, object.Key(false, key))
	}
}

// laid adds a default port to those of a template.
func laid(ports []snapshot.ServicePort, own snapshot.ServicePort) []snapshot.ServicePort {
	if slices.ContainsFunc(ports, func(p snapshot.ServicePort) bool { return p.Name == own.Name || p.Port == own.Port }) {
		return ports
	}
	return append(ports, own)
}
