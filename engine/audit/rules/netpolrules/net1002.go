package netpolrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// NET1002 finds peers that are no pod of the estate. A peer in a namespace of which
// nothing was read is left alone: its pods are somebody else's manifests.
var NET1002 = &audit.Rule{
	ID:       "NET1002",
	Title:    "a peer of the policy selects no pod",
	Severity: audit.Medium,
	Why: `An entry of from (or to) admits the pods that its selectors match. One that
matches nobody admits nobody, and whoever was meant is refused. Mostly a label is
misspelled; or podSelector stands alone, which means pods of the policy's own
namespace, while the pods that were meant live in another.`,
	Setting: `apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec: {containers: [{name: orders, image: registry.example/orders}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ledger, namespace: payments}
spec:
  selector: {matchLabels: {app: ledger}}
  template:
    metadata: {labels: {app: ledger}}
    spec: {containers: [{name: ledger, image: registry.example/ledger}]}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {app: ledger}}
  ingress:
    - from:
        - podSelector: {matchLabels: {app: orders}}
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {app: ledger}}
  ingress:
    - from:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}
          podSelector: {matchLabels: {app: orders}}
`,
	Needs: []audit.Fact{audit.Policies},
	Run: func(p *audit.Pass) {
		known := virtual(p)
		for _, policy := range p.World.Policies {
			eachPeer(policy, func(d netpol.Direction, peer netpol.Peer) {
				if isNobody(p, policy, peer, known) {
					p.Report(peerNobody(p, policy, d, peer))
				}
			})
		}
	},
}

func eachPeer(policy *netpol.Policy, visit func(netpol.Direction, netpol.Peer)) {
	for _, d := range netpol.Directions {
		for _, r := range policy.Rules[d] {
			for _, peer := range r.Peers {
				visit(d, peer)
			}
		}
	}
}

// isNobody reports whether a peer selects no pod, of namespaces of which some pod is
// known, nor any pod that is known by description only.
func isNobody(p *audit.Pass, policy *netpol.Policy, peer netpol.Peer, known []snapshot.VitalPeer) bool {
	if peer.Pods == nil || len(*peer.Pods) == 0 || comesLater(*peer.Pods) || meansAPIServer(p, policy.Namespace, peer) {
		return false
	}
	populated := false
	for _, ns := range namespacesOf(p, policy.Namespace, peer) {
		pods := p.PodsIn(ns)
		populated = populated || len(pods) > 0
		if len(matching(*peer.Pods, pods)) > 0 {
			return false
		}
	}
	return populated && !meansOne(p.World, policy.Namespace, peer, known)
}

func peerNobody(p *audit.Pass, policy *netpol.Policy, d netpol.Direction, peer netpol.Peer) audit.Finding {
	in := namespacesOf(p, policy.Namespace, peer)
	f := audit.Finding{Subject: ref(policy), Origin: peer.Origin}
	f.Certain, f.Assumptions = p.Complete(in...)
	f.Message = fmt.Sprintf("no pod of namespace %s has the labels %s, so that this entry of %s admits nobody",
		words.List(in), *peer.Pods, peerField(d))
	f.Fix = "give podSelector labels that the pods have, or delete the entry"
	if n, ok := nearest(*peer.Pods, populated(p, in)); ok {
		f.Severity = audit.High
		f.Message += fmt.Sprintf("; there is a pod with %s", n)
		f.Fix = fmt.Sprintf("write %s in place of %s", n, n.requirement)
		return f
	}
	if ns := elsewhere(p.World, *peer.Pods); ns != "" && peer.Namespaces == nil {
		f.Severity = audit.High
		f.Message += fmt.Sprintf("; namespace %s has such pods, and podSelector alone means the policy's own namespace", ns)
		f.Fix = fmt.Sprintf("add the namespace to the same entry:\n- namespaceSelector:\n    matchLabels:\n      %s: %s\n  podSelector: …",
			snapshot.MetadataName, ns)
	}
	return f
}

func populated(p *audit.Pass, namespaces []string) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, ns := range namespaces {
		out = append(out, p.PodsIn(ns)...)
	}
	return out
}

// elsewhere returns the first namespace with a pod that the selector surely matches.
func elsewhere(world *snapshot.Snapshot, s netpol.Selector) string {
	for _, w := range world.Workloads {
		for _, p := range w.Pods {
			if s.Match(p.Labels) == netpol.Yes {
				return p.Namespace
			}
		}
	}
	return ""
}
