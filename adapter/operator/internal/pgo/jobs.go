package pgo

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// byJob are the labels that the Job controller adds.
var byJob = []string{"batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"}

// plannedOthers are the pods that run no PostgreSQL and that each phase will make; live
// ones of the part are what there is.
func (c *Cluster) plannedOthers(live []*snapshot.Pod) (out []*snapshot.Pod) {
	for _, p := range slices.Concat(c.repoHosts(), c.backupJobs(), c.restoreJobs(), c.moveJobs(), c.consolePods()) {
		if !slices.ContainsFunc(live, func(l *snapshot.Pod) bool { return l.Part == p.Part }) {
			out = append(out, p)
		}
	}
	return out
}

// backsUp says whether there are backups at all.
func (c *Cluster) backsUp() bool {
	return yes(c.Spec.Backups.Enabled, true) && len(c.Spec.Backups.PGBackRest.Repos) > 0
}

// backrest is a pod of pgBackRest.
func (c *Cluster) backrest(name, part string, own map[string]string, unknown []string) *snapshot.Pod {
	own = maps.Clone(own)
	own[backrestLabel] = ""
	return c.pod(name, part, "", c.Spec.Backups.PGBackRest.Metadata, own, unknown)
}

// repoHosts is the repository host, which there is also where all repositories are in
// a cloud [pgo internal/controller/postgrescluster/pgbackrest.go generateRepoHostIntent@6.0.3].
// It makes no calls of the API.
func (c *Cluster) repoHosts() []*snapshot.Pod {
	if !c.backsUp() {
		return nil
	}
	name := c.obj.Name + "-repo-host-0"
	own := map[string]string{dedicatedLabel: "", dataLabel: "pgbackrest",
		"apps.kubernetes.io/pod-index": "0", "statefulset.kubernetes.io/pod-name": name}
	return []*snapshot.Pod{c.backrest(name, repoHost, own, []string{"controller-revision-hash"})}
}

// backupJobs are those of the first backup, which replicas are made from, of manual
// backups, and of scheduled ones [pgo internal/naming/labels.go PGBackRestBackupJobLabels,
// PGBackRestCronJobLabels@6.0.3].
func (c *Cluster) backupJobs() (out []*snapshot.Pod) {
	if !c.backsUp() {
		return nil
	}
	job := func(repo string, own map[string]string) {
		own[repoLabel] = repo
		p := c.backrest("", backupJob, own, byJob)
		p.ServiceAccount = c.obj.Name + "-pgbackrest"
		out = append(out, p)
	}
	b := c.Spec.Backups.PGBackRest
	job(b.Repos[0].Name, map[string]string{backupLabel: "replica-create"})
	for _, r := range b.Repos {
		if c.fork.Restores || b.Manual != nil && b.Manual.RepoName == r.Name {
			job(r.Name, map[string]string{backupLabel: "manual"})
		}
		if c.fork.Scheduled {
			continue // they are manual ones that the operator starts
		}
		for _, kind := range slices.Sorted(maps.Keys(r.Schedules)) {
			job(r.Name, map[string]string{backupLabel: "scheduled", cronJobLabel: kind})
		}
	}
	return out
}

// restoreJobs is what fills the volume of the first instance, of a new cluster or of
// this one again.
func (c *Cluster) restoreJobs() []*snapshot.Pod {
	if !c.backsUp() && c.source() == "" {
		return nil
	}
	p := c.backrest("", restoreJob, map[string]string{restoreLabel: ""}, append([]string{startupLabel}, byJob...))
	p.ServiceAccount = c.obj.Name + "-instance"
	return []*snapshot.Pod{p}
}

// source is the field of what a cluster begins from a backup of; empty where it does not.
func (c *Cluster) source() string {
	switch d := c.Spec.DataSource; {
	case d == nil:
		return ""
	case d.PostgresCluster != nil: // it wins [pgo internal/controller/postgrescluster/cluster.go reconcileDataSource@6.0.3]
		return "spec.dataSource.postgresCluster"
	case d.PGBackRest != nil:
		return "spec.dataSource.pgbackrest"
	}
	return ""
}

