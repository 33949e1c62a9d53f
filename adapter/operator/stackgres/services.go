package stackgres

import (
	"cmp"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// services adds what the operator makes [sg
// F/cluster/patroni/PatroniServices.java@1.18.6]: C without a selector, whose
// endpoints Patroni writes; C-primary, an alias of it; C-replicas; and C-rest.
func (c *cluster) services() {
	primary, replicas := c.spec.PostgresServices.Primary, c.spec.PostgresServices.Replicas
	if primary.enabled() {
		s := c.service("", primary, "spec.postgresServices.primary")
		s.Backends = c.primaries()
		c.add(s)
		c.add(snapshot.Service{
			Namespace: c.obj.Namespace, Name: c.obj.Name + "-primary", Type: "ExternalName",
			ExternalName: c.obj.Name + "." + c.obj.Namespace + ".svc.cluster.local", Origin: s.Origin,
		})
	}
	if replicas.enabled() {
		s := c.service("-replicas", replicas, "spec.postgresServices.replicas")
		labels := c.labels()
		labels[roleLabel] = "replica"
		s.Selector = world.Equals(labels)
		c.add(s)
	}
	c.add(snapshot.Service{
		Namespace: c.obj.Namespace, Name: c.obj.Name + "-rest", Selector: world.Equals(c.labels()),
		Ports: []snapshot.ServicePort{world.TCPPort("patroniport", 8008, "patroniport", 0)}, Origin: c.obj.Origin(),
	})
}

// service maps 5432 to the applications' port and 5433 to the direct one.
func (c *cluster) service(suffix string, spec serviceSpec, field string) snapshot.Service {
	if spec.Type == "None" { // headless
		spec.Type = "ClusterIP"
	}
	if err := spec.Valid(); err != nil {
		world.Fault(c.w, c.obj, field, "%w", err)
	}
	ranges, _ := spec.Ranges()
	return snapshot.Service{
		Namespace: c.obj.Namespace, Name: c.obj.Name + suffix, Type: cmp.Or(spec.Type, "ClusterIP"), SourceRanges: ranges,
		Ports: []snapshot.ServicePort{
			world.TCPPort("pgport", 5432, "pgport", 0), world.TCPPort("pgreplication", 5433, "pgreplication", 0),
		},
		Origin: c.at("%s", field),
	}
}

// add puts the Service into the Snapshot. Of one that was read without a selector
// the backends are known from here.
func (c *cluster) add(s snapshot.Service) {
	known := world.AddService(c.w, s)
	if known.Selector == nil && known.Type != "ExternalName" {
		known.Backends = s.Backends
	}
	c.own = append(c.own, known)
}

func (c *cluster) primaries() []*snapshot.Pod { return c.part(snapshot.Primary) }

func (c *cluster) part(part string) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, p := range c.server.Workload.Pods {
		if p.Part == part {
			out = append(out, p)
		}
	}
	return out
}
