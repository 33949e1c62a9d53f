package stackgres

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// The parts of the pods that run no PostgreSQL. BackupJob is that of the scheduled
// backup, which has a process started in a member; other operations have their own
// name before "job".
const (
	BackupJob    = "backup job"
	OneBackupJob = "one-shot backup job"
	// ShardedBackupJob is that of the scheduled backup of an SGShardedCluster, which asks
	// the parts for backups of their own.
	ShardedBackupJob = "sharded backup job"
	otherJob         = "job"
)

// The app labels of the operator's objects [sg C/StackGresContext.java@1.18.6].
const (
	backupApp = "StackGresBackup"
	dbOpsApp  = "StackGresDbOps"
)

// jobLabels are those that a controller adds to a Job's pods.
var jobLabels = []string{"job-name", "controller-uid", "batch.kubernetes.io/job-name", "batch.kubernetes.io/controller-uid"}

// name gives a live pod that runs no PostgreSQL its part.
func (c *cluster) name(p *snapshot.Pod) {
	p.Part = otherJob
	if p.Labels.Set[c.prefix+"scheduled-backup"] == "true" {
		p.Part = BackupJob
	}
}

// jobs adds to the live jobs those that will be: the scheduled backup's, and one for
// each SGBackup and SGDbOps that names the cluster.
func (c *cluster) jobs(live []*snapshot.Pod) []*snapshot.Pod {
	out := slices.Clone(live)
	if len(c.spec.Configurations.Backups) > 0 && !slices.ContainsFunc(live, func(p *snapshot.Pod) bool { return p.Part == BackupJob }) {
		out = append(out, c.backupJob())
	}
	if len(c.spec.Configurations.Backups) > 0 && c.server.Duty == Coordinator {
		out = append(out, c.shardedBackupJob())
	}
	for _, o := range c.naming("SGBackup") {
		out = append(out, c.objectJob(o, backupApp, "backup-name", "backup-uid", "backup", OneBackupJob, o.Name+"-backup"))
	}
	for _, op := range c.operations() {
		if op.hasJob {
			out = append(out, c.objectJob(op.object, dbOpsApp, "dbops-name", "dbops-uid", "db-ops", op.part, op.object.Name+"-dbops"))
		}
	}
	return out
}

// backupJob is the CronJob's pod; it lacks the labels cluster and cluster-scope [sg
// C/labels/AbstractLabelFactoryForCluster.java@1.18.6].
func (c *cluster) backupJob() *snapshot.Pod {
	return &snapshot.Pod{
		Workload: c.server.Workload, Namespace: c.ref.Namespace, Part: BackupJob, Origin: c.at("spec.configurations.backups"),
		ServiceAccount: c.ref.Name + "-backup",
		Labels: netpol.Labels{
			Set: map[string]string{
				"app": "StackGresCluster", c.prefix + "cluster-name": c.ref.Name, c.prefix + "scheduled-backup": "true",
			},
			Unknown: append([]string{c.prefix + "cluster-uid"}, jobLabels...),
		},
	}
}

// shardedBackupJob is the pod of the SGShardedCluster's own CronJob [sg
// F/shardedcluster/backup/ShardedBackupCronJob.java, C/labels/ShardedClusterLabelFactory.java@1.18.6].
func (c *cluster) shardedBackupJob() *snapshot.Pod {
	return &snapshot.Pod{
		Workload: c.server.Workload, Namespace: c.ref.Namespace, Part: ShardedBackupJob, Origin: c.at("spec.configurations.backups"),
		Labels: netpol.Labels{
			Set: map[string]string{
				"app": "StackGresShardedCluster", c.prefix + "shardedcluster-name": c.owner.Name, c.prefix + "scheduled-sharded-backup": "true",
			},
			Unknown: append([]string{c.prefix + "shardedcluster-uid"}, jobLabels...),
		},
	}
}

