package pgo

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// vital adds the flows that the cluster needs. The operator itself talks to no pod: it
// executes commands in them through the API server.
func (c *Cluster) vital() {
	c.replicationFlows()
	c.repoFlows()
	c.storeFlows()
	c.standbyFlows()
	c.sourceFlows()
	c.poolerFlows()
	c.metricsFlow()
	if pods := c.part(console); len(pods) > 0 {
		c.flow(snapshot.Steady, c.consoleFlow(world.Pods("pgAdmin", pods...), c.at("spec.userInterface.pgAdmin")))
	}
	c.everyoneFlows()
	if c.Vital != nil {
		c.server.Vital = append(c.server.Vital, c.Vital(c)...)
	}
}

// flow adds flows of a phase.
func (c *Cluster) flow(phase snapshot.Phase, flows ...snapshot.VitalFlow) {
	for _, f := range flows {
		f.Phase = phase
		if f.Source == "" {
			f.Source = c.fork.Source
		}
		c.server.Vital = append(c.server.Vital, f)
	}
}

func (c *Cluster) primaries() snapshot.VitalPeer {
	return world.Pods("the primary", c.part(snapshot.Primary)...)
}

func (c *Cluster) listens() []flow.PortRange { return world.TCP(c.server.Ports[0].Port) }

// replicationFlows are those between instances. A replica is made from a backup, else
// by pg_basebackup from the primary.
func (c *Cluster) replicationFlows() {
	replicas := c.part(snapshot.Replica)
	if len(replicas) == 0 {
		return
	}
	members := c.Members()
	stream := snapshot.VitalFlow{
		ID: "replication", What: "replicas stream from the primary", From: world.Pods("the replicas", replicas...), To: c.primaries(),
		Ports: c.listens(), Role: replicator, Replication: true, Cert: replicator, Origin: c.at("spec.instances"),
	}
	join, rewind := stream, stream
	join.ID, join.What = "join", "a new replica is copied from the primary where no backup serves"
	rewind.ID, rewind.What = "rewind", "a former primary rewinds to the new one"
	rewind.Replication, rewind.Database = false, "postgres"
	patroni := snapshot.VitalFlow{
		ID: "patroni", What: "members ask each other's Patroni before a failover", From: members, To: members,
		Ports: world.TCP(c.patroniPort()), Origin: c.at("spec.instances"),
	}
	c.flow(snapshot.Steady, stream)
	c.flow(snapshot.Join, join)
	c.flow(snapshot.Failover, rewind, patroni)
}

// repoFlows are those of pgBackRest between pods: the repository host reads the data of
// instances, and they bring it WAL and fetch it where a repository is a volume.
func (c *Cluster) repoFlows() {
	hosts := c.part(repoHost)
	if len(hosts) == 0 {
		return
	}
	host, at := world.Pods("the repository host", hosts...), c.at("spec.backups.pgbackrest.repos")
	c.flow(snapshot.Backup, snapshot.VitalFlow{
		ID: "backup", What: "the repository host takes backups of the instances", From: host, To: c.Members(), Ports: world.TCP(backrestPort), Origin: at,
	})
	for i, r := range c.Spec.Backups.PGBackRest.Repos {
		if r.Volume == nil {
			continue
		}
		at := c.at("spec.backups.pgbackrest.repos[%d].volume", i)
		c.flow(snapshot.Steady, snapshot.VitalFlow{
			ID: "archive", What: "instances bring WAL to the repository host, and fetch it", From: c.Members(), To: host,
			Ports: world.TCP(backrestPort), Origin: at,
		})
		if replicas := c.part(snapshot.Replica); len(replicas) > 0 {
			c.flow(snapshot.Join, snapshot.VitalFlow{
				ID: "join", What: "a new replica is made from a backup", From: world.Pods("the replicas", replicas...), To: host,
				Ports: world.TCP(backrestPort), Origin: at,
			})
		}
		if jobs := c.part(restoreJob); len(jobs) > 0 {
			c.flow(snapshot.Restore, snapshot.VitalFlow{
				ID: "restore", What: "the restore job reads the repository host", From: world.Pods("the restore job", jobs...), To: host,
				Ports: world.TCP(backrestPort), Origin: at,
			})
		}
		return // one host has them all
	}
}

