package stackgres

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

const roleLabel = "role"

func (c *cluster) instances() int { return world.Instances(c.spec.Instances, 1) }

// isInstance tells the pods that run PostgreSQL from the jobs of the same owner.
func (c *cluster) isInstance(p *snapshot.Pod) bool {
	return p.Labels.Set[c.prefix+"cluster"] == "true"
}

// livePods are the instances that exist.
func (c *cluster) livePods() []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, p := range c.server.Workload.Pods {
		if c.isInstance(p) && p.Name != "" {
			out = append(out, p)
		}
	}
	return out
}

// members gives the workload its pods: each instance as primary and, where there
// are more than one, as replica. Pods that are known by name are those that exist.
func (c *cluster) members() {
	if n := c.spec.Instances; n != nil && (*n < 0 || *n > 100) {
		world.Fault(c.w, c.owner, c.at("spec.instances").Field, "%d: want a number up to 100", *n)
	}
	wl := c.server.Workload
	instances := c.livePods()
	var others []*snapshot.Pod
	for _, p := range wl.Pods {
		if !c.isInstance(p) {
			c.name(p)
			others = append(others, p)
		}
	}
	leader := leaderRole(instances)
	c.checkLive(instances)
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
	wl.Pods = append(members, c.jobs(others)...)
}

// checkLive compares the labels that policies select by.
func (c *cluster) checkLive(live []*snapshot.Pod) {
	for _, p := range live {
		labels := c.labels()
		for _, key := range slices.Sorted(maps.Keys(labels)) {
			want := labels[key]
			if have, ok := p.Labels.Set[key]; ok && have != want {
				c.disagree("label "+key+" of pod "+p.Namespace+"/"+p.Name, want, have, c.owner.Origin(), p.Origin)
			}
		}
	}
	if n := c.instances(); c.stored && len(live) > n {
		c.disagree("number of pods", strconv.Itoa(n), strconv.Itoa(len(live)), c.at("spec.instances"), live[0].Origin)
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

// scope is Patroni's name for the cluster; all parts of an SGShardedCluster of type
// citus share one.
func (c *cluster) scope() string {
	return cmp.Or(c.spec.Configurations.Patroni.InitialConfig.Scope, c.ref.Name)
}

// selected are the labels that Services select by, as far as they tell the cluster's
// pods from others; the operator adds scope and UID, which all of them share [sg
// C/labels/AbstractLabelFactoryForCluster.java, C/StackGresContext.java@1.18.6].
func (c *cluster) selected() map[string]string {
	return map[string]string{"app": "StackGresCluster", c.prefix + "cluster-name": c.ref.Name, c.prefix + "cluster": "true"}
}

// labels are those of the cluster's own pods.
func (c *cluster) labels() map[string]string {
	out := c.selected()
	out[c.prefix+"cluster-scope"] = c.scope()
	return out
}

// instance is a pod of the StatefulSet that is named as the cluster. The user's labels
// come first: the operator's own win.
func (c *cluster) instance(n int) *snapshot.Pod {
	name := fmt.Sprintf("%s-%d", c.ref.Name, n)
	set := map[string]string{}
	maps.Copy(set, c.spec.Metadata.Labels.AllResources)
	maps.Copy(set, c.spec.Metadata.Labels.ClusterPods)
	maps.Copy(set, c.labels())
	maps.Copy(set, map[string]string{
		c.prefix + "disruptible":             "true",
		"statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": strconv.Itoa(n),
	})
	return &snapshot.Pod{
		Workload: c.server.Workload, Name: name, Namespace: c.ref.Namespace,
		Labels: netpol.Labels{Set: set, Unknown: []string{c.prefix + "cluster-uid", "noloadbalance", "controller-revision-hash"}},
		Ports:  c.containerPorts(), ServiceAccount: c.account(), Demands: c.demands(), Origin: c.owner.Origin(),
	}
}
