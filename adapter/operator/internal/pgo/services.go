package pgo

import (
	"cmp"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/kube"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// services adds what the operator makes [pgo
// internal/controller/postgrescluster/{patroni,cluster,pgbouncer,pgadmin}.go@6.0.3]:
// C-ha, whose endpoints Patroni writes; C-primary, headless, which leads to the address
// of C-ha, so that its port is that one's; C-replicas; and C-pods for names only.
func (c *Cluster) services() {
	ha := c.service("-ha", c.Spec.Service, c.fork.Paths.Service, "postgres", c.port())
	ha.Backends = c.part(snapshot.Primary)
	c.add(ha)

	primary := c.service("-primary", nil, "", "postgres", c.port())
	primary.Backends = ha.Backends
	c.add(primary)

	replicas := c.service("-replicas", c.Spec.ReplicaService, c.fork.Paths.Replicas, "postgres", c.port())
	replicas.Selector = world.Equals(map[string]string{clusterLabel: c.obj.Name, roleLabel: "replica"})
	c.add(replicas)

	c.add(snapshot.Service{
		Namespace: c.obj.Namespace, Name: c.obj.Name + "-pods", Origin: c.obj.Origin(),
		Selector: world.Equals(map[string]string{clusterLabel: c.obj.Name}),
	})
	if b := c.Spec.Proxy.PgBouncer; b != nil {
		s := c.service("-pgbouncer", b.Service, c.fork.Paths.Pooler, "pgbouncer", number(b.Port, 5432))
		s.Selector = world.Equals(map[string]string{clusterLabel: c.obj.Name, roleLabel: "pgbouncer"})
		c.make(s)
	}
	if a := c.Spec.UserInterface.PGAdmin; a != nil {
		s := c.service("-pgadmin", a.Service, "spec.userInterface.pgAdmin.service", "pgadmin", consolePort)
		s.Selector = world.Equals(map[string]string{clusterLabel: c.obj.Name, roleLabel: "pgadmin"})
		c.make(s)
	}
}

// service has one port, which leads to the pod's port of the same name.
func (c *Cluster) service(suffix string, spec *ServiceSpec, field, port string, number uint16) snapshot.Service {
	s := snapshot.Service{
		Namespace: c.obj.Namespace, Name: c.obj.Name + suffix, Type: "ClusterIP",
		Ports: []snapshot.ServicePort{world.TCPPort(port, number, port, 0)}, Origin: c.obj.Origin(),
	}
	if spec == nil {
		return s
	}
	s.Origin = c.at("%s", field)
	s.Type = cmp.Or(spec.Type, "ClusterIP")
	c.checkService(*spec, s.Type, field)
	s.Ports[0].NodePort = spec.NodePort
	s.KeepsClient = spec.ExternalTrafficPolicy == "Local" && s.Type != "ClusterIP"
	if s.Type == "LoadBalancer" {
		s.SourceRanges, _ = world.ServiceSpec{SourceRanges: spec.SourceRanges}.Ranges()
		c.exposure(&s, *spec, field)
	}
	return s
}

// exposure reads the annotations that clouds know; those of the Service win.
func (c *Cluster) exposure(s *snapshot.Service, spec ServiceSpec, field string) {
	all := map[string]string{}
	at := map[string]string{}
	for _, level := range []struct {
		field       string
		annotations map[string]string
	}{
		{"spec.metadata.annotations", c.Spec.Metadata.Annotations},
		{field + ".metadata.annotations", spec.Metadata.Annotations},
		{field + ".annotations", spec.Annotations},
	} {
		for k, v := range level.annotations {
			all[k], at[k] = v, level.field
		}
	}
	if len(s.SourceRanges) == 0 {
		s.SourceRanges = kube.SourceRanges(all)
	}
	internal, key := kube.Exposure(all)
	s.Internal = internal
	if key != "" {
		s.InternalOrigin = c.at("%s", at[key])
	}
}

func (c *Cluster) checkService(spec ServiceSpec, kind, field string) {
	if !slices.Contains([]string{"ClusterIP", "NodePort", "LoadBalancer"}, kind) {
		world.Refuse(c.w, c.obj, field+".type", "%q: want ClusterIP, NodePort or LoadBalancer", kind)
	}
	if kind == "ClusterIP" && spec.NodePort != 0 {
		world.Refuse(c.w, c.obj, field+".nodePort", "cannot be set with type ClusterIP: the operator makes no Service")
	}
	if p := spec.ExternalTrafficPolicy; p != "" && p != "Cluster" && p != "Local" {
		world.Refuse(c.w, c.obj, field+".externalTrafficPolicy", "%q: want Cluster or Local", p)
	}
	if err := (world.ServiceSpec{SourceRanges: spec.SourceRanges}).Valid(); err != nil {
		world.Refuse(c.w, c.obj, field, "%w", err)
	}
}

// add makes a Service that leads to instances. Whoever is the primary is behind one
// without a selector.
func (c *Cluster) add(s snapshot.Service) {
	known := c.make(s)
	if known.Selector == nil && s.Backends != nil {
		known.Backends = s.Backends
	}
	c.own = append(c.own, known)
}

// make puts the Service into the Snapshot; one that was read is the truth.
func (c *Cluster) make(s snapshot.Service) *snapshot.Service {
	known := world.AddService(c.w, s)
	if !known.Synthetic {
		c.compare(s, known)
	} else if c.live && c.readsServices() {
		c.disagree("Service "+s.Namespace+"/"+s.Name, "made by the operator", "missing", s.Origin, c.obj.Origin())
	}
	return known
}

// readsServices says whether the estate has another Service of the cluster's, so that
// one that is missing is missed.
func (c *Cluster) readsServices() bool {
	for _, suffix := range []string{"-ha", "-primary", "-replicas", "-pods"} {
		if s := c.w.Service(c.obj.Namespace, c.obj.Name+suffix); s != nil && !s.Synthetic {
			return true
		}
	}
	return false
}