// A store is a repository in a cloud.
type store struct {
	to    snapshot.VitalPeer
	ports []flow.PortRange
	at    verdict.Origin
}

// storeOf finds a repository's store; ok is false for a volume. Options of pgBackRest
// may name another host and port (pgBackRest documentation, "--repo-storage-host").
func (c *Cluster) storeOf(r Repo, global map[string]string, field string) (store, bool) {
	kind, endpoint := "", ""
	switch {
	case r.S3 != nil:
		kind, endpoint = "s3", r.S3.Endpoint
	case r.GCS != nil:
		kind, endpoint = "gcs", "storage.googleapis.com"
	case r.Azure != nil:
		kind = "azure"
	default:
		return store{}, false
	}
	if v := global[r.Name+"-storage-host"]; v != "" {
		endpoint = v
	}
	if !strings.Contains(endpoint, "://") && endpoint != "" {
		endpoint = "https://" + endpoint
	}
	to, ports := world.Endpoint(c.w, c.obj.Namespace, "the object store", endpoint)
	if v := global[r.Name+"-storage-port"]; v != "" {
		ports = world.TCP(world.Port(v, 443))
	}
	return store{to: to, ports: ports, at: c.at("%s.%s", field, kind)}, true
}

// storeFlows lead to the clouds: instances archive WAL there themselves, the repository
// host takes backups there, and restores read them.
func (c *Cluster) storeFlows() {
	if !c.backsUp() {
		return
	}
	for i, r := range c.Spec.Backups.PGBackRest.Repos {
		s, ok := c.storeOf(r, c.Spec.Backups.PGBackRest.Global, fmt.Sprintf("spec.backups.pgbackrest.repos[%d]", i))
		if !ok {
			continue
		}
		f := snapshot.VitalFlow{
			ID: "archive", What: "instances archive WAL in the object store, and fetch it", From: c.Members(), To: s.to, Ports: s.ports, Origin: s.at,
		}
		c.flow(snapshot.Steady, f)
		f.ID, f.What, f.From = "backup", "the repository host takes backups into the object store", world.Pods("the repository host", c.part(repoHost)...)
		c.flow(snapshot.Backup, f)
		f.ID, f.What, f.From = "restore", "the restore job reads the object store", world.Pods("the restore job", c.part(restoreJob)...)
		c.flow(snapshot.Restore, f)
	}
}

// standbyFlows lead to the cluster that this one follows, with the certificate of
// replication: both clusters need one CA.
func (c *Cluster) standbyFlows() {
	s := c.Spec.Standby
	if s == nil || !yes(s.Enabled, c.fork.Strict) || s.Host == "" {
		return
	}
	port := uint16(5432)
	if s.Port != nil {
		if *s.Port < 1024 || *s.Port > 65535 {
			world.Refuse(c.w, c.obj, "spec.standby.port", "%d: want a number from 1024 to 65535", *s.Port)
		} else {
			port = uint16(*s.Port)
		}
	}
	to, ports := world.Host(c.w, c.obj.Namespace, "the cluster it follows", s.Host, port)
	c.flow(snapshot.Steady, snapshot.VitalFlow{
		ID: "external", What: "the standby cluster follows another", From: c.primaries(), To: to, Ports: ports,
		Role: replicator, Replication: true, Cert: replicator, Origin: c.at("spec.standby.host"),
	})
}

