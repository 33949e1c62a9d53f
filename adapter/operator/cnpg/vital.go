package cnpg

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// source is where the required flows are from; networkpolicy-example.yaml beside
// it lists less than what is needed.
const source = "CloudNativePG documentation, Security, Exposed ports [cnpg docs/src/security.md@1.30.0]"

var theOperator = world.Operator{
	Key: Name, Namespace: "cnpg-system", Name: "the operator",
	Labels: map[string]string{"app.kubernetes.io/name": "cloudnative-pg"},
}

// vital adds the flows that the Cluster needs.
func (c *cluster) vital() {
	c.statusFlows()
	c.replicationFlows()
	c.poolerFlows()
	c.backupFlows()
	c.externalFlows()
	c.ldapFlow()
	c.metricsFlow()
	c.add(world.Everyone(c.w, "the instances and jobs", c.server.Workload.Pods, source)...)
	for _, p := range c.poolers {
		c.add(world.Everyone(c.w, "the pods of Pooler "+p.obj.Name, p.out.Workload.Pods, source)...)
	}
}

func (c *cluster) add(flows ...snapshot.VitalFlow) {
	c.server.Vital = append(c.server.Vital, flows...)
}

// part returns the workload's pods of a part.
func (c *cluster) part(part string) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, p := range c.server.Workload.Pods {
		if p.Part == part {
			out = append(out, p)
		}
	}
	return out
}

func (c *cluster) statusFlows() {
	members := world.Pods("the instances", c.server.Members()...)
	c.add(snapshot.VitalFlow{
		ID: "operator-status", What: "the operator reads the instances' status", From: theOperator.Peer(c.w),
		To: members, Ports: world.TCP(8000), Source: source,
	})
	if check := c.spec.Probes.Liveness.IsolationCheck.Enabled; len(c.part(snapshot.Replica)) > 0 && (check == nil || *check) {
		c.add(snapshot.VitalFlow{
			ID: "isolation-check", What: "a primary that reaches neither the API server nor another instance stops",
			From: members, To: members, Ports: world.TCP(8000),
			Source: "CloudNativePG documentation, Instance Manager, Primary isolation [cnpg docs/src/instance_manager.md@1.30.0]",
			Origin: c.at("spec.probes.liveness.isolationCheck"),
		})
	}
}

// replicationFlows are those between instances: streaming, pg_rewind, which is an
// ordinary session of database postgres, and the job that makes a replica.
func (c *cluster) replicationFlows() {
	replicas := c.part(snapshot.Replica)
	if len(replicas) == 0 {
		return
	}
	f := snapshot.VitalFlow{
		ID: "replication", What: "replicas stream from the primary",
		From: world.Pods("the replicas", replicas...), To: world.Pods("the primary", c.part(snapshot.Primary)...),
		Ports: world.TCP(5432), Role: "streaming_replica", Replication: true, Cert: "streaming_replica",
		Source: source, Origin: c.at("spec.instances"),
	}
	rewind, join := f, f
	rewind.ID, rewind.What = "rewind", "a former primary rewinds to the new one"
	rewind.Replication, rewind.Database = false, "postgres"
	join.ID, join.What = "join", "the join job copies the primary to make a replica"
	join.From = world.Pods("the join job", c.part(JoinJob)...)
	c.add(f, rewind, join)
}

func (c *cluster) poolerFlows() {
	for _, p := range c.poolers {
		to := c.server.Members()
		if p.out.Part != "" {
			to = c.part(p.out.Part)
		}
		c.add(snapshot.VitalFlow{
			ID: "pooler", What: "Pooler " + p.obj.Name + " connects to the instances",
			From: world.Pods("Pooler "+p.obj.Name, p.out.Workload.Pods...), To: world.Pods("the instances", to...),
			Ports: world.TCP(5432), Role: p.out.AuthUser, Database: p.out.AuthDatabase, Cert: p.out.AuthUser,
			Source: source, Origin: p.obj.Origin(),
		})
	}
}

const barmanPlugin = "barman-cloud.cloudnative-pg.io"

// backupFlows lead to the object stores: instances archive WAL themselves, and
// recovery jobs carry other labels than instances.
func (c *cluster) backupFlows() {
	members := c.server.Members()
	if b := c.spec.Backup.Barman; b != nil {
		c.store("instances archive WAL and take backups", members, b.EndpointURL, "spec.backup.barmanObjectStore")
	}
	for i, p := range c.spec.Plugins {
		if p.Enabled == nil || *p.Enabled {
			c.plugin(p, members, fmt.Sprintf("spec.plugins[%d]", i))
		}
	}
	if b := c.spec.Bootstrap.Recovery; b != nil {
		c.recovery(b.Source)
	}
}

func (c *cluster) store(what string, pods []*snapshot.Pod, endpoint, field string) {
	to, ports := world.Endpoint(c.w, c.obj.Namespace, "the object store", endpoint)
	c.add(snapshot.VitalFlow{
		ID: "backup", What: what, From: world.Pods("the instances and jobs", pods...), To: to, Ports: ports,
		Source: "CloudNativePG documentation, Backup [cnpg docs/src/backup.md@1.30.0]", Origin: c.at("%s", field),
	})
}