// objectJob is the pod of the Job that the operator makes of an object of its own. Where
// it is live it is a workload of the estate by itself, and the same labels find it.
func (c *cluster) objectJob(o object.Object, app, nameKey, uidKey, kindKey, part, account string) *snapshot.Pod {
	labels := netpol.Labels{
		Set:     map[string]string{"app": app, c.prefix + nameKey: o.Name, c.prefix + kindKey: "true"},
		Unknown: append([]string{c.prefix + uidKey}, jobLabels...),
	}
	return &snapshot.Pod{
		Workload: c.server.Workload, Namespace: c.ref.Namespace, Part: part, ServiceAccount: account, Labels: labels, Origin: o.Origin(),
	}
}

// A request is what an SGBackup and an SGDbOps have in common.
type request struct {
	Spec struct {
		SGCluster string `json:"sgCluster"`
	} `json:"spec"`
	Status struct {
		Process struct {
			Status string `json:"status"`
		} `json:"process"`
		Conditions []struct {
			Type   string `json:"type"`
			Status string `json:"status"`
		} `json:"conditions"`
	} `json:"status"`
}

// done says that the operator will make no further pods for it.
func (r request) done() bool {
	for _, condition := range r.Status.Conditions {
		if condition.Status == "True" && (condition.Type == "Completed" || condition.Type == "Failed") {
			return true
		}
	}
	return r.Status.Process.Status == "Completed" || r.Status.Process.Status == "Failed"
}

// naming lists the objects of a kind that ask something of this cluster, and are not
// done. One that cannot be read is a Problem already, where the adapter begins.
func (c *cluster) naming(kind string) []object.Object {
	var out []object.Object
	for _, o := range c.w.Objects[kind+"."+group] {
		var in request
		if o.Decode(&in) == nil && o.Namespace == c.ref.Namespace && in.Spec.SGCluster == c.ref.Name && !in.done() {
			out = append(out, o)
		}
	}
	return out
}

// checkObjects makes Problems of the faults of objects that several clusters read.
func checkObjects(w *operator.World) {
	for _, kind := range []string{"SGBackup", "SGDbOps"} {
		for _, o := range w.Objects[kind+"."+group] {
			world.Read(w, o, &request{})
		}
	}
	for _, o := range w.Objects["SGConfig."+group] {
		world.Read(w, o, &struct {
			Spec configSpec `json:"spec"`
		}{})
	}
}

// An operation is an SGDbOps of the cluster.
type operation struct {
	object object.Object
	op     string
	part   string
	// hasJob says that a Job does it; others the operator does by itself.
	hasJob bool
	// service is what a benchmark connects to: "" for the primary's, else "-replicas".
	service  string
	database string
	role     string
}

// rollouts are the operations that the operator does by itself from 1.18 on, without a
// Job (release notes 1.18.0) [sg stackgres-k8s/src/operator/src/main/java/io/stackgres/operator/common/DbOpsUtil.java@1.18.6].
var rollouts = []string{"restart", "securityUpgrade", "minorVersionUpgrade"}

// operations lists the cluster's SGDbOps. Of a release that is not known each may have
// a Job.
func (c *cluster) operations() []operation {
	var out []operation
	for _, o := range c.naming("SGDbOps") {
		var in struct {
			Spec struct {
				Op        string `json:"op"`
				Benchmark struct {
					Database       string `json:"database"`
					ConnectionType string `json:"connectionType"`
					Credentials    struct {
						Username *secretKey `json:"username"`
					} `json:"credentials"`
				} `json:"benchmark"`
			} `json:"spec"`
		}
		world.Read(c.w, o, &in)
		op := operation{object: o, op: in.Spec.Op, part: kebab(in.Spec.Op) + " job", database: in.Spec.Benchmark.Database}
		op.hasJob = !slices.Contains(rollouts, op.op) || c.release.since(1, 18) != from
		if in.Spec.Benchmark.ConnectionType == "replicas-service" {
			op.service = "-replicas"
		}
		if in.Spec.Benchmark.Credentials.Username == nil {
			op.role = c.spec.Configurations.Credentials.Users.Superuser.name("postgres")
		}
		out = append(out, op)
	}
	return out
}

// kebab writes "majorVersionUpgrade" as "major-version-upgrade".
func kebab(text string) string {
	var b strings.Builder
	for i, r := range text {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('-')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
