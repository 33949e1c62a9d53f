package stackgres

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// BackupJob is the part of the scheduled backup's pods, which exec into members.
const BackupJob = "backup job"

const roleLabel = "role"

func (c *cluster) instances() int { return world.Instances(c.spec.Instances, 1) }

// members gives the workload its pods: each instance as primary and, where there
// are more than one, as replica. Pods that are known by name are those that exist.
func (c *cluster) members() {
	world.CheckInstances(c.w, c.obj, c.spec.Instances)
	wl := c.server.Workload
	var instances, others []*snapshot.Pod
	for _, p := range wl.Pods {
		switch {
		case p.Labels.Set[c.prefix+"cluster"] == "true" && p.Name != "":
			instances = append(instances, p)
		case p.Labels.Set[c.prefix+"cluster"] != "true":
			c.name(p)
			others = append(others, p)
		}
	}
	leader := leaderRole(instances)
	if len(instances) == 0 {
		for n := range c.instances() {
			instances = append(instances, c.instance(n))
		}
	}
	var members []*snapshot.Pod
	for _, p := range instances {
		members = append(members, inPart(p, snapshot.Primary, leader))
		if max(c.instances(), len(instances)) > 1 {
			members = append(members, inPart(p, snapshot.Replica, "replica"))
		}
	}
	if len(c.spec.Configurations.Backups) > 0 && !slices.ContainsFunc(others, func(p *snapshot.Pod) bool { return p.Part == BackupJob }) {
		others = append(others, c.backupJob())
	}
	wl.Pods = append(members, others...)
}

// name gives a pod that runs no PostgreSQL its part.
func (c *cluster) name(p *snapshot.Pod) {
	p.Part = "job"
	if p.Labels.Set[c.prefix+"scheduled-backup"] == "true" {
		p.Part = BackupJob
	}
}

// leaderRole is the value of the role label that Patroni gives a leader: master or
// primary, by its version. Empty where no live pod tells.
func leaderRole(pods []*snapshot.Pod) string {
	for _, p := range pods {
		if v := p.Labels.Set[roleLabel]; v == "master" || v == "primary" {
			return v
		}
	}
	return ""
}

// inPart returns the instance with the role label it has in one of its roles; an
// empty value is one that is not known.
func inPart(p *snapshot.Pod, part, role string) *snapshot.Pod {
	out := world.Clone(p)
	out.Part, out.Instance, out.Many = part, p.Name, false
	out.Labels.Unknown = slices.DeleteFunc(out.Labels.Unknown, func(k string) bool { return k == roleLabel })
	if role == "" {
		delete(out.Labels.Set, roleLabel)
		out.Labels.Unknown = append(out.Labels.Unknown, roleLabel)
		return out
	}
	out.Labels.Set[roleLabel] = role
	return out
}

// labels are those of the cluster's own pods [sg C/labels/ClusterLabelFactory.java,
// C/StackGresContext.java@1.18.6].
func (c *cluster) labels() map[string]string {
	return map[string]string{"app": "StackGresCluster", c.prefix + "cluster-name": c.obj.Name, c.prefix + "cluster": "true"}
}

// instance is a pod of the StatefulSet that is named as the cluster.
func (c *cluster) instance(n int) *snapshot.Pod {
	name := fmt.Sprintf("%s-%d", c.obj.Name, n)
	set := maps.Clone(c.spec.Metadata.Labels.ClusterPods)
	if set == nil {
		set = map[string]string{}
	}
	maps.Copy(set, c.labels())
	maps.Copy(set, map[string]string{
		"statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": strconv.Itoa(n),
	})
	return &snapshot.Pod{
		Workload: c.server.Workload, Name: name, Namespace: c.obj.Namespace,
		Labels: netpol.Labels{Set: set, Unknown: []string{
			c.prefix + "cluster-scope", c.prefix + "cluster-uid", "controller-revision-hash",
		}},
		Ports: c.containerPorts(), ServiceAccount: c.obj.Name + "-patroni", Origin: c.obj.Origin(),
	}
}

// containerPorts: the names are those that the Services lead to [sg
// F/cluster/patroni/PatroniServices.java@1.18.6].
func (c *cluster) containerPorts() []snapshot.ContainerPort {
	out := []snapshot.ContainerPort{
		{Name: "pgport", Protocol: flow.TCP, Port: c.mode.apps()},
		{Name: "pgreplication", Protocol: flow.TCP, Port: c.mode.direct()},
		{Name: "patroniport", Protocol: flow.TCP, Port: c.mode.patroni()},
	}
	for _, p := range c.control()[1:] {
		out = append(out, snapshot.ContainerPort{Protocol: flow.TCP, Port: p.Port})
	}
	return out
}

// backupJob is the CronJob's pod; it lacks the label stackgres.io/cluster.
func (c *cluster) backupJob() *snapshot.Pod {
	return &snapshot.Pod{
		Workload: c.server.Workload, Namespace: c.obj.Namespace, Part: BackupJob, Origin: c.at("spec.configurations.backups"),
		Labels: netpol.Labels{
			Set: map[string]string{
				"app": "StackGresCluster", c.prefix + "cluster-name": c.obj.Name, c.prefix + "scheduled-backup": "true",
			},
			Unknown: []string{
				c.prefix + "cluster-scope", c.prefix + "cluster-uid", "job-name", "controller-uid",
				"batch.kubernetes.io/job-name", "batch.kubernetes.io/controller-uid",
			},
		},
	}
}
