package netpolrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// NET1017 finds items of fromEndpoints and toEndpoints with keys that a label selector
// does not have.
var NET1017 = &audit.Rule{
	ID:       "NET1017",
	Title:    "a peer of a Cilium policy is written as in another API",
	Severity: audit.High,
	Why: `An item of fromEndpoints or toEndpoints is a label selector itself: matchLabels and
matchExpressions stand right in it. kubectl refuses labelSelector, podSelector or
namespaceSelector there as unknown fields; whoever else sends the object (Helm, a
controller) has them dropped without a word. What is left is the empty selector,
which in a CiliumNetworkPolicy means every pod of its namespace, and in a
CiliumClusterwideNetworkPolicy every pod of the cluster.`,
	Setting: ciliumDatabase,
	Bad: ciliumPolicy(`  endpointSelector: {matchLabels: {app: ledger}}
  ingress:
    - fromEndpoints:
        - labelSelector: {matchLabels: {app: orders}}
`),
	Good: ciliumPolicy(`  endpointSelector: {matchLabels: {app: ledger}}
  ingress:
    - fromEndpoints:
        - matchLabels: {app: orders}
`),
	Needs: []audit.Fact{audit.CiliumPolicies},
	Run: func(p *audit.Pass) {
		eachCiliumEntry(p, func(r snapshot.CiliumRule, d netpol.Direction, e snapshot.CiliumEntry) {
			for _, peer := range e.Peers {
				if len(peer.Strange) > 0 {
					p.Report(strangePeer(r, d, peer))
				}
			}
		})
	},
}

func strangePeer(r snapshot.CiliumRule, d netpol.Direction, peer snapshot.CiliumPeer) audit.Finding {
	left := "what is left of it says"
	if peer.Pods != nil && len(*peer.Pods) == 0 {
		left = "which then means every pod of the cluster"
		if r.Ref.Namespace != "" {
			left = "which then means every pod of namespace " + r.Ref.Namespace
		}
	}
	return audit.Finding{Subject: r.Ref, Origin: peer.Origin, Certain: true,
		Message: fmt.Sprintf("an item of %s is a label selector itself and has no %s: kubectl refuses it, others drop it from the item, %s",
			endpointsField(d), words.List(peer.Strange), left),
		Fix: "write the labels right in the item, and the namespace as a label:\n- matchLabels:\n    k8s:io.kubernetes.pod.namespace: NAMESPACE\n    app: CLIENT"}
}

func endpointsField(d netpol.Direction) string {
	if d == netpol.Egress {
		return "toEndpoints"
	}
	return "fromEndpoints"
}
