package stackgres

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// shardedServices adds the Services of the SGShardedClusters themselves: NAME to the
// coordinator's primary and NAME-shards to the shards' primaries, with endpoints that the
// operator copies, and NAME-reads to any member of the coordinator [sg
// F/shardedcluster/ShardedClusterServices.java, C/StackGresShardedClusterUtil.java@1.18.6].
func shardedServices(w *operator.World, clusters []*cluster) {
	for _, s := range readSharded(w) {
		parts := s.parts(clusters)
		coordinator := slices.IndexFunc(parts, func(c *cluster) bool { return c.server.Duty == Coordinator })
		if coordinator >= 0 {
			c := parts[coordinator]
			services := s.spec.PostgresServices.Coordinator
			parts = slices.Delete(slices.Clone(parts), coordinator, coordinator+1)
			s.leading("", services.Primary, services.CustomPorts, "coordinator.primary", c)
			s.any(services.Any, services.CustomPorts, c)
		}
		if len(parts) > 0 {
			services := s.spec.PostgresServices.Shards
			s.leading("-shards", services.Primaries, services.CustomPorts, "shards.primaries", parts...)
		}
	}
}

// parts are the clusters of the SGShardedCluster.
func (s sharded) parts(clusters []*cluster) []*cluster {
	var out []*cluster
	for _, c := range clusters {
		if c.server.Parent == s.obj.Ref() {
			out = append(out, c)
		}
	}
	return out
}

// service is a Service of the SGShardedCluster that leads to the parts. Those that
// differ in what stands before PostgreSQL each have the port under a number of their own.
func (s sharded) service(suffix string, spec serviceSpec, custom []world.PortSpec, field string, parts ...*cluster) snapshot.Service {
	at := s.obj.Origin().At("spec.postgresServices.%s", field)
	out := newService(s.w, s.obj, spec, at)
	out.Namespace, out.Name = s.obj.Namespace, s.obj.Name+suffix
	all := *parts[0]
	for _, c := range parts[1:] {
		for _, m := range c.possible {
			if !slices.Contains(all.possible, m) {
				all.possible = append(slices.Clip(all.possible), m)
			}
		}
	}
	side, _, _ := strings.Cut(field, ".")
	out.Ports = append(all.servicePorts(spec), customServicePorts(custom, at.At("spec.postgresServices.%s.customPorts", side))...)
	all.lead(&out)
	return out
}

// leading adds a Service whose endpoints are the primaries of the parts.
func (s sharded) leading(suffix string, spec serviceSpec, custom []world.PortSpec, field string, parts ...*cluster) {
	if !spec.enabled() {
		return
	}
	out := s.service(suffix, spec, custom, field, parts...)
	for _, c := range parts {
		out.Backends = append(out.Backends, c.primaries()...)
	}
	known := world.AddService(s.w, out)
	for _, c := range parts {
		if !known.Synthetic {
			c.compare(out, known)
		}
		c.own = append(c.own, known)
	}
	if known.Selector == nil && known.Type != typeExternal {
		known.Backends = out.Backends
	}
}

func (s sharded) any(spec serviceSpec, custom []world.PortSpec, c *cluster) {
	if !spec.enabled() {
		return
	}
	out := s.service("-reads", spec, custom, "coordinator.any", c)
	out.Selector = world.Equals(c.selected())
	known := world.AddService(s.w, out)
	if !known.Synthetic {
		c.compare(out, known)
	}
	c.own = append(c.own, known)
}

const shardSource = "Citus documentation; Patroni documentation, Citus support [sg F/shardedcluster/StackGresShardedClusterForCitusUtil.java, F/shardedcluster/StackGresShardedClusterForDdpUtil.java@1.18.6]"

// shardFlows are those between the parts of a sharded cluster, as the superuser: the
// coordinator sends queries to the shards, past the pooler. With citus shards also talk
// to each other and back, and their Patroni tells the coordinator's of a new primary.
func (c *cluster) shardFlows(clusters []*cluster) {
	if c.server.Parent.Kind != "SGShardedCluster" {
		return
	}
	isCitus := c.spec.Configurations.Patroni.InitialConfig.Scope != "" && c.scope() == c.server.Parent.Name
	role := c.spec.Configurations.Credentials.Users.Superuser.name("postgres")
	for _, to := range clusters {
		if to.server.Parent != c.server.Parent || to == c {
			continue
		}
		at := c.owner.Origin().At("spec.shards")
		if c.server.Duty == Coordinator || isCitus {
			f := snapshot.VitalFlow{
				ID: "shards", What: c.server.Duty + " queries " + to.server.Duty, From: c.memberPods(), Role: role,
				To: world.Pods(to.server.Duty, to.server.Members()...), Source: shardSource, Origin: at,
			}
			f.Ports, f.AnyOf = to.portOf(mode.direct)
			c.flow(f)
		}
		if isCitus && to.server.Duty == Coordinator {
			f := snapshot.VitalFlow{
				ID: "patroni", What: c.server.Duty + "'s Patroni tells the coordinator's of a new primary", Phase: snapshot.Failover,
				From: c.memberPods(), To: world.Pods(Coordinator, to.server.Members()...), Source: shardSource, Origin: at,
			}
			f.Ports, f.AnyOf = to.portOf(mode.patroni)
			c.flow(f)
		}
	}
}
