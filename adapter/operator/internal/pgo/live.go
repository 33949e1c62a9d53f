package pgo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// pods are those that the operator's objects own, by namespace and cluster.
type pods map[[2]string][]*snapshot.Pod

// owners are the kinds at the top of the pods' owner chains, as far up as the estate
// has objects: a cluster's object, else what the operator makes.
var owners = []string{"PostgresCluster", "PerconaPGCluster", "StatefulSet", "Deployment", "Job", "CronJob", "PGUpgrade", "PerconaPGUpgrade"}

// ownedPods finds the pods with a cluster's label that something of the operator's
// owns. A label alone makes no pod a member: anybody can write it.
func ownedPods(w *operator.World) pods {
	out := pods{}
	for _, wl := range w.Snapshot.Workloads {
		if !slices.Contains(owners, wl.Kind) {
			continue
		}
		for _, p := range wl.Pods {
			name := p.Labels.Set[clusterLabel]
			upgrade := strings.HasSuffix(wl.Kind, "PGUpgrade")
			if name != "" && (wl.Name == name || upgrade || strings.HasPrefix(wl.Name, name+"-")) {
				key := [2]string{p.Namespace, name}
				out[key] = append(out[key], p)
			}
		}
	}
	return out
}

// take moves a pod into another workload.
func take(p *snapshot.Pod, to *snapshot.Workload) {
	from := p.Workload
	if from == to {
		return
	}
	from.Pods = slices.DeleteFunc(slices.Clone(from.Pods), func(o *snapshot.Pod) bool { return o == p })
	p.Workload = to
}

// dropEmpty leaves out the workloads whose pods all went elsewhere.
func dropEmpty(w *operator.World, owned pods) {
	if len(owned) == 0 {
		return
	}
	w.Snapshot.Workloads = slices.DeleteFunc(w.Snapshot.Workloads, func(wl *snapshot.Workload) bool { return len(wl.Pods) == 0 })
}

// The parts of pods that run no PostgreSQL.
const (
	repoHost   = "repo host"
	backupJob  = "backup job"
	restoreJob = "restore job"
	moveJob    = "data-move job"
	upgradeJob = "major-upgrade job"
	console    = "pgAdmin"
	poolerPod  = "pooler"
	otherPod   = "other"
)

// partOf tells by its labels what a live pod is; empty for an instance.
func partOf(p *snapshot.Pod) string {
	set := p.Labels.Set
	has := func(key string) bool { _, ok := set[key]; return ok }
	switch {
	case has(upgradeLabel):
		return upgradeJob
	case has(moveLabel):
		return moveJob
	case has(restoreLabel):
		return restoreJob
	case has(backupLabel), has(cronJobLabel):
		return backupJob
	case has(dedicatedLabel):
		return repoHost
	case set[roleLabel] == "pgbouncer":
		return poolerPod
	case set[roleLabel] == "pgadmin":
		return console
	case has(instanceLabel) && set[dataLabel] == "postgres":
		return ""
	}
	return otherPod
}

// livePort is what the live instances declare as their port named postgres, else what
// the object says.
func (c *Cluster) livePort() uint16 {
	for _, p := range c.server.Members() {
		if !c.live {
			break
		}
		if said := p.NamedPort("postgres", flow.TCP); said != 0 {
			if said != c.port() {
				c.disagree("port of the instances", fmt.Sprint(c.port()), fmt.Sprint(said), c.at("spec.port"), p.Origin)
			}
			return said
		}
	}
	return c.port()
}

func (c *Cluster) disagree(what, declared, live string, at, live2 verdict.Origin) {
	if slices.ContainsFunc(c.server.Disagreements, func(d snapshot.Disagreement) bool { return d.What == what }) {
		return
	}
	c.server.Disagreements = append(c.server.Disagreements,
		snapshot.Disagreement{What: what, Declared: declared, Live: live, Origin: at, At: live2})
}

// compare tells where a Service that was read is not what the operator makes.
func (c *Cluster) compare(want snapshot.Service, live *snapshot.Service) {
	name := "Service " + want.Namespace + "/" + want.Name
	differs := func(what, declared, is string) {
		if declared != is {
			c.disagree(what+" of "+name, declared, is, want.Origin, live.Origin)
		}
	}
	differs("type", cmp.Or(want.Type, "ClusterIP"), live.Type)
	differs("selector", selected(want), selected(*live))
	differs("ports", portsOf(want), portsOf(*live))
}

func selected(s snapshot.Service) string {
	if s.Selector == nil {
		return "none"
	}
	return s.Selector.String()
}

func portsOf(s snapshot.Service) string {
	out := []string{}
	for _, p := range s.Ports {
		out = append(out, fmt.Sprintf("%s %d", p.Name, p.Port))
	}
	return strings.Join(out, ", ")
}
