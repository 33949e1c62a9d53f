package rolerules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// ROL1009 finds pods that run as the ServiceAccount of a database that they are not of.
var ROL1009 = &audit.Rule{
	ID:       "ROL1009",
	Title:    "others run as the database's ServiceAccount",
	Severity: audit.High,
	Why: `The ServiceAccount of an instance of CloudNativePG reads the Secrets of its cluster, the
key of the client CA among them, with which it can sign a certificate for any role; that
of StackGres reads every Secret of the namespace. An application that runs as it has all
that. Clusters that share one, by spec.serviceAccountName, read each other's Secrets:
whoever holds one of them holds all.`,
	Setting: cluster(""),
	Bad: `apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: payments}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {serviceAccountName: ledger, containers: [{name: shop, image: shop}]}
`,
	Good: `apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: payments}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {serviceAccountName: shop, containers: [{name: shop, image: shop}]}
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		owners := map[account][]*snapshot.Server{}
		for _, s := range p.World.Servers {
			if a, ok := accountOf(s); ok {
				owners[a] = append(owners[a], s)
			}
		}
		for _, s := range p.World.Servers {
			if a, ok := accountOf(s); ok {
				sharing(p, s, a, owners[a])
			}
		}
		strangers(p, owners)
	},
}

// An account is a ServiceAccount.
type account struct{ namespace, name string }

// accountOf is that of the members, where it reads Secrets.
func accountOf(s *snapshot.Server) (account, bool) {
	members := s.Members()
	if s.Operator != snapshot.CloudNativePG && s.Operator != snapshot.StackGres || len(members) == 0 || members[0].ServiceAccount == "" {
		return account{}, false
	}
	return account{members[0].Namespace, members[0].ServiceAccount}, true
}

// sharing reports a server whose account another has too.
func sharing(p *audit.Pass, s *snapshot.Server, a account, owners []*snapshot.Server) {
	var others []string
	for _, o := range owners {
		if o != s {
			others = append(others, o.Ref().String())
		}
	}
	if len(others) == 0 {
		return
	}
	at := s.Origin
	if set, ok := s.Setting("spec.serviceAccountName"); ok {
		at = set.Origin
	}
	p.Report(audit.Finding{Subject: s.Ref(), Origin: at, Certain: true, Severity: audit.Medium,
		Message: fmt.Sprintf("ServiceAccount %s serves %s too: their pods read each other's Secrets, the keys of the CAs among them", a.name, words.List(others)),
		Fix:     "leave spec.serviceAccountName out, so that each cluster has its own; a role of the cloud can be bound to several"})
}

// strangers reports workloads that are no part of a database and run as its account.
func strangers(p *audit.Pass, owners map[account][]*snapshot.Server) {
	own := ownWorkloads(p.World)
	for _, w := range p.World.Workloads {
		if own[w] || len(w.Pods) == 0 {
			continue
		}
		i := slices.IndexFunc(w.Pods, func(pod *snapshot.Pod) bool { return owners[account{pod.Namespace, pod.ServiceAccount}] != nil })
		if i < 0 {
			continue
		}
		s := owners[account{w.Pods[i].Namespace, w.Pods[i].ServiceAccount}][0]
		p.Report(audit.Finding{Subject: w.Ref, Origin: accountField(w.Pods[i]), Certain: true,
			Message: fmt.Sprintf("%s runs as ServiceAccount %s of %s, and reads the Secrets that it may", w.Ref, w.Pods[i].ServiceAccount, s.Ref()),
			Fix:     "give it a ServiceAccount of its own, without a token unless it talks to Kubernetes:\nserviceAccountName: OWN\nautomountServiceAccountToken: false"})
	}
}

// ownWorkloads are those of servers and their poolers.
func ownWorkloads(world *snapshot.Snapshot) map[*snapshot.Workload]bool {
	out := map[*snapshot.Workload]bool{}
	for _, s := range world.Servers {
		out[s.Workload] = true
		for _, p := range s.Poolers {
			out[p.Workload] = true
		}
	}
	return out
}

func accountField(pod *snapshot.Pod) verdict.Origin {
	if pod.Origin.Field == "" {
		return pod.Origin.At("spec.serviceAccountName")
	}
	return pod.Origin.At("%s.spec.serviceAccountName", pod.Origin.Field)
}
