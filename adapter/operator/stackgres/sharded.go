package stackgres

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// The types of sharding. Those of citus are one cluster for Patroni, with a group each;
// ddp and shardingsphere are apart.
const (
	citus          = "citus"
	shardingSphere = "shardingsphere"
)

// Coordinator is the duty of the part that applications talk to.
const Coordinator = "coordinator"

// maxShards is how many shards are told apart.
const maxShards = 100

// shardedSpec is what is read of an SGShardedCluster.
type shardedSpec struct {
	Type             string             `json:"type"`
	Database         string             `json:"database"`
	Postgres         postgresSpec       `json:"postgres"`
	Configurations   configurationsSpec `json:"configurations"`
	Metadata         metadataSpec       `json:"metadata"`
	InitialData      initialData        `json:"initialData"`
	ReplicateFrom    map[string]any     `json:"replicateFrom"`
	DistributedLogs  logsSpec           `json:"distributedLogs"`
	PostgresServices struct {
		Coordinator struct {
			Any         serviceSpec      `json:"any"`
			Primary     serviceSpec      `json:"primary"`
			CustomPorts []world.PortSpec `json:"customPorts"`
		} `json:"coordinator"`
		Shards struct {
			Primaries   serviceSpec      `json:"primaries"`
			CustomPorts []world.PortSpec `json:"customPorts"`
		} `json:"shards"`
	} `json:"postgresServices"`
	Coordinator struct {
		Instances *int `json:"instances"`
		partSpec
	} `json:"coordinator"`
	Shards struct {
		Clusters  *int `json:"clusters"`
		Instances *int `json:"instancesPerCluster"`
		partSpec
		Overrides []struct {
			Index     int  `json:"index"`
			Instances *int `json:"instancesPerCluster"`
			partSpec
		} `json:"overrides"`
	} `json:"shards"`
}

// partSpec is what the coordinator and the shards say for themselves.
type partSpec struct {
	Pods           podsSpec           `json:"pods"`
	Configurations configurationsSpec `json:"configurations"`
	Metadata       metadataSpec       `json:"metadata"`
	ManagedSQL     managedSQL         `json:"managedSql"`
}

// A sharded is an SGShardedCluster.
type sharded struct {
	w    *operator.World
	obj  object.Object
	spec shardedSpec
}

func readSharded(w *operator.World) []sharded {
	var out []sharded
	for _, o := range w.Objects["SGShardedCluster."+group] {
		var in struct {
			Spec shardedSpec `json:"spec"`
		}
		_ = o.Decode(&in) // its faults are Problems of composeSharded
		out = append(out, sharded{w, o, in.Spec})
	}
	return out
}

// composeSharded returns the SGClusters that the operator makes of SGShardedClusters:
// one for the coordinator and one for each shard [sg
// F/shardedcluster/StackGresShardedClusterForUtil.java@1.18.6].
func composeSharded(w *operator.World) []*cluster {
	var out []*cluster
	for _, s := range readSharded(w) {
		world.Read(w, s.obj, &struct {
			Spec shardedSpec `json:"spec"`
		}{})
		if s.spec.Type == shardingSphere {
			world.Fault(w, s.obj, "spec.type", "what ShardingSphere's proxy, which is the coordinator, does with its clients is not known")
		} else {
			out = append(out, s.coordinator())
		}
		for n := range s.shards() {
			out = append(out, s.shard(n))
		}
	}
	return out
}

// shards is the number of shards, as far as they are told apart.
func (s sharded) shards() int {
	n := s.spec.Shards.Clusters
	if n == nil {
		return 1
	}
	if *n < 0 || *n > maxShards {
		world.Fault(s.w, s.obj, "spec.shards.clusters", "%d: want a number up to %d", *n, maxShards)
	}
	return min(max(*n, 0), maxShards)
}

// common are the fields of every part that the SGShardedCluster itself decides. The
// credentials are those of its own Secret, the certificate that of its own.
func (s sharded) common(name, duty string, part partSpec) *cluster {
	in := clusterSpec{
		Postgres: s.spec.Postgres, Pods: part.Pods, Configurations: part.Configurations, Metadata: part.Metadata,
		ManagedSQL: part.ManagedSQL, InitialData: s.spec.InitialData, DistributedLogs: s.spec.DistributedLogs,
	}
	in.Configurations.Backups = s.spec.Configurations.Backups
	in.Configurations.Observability = s.spec.Configurations.Observability
	in.Configurations.Credentials = s.spec.Configurations.Credentials
	if in.Metadata.Labels.isZero() {
		in.Metadata.Labels = s.spec.Metadata.Labels
	}
	if in.Metadata.Annotations.isZero() {
		in.Metadata.Annotations = s.spec.Metadata.Annotations
	}
	c := newCluster(s.w, s.obj, snapshot.Ref{Kind: "SGCluster", Namespace: s.obj.Namespace, Name: name}, in)
	c.server.Parent, c.server.Duty = s.obj.Ref(), duty
	c.secretName, c.sslSecret, c.database = s.obj.Name, s.obj.Name+sslSuffix, s.spec.Database
	if len(s.spec.ReplicateFrom) > 0 {
		c.unsettled("where "+duty+" replicates from", "what spec.replicateFrom of an SGShardedCluster leads to", "spec.replicateFrom")
	}
	return c
}