// plugin is asked by the operator over gRPC; the Barman Cloud one puts a sidecar
// into the pods, which then talk to the store [barman kubernetes/@0.14.0].
func (c *cluster) plugin(p plugin, pods []*snapshot.Pod, field string) {
	if p.Name != barmanPlugin {
		return
	}
	from := theOperator.Peer(c.w)
	c.add(snapshot.VitalFlow{
		ID: "backup-plugin", What: "the operator calls the Barman Cloud plugin", From: from,
		To:    world.Described(c.w, "the Barman Cloud plugin", from.Namespace, map[string]string{"app": "barman-cloud"}),
		Ports: world.TCP(9090), Source: "Barman Cloud plugin manifests [barman kubernetes/@0.14.0]", Origin: c.at("%s", field),
	})
	c.store("the plugin's sidecar writes to the object store", pods, c.pluginEndpoint(p), field)
}

// pluginEndpoint reads the ObjectStore that a plugin's parameters name.
func (c *cluster) pluginEndpoint(p plugin) string {
	for _, o := range c.w.Objects["ObjectStore.barmancloud.cnpg.io"] {
		if o.Namespace != c.obj.Namespace || o.Name != p.Parameters["barmanObjectName"] {
			continue
		}
		var in struct {
			Spec struct {
				Configuration objectStore `json:"configuration"`
			} `json:"spec"`
		}
		if err := o.Decode(&in); err == nil {
			return in.Spec.Configuration.EndpointURL
		}
	}
	return ""
}

// recovery reads the store that the Cluster begins from.
func (c *cluster) recovery(from string) {
	jobs := slices.Concat(c.part("full-recovery job"), c.part("snapshot-recovery job"), c.server.Members())
	for i, e := range c.spec.ExternalClusters {
		field := fmt.Sprintf("spec.externalClusters[%d]", i)
		switch {
		case e.Name != from:
		case e.Barman != nil:
			c.store("the recovery job and the instances read the object store", jobs, e.Barman.EndpointURL, field)
		case e.Plugin != nil:
			c.plugin(*e.Plugin, jobs, field)
		}
	}
}

// externalFlows lead to servers that this one begins from or follows.
func (c *cluster) externalFlows() {
	b := c.spec.Bootstrap
	if b.BaseBackup != nil {
		c.external(b.BaseBackup.Source, "the pg_basebackup job copies its source", c.part("pgbasebackup job"))
	}
	if b.InitDB != nil && b.InitDB.Import != nil {
		c.external(b.InitDB.Import.Source.ExternalCluster, "the import job reads its source", c.part("import job"))
	}
	if r := c.spec.Replica; r != nil && r.Source != "" && (r.Enabled == nil || *r.Enabled) {
		c.external(r.Source, "the replica cluster follows its source", c.server.Members())
	}
}

func (c *cluster) external(name, what string, pods []*snapshot.Pod) {
	for i, e := range c.spec.ExternalClusters {
		host := e.Parameters["host"]
		if e.Name != name || host == "" || strings.HasPrefix(host, "/") {
			continue
		}
		to, ports := world.Host(c.w, c.obj.Namespace, "external cluster "+name, host, world.Port(e.Parameters["port"], 5432))
		c.add(snapshot.VitalFlow{
			ID: "external", What: what, From: world.Pods("the instances and jobs", pods...), To: to, Ports: ports,
			Source: "CloudNativePG documentation, Bootstrap [cnpg docs/src/bootstrap.md@1.30.0]",
			Origin: c.at("spec.externalClusters[%d].connectionParameters", i),
		})
	}
}

func (c *cluster) ldapFlow() {
	l := c.spec.PostgreSQL.LDAP
	if l == nil || l.Server == "" {
		return
	}
	port := uint16(389)
	if l.Scheme == "ldaps" {
		port = 636
	}
	if l.Port > 0 && l.Port <= 65535 {
		port = uint16(l.Port)
	}
	to, ports := world.Host(c.w, c.obj.Namespace, "the LDAP server", l.Server, port)
	c.add(snapshot.VitalFlow{
		ID: "ldap", What: "instances ask the LDAP server for each login", From: world.Pods("the instances", c.server.Members()...),
		To: to, Ports: ports, Source: "CloudNativePG documentation, PostgreSQL Configuration [cnpg docs/src/postgresql_conf.md@1.30.0]",
		Origin: c.at("spec.postgresql.ldap"),
	})
}

// metricsFlow is only of use where somebody scrapes: a Prometheus of the estate.
func (c *cluster) metricsFlow() {
	scrapers := world.Labelled(c.w, map[string]string{"app.kubernetes.io/name": "prometheus"})
	if !c.spec.Monitoring.EnablePodMonitor || len(scrapers) == 0 {
		return
	}
	c.add(snapshot.VitalFlow{
		ID: "metrics", What: "Prometheus scrapes the instances", From: world.Pods("Prometheus", scrapers...),
		To: world.Pods("the instances", c.server.Members()...), Ports: world.TCP(9187), Optional: true,
		Source: source, Origin: c.at("spec.monitoring.enablePodMonitor"),
	})
}
