package cnpg

import (
	"slices"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// services adds C-rw, C-ro and C-r, of which the last two can be disabled, and
// spec.managed.services.additional [cnpg pkg/specs/services.go@1.30.0].
func (c *cluster) services() {
	off := c.spec.Managed.Services.Disabled
	for _, kind := range []string{"rw", "ro", "r"} {
		if kind == "rw" || !slices.Contains(off, kind) {
			c.own = append(c.own, world.AddService(c.w, c.service(kind)))
		}
	}
	for i, a := range c.spec.Managed.Services.Additional {
		c.additional(i, a)
	}
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
		Namespace: c.obj.Namespace, Name: c.obj.Name + "-" + kind, Selector: world.Equals(labels),
		Ports: []snapshot.ServicePort{world.TCPPort("postgres", 5432, "", 5432)}, Origin: c.obj.Origin(),
	}
}

// additional is a template laid over the default Service of its selectorType; the
// operator sets the selector, and adds its port unless the template has one of the
// same name or number.
func (c *cluster) additional(i int, a additionalService) {
	at := c.at("spec.managed.services.additional[%d]", i)
	if !slices.Contains([]string{"rw", "ro", "r"}, a.SelectorType) {
		world.Fault(c.w, c.obj, at.Field+".selectorType", "%q: want rw, ro or r", a.SelectorType)
		return
	}
	s := c.service(a.SelectorType)
	s.Name, s.Origin = a.Template.Metadata.Name, at
	if s.Name == "" {
		world.Fault(c.w, c.obj, at.Field+".serviceTemplate.metadata.name", "must be specified")
		return
	}
	c.lay(&s, a.Template, at.Field+".serviceTemplate.spec")
	c.own = append(c.own, world.AddService(c.w, s))
}

func (c *cluster) lay(s *snapshot.Service, t serviceTemplate, field string) {
	s.Type = t.Spec.Type
	if err := t.Spec.Valid(); err != nil {
		world.Fault(c.w, c.obj, field, "%w", err)
	}
	s.SourceRanges, _ = t.Spec.Ranges()
	s.Ports = laid(t.Spec.ServicePorts(s.Origin.At("%s", field)), s.Ports[0])
}

// laid adds a default port to those of a template.
func laid(ports []snapshot.ServicePort, own snapshot.ServicePort) []snapshot.ServicePort {
	if slices.ContainsFunc(ports, func(p snapshot.ServicePort) bool { return p.Name == own.Name || p.Port == own.Port }) {
		return ports
	}
	return append(ports, own)
}