func (r byResource) isZero() bool {
	return len(r.AllResources)+len(r.ClusterPods)+len(r.Services)+len(r.PrimaryService)+len(r.ReplicasService) == 0
}

// place gives a part of a cluster of type citus its group, and the name that all parts
// have in common for Patroni.
func (s sharded) place(c *cluster, index int) {
	if s.spec.Type != citus {
		return
	}
	c.spec.Configurations.Patroni.InitialConfig.Scope = s.obj.Name
	pods := maps.Clone(c.spec.Metadata.Labels.ClusterPods)
	if pods == nil {
		pods = map[string]string{}
	}
	pods["citus-group"] = strconv.Itoa(index)
	c.spec.Metadata.Labels.ClusterPods = pods
}

// shared are the fields of a part that are where they are, in the SGShardedCluster.
var shared = []move{
	{"spec.configurations.backups", "spec.configurations.backups"},
	{"spec.configurations.observability", "spec.configurations.observability"},
	{"spec.configurations.credentials", "spec.configurations.credentials"},
}

func (s sharded) coordinator() *cluster {
	spec := s.spec.Coordinator
	c := s.common(s.obj.Name+"-coord", Coordinator, spec.partSpec)
	c.spec.Instances = spec.Instances
	services := s.spec.PostgresServices.Coordinator
	reads, writes := services.Any.enabled(), services.Primary.enabled()
	c.spec.PostgresServices.Primary = serviceSpec{Enabled: yes(reads || writes), CustomPorts: withoutNodePorts(services.CustomPorts)}
	c.spec.PostgresServices.Replicas = serviceSpec{Enabled: yes(reads), CustomPorts: withoutNodePorts(services.CustomPorts)}
	c.moved = append(slices.Clone(shared),
		move{"spec.instances", "spec.coordinator.instances"}, move{"spec.pods", "spec.coordinator.pods"},
		move{"spec.configurations", "spec.coordinator.configurations"}, move{"spec.metadata", "spec.coordinator.metadata"},
		move{"spec.managedSql", "spec.coordinator.managedSql"},
		move{"spec.postgresServices.primary.customPorts", "spec.postgresServices.coordinator.customPorts"},
		move{"spec.postgresServices.primary", "spec.postgresServices.coordinator.primary"},
		move{"spec.postgresServices.replicas", "spec.postgresServices.coordinator.any"})
	s.place(c, 0)
	return c
}

func (s sharded) shard(n int) *cluster {
	spec := s.spec.Shards
	part, at := spec.partSpec, "spec.shards"
	instances, instancesAt := spec.Instances, "spec.shards.instancesPerCluster"
	c := s.common(fmt.Sprintf("%s-shard%d", s.obj.Name, n), fmt.Sprintf("shard %d", n), part)
	var moved []move
	for i, o := range spec.Overrides {
		if o.Index != n {
			continue
		}
		here := fmt.Sprintf("spec.shards.overrides[%d]", i)
		if o.Instances != nil {
			instances, instancesAt = o.Instances, here+".instancesPerCluster"
		}
		moved = c.override(o.partSpec, here)
		break // the first that names a shard counts
	}
	c.spec.Instances = instances
	services := s.spec.PostgresServices.Shards
	c.spec.PostgresServices.Primary = serviceSpec{Enabled: services.Primaries.Enabled, CustomPorts: withoutNodePorts(services.CustomPorts)}
	c.spec.PostgresServices.Replicas = serviceSpec{Enabled: yes(false)}
	c.moved = append(append(moved, shared...),
		move{"spec.instances", instancesAt}, move{"spec.pods", at + ".pods"}, move{"spec.configurations", at + ".configurations"},
		move{"spec.metadata", at + ".metadata"}, move{"spec.managedSql", at + ".managedSql"},
		move{"spec.postgresServices.primary.customPorts", "spec.postgresServices.shards.customPorts"},
		move{"spec.postgresServices.primary", "spec.postgresServices.shards.primaries"})
	s.place(c, n+1)
	return c
}

