// Package podrules holds the rules about what the cluster makes of the database's pods.
package podrules

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Rules are the family's, in the order of their numbers.
var Rules = []*audit.Rule{POD1001, POD1002, POD1003, POD1004, POD1005}

// A tenant is a server or a pooler, with its pods and the ports that take clients.
type tenant struct {
	ref      snapshot.Ref
	operator string
	origin   verdict.Origin // of what a person edits
	pods     []*snapshot.Pod
	ports    []uint16
	services []*snapshot.Service
	workload *snapshot.Workload
}

// tenants lists servers with their poolers behind them.
func tenants(world *snapshot.Snapshot) []tenant {
	var out []tenant
	for _, s := range world.Servers {
		if s.Operator == snapshot.BareFile {
			continue
		}
		t := tenant{ref: s.Ref(), operator: s.Operator, origin: s.Origin, pods: s.Workload.Pods, services: s.Services, workload: s.Workload}
		for _, p := range s.Ports {
			t.ports = append(t.ports, p.Port)
		}
		out = append(out, t)
		for _, p := range s.Poolers {
			out = append(out, tenant{p.Ref(), s.Operator, p.Origin, p.Workload.Pods, []uint16{p.Port}, p.Services, p.Workload})
		}
	}
	return out
}

// demands are those of the tenant's pods, each once.
func (t tenant) demands() []snapshot.Demand {
	var out []snapshot.Demand
	seen := map[snapshot.Demand]bool{}
	for _, pod := range t.pods {
		for _, d := range pod.Demands {
			if d = t.edited(d); !seen[d] {
				seen[d] = true
				out = append(out, d)
			}
		}
	}
	return out
}

// edited gives a demand that was read of a pod the origin that a person edits: an operator
// would undo what is written into the pod.
func (t tenant) edited(d snapshot.Demand) snapshot.Demand {
	if t.operator != snapshot.Plain && made(d.Origin) {
		field := d.Origin.Field
		d.Origin = t.origin
		d.Origin.Note = "the pods have it at " + field
	}
	return d
}

// makes are the kinds of Kubernetes that operators make pods by.
var makes = []string{"Pod", "StatefulSet", "Deployment", "ReplicaSet", "Job", "CronJob"}

func made(at verdict.Origin) bool {
	kind, _, _ := strings.Cut(at.Object, " ")
	return slices.Contains(makes, kind)
}

// phrases say what is demanded.
var phrases = map[snapshot.DemandKind]string{
	snapshot.HostNamespace: "it shares a namespace of the node",
	snapshot.HostPath:      "it mounts a path of the node",
	snapshot.HostPort:      "it takes a port of the node",
	snapshot.Privileged:    "a container is privileged",
	snapshot.Capability:    "a container adds capabilities",
	snapshot.Unconfined:    "a container is not confined (seccomp, AppArmor, SELinux, /proc, sysctls)",
	snapshot.Escalation:    "allowPrivilegeEscalation is not false",
	snapshot.Root:          "it may run as root",
	snapshot.Capabilities:  "not all capabilities are dropped",
	snapshot.NoSeccomp:     "no seccomp profile is set",
	snapshot.VolumeType:    "a volume is of a type that restricted refuses",
}

// said joins the words of demands, each once.
func said(demands []snapshot.Demand) string {
	var out []string
	for _, d := range demands {
		if w := phrases[d.Kind]; !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return strings.Join(out, ", ")
}

// origins of all but the first, each once.
func others(demands []snapshot.Demand) []verdict.Origin {
	var out []verdict.Origin
	for _, d := range demands[1:] {
		if d.Origin != demands[0].Origin && !slices.Contains(out, d.Origin) {
			out = append(out, d.Origin)
		}
	}
	return out
}

// The labels of Pod Security Admission, and its levels.
const (
	enforce    = "pod-security.kubernetes.io/enforce"
	warn       = "pod-security.kubernetes.io/warn"
	privileged = "privileged"
	baseline   = "baseline"
	restricted = "restricted"
)

// untold is why the level of a namespace cannot be checked.
const untold = "no Namespace object tells which level of Pod Security is enforced"

// enforced is the level of a namespace; empty for none, or where no object tells.
func enforced(world *snapshot.Snapshot, name string) (ns *snapshot.Namespace, level string) {
	ns = world.NamespaceOf(name)
	return ns, ns.Labels.Set[enforce]
}

// refused are the demands that a level does not admit.
func refused(level string, demands []snapshot.Demand) []snapshot.Demand {
	var out []snapshot.Demand
	for _, d := range demands {
		if level == restricted || level == baseline && d.Kind.Baseline() {
			out = append(out, d)
		}
	}
	return out
}

// fits is the strictest level that admits the demands.
func fits(demands []snapshot.Demand) string {
	switch {
	case len(demands) == 0:
		return restricted
	case len(refused(baseline, demands)) == 0:
		return baseline
	}
	return privileged
}
