package stackgres

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// source is the operator's own code: the page on NetworkPolicy in the manual does
// not fit 1.18 (ports 5432 and 8008, no egress to the API server).
const source = "[sg C/EnvoyUtil.java, F/cluster/patroni/@1.18.6]"

const (
	backupSource = "StackGres documentation, Backups: wal-g runs in the database pod [sg F/cluster/patroni/@1.18.6]"
	jobSource    = "[sg F/cluster/backup/BackupCronJob.java, F/dbops/AbstractDbOpsJob.java@1.18.6]"
)

var theCollector = world.Operator{
	Key: Name, Namespace: "stackgres", Name: "the metrics collector",
	Labels: map[string]string{"app": "StackGresConfig", group + "/collector": "true"},
}

var theOperator = world.Operator{
	Key: Name, Namespace: "stackgres", Name: "the operator",
	Labels: map[string]string{"app": "stackgres-operator", "group": group},
}

// webhookNumber is where the operator answers the API server.
const webhookNumber = 8443

// vital adds the flows that the cluster needs. The operator itself never talks to
// its pods: it goes through the API server, as they do.
func (c *cluster) vital() {
	c.replicationFlows()
	c.backupFlow()
	c.restoreFlow()
	c.sourceFlows()
	c.extensionsFlow()
	c.logsFlow()
	c.metricsFlow()
	c.operationFlows()
	c.everyone()
	c.webhookFlow()
}

// flow adds flows; one without a phase is always needed.
func (c *cluster) flow(flows ...snapshot.VitalFlow) {
	for _, f := range flows {
		f.Phase = cmp.Or(f.Phase, snapshot.Steady)
		c.server.Vital = append(c.server.Vital, f)
	}
}

func (c *cluster) memberPods() snapshot.VitalPeer {
	return world.Pods("the members", c.server.Members()...)
}

// portOf is the port that a function of the mode gives; of two that are possible either
// is needed.
func (c *cluster) portOf(number func(mode) uint16) (ports []flow.PortRange, anyOf bool) {
	for _, m := range c.possible {
		if one := world.TCP(number(m)); !slices.Contains(ports, one[0]) {
			ports = append(ports, one...)
		}
	}
	return ports, len(ports) > 1
}

// replicationFlows are those between members: streaming, the copy that a new replica
// begins with, pg_rewind, which is an ordinary session, and Patroni.
func (c *cluster) replicationFlows() {
	replicas := c.part(snapshot.Replica)
	if len(replicas) == 0 {
		return
	}
	users := c.spec.Configurations.Credentials.Users
	stream := snapshot.VitalFlow{
		ID: "replication", What: "replicas stream from the primary",
		From: world.Pods("the replicas", replicas...), To: world.Pods("the primary", c.primaries()...),
		Role: users.Replication.name("replicator"), Replication: true, Source: source, Origin: c.at("spec.instances"),
	}
	stream.Ports, stream.AnyOf = c.portOf(mode.direct)
	rewind, join := stream, stream
	rewind.ID, rewind.What, rewind.Replication, rewind.Phase = "rewind", "a former primary rewinds to the new one", false, snapshot.Failover
	rewind.Role, rewind.Database = users.Superuser.name("postgres"), "postgres"
	join.ID, join.What, join.Phase = "join", "a new replica copies the primary", snapshot.Join
	patroni := snapshot.VitalFlow{
		ID: "patroni", What: "members ask each other's Patroni before a failover", From: c.memberPods(), To: c.memberPods(),
		Phase: snapshot.Failover, Source: source, Origin: c.at("spec.instances"),
	}
	patroni.Ports, patroni.AnyOf = c.portOf(mode.patroni)
	c.flow(stream, rewind, patroni, join)
}

func (c *cluster) backupFlow() {
	for i, b := range c.spec.Configurations.Backups {
		c.store("backup", "members archive WAL and take backups", snapshot.Backup, b.SGObjectStorage, c.ref.Namespace,
			"spec.configurations.backups[%d]", i)
	}
}

// store leads to an SGObjectStorage; a cloud's has no address of its own.
func (c *cluster) store(id, what string, phase snapshot.Phase, name, namespace, field string, args ...any) {
	at := c.at(field, args...)
	endpoint := ""
	if o, ok := c.named("SGObjectStorage", name, namespace); ok {
		var in struct {
			Spec struct {
				S3Compatible struct {
					Endpoint string `json:"endpoint"`
				} `json:"s3Compatible"`
			} `json:"spec"`
		}
		world.Read(c.w, o, &in)
		endpoint = in.Spec.S3Compatible.Endpoint
	} else {
		c.server.Unsettled = append(c.server.Unsettled, snapshot.Unsettled{
			What: "where the object store is", Fact: "SGObjectStorage " + name + ", which is not in the estate", Origin: at,
		})
	}
	to, ports := world.Endpoint(c.w, c.ref.Namespace, "the object store", endpoint)
	c.flow(snapshot.VitalFlow{
		ID: id, What: what, Phase: phase, From: c.memberPods(), To: to, Ports: ports, Source: backupSource, Origin: at,
	})
}

