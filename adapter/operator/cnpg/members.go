package cnpg

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// The parts of pods that are no instance are their jobRole with this behind it.
const jobSuffix = " job"

// The jobs that are not named by the bootstrap.
const (
	// JoinJob is the part of the job that makes a new replica from the primary.
	JoinJob     = "join" + jobSuffix
	snapshotJob = "snapshot-recovery" + jobSuffix
	upgradeJob  = "major-upgrade" + jobSuffix
)

// instances is spec.instances with its default.
func (c *cluster) instances() int { return world.Instances(c.spec.Instances, 0) }

// members gives the workload its pods: each instance once as primary and, where
// there are more than one, once as replica, since any may be either tomorrow; and
// the jobs. Pods that a live cluster shows are the instances that exist.
func (c *cluster) members() {
	world.CheckInstances(c.w, c.obj, c.spec.Instances)
	wl := c.server.Workload
	var pods []*snapshot.Pod
	seen := map[string]bool{}
	for _, p := range wl.Pods {
		if job, ok := p.Labels.Set[jobLabel]; ok {
			p.Part = job + jobSuffix
			seen[p.Part] = true
			pods = append(pods, p)
			continue
		}
		c.live = append(c.live, p)
	}
	instances := c.live
	if len(instances) == 0 {
		for n := range max(c.instances(), 1) { // hibernated and scaled-down ones come back
			instances = append(instances, c.instance(n+1))
		}
	}
	replicas := max(c.instances(), len(instances)) > 1
	var members []*snapshot.Pod
	for _, p := range instances {
		members = append(members, c.inPart(p, snapshot.Primary))
		if replicas {
			members = append(members, c.inPart(p, snapshot.Replica))
		}
	}
	for _, job := range c.jobs(replicas) {
		if !seen[job+jobSuffix] {
			pods = append(pods, c.job(job))
		}
	}
	wl.Pods = append(members, pods...)
}

// inPart returns the instance with the labels it has in one of its roles.
func (c *cluster) inPart(p *snapshot.Pod, part string) *snapshot.Pod {
	out := world.Clone(p)
	out.Part, out.Instance, out.Many = part, p.Name, false
	for _, key := range []string{roleLabel, oldRoleLabel} {
		if _, contested := c.spec.InheritedMetadata.Labels[key]; contested {
			doubt(&out.Labels, key)
			continue
		}
		out.Labels.Set[key] = part
		out.Labels.Unknown = slices.DeleteFunc(out.Labels.Unknown, func(k string) bool { return k == key })
	}
	return out
}

// instance is the pod that the operator will create [cnpg pkg/specs/pods.go@1.30.0].
func (c *cluster) instance(n int) *snapshot.Pod {
	name := fmt.Sprintf("%s-%d", c.obj.Name, n)
	p := c.pod(name, c.labels(map[string]string{instanceLabel: name, podRoleLabel: "instance"}))
	p.Ports = instancePorts()
	return p
}

func instancePorts() []snapshot.ContainerPort {
	return []snapshot.ContainerPort{
		{Name: "postgresql", Protocol: flow.TCP, Port: 5432},
		{Name: "metrics", Protocol: flow.TCP, Port: 9187},
		{Name: "status", Protocol: flow.TCP, Port: 8000},
	}
}

func (c *cluster) pod(name string, labels netpol.Labels) *snapshot.Pod {
	return &snapshot.Pod{
		Workload: c.server.Workload, Name: name, Namespace: c.obj.Namespace, Labels: labels,
		ServiceAccount: c.serviceAccount(), Demands: c.demands(), Origin: c.obj.Origin(),
	}
}

// serviceAccount is the Cluster's own, or a shared one, which 1.29 brought.
func (c *cluster) serviceAccount() string {
	if c.release.since(version{1, 29, 0}) == netpol.No {
		return c.obj.Name
	}
	return cmp.Or(c.spec.ServiceAccountName, c.obj.Name)
}

// labels are those of a pod of the Cluster: its own, the common ones and those that it
// inherits.
func (c *cluster) labels(own map[string]string) netpol.Labels {
	own[clusterLabel] = c.obj.Name
	l := netpol.Labels{Set: own}
	common := commonLabels("database", c.obj.Name)
	common[versionLabel] = strconv.Itoa(c.server.Version)
	c.release.common(&l, common)
	if _, known := l.Set[versionLabel]; known && c.server.Version == 0 {
		doubt(&l, versionLabel)
	}
	c.inherit(&l)
	return l
}

// versionLabel has the major version of PostgreSQL.
const versionLabel = "app.kubernetes.io/version"