// override lays what is said of a single shard over what is said of all; it returns
// where the fields are that it took.
func (c *cluster) override(o partSpec, at string) []move {
	var moved []move
	take := func(taken bool, field string) bool {
		if taken {
			moved = append(moved, move{"spec." + field, at + "." + field})
		}
		return taken
	}
	pods, conf := &c.spec.Pods, &c.spec.Configurations
	if take(o.Pods.DisableEnvoy != nil, "pods.disableEnvoy") {
		pods.DisableEnvoy = o.Pods.DisableEnvoy
	}
	if take(o.Pods.DisableConnectionPooling != nil, "pods.disableConnectionPooling") {
		pods.DisableConnectionPooling = o.Pods.DisableConnectionPooling
	}
	if take(o.Pods.DisableMetricsExporter != nil, "pods.disableMetricsExporter") {
		pods.DisableMetricsExporter = o.Pods.DisableMetricsExporter
	}
	if take(o.Pods.CustomContainers != nil, "pods.customContainers") {
		pods.CustomContainers = o.Pods.CustomContainers
	}
	if take(o.Configurations.SGPostgresConfig != "", "configurations.sgPostgresConfig") {
		conf.SGPostgresConfig = o.Configurations.SGPostgresConfig
	}
	if take(o.Configurations.SGPoolingConfig != "", "configurations.sgPoolingConfig") {
		conf.SGPoolingConfig = o.Configurations.SGPoolingConfig
	}
	if take(o.Configurations.Patroni.DynamicConfig.PostgreSQL.HBA != nil, "configurations.patroni") {
		conf.Patroni = o.Configurations.Patroni
	}
	if take(o.ManagedSQL.Scripts != nil, "managedSql") {
		c.spec.ManagedSQL = o.ManagedSQL
	}
	if take(!o.Metadata.Labels.isZero(), "metadata.labels") {
		c.spec.Metadata.Labels = o.Metadata.Labels
	}
	if take(!o.Metadata.Annotations.isZero(), "metadata.annotations") {
		c.spec.Metadata.Annotations = o.Metadata.Annotations
	}
	return moved
}

func yes(is bool) *bool { return &is }

// withoutNodePorts: the Services of the parts do not take the node ports, which those of
// the SGShardedCluster have.
func withoutNodePorts(in []world.PortSpec) []world.PortSpec {
	out := slices.Clone(in)
	for i := range out {
		out[i].NodePort = 0
	}
	return out
}

// adopt takes a live cluster for the one that another object makes: what was read
// counts, and the other object is where a person edits it.
func (c *cluster) adopt(made *cluster) {
	c.owner, c.moved, c.logsFor = made.owner, made.moved, made.logsFor
	c.secretName, c.sslSecret, c.database = made.secretName, made.sslSecret, made.database
	if made.server.Duty != LogStore { // the references to its own Secret are the operator's
		c.spec.Configurations.Credentials = made.spec.Configurations.Credentials
	}
	c.server.Parent, c.server.Duty, c.server.Origin = made.server.Parent, made.server.Duty, made.server.Origin
	if c.release == nil {
		c.release = made.release
	}
	differs := func(what, declared, live, field string) {
		if declared != live {
			c.disagree(what+" of "+c.ref.String(), declared, live, c.at("%s", field), c.live.Origin().At("%s", field))
		}
	}
	count := func(n *int) string { return strconv.Itoa(world.Instances(n, 0)) }
	pooled := func(s clusterSpec) string { return strconv.FormatBool(!isTrue(s.Pods.DisableConnectionPooling, false)) }
	differs("instances", count(made.spec.Instances), count(c.spec.Instances), "spec.instances")
	differs("pooling", pooled(made.spec), pooled(c.spec), "spec.pods.disableConnectionPooling")
	if want, have := made.spec.Pods.DisableEnvoy, c.spec.Pods.DisableEnvoy; want != nil && have != nil {
		differs("disableEnvoy", strconv.FormatBool(*want), strconv.FormatBool(*have), "spec.pods.disableEnvoy")
	}
	lines := func(s clusterSpec) string { return fmt.Sprint(s.Configurations.Patroni.DynamicConfig.PostgreSQL.HBA) }
	if made.logsFor == "" {
		differs("pg_hba", lines(made.spec), lines(c.spec), "spec.configurations.patroni.dynamicConfig.postgresql.pg_hba")
	}
}