// restoreFlow leads to the store of the SGBackup that the cluster begins with: that of
// the cluster it was taken of. wal-g runs in the database pod here too.
func (c *cluster) restoreFlow() {
	name := c.spec.InitialData.Restore.FromBackup.Name
	if name == "" {
		return
	}
	storage, namespace := c.storageOf(name)
	c.store("restore", "the first member restores its data from the object store", snapshot.Restore, storage, namespace,
		"spec.initialData.restore.fromBackup")
}

// storageOf finds the SGObjectStorage of a backup, by its cluster.
func (c *cluster) storageOf(backup string) (name, namespace string) {
	o, ok := c.named("SGBackup", backup, c.ref.Namespace)
	var in request
	if !ok || o.Decode(&in) != nil {
		return "of SGBackup " + backup, c.ref.Namespace
	}
	namespace, cluster, other := strings.Cut(in.Spec.SGCluster, ".")
	if !other {
		namespace, cluster = c.ref.Namespace, in.Spec.SGCluster
	}
	if of, ok := c.named("SGCluster", cluster, namespace); ok {
		var in struct {
			Spec clusterSpec `json:"spec"`
		}
		if of.Decode(&in) == nil && len(in.Spec.Configurations.Backups) > 0 {
			return in.Spec.Configurations.Backups[0].SGObjectStorage, namespace
		}
	}
	return "of SGBackup " + backup, namespace
}

// sourceFlows lead to what the cluster replicates from.
func (c *cluster) sourceFlows() {
	from := c.spec.ReplicateFrom
	if s := from.Storage; s != nil {
		c.store("external", "the standby cluster reads WAL from the object store", snapshot.Steady, s.SGObjectStorage, c.ref.Namespace,
			"spec.replicateFrom.storage")
	}
	host, port, field := from.Instance.SGCluster, uint16(serviceDirect), "spec.replicateFrom.instance.sgCluster"
	if e := from.Instance.External; e != nil {
		host, port, field = e.Host, cmp.Or(e.Port, servicePort), "spec.replicateFrom.instance.external"
	}
	if host == "" {
		return
	}
	to, ports := world.Host(c.w, c.ref.Namespace, "the source of replication", host, port)
	c.flow(snapshot.VitalFlow{
		ID: "external", What: "the standby cluster follows its source", From: c.memberPods(), To: to, Ports: ports,
		Role: from.Users.Replication.name("replicator"), Replication: true,
		Source: "StackGres documentation, Replication [sg F/cluster/patroni/PatroniConfigEndpoints.java@1.18.6]", Origin: c.at("%s", field),
	})
}

// extensionsFlow: a pod that has to fetch an extension does not start without the
// repository; one without extensions only looks.
func (c *cluster) extensionsFlow() {
	for _, url := range c.repositories() {
		to, ports := world.Endpoint(c.w, c.ref.Namespace, "the extensions repository", url)
		c.flow(snapshot.VitalFlow{
			ID: "extensions", What: "members fetch extensions", Phase: snapshot.Bootstrap, From: c.memberPods(), To: to, Ports: ports,
			Optional: len(c.spec.Postgres.Extensions) == 0 && !c.babelfish(),
			Source:   "StackGres documentation, Extensions", Origin: c.at("spec.postgres.extensions"),
		})
	}
}