// commonLabels are the recommended ones of Kubernetes [cnpg pkg/specs/jobs.go@1.30.0].
func commonLabels(component, clusterName string) map[string]string {
	return map[string]string{
		"app.kubernetes.io/component": component, "app.kubernetes.io/instance": clusterName,
		"app.kubernetes.io/managed-by": "cloudnative-pg", "app.kubernetes.io/name": "postgresql",
	}
}

// common adds the recommended labels, which 1.28 brought.
func (r release) common(l *netpol.Labels, common map[string]string) {
	switch r.since(version{1, 28, 0}) {
	case netpol.Yes:
		maps.Copy(l.Set, common)
	case netpol.Unsure:
		doubt(l, slices.Sorted(maps.Keys(common))...)
	}
}

// doubt makes the values of keys unknown.
func doubt(l *netpol.Labels, keys ...string) {
	for _, k := range keys {
		delete(l.Set, k)
		if !slices.Contains(l.Unknown, k) {
			l.Unknown = append(l.Unknown, k)
		}
	}
}

// inherit adds spec.inheritedMetadata.labels, and labels of the Cluster itself that the
// operator's settings name. Both replace what the operator gives a pod, which then
// replaces some of it again at every turn [cnpg pkg/utils/labels_annotations.go
// InheritLabels, pkg/reconciler/instance/metadata.go], so that nothing is known of a label
// that both want.
func (c *cluster) inherit(l *netpol.Labels) {
	inherited := map[string]string{}
	for k, v := range c.obj.Labels {
		if c.settings.inherits(k) {
			inherited[k] = v
		}
	}
	maps.Copy(inherited, c.spec.InheritedMetadata.Labels)
	for _, k := range slices.Sorted(maps.Keys(inherited)) {
		own, has := l.Set[k]
		switch {
		case has && own != inherited[k], slices.Contains(l.Unknown, k):
			doubt(l, k)
		default:
			l.Set[k] = inherited[k]
		}
	}
}

// checkInherited warns of labels that the operator finds its pods by and that the user
// wants to set.
func (c *cluster) checkInherited() {
	for _, k := range c.contested() {
		world.Warn(c.w, c.obj, "cnpg/own-label", "spec.inheritedMetadata.labels",
			"the operator gives pods the label %s itself, and which of the two values they have changes at every turn", k)
	}
}

// jobs names the jobs by their jobRole [cnpg pkg/specs/jobs.go@1.30.0,
// pkg/reconciler/majorupgrade/job.go@1.30.0]: one that fills the first volume, those that
// make a replica, and the one of a major upgrade, which 1.26 brought.
//
// A replica is made from a snapshot where those are taken and WAL is archived, else
// copied from the primary. None is restored from an object store: full-recovery is the
// bootstrap of a new Cluster only [cnpg
// pkg/reconciler/persistentvolumeclaim/storagesource.go@1.30.0].
func (c *cluster) jobs(replicas bool) []string {
	out := []string{c.firstJob()}
	if replicas {
		out = append(out, "join")
		if c.replicasFromSnapshots() && out[0] != "snapshot-recovery" {
			out = append(out, "snapshot-recovery")
		}
	}
	if c.release.since(version{1, 26, 0}) != netpol.No {
		out = append(out, "major-upgrade")
	}
	return out
}

// firstJob is the one that the Cluster begins with.
func (c *cluster) firstJob() string {
	switch b := c.spec.Bootstrap; {
	case b.Recovery != nil && b.Recovery.VolumeSnapshots != nil:
		return "snapshot-recovery"
	case b.Recovery != nil:
		return "full-recovery"
	case b.BaseBackup != nil:
		return "pgbasebackup"
	case b.InitDB != nil && b.InitDB.Import != nil:
		return "import"
	}
	return "initdb"
}

func (c *cluster) replicasFromSnapshots() bool {
	archives := c.spec.Backup.Barman != nil || slices.ContainsFunc(c.spec.Plugins, func(p plugin) bool { return p.on() && p.WALArchiver })
	b := c.spec.Bootstrap.Recovery
	return archives && (c.spec.Backup.VolumeSnapshot != nil || b != nil && b.VolumeSnapshots != nil && b.Source == "")
}

// on reports whether the plugin is enabled, as it is by default.
func (p plugin) on() bool { return p.Enabled == nil || *p.Enabled }

// job is a pod without podRole: policies that select instances by it do not select the
// job, those that select by the recommended labels do. What the Job controller adds has
// values that no manifest tells.
func (c *cluster) job(role string) *snapshot.Pod {
	labels := c.labels(map[string]string{jobLabel: role})
	doubt(&labels, instanceLabel, "job-name", "controller-uid",
		"batch.kubernetes.io/job-name", "batch.kubernetes.io/controller-uid")
	p := c.pod("", labels)
	p.Part = role + jobSuffix
	return p
}
