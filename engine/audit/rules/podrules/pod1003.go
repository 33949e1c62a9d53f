package podrules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// POD1003 finds databases that listen at the node's own addresses. Ports of the node that
// lead into a pod are EXP1008's, and what the namespace refuses anyway is POD1001's.
var POD1003 = &audit.Rule{
	ID:       "POD1003",
	Title:    "the database listens at the node's addresses",
	Severity: audit.High,
	Why: `"The effect of NetworkPolicy on hostNetwork pods is undefined": most plugins do nothing
for them (Kubernetes documentation, Network Policies), so that whoever reaches the node
reaches the database, and pg_hba.conf sees the node's neighbours as its own.`,
	Bad:   database("      hostNetwork: true\n", ""),
	Good:  database("", ""),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, t := range tenants(p.World) {
			_, level := enforced(p.World, t.ref.Namespace)
			if at, ok := t.hostNetwork(); ok && !slices.ContainsFunc(refused(level, t.demands()), onHost) {
				p.Report(audit.Finding{Subject: t.ref, Origin: at, Certain: true,
					Message: fmt.Sprintf("pods of %s are on the node's network: NetworkPolicies mostly do nothing for them", t.ref),
					Fix:     "leave hostNetwork out; clients outside the cluster come through a LoadBalancer Service with loadBalancerSourceRanges"})
			}
		}
	},
}

// hostNetwork finds where the pods ask for the node's network.
func (t tenant) hostNetwork() (at verdict.Origin, ok bool) {
	i := slices.IndexFunc(t.pods, func(pod *snapshot.Pod) bool { return pod.HostNetwork })
	if i < 0 {
		return at, false
	}
	for _, d := range t.pods[i].Demands {
		if d.Kind == snapshot.HostNamespace && strings.HasSuffix(d.Origin.Field, "hostNetwork") {
			return t.edited(d).Origin, true
		}
	}
	return t.origin, true
}

func onHost(d snapshot.Demand) bool { return d.Kind == snapshot.HostNamespace && !d.Maybe }