// repositories are the operator's, from its SGConfig, or the public one.
func (c *cluster) repositories() []string {
	for _, o := range c.w.Objects["SGConfig."+group] {
		if urls := readConfig(o).Extensions.RepositoryURLs; len(urls) > 0 {
			return urls
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
	namespace := c.ref.Namespace
	if ns, rest, ok := strings.Cut(name, "."); ok {
		namespace, name = ns, rest
	}
	to, ports := world.Host(c.w, namespace, "the distributed logs", name, fluentdNumber)
	c.flow(snapshot.VitalFlow{
		ID: "logs", What: "members send their logs", Phase: snapshot.Monitoring, From: c.memberPods(), To: to, Ports: ports,
		Optional: true, Source: "StackGres documentation, Distributed Logs", Origin: c.at("spec.distributedLogs.sgDistributedLogs"),
	})
}

// metricsFlow: the collector asks the exporter, Envoy where there is one, and
// Patroni. There is none before 1.14 (release notes 1.14.0).
func (c *cluster) metricsFlow() {
	if c.spec.Configurations.Observability.DisableMetrics || c.release.since(1, 14) == before {
		return
	}
	f := snapshot.VitalFlow{
		ID: "metrics", What: "the collector reads metrics", Phase: snapshot.Monitoring, Releases: "from 1.14", From: theCollector.Peer(c.w),
		To: c.memberPods(), Optional: true, Source: source, Origin: c.at("spec.configurations.observability"),
	}
	patroni := f
	patroni.Ports, patroni.AnyOf = c.portOf(mode.patroni)
	if !patroni.AnyOf {
		f.Ports = patroni.Ports
	} else {
		c.flow(patroni)
	}
	for _, p := range c.server.Control {
		if p.Port == exporterNumber || p.Port == envoyAdmin && len(c.possible) == 1 {
			f.Ports = append(f.Ports, world.TCP(p.Port)...)
		}
	}
	if len(f.Ports) == 0 {
		return
	}
	c.flow(f)
}

// operationFlows: a benchmark connects through a Service as the superuser; other
// operations have processes started in members, by way of the API server.
func (c *cluster) operationFlows() {
	for _, op := range c.operations() {
		if op.op != "benchmark" {
			continue
		}
		to := world.Pods("the primary", c.primaries()...)
		if op.service == replicasSuffix {
			to = world.Pods("the replicas", c.part(snapshot.Replica)...)
		}
		f := snapshot.VitalFlow{
			ID: "benchmark", What: "SGDbOps " + op.object.Name + " runs a benchmark", Optional: true, To: to,
			From: world.Pods("the benchmark job", c.jobsOf(op.object.Name)...),
			Role: op.role, Database: cmp.Or(op.database, "postgres"),
			Source: "[sg F/dbops/PgbenchBenchmark.java, F/dbops/SamplingBenchmark.java@1.18.6]", Origin: op.object.Origin().At("spec.benchmark"),
		}
		f.Ports, f.AnyOf = c.portOf(mode.apps)
		c.flow(f)
	}
}

// jobsOf are the pods of an SGDbOps.
func (c *cluster) jobsOf(name string) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, p := range c.server.Workload.Pods {
		if p.Labels.Set[c.prefix+"dbops-name"] == name {
			out = append(out, p)
		}
	}
	return out
}

// everyone adds what all pods need: without the API server the primary steps down, and
// a job can do nothing. Jobs that nobody asked for yet are known by their labels.
func (c *cluster) everyone() {
	c.flow(world.Everyone(c.w, "the members", c.server.Members(), source)...)
	byPhase := map[snapshot.Phase][]*snapshot.Pod{}
	for _, p := range c.server.Workload.Pods {
		if p.Part == snapshot.Primary || p.Part == snapshot.Replica {
			continue
		}
		phase := snapshot.Upgrade
		if p.Part == BackupJob || p.Part == OneBackupJob || p.Part == ShardedBackupJob {
			phase = snapshot.Backup
		}
		byPhase[phase] = append(byPhase[phase], p)
	}
	if pods := byPhase[snapshot.Backup]; len(pods) > 0 {
		c.inPhase(snapshot.Backup, world.Everyone(c.w, "the backup jobs", pods, jobSource)...)
	}
	if pods := byPhase[snapshot.Upgrade]; len(pods) > 0 {
		c.inPhase(snapshot.Upgrade, world.Everyone(c.w, "the jobs of operations", pods, jobSource)...)
	}
	if len(c.spec.Configurations.Backups) > 0 {
		c.later(snapshot.Backup, "the jobs of SGBackups", backupApp, "backup", "backup-name", "backup-uid")
	}
	c.later(snapshot.Upgrade, "the jobs of SGDbOps", dbOpsApp, "db-ops", "dbops-name", "dbops-uid")
}

// webhookFlow is how the API server asks the operator before it takes a change, which it
// refuses where nobody answers.
func (c *cluster) webhookFlow() {
	c.flow(snapshot.VitalFlow{
		ID: "webhook", What: "the kube-apiserver asks the operator's webhooks", Phase: snapshot.Steady,
		From: world.APIServer(c.w, "", nil, "").To, To: theOperator.Peer(c.w), Ports: world.TCP(webhookNumber),
		Source: "failurePolicy: Fail [sg stackgres-k8s/install/helm/stackgres-operator/templates/@1.18.6]",
	})
}

func (c *cluster) inPhase(phase snapshot.Phase, flows ...snapshot.VitalFlow) {
	for i := range flows {
		flows[i].Phase = phase
	}
	c.flow(flows...)
}

// later adds the flow to the API server of jobs that somebody may ask for tomorrow.
func (c *cluster) later(phase snapshot.Phase, name, app, kindKey, nameKey, uidKey string) {
	f := world.APIServer(c.w, name, nil, jobSource)
	f.From = snapshot.VitalPeer{Name: name, Namespace: c.ref.Namespace, Later: true, Labels: netpol.Labels{
		Set:     map[string]string{"app": app, c.prefix + kindKey: "true"},
		Unknown: append([]string{c.prefix + nameKey, c.prefix + uidKey}, jobLabels...),
	}}
	f.Optional = true
	c.inPhase(phase, f)
}