// sourceFlows lead to what the cluster begins from.
func (c *Cluster) sourceFlows() {
	jobs := world.Pods("the restore job", c.part(restoreJob)...)
	switch c.source() {
	case "spec.dataSource.postgresCluster":
		from := c.Spec.DataSource.PostgresCluster
		ns, name := from.ClusterNamespace, from.ClusterName
		if ns == "" {
			ns = c.obj.Namespace
		}
		if name == "" {
			return // its own repositories
		}
		c.flow(snapshot.Bootstrap, snapshot.VitalFlow{
			ID: "restore", What: "the restore job reads the repository host of " + name, From: jobs,
			To: world.Described(c.w, "the repository host of "+name, ns, map[string]string{
				clusterLabel: name, dedicatedLabel: "", dataLabel: "pgbackrest"}),
			Ports: world.TCP(backrestPort), Origin: c.at("spec.dataSource.postgresCluster"),
		})
	case "spec.dataSource.pgbackrest":
		d := c.Spec.DataSource.PGBackRest
		if s, ok := c.storeOf(d.Repo, d.Global, "spec.dataSource.pgbackrest.repo"); ok {
			c.flow(snapshot.Bootstrap, snapshot.VitalFlow{
				ID: "restore", What: "the restore job reads the object store", From: jobs, To: s.to, Ports: s.ports, Origin: s.at,
			})
		} else {
			world.Refuse(c.w, c.obj, "spec.dataSource.pgbackrest.repo", "want s3, gcs or azure")
		}
	}
}

func (c *Cluster) poolerFlows() {
	if c.pooler == nil || c.Spec.Proxy.PgBouncer == nil {
		return
	}
	to := c.server.Members()
	if c.pooler.Part != "" {
		to = c.part(c.pooler.Part)
	}
	c.flow(snapshot.Steady, snapshot.VitalFlow{
		ID: "pooler", What: "PgBouncer connects to the instances", From: world.Pods("PgBouncer", c.pooler.Workload.Pods...),
		To: world.Pods("the instances", to...), Ports: c.listens(), Role: bouncer, Database: c.pooler.AuthDatabase,
		Origin: c.at("spec.proxy.pgBouncer"),
	})
}

// metricsFlow is only of use where somebody scrapes: a Prometheus of the estate.
func (c *Cluster) metricsFlow() {
	scrapers := world.Labelled(c.w, map[string]string{"app.kubernetes.io/name": "prometheus"})
	if c.Spec.Monitoring.PGMonitor.Exporter == nil || len(scrapers) == 0 {
		return
	}
	c.flow(snapshot.Monitoring, snapshot.VitalFlow{
		ID: "metrics", What: "Prometheus scrapes the instances", From: world.Pods("Prometheus", scrapers...), To: c.Members(),
		Ports: world.TCP(9187), Optional: true, Origin: c.at("spec.monitoring.pgmonitor.exporter"),
	})
}

// consoleFlow is that of a pgAdmin, through C-primary.
func (c *Cluster) consoleFlow(from snapshot.VitalPeer, at verdict.Origin) snapshot.VitalFlow {
	return snapshot.VitalFlow{
		ID: "pgadmin", What: "pgAdmin connects to the primary", Phase: snapshot.Steady, From: from, To: c.primaries(), Ports: c.listens(),
		Optional: true, Source: c.fork.Source, Origin: at,
	}
}

// everyoneFlows are names and the API server. Patroni needs it from the instances, a
// backup job to execute pgBackRest in the repository host; the host itself, a restore
// and PgBouncer make no calls of it.
func (c *Cluster) everyoneFlows() {
	src := c.fork.Source
	c.flow(snapshot.Steady, world.Everyone(c.w, "the instances", c.server.Members(), src)...)
	for _, of := range []struct {
		who, part string
		phase     snapshot.Phase
	}{{"the repository host", repoHost, snapshot.Backup}, {"the backup jobs", backupJob, snapshot.Backup},
		{"the restore job", restoreJob, snapshot.Restore}, {"pgAdmin", console, snapshot.Steady}} {
		pods := c.part(of.part)
		if len(pods) == 0 {
			continue
		}
		c.flow(of.phase, world.DNS(c.w, of.who, pods, src))
		if of.part == backupJob {
			c.flow(of.phase, world.APIServer(c.w, of.who, pods, src))
		}
	}
	if c.pooler != nil {
		c.flow(snapshot.Steady, world.DNS(c.w, "PgBouncer", c.pooler.Workload.Pods, src))
	}
	operator := c.fork.Operator.Peer(c.w)
	api := world.APIServer(c.w, "the operator", nil, src)
	api.ID, api.What, api.From = "operator", "the operator watches the API server, and executes commands in pods through it", operator
	c.flow(snapshot.Steady, api)
}
