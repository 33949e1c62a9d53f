package stackgres

import (
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// source is the operator's own code: the page on NetworkPolicy in the manual does
// not fit 1.18 (ports 5432 and 8008, no egress to the API server).
const source = "[sg C/EnvoyUtil.java, F/cluster/patroni/@1.18.6]"

const backupSource = "StackGres documentation, Backups: wal-g runs in the database pod [sg F/cluster/patroni/@1.18.6]"

var theCollector = world.Operator{
	Key: Name, Namespace: "stackgres", Name: "the metrics collector",
	Labels: map[string]string{"app": "StackGresConfig", "stackgres.io/collector": "true"},
}

// vital adds the flows that the cluster needs. The operator itself never talks to
// its pods: it goes through the API server, as they do.
func (c *cluster) vital() {
	c.replicationFlows()
	c.backupFlow()
	c.extensionsFlow()
	c.logsFlow()
	c.metricsFlow()
	c.flow(world.Everyone(c.w, "the members and jobs", c.server.Workload.Pods, source)...)
}

func (c *cluster) flow(flows ...snapshot.VitalFlow) {
	c.server.Vital = append(c.server.Vital, flows...)
}

func (c *cluster) replicationFlows() {
	replicas := c.part(snapshot.Replica)
	if len(replicas) == 0 {
		return
	}
	members := world.Pods("the members", c.server.Members()...)
	users := c.spec.Configurations.Credentials.Users
	stream := snapshot.VitalFlow{
		ID: "replication", What: "replicas stream from the primary",
		From: world.Pods("the replicas", replicas...), To: world.Pods("the primary", c.primaries()...),
		Ports: world.TCP(c.mode.direct()), Role: users.Replication.name("replicator"), Replication: true,
		Source: source, Origin: c.at("spec.instances"),
	}
	rewind := stream
	rewind.ID, rewind.What, rewind.Replication = "rewind", "a former primary rewinds to the new one", false
	rewind.Role, rewind.Database = users.Superuser.name("postgres"), "postgres"
	c.flow(stream, rewind, snapshot.VitalFlow{
		ID: "patroni", What: "members ask each other's Patroni before a failover", From: members, To: members,
		Ports: world.TCP(c.mode.patroni()), Source: source, Origin: c.at("spec.instances"),
	})
}

func (c *cluster) backupFlow() {
	for i, b := range c.spec.Configurations.Backups {
		to, ports := world.Endpoint(c.w, c.obj.Namespace, "the object store", c.endpoint(b.SGObjectStorage))
		c.flow(snapshot.VitalFlow{
			ID: "backup", What: "members archive WAL and take backups", From: world.Pods("the members", c.server.Members()...),
			To: to, Ports: ports, Source: backupSource, Origin: c.at("spec.configurations.backups[%d]", i),
		})
	}
}

// endpoint reads the URL of an S3-compatible store from its SGObjectStorage; a
// cloud's has none.
func (c *cluster) endpoint(name string) string {
	for _, o := range c.w.Objects["SGObjectStorage.stackgres.io"] {
		if o.Namespace != c.obj.Namespace || o.Name != name {
			continue
		}
		var in struct {
			Spec struct {
				S3Compatible struct {
					Endpoint string `json:"endpoint"`
				} `json:"s3Compatible"`
			} `json:"spec"`
		}
		world.Read(c.w, o, &in)
		return in.Spec.S3Compatible.Endpoint
	}
	return ""
}

// extensionsFlow: a pod that has to fetch an extension does not start without the
// repository; one without extensions only looks.
func (c *cluster) extensionsFlow() {
	for _, url := range c.repositories() {
		to, ports := world.Endpoint(c.w, c.obj.Namespace, "the extensions repository", url)
		c.flow(snapshot.VitalFlow{
			ID: "extensions", What: "members fetch extensions", From: world.Pods("the members", c.server.Members()...), To: to, Ports: ports,
			Optional: len(c.spec.Postgres.Extensions) == 0,
			Source:   "StackGres documentation, Extensions", Origin: c.at("spec.postgres.extensions"),
		})
	}
}

// repositories are the operator's, from its SGConfig, or the public one.
func (c *cluster) repositories() []string {
	for _, o := range c.w.Objects["SGConfig.stackgres.io"] {
		var in struct {
			Spec struct {
				Extensions struct {
					RepositoryURLs []string `json:"repositoryUrls"`
				} `json:"extensions"`
			} `json:"spec"`
		}
		world.Read(c.w, o, &in)
		if len(in.Spec.Extensions.RepositoryURLs) > 0 {
			return in.Spec.Extensions.RepositoryURLs
		}
	}
	return []string{"https://extensions.stackgres.io"}
}

// logsFlow leads to the SGDistributedLogs that the cluster names, "namespace.name"
// where it is elsewhere.
func (c *cluster) logsFlow() {
	name := c.spec.DistributedLogs.SGDistributedLogs
	if name == "" {
		return
	}
	namespace := c.obj.Namespace
	if ns, rest, ok := strings.Cut(name, "."); ok {
		namespace, name = ns, rest
	}
	to, ports := world.Host(c.w, namespace, "the distributed logs", name, 12225)
	c.flow(snapshot.VitalFlow{
		ID: "logs", What: "members send their logs", From: world.Pods("the members", c.server.Members()...), To: to, Ports: ports,
		Optional: true, Source: "StackGres documentation, Distributed Logs", Origin: c.at("spec.distributedLogs.sgDistributedLogs"),
	})
}

// metricsFlow: the collector asks the exporter, Envoy where there is one, and
// Patroni.
func (c *cluster) metricsFlow() {
	f := snapshot.VitalFlow{
		ID: "metrics", What: "the collector reads metrics", From: theCollector.Peer(c.w),
		To: world.Pods("the members", c.server.Members()...), Optional: true, Source: source,
		Origin: c.at("spec.configurations.observability"),
	}
	for _, p := range c.server.Control {
		if p.Name != "cluster-controller" {
			f.Ports = append(f.Ports, world.TCP(p.Port)...)
		}
	}
	if !c.spec.Configurations.Observability.DisableMetrics {
		c.flow(f)
	}
}
