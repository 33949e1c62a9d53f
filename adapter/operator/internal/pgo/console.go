package pgo

import (
	"maps"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// adminKind is pgAdmin as an object of its own, for several clusters.
const adminKind = "PGAdmin.postgres-operator.crunchydata.com"

// consoles adds the pods and the Service of each PGAdmin [pgo
// internal/controller/standalone_pgadmin/{statefulset,service}.go@6.0.3], and its flow
// to the clusters that it lists.
func (f *Fork) consoles(w *operator.World, clusters []*Cluster) {
	for _, o := range w.Objects[adminKind] {
		if o.Group() == f.Kind.Group {
			f.console(w, o, clusters)
		}
	}
}

func (f *Fork) console(w *operator.World, o object.Object, clusters []*Cluster) {
	var in struct {
		Spec struct {
			Metadata     Metadata `json:"metadata"`
			ServiceName  string   `json:"serviceName"`
			ServerGroups []struct {
				ClusterName string               `json:"postgresClusterName"`
				Selector    *world.LabelSelector `json:"postgresClusterSelector"`
			} `json:"serverGroups"`
		} `json:"spec"`
	}
	world.Read(w, o, &in)
	wl := world.Workload(w, o.Ref(), o)
	own := map[string]string{consoleLabel: o.Name, roleLabel: "pgadmin"}
	if len(wl.Pods) == 0 {
		wl.Pods = []*snapshot.Pod{adminPod(wl, o, in.Spec.Metadata.Labels, own)}
	}
	if in.Spec.ServiceName != "" {
		world.AddService(w, snapshot.Service{
			Namespace: o.Namespace, Name: in.Spec.ServiceName, Selector: world.Equals(own),
			Ports:  []snapshot.ServicePort{world.TCPPort("pgadmin", consolePort, "pgadmin", 0)},
			Origin: o.Origin().At("spec.serviceName"),
		})
	}
	for i, g := range in.Spec.ServerGroups {
		at := o.Origin().At("spec.serverGroups[%d]", i)
		for _, c := range clusters {
			if c.obj.Namespace == o.Namespace && listed(w, o, c, g.ClusterName, g.Selector) {
				c.server.Vital = append(c.server.Vital, c.consoleFlow(world.Pods("pgAdmin "+o.Name, wl.Pods...), at))
			}
		}
	}
}

func adminPod(wl *snapshot.Workload, o object.Object, labels, own map[string]string) *snapshot.Pod {
	set := map[string]string{}
	maps.Copy(set, labels)
	maps.Copy(set, own)
	set[dataLabel] = "pgadmin"
	return &snapshot.Pod{
		Workload: wl, Namespace: o.Namespace, Labels: netpol.Labels{Set: set, Unknown: numbered}, ServiceAccount: "default",
		Ports:  []snapshot.ContainerPort{{Name: "pgadmin", Protocol: flow.TCP, Port: consolePort}},
		Origin: o.Origin(),
	}
}

// listed says whether a group of servers names the cluster, or selects its object.
func listed(w *operator.World, o object.Object, c *Cluster, name string, selector *world.LabelSelector) bool {
	if name != "" || selector == nil {
		return name == c.obj.Name
	}
	s, err := selector.Selector()
	if err != nil {
		world.Refuse(w, o, "spec.serverGroups", "postgresClusterSelector: %w", err)
		return false
	}
	return s.Match(netpol.Labels{Set: c.obj.Labels}) == netpol.Yes
}
