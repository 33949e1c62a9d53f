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

// JoinJob is the part of the job that makes a new replica from the primary.
const JoinJob = "join job"

// instances is spec.instances with its default.
func (c *cluster) instances() int { return world.Instances(c.spec.Instances, 0) }

// members gives the workload its pods: each instance once as primary and, where
// there are more than one, once as replica, since any may be either tomorrow; and
// the jobs. Pods that a live cluster shows are the instances that exist.
func (c *cluster) members() {
	world.CheckInstances(c.w, c.obj, c.spec.Instances)
	wl := c.server.Workload
	var instances, pods []*snapshot.Pod
	seen := map[string]bool{}
	for _, p := range wl.Pods {
		if job, ok := p.Labels.Set[jobLabel]; ok {
			p.Part = job + " job"
			seen[p.Part] = true
			pods = append(pods, p)
			continue
		}
		instances = append(instances, p)
	}
	if len(instances) == 0 {
		for n := range max(c.instances(), 1) { // hibernated and scaled-down ones come back
			instances = append(instances, c.instance(n+1))
		}
	}
	replicas := max(c.instances(), len(instances)) > 1
	var members []*snapshot.Pod
	for _, p := range instances {
		members = append(members, inPart(p, snapshot.Primary))
		if replicas {
			members = append(members, inPart(p, snapshot.Replica))
		}
	}
	for _, job := range c.jobs(replicas) {
		if part := job + " job"; !seen[part] {
			pods = append(pods, c.job(job))
		}
	}
	wl.Pods = append(members, pods...)
}

// inPart returns the instance with the labels it has in one of its roles.
func inPart(p *snapshot.Pod, part string) *snapshot.Pod {
	out := world.Clone(p)
	out.Part, out.Instance, out.Many = part, p.Name, false
	for _, key := range []string{roleLabel, oldRoleLabel} {
		out.Labels.Set[key] = part
		out.Labels.Unknown = slices.DeleteFunc(out.Labels.Unknown, func(k string) bool { return k == key })
	}
	return out
}

// instance is the pod that the operator will create [cnpg pkg/specs/pods.go@1.30.0].
func (c *cluster) instance(n int) *snapshot.Pod {
	name := fmt.Sprintf("%s-%d", c.obj.Name, n)
	labels := c.inherited(map[string]string{
		clusterLabel: c.obj.Name, instanceLabel: name, podRoleLabel: "instance",
		"app.kubernetes.io/component": "database", "app.kubernetes.io/instance": c.obj.Name,
		"app.kubernetes.io/managed-by": "cloudnative-pg", "app.kubernetes.io/name": "postgresql",
	})
	if v := c.server.Version; v != 0 {
		labels.Set["app.kubernetes.io/version"] = strconv.Itoa(v)
	} else {
		labels.Unknown = append(labels.Unknown, "app.kubernetes.io/version")
	}
	p := c.pod(name, labels)
	p.Ports = []snapshot.ContainerPort{
		{Name: "postgresql", Protocol: flow.TCP, Port: 5432},
		{Name: "metrics", Protocol: flow.TCP, Port: 9187},
		{Name: "status", Protocol: flow.TCP, Port: 8000},
	}
	return p
}

func (c *cluster) pod(name string, labels netpol.Labels) *snapshot.Pod {
	return &snapshot.Pod{
		Workload: c.server.Workload, Name: name, Namespace: c.obj.Namespace, Labels: labels,
		ServiceAccount: cmp.Or(c.spec.ServiceAccountName, c.obj.Name), Origin: c.obj.Origin(),
	}
}

// inherited adds spec.inheritedMetadata.labels, which never replace the operator's.
func (c *cluster) inherited(own map[string]string) netpol.Labels {
	set := maps.Clone(c.spec.InheritedMetadata.Labels)
	if set == nil {
		set = map[string]string{}
	}
	maps.Copy(set, own)
	return netpol.Labels{Set: set}
}

// jobs names the jobs that reach out, by their jobRole [cnpg
// pkg/specs/jobs.go@1.30.0]: one that fills the first volume from elsewhere, and
// one for each replica. A job that only runs initdb talks to nobody's database.
func (c *cluster) jobs(replicas bool) []string {
	var out []string
	switch b := c.spec.Bootstrap; {
	case b.Recovery != nil && b.Recovery.VolumeSnapshots != nil:
		out = append(out, "snapshot-recovery")
	case b.Recovery != nil:
		out = append(out, "full-recovery")
	case b.BaseBackup != nil:
		out = append(out, "pgbasebackup")
	case b.InitDB != nil && b.InitDB.Import != nil:
		out = append(out, "import")
	}
	if replicas {
		out = append(out, "join")
	}
	return out
}

// job is a pod without podRole: policies that select instances do not select it.
// What the Job controller adds has values that no manifest tells.
func (c *cluster) job(role string) *snapshot.Pod {
	labels := c.inherited(map[string]string{clusterLabel: c.obj.Name, jobLabel: role})
	labels.Unknown = []string{
		instanceLabel, "job-name", "controller-uid",
		"batch.kubernetes.io/job-name", "batch.kubernetes.io/controller-uid",
	}
	p := c.pod("", labels)
	p.Part = role + " job"
	return p
}