// moveJobs move directories of volumes that an older operator made; they talk to nobody.
func (c *Cluster) moveJobs() (out []*snapshot.Pod) {
	if c.Spec.DataSource == nil || c.Spec.DataSource.Volumes == nil {
		return nil
	}
	v := c.Spec.DataSource.Volumes
	for _, m := range []struct {
		volume *moved
		label  string
	}{{v.PGData, "move-pgdata-dir"}, {v.PGWAL, "move-pgwal-dir"}, {v.PGBackRest, "move-pgbackrest-repo-dir"}} {
		if m.volume != nil && m.volume.Directory != "" {
			out = append(out, c.pod("", moveJob, "", Metadata{}, map[string]string{moveLabel: "", prefix + m.label: ""}, byJob))
		}
	}
	return out
}

// consolePort is where pgAdmin listens.
const consolePort = 5050

// consolePods is pgAdmin beside the cluster [pgo
// internal/controller/postgrescluster/pgadmin.go@6.0.3].
func (c *Cluster) consolePods() []*snapshot.Pod {
	a := c.Spec.UserInterface.PGAdmin
	if a == nil {
		return nil
	}
	name := c.obj.Name + "-pgadmin-0"
	own := map[string]string{roleLabel: "pgadmin", dataLabel: "pgadmin",
		"apps.kubernetes.io/pod-index": "0", "statefulset.kubernetes.io/pod-name": name}
	p := c.pod(name, console, "", a.Metadata, own, []string{"controller-revision-hash"})
	p.Ports = []snapshot.ContainerPort{{Name: "pgadmin", Protocol: flow.TCP, Port: consolePort}}
	return []*snapshot.Pod{p}
}

// upgradeKinds are the objects that ask for a newer major version.
var upgradeKinds = []string{"PGUpgrade.postgres-operator.crunchydata.com", "PerconaPGUpgrade.pgv2.percona.com"}

// upgrades adds the jobs of objects that ask for a newer major version [pgo
// internal/controller/pgupgrade/labels.go@6.0.3]. They work on volumes and talk to
// nobody.
func (f *Fork) upgrades(w *operator.World, clusters []*Cluster) {
	for _, kind := range upgradeKinds {
		for _, o := range w.Objects[kind] {
			if o.Group() == f.Kind.Group {
				f.upgrade(w, o, clusters)
			}
		}
	}
}

func (f *Fork) upgrade(w *operator.World, o object.Object, clusters []*Cluster) {
	var in struct {
		Spec struct {
			Metadata    Metadata `json:"metadata"`
			ClusterName string   `json:"postgresClusterName"`
			To          int      `json:"toPostgresVersion"`
		} `json:"spec"`
	}
	world.Read(w, o, &in)
	c := named(clusters, o.Namespace, in.Spec.ClusterName)
	if c == nil {
		world.Warn(w, o, f.Name+"/no-cluster", "spec.postgresClusterName", "%s %s is not in the estate", f.Kind.Kind, in.Spec.ClusterName)
		return
	}
	c.server.Target = in.Spec.To
	if len(c.part(upgradeJob)) > 0 {
		return
	}
	for _, role := range []string{"pgupgrade", "removedata"} {
		c.server.Workload.Pods = append(c.server.Workload.Pods, c.upgradeJob(o, role, in.Spec.Metadata.Labels, in.Spec.To))
	}
}

// upgradeJob is the pod of one step of an upgrade, which has no labels of the cluster's
// but its name.
func (c *Cluster) upgradeJob(o object.Object, role string, labels map[string]string, to int) *snapshot.Pod {
	set := map[string]string{}
	maps.Copy(set, labels)
	set[roleLabel], set[clusterLabel] = role, c.obj.Name
	if role == "pgupgrade" {
		set[versionLabel] = fmt.Sprint(to)
	}
	unknown := byJob
	if c.fork.Restores { // the fork makes the object that the job is named for
		unknown = append([]string{upgradeLabel}, byJob...)
	} else {
		set[upgradeLabel] = o.Name
	}
	return &snapshot.Pod{
		Workload: c.server.Workload, Namespace: o.Namespace, Part: upgradeJob, Labels: netpol.Labels{Set: set, Unknown: unknown},
		ServiceAccount: c.obj.Name + "-instance", Origin: o.Origin(),
	}
}

func named(clusters []*Cluster, namespace, name string) *Cluster {
	for _, c := range clusters {
		if c.obj.Namespace == namespace && c.obj.Name == name {
			return c
		}
	}
	return nil
}
