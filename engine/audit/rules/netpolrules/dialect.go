package netpolrules

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// databasePods are the pods of servers and of their poolers, jobs among them.
func databasePods(world *snapshot.Snapshot) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, s := range world.Servers {
		out = append(out, s.Workload.Pods...)
		for _, p := range s.Poolers {
			out = append(out, p.Workload.Pods...)
		}
	}
	return out
}

// concerning returns a test whether an object of a dialect may touch a database, or is
// about the whole cluster. What is about other pods is left to those who own them.
func concerning(p *audit.Pass) func(snapshot.Unmodelled) bool {
	pods := databasePods(p.World)
	return func(u snapshot.Unmodelled) bool {
		if u.Namespaces == nil && (u.Pods == nil || len(*u.Pods) == 0) {
			return true
		}
		return slices.ContainsFunc(pods, u.MayTouch)
	}
}

// eachCiliumRule visits the rules that concern databases; those of hosts do not.
func eachCiliumRule(p *audit.Pass, visit func(snapshot.CiliumRule)) {
	concerns := concerning(p)
	for _, r := range p.World.CiliumRules {
		isHosts := r.Nodes && !r.Endpoints && r.Ref.Namespace == ""
		if !isHosts && concerns(r.Unmodelled) {
			visit(r)
		}
	}
}

// eachCiliumEntry visits their entries.
func eachCiliumEntry(p *audit.Pass, visit func(snapshot.CiliumRule, netpol.Direction, snapshot.CiliumEntry)) {
	eachCiliumRule(p, func(r snapshot.CiliumRule) {
		for _, d := range netpol.Directions {
			for _, e := range r.Sides[d].Entries {
				visit(r, d, e)
			}
		}
	})
}

// eachCalicoPolicy visits the policies that concern databases.
func eachCalicoPolicy(p *audit.Pass, visit func(snapshot.CalicoPolicy)) {
	concerns := concerning(p)
	for _, policy := range p.World.CalicoPolicies {
		if !policy.Hosts && !policy.Staged && concerns(policy.Unmodelled) {
			visit(policy)
		}
	}
}

// A ciliumDatabase is what the examples of rules about Cilium stand in.
const ciliumDatabase = `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: ledger, namespace: payments}
spec:
  serviceName: ledger
  selector: {matchLabels: {app: ledger}}
  template:
    metadata: {labels: {app: ledger}}
    spec: {containers: [{name: postgres, image: "docker.io/library/postgres:17", ports: [{containerPort: 5432}]}]}
`

// ciliumPolicy is a policy of the example's database, with the lines of its spec.
func ciliumPolicy(lines string) string {
	return `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
` + lines
}
