package pgo

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// leaders are the values of the role label of a primary: Patroni's before version 4,
// and since.
var leaders = []string{"master", "primary"}

// members gives the workload its pods: each instance as primary and, where there are
// more than one, as replica; then the other pods. Those that are live are what there
// is of their set.
func (c *Cluster) members(live []*snapshot.Pod) {
	c.live = len(live) > 0
	wl := c.server.Workload
	wl.Pods = nil
	var instances, others, bouncers []*snapshot.Pod
	for _, p := range live {
		switch part := partOf(p); part {
		case "":
			p.Instance = p.Labels.Set[instanceLabel]
			instances = append(instances, p)
		case poolerPod:
			bouncers = append(bouncers, p)
			continue
		default:
			p.Part = part
			others = append(others, p)
		}
		take(p, wl)
	}
	c.poolerWorkload(bouncers)
	leader := c.leader(instances)
	instances = append(instances, c.planned(instances)...)
	var members []*snapshot.Pod
	for _, p := range instances {
		members = append(members, inPart(p, snapshot.Primary, leader))
		if len(instances) > 1 {
			members = append(members, inPart(p, snapshot.Replica, snapshot.Replica))
		}
	}
	wl.Pods = slices.Concat(members, others, c.plannedOthers(others))
}

// leader is the value of a primary's role label; empty where nothing tells.
func (c *Cluster) leader(live []*snapshot.Pod) string {
	for _, p := range live {
		if v := p.Labels.Set[roleLabel]; slices.Contains(leaders, v) {
			if c.Leader != "" && v != c.Leader {
				c.disagree("role label of a primary", c.Leader, v, c.obj.Origin(), p.Origin)
			}
			return v
		}
	}
	if c.Leader == "" {
		c.unsettled("whether a primary has the label "+roleLabel+"=master or =primary", c.LeaderFact, "")
	}
	return c.Leader
}

// inPart returns the instance with the role label it has in one of its roles; an empty
// value is one that is not known.
func inPart(p *snapshot.Pod, part, role string) *snapshot.Pod {
	out := world.Clone(p)
	out.Part, out.Many = part, false
	out.Labels.Unknown = slices.DeleteFunc(out.Labels.Unknown, func(k string) bool { return k == roleLabel })
	if role == "" {
		delete(out.Labels.Set, roleLabel)
		out.Labels.Unknown = append(out.Labels.Unknown, roleLabel)
		return out
	}
	out.Labels.Set[roleLabel] = role
	return out
}

// planned are the instances of the sets of which none is live. Their names end in four
// characters by chance [pgo internal/naming/names.go GenerateInstance@6.0.3].
func (c *Cluster) planned(live []*snapshot.Pod) (out []*snapshot.Pod) {
	for _, set := range c.sets() {
		if slices.ContainsFunc(live, func(p *snapshot.Pod) bool { return p.Labels.Set[instanceSetLabel] == set.Name }) {
			continue
		}
		for n := range world.Instances(set.Replicas, 1) {
			out = append(out, c.instance(set, n+1))
		}
	}
	return out
}

// sets are spec.instances; one without a name has its number for one [pgo
// pkg/apis/postgres-operator.crunchydata.com/v1beta1/postgrescluster_types.go Default@6.0.3].
func (c *Cluster) sets() []InstanceSet {
	out := slices.Clone(c.Spec.Instances)
	if len(out) == 0 { // refused; whatever there is has an instance
		out = []InstanceSet{{}}
	}
	for i := range out {
		if out[i].Name == "" {
			out[i].Name = fmt.Sprintf("%02d", i)
		}
	}
	return out
}

// numbered are the labels that a StatefulSet adds.
var numbered = []string{"apps.kubernetes.io/pod-index", "controller-revision-hash", "statefulset.kubernetes.io/pod-name"}

// instance is the pod that the operator will create [pgo
// internal/controller/postgrescluster/instance.go generateInstanceStatefulSetIntent@6.0.3].
func (c *Cluster) instance(set InstanceSet, n int) *snapshot.Pod {
	own := map[string]string{instanceSetLabel: set.Name, dataLabel: "postgres", patroniLabel: c.obj.Name + "-ha"}
	if c.Spec.Monitoring.PGMonitor.Exporter != nil {
		own[exporterLabel] = "true"
	}
	p := c.pod("", "", "pg", set.Metadata, own, append([]string{instanceLabel}, numbered...))
	p.Instance = fmt.Sprintf("%s-%s #%d", c.obj.Name, set.Name, n)
	p.ServiceAccount = c.obj.Name + "-instance"
	p.Demands = c.demands()
	p.Ports = []snapshot.ContainerPort{{Name: "postgres", Protocol: flow.TCP, Port: c.port()}}
	if c.Spec.Monitoring.PGMonitor.Exporter != nil {
		p.Ports = append(p.Ports, snapshot.ContainerPort{Name: "exporter", Protocol: flow.TCP, Port: 9187})
	}
	p.Ports = append(p.Ports, c.Ports...)
	return p
}

// pod is one that the operator will create, with the labels of spec.metadata, those of
// the part's own metadata, and the operator's, which win.
func (c *Cluster) pod(name, part, component string, meta Metadata, own map[string]string, unknown []string) *snapshot.Pod {
	set := map[string]string{}
	maps.Copy(set, c.Spec.Metadata.Labels)
	maps.Copy(set, meta.Labels)
	unknown = slices.Clone(unknown)
	if c.Extra != nil {
		more, keys := c.Extra(component)
		maps.Copy(set, more)
		unknown = append(unknown, keys...)
	}
	set[clusterLabel] = c.obj.Name
	maps.Copy(set, own)
	unknown = slices.DeleteFunc(unknown, func(k string) bool { _, known := own[k]; return known })
	for _, k := range unknown {
		delete(set, k)
	}
	return &snapshot.Pod{
		Workload: c.server.Workload, Name: name, Namespace: c.obj.Namespace, Part: part,
		Labels: netpol.Labels{Set: set, Unknown: unknown}, ServiceAccount: "default", Origin: c.obj.Origin(),
	}
}

// part returns the workload's pods of a part.
func (c *Cluster) part(part string) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, p := range c.server.Workload.Pods {
		if p.Part == part {
			out = append(out, p)
		}
	}
	return out
}

// poolerWorkload is the Deployment of PgBouncer, with the pods that are live.
func (c *Cluster) poolerWorkload(live []*snapshot.Pod) {
	if c.Spec.Proxy.PgBouncer == nil && len(live) == 0 {
		return
	}
	wl := world.Workload(c.w, snapshot.Ref{Kind: "Deployment", Namespace: c.obj.Namespace, Name: c.obj.Name + "-pgbouncer"}, c.obj)
	for _, p := range live {
		if p.Workload != wl {
			take(p, wl)
			wl.Pods = append(wl.Pods, p)
		}
	}
	b := cmp.Or(c.Spec.Proxy.PgBouncer, &PgBouncer{})
	if len(wl.Pods) == 0 {
		p := c.pod("", "", "pgbouncer", b.Metadata, map[string]string{roleLabel: "pgbouncer"}, []string{"pod-template-hash"})
		p.Workload, p.Many = wl, b.Replicas != nil && *b.Replicas > 1
		p.Ports = []snapshot.ContainerPort{{Name: "pgbouncer", Protocol: flow.TCP, Port: number(b.Port, 5432)}}
		wl.Pods = []*snapshot.Pod{p}
	}
	c.pooler = &snapshot.Pooler{Workload: wl, Origin: c.at("spec.proxy.pgBouncer")}
}
