package netpolrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// NET1009 finds a network plugin that ignores NetworkPolicy.
var NET1009 = &audit.Rule{
	ID:       "NET1009",
	Title:    "the network plugin does not enforce NetworkPolicy",
	Severity: audit.Critical,
	Why: `NetworkPolicies are enforced by the network plugin, and not by every one. Flannel
alone, for example, ignores them: the API server stores each policy, kubectl shows
it, and every pod still reaches every pod.`,
	Setting: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: payments}
spec:
  podSelector: {}
  policyTypes: [Ingress]
`,
	Bad: `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kube-flannel-ds, namespace: kube-flannel}
spec:
  selector: {matchLabels: {app: flannel}}
  template:
    metadata: {labels: {app: flannel}}
    spec: {hostNetwork: true, containers: [{name: kube-flannel, image: ghcr.io/flannel-io/flannel}]}
`,
	Good: `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: calico-node, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: calico-node}}
  template:
    metadata: {labels: {k8s-app: calico-node}}
    spec: {hostNetwork: true, containers: [{name: calico-node, image: quay.io/calico/node}]}
`,
	Needs: []audit.Fact{audit.Policies, audit.Plugin},
	Run: func(p *audit.Pass) {
		if p.World.Facts.Enforces != verdict.Deny {
			return
		}
		p.Report(audit.Finding{
			Subject: snapshot.Ref{Kind: "NetworkPlugin", Name: p.World.Facts.CNI}, Origin: p.World.Facts.CNIOrigin, Certain: true,
			Message: fmt.Sprintf("%s does not enforce NetworkPolicy: none of the %d policies is in force, and every pod reaches every pod",
				plugin(p.World.Facts.CNI), len(p.World.Policies)),
			Fix: "install a plugin that enforces policies (Calico, Cilium, Antrea, kube-router, kube-network-policies beside the present one), or switch enforcement on in the present one",
		})
	},
}

// plugin names the network plugin, where somebody did.
func plugin(name string) string {
	if name == "" {
		return "the network plugin"
	}
	return "the network plugin " + name
}
