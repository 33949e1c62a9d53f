package netpolrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// NET1020 finds peers of a CiliumNetworkPolicy whose pods live in another namespace.
var NET1020 = &audit.Rule{
	ID:       "NET1020",
	Title:    "a peer of a Cilium policy means its own namespace",
	Severity: audit.High,
	Why: `A selector in fromEndpoints or toEndpoints of a CiliumNetworkPolicy that names no
namespace is about pods of the policy's own: the agent adds the label for it. Pods of
another namespace are named with k8s:io.kubernetes.pod.namespace beside their labels.
A clusterwide policy has no namespace of its own, and there the selector means all.`,
	Setting: ciliumDatabase + `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec: {containers: [{name: orders, image: registry.example/orders}]}
`,
	Bad: ciliumPolicy(`  endpointSelector: {matchLabels: {app: ledger}}
  ingress:
    - fromEndpoints:
        - matchLabels: {app: orders}
`),
	Good: ciliumPolicy(`  endpointSelector: {matchLabels: {app: ledger}}
  ingress:
    - fromEndpoints:
        - matchLabels: {app: orders, "k8s:io.kubernetes.pod.namespace": shop}
`),
	Needs: []audit.Fact{audit.CiliumPolicies},
	Run: func(p *audit.Pass) {
		eachCiliumEntry(p, func(r snapshot.CiliumRule, d netpol.Direction, e snapshot.CiliumEntry) {
			for _, peer := range e.Peers {
				own := r.Ref.Namespace
				if own == "" || len(peer.Strange) > 0 || peer.Pods == nil || len(*peer.Pods) == 0 || comesLater(*peer.Pods) {
					continue
				}
				if len(matching(*peer.Pods, p.PodsIn(own))) == 0 {
					p.Report(ownNamespace(p, r, d, peer))
				}
			}
		})
	},
}

func ownNamespace(p *audit.Pass, r snapshot.CiliumRule, d netpol.Direction, peer snapshot.CiliumPeer) audit.Finding {
	f := audit.Finding{Subject: r.Ref, Origin: peer.Origin, Severity: audit.Medium}
	f.Certain, f.Assumptions = p.Complete(r.Ref.Namespace)
	f.Message = fmt.Sprintf("no pod of namespace %s has the labels %s, so that this item of %s admits nobody", r.Ref.Namespace, *peer.Pods, endpointsField(d))
	f.Fix = "give the item labels that the pods have, or delete it"
	if ns := elsewhere(p.World, *peer.Pods); ns != "" {
		f.Severity = audit.High
		f.Message += fmt.Sprintf("; namespace %s has such pods, and a selector without a namespace means the policy's own", ns)
		f.Fix = fmt.Sprintf("name the namespace in the same item:\n- matchLabels:\n    k8s:io.kubernetes.pod.namespace: %s\n    …", ns)
	}
	return f
}
