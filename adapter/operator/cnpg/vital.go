package cnpg

import (
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/netpol"
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
	c.metricsFlows()
	c.everyone()
	c.webhookFlow()
}

func (c *cluster) flow(flows ...snapshot.VitalFlow) {
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

// everyInstance is the peer of all instances.
func (c *cluster) everyInstance() snapshot.VitalPeer {
	return world.Pods("the instances", c.server.Members()...)
}

// phases are when the pods that are no instance run, by their part; all others belong to
// the bootstrap.
var phases = map[string]snapshot.Phase{
	snapshot.Primary: snapshot.Steady, snapshot.Replica: snapshot.Steady, JoinJob: snapshot.Join, upgradeJob: snapshot.Upgrade,
	"full-recovery" + jobSuffix: snapshot.Restore,
}

// phase is when pods of a part run. A snapshot-recovery job is the bootstrap's where that
// begins from snapshots, and may make replicas later.
func (c *cluster) phase(part string) snapshot.Phase {
	switch p, known := phases[part]; {
	case known:
		return p
	case part == snapshotJob && c.firstJob()+jobSuffix == snapshotJob:
		return snapshot.Restore
	case part == snapshotJob:
		return snapshot.Join
	}
	return snapshot.Bootstrap
}

// releases say which of the operator's make pods of a part.
var releases = map[string]string{upgradeJob: "from 1.26"}

// everyone adds what all pods need, names and the API server, by when they run.
func (c *cluster) everyone() {
	c.need("the instances", snapshot.Steady, "", c.server.Members())
	done := map[string]bool{}
	for _, p := range c.server.Workload.Pods {
		if p.Part == snapshot.Primary || p.Part == snapshot.Replica || done[p.Part] {
			continue
		}
		done[p.Part] = true
		c.need("the pods of the "+p.Part, c.phase(p.Part), releases[p.Part], c.part(p.Part))
	}
	for _, p := range c.poolers {
		c.need("the pods of Pooler "+p.obj.Name, snapshot.Steady, "", p.out.Workload.Pods)
	}
}

func (c *cluster) need(who string, phase snapshot.Phase, releases string, pods []*snapshot.Pod) {
	for _, f := range world.Everyone(c.w, who, pods, source) {
		f.Phase, f.Releases = phase, releases
		c.flow(f)
	}
}

// statusFlows lead to port 8000. The operator asks for status there and never connects to
// 5432, whatever the documentation says.
func (c *cluster) statusFlows() {
	c.flow(snapshot.VitalFlow{
		ID: "operator-status", What: "the operator reads the instances' status", Phase: snapshot.Steady,
		From: c.around.operator, To: c.everyInstance(), Ports: world.TCP(8000), Source: source,
	})
	check := c.spec.Probes.Liveness.IsolationCheck.Enabled
	if len(c.part(snapshot.Replica)) > 0 && (check == nil || *check) && c.release.since(version{1, 27, 0}) != netpol.No {
		c.flow(snapshot.VitalFlow{
			ID: "isolation-check", What: "a primary that reaches neither the API server nor another instance stops",
			Phase: snapshot.Steady, Releases: "from 1.27", From: c.everyInstance(), To: c.everyInstance(), Ports: world.TCP(8000),
			Source: "CloudNativePG documentation, Instance Manager, Primary isolation [cnpg docs/src/instance_manager.md@1.30.0]",
			Origin: c.at("spec.probes.liveness.isolationCheck"),
		})
	}
	server := world.APIServer(c.w, "", nil, "").To
	c.flow(snapshot.VitalFlow{
		ID: "kubectl-plugin", What: "kubectl cnpg status asks the instances through the kube-apiserver's proxy",
		Phase: snapshot.Monitoring, From: server, To: c.everyInstance(), Ports: world.TCP(8000), Optional: true,
		Source: "CloudNativePG documentation, Kubectl Plugin [cnpg docs/src/kubectl-plugin.md@1.30.0]",
	})
}

// webhookFlow is how the API server asks the operator before it takes a change.
func (c *cluster) webhookFlow() {
	c.flow(snapshot.VitalFlow{
		ID: "webhook", What: "the kube-apiserver asks the operator's webhooks", Phase: snapshot.Steady,
		From: world.APIServer(c.w, "", nil, "").To, To: c.around.operator, Ports: world.TCP(9443), Source: source,
	})
}

// replicationFlows are those between instances: streaming, pg_rewind, which is an
// ordinary session of database postgres, and the job that makes a replica.
func (c *cluster) replicationFlows() {
	replicas := c.part(snapshot.Replica)
	if len(replicas) == 0 {
		return
	}
	f := snapshot.VitalFlow{
		ID: "replication", What: "replicas stream from the primary", Phase: snapshot.Steady,
		From: world.Pods("the replicas", replicas...), To: world.Pods("the primary", c.part(snapshot.Primary)...),
		Ports: world.TCP(5432), Role: "streaming_replica", Replication: true, Cert: "streaming_replica",
		Source: source, Origin: c.at("spec.instances"),
	}
	rewind, join := f, f
	rewind.ID, rewind.What, rewind.Phase = "rewind", "a former primary rewinds to the new one", snapshot.Failover
	rewind.Replication, rewind.Database = false, "postgres"
	join.ID, join.What, join.Phase = "join", "the join job copies the primary to make a replica", snapshot.Join
	join.From = world.Pods("the join job", c.part(JoinJob)...)
	c.flow(f, rewind, join)
}

func (c *cluster) poolerFlows() {
	for _, p := range c.poolers {
		to := c.server.Members()
		if p.out.Part != "" {
			to = c.part(p.out.Part)
		}
		f := snapshot.VitalFlow{
			ID: "pooler", What: "Pooler " + p.obj.Name + " connects to the instances", Phase: snapshot.Steady,
			From: world.Pods("Pooler "+p.obj.Name, p.out.Workload.Pods...), To: world.Pods("the instances", to...),
			Ports: world.TCP(5432), Role: p.out.AuthUser, Database: p.out.AuthDatabase,
			Source: source, Origin: p.obj.Origin(),
		}
		if p.integrated() {
			f.Cert = p.out.AuthUser
		}
		if s := c.w.Service(p.obj.Namespace, p.out.Target); s != nil && len(to) == 0 {
			f.To.Lost = world.NoEndpoints(s)
		}
		c.flow(f)
	}
}

// metricsFlows are only of use where somebody scrapes: a Prometheus of the estate.
func (c *cluster) metricsFlows() {
	scrapers := c.around.scrapers
	if len(scrapers) == 0 {
		return
	}
	f := snapshot.VitalFlow{ID: "metrics", Phase: snapshot.Monitoring, From: world.Pods("Prometheus", scrapers...), Optional: true, Source: source}
	if c.spec.Monitoring.EnablePodMonitor {
		f.What, f.To, f.Ports = "Prometheus scrapes the instances", c.everyInstance(), world.TCP(9187)
		f.Origin = c.at("spec.monitoring.enablePodMonitor")
		c.flow(f)
	}
	for _, p := range c.poolers {
		if p.spec.Monitoring.EnablePodMonitor {
			f.What, f.To = "Prometheus scrapes Pooler "+p.obj.Name, world.Pods("Pooler "+p.obj.Name, p.out.Workload.Pods...)
			f.Ports, f.Origin = world.TCP(9127), p.obj.Origin().At("spec.monitoring.enablePodMonitor")
			c.flow(f)
		}
	}
	if to := c.around.operator; len(to.Pods) > 0 {
		f.What, f.To, f.Ports, f.Origin = "Prometheus scrapes the operator", to, world.TCP(8080), c.obj.Origin()
		c.flow(f)
	}
}
