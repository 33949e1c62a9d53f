package netpolrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// NET1003 finds namespaceSelectors that no namespace of the estate matches. One on
// kubernetes.io/metadata.name is right about any namespace that exists, so it counts
// only where the estate is complete.
var NET1003 = &audit.Rule{
	ID:       "NET1003",
	Title:    "a namespaceSelector selects no namespace",
	Severity: audit.High,
	Why: `A namespaceSelector asks for labels of the Namespace object, not for its name. The
only label that every namespace has is kubernetes.io/metadata.name; nobody sets
"name". An entry whose selector matches no namespace admits nobody, in silence.`,
	Setting: `apiVersion: v1
kind: Namespace
metadata: {name: monitoring}
---
apiVersion: v1
kind: Namespace
metadata: {name: payments}
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
metadata: {name: metrics, namespace: payments}
spec:
  podSelector: {matchLabels: {app: ledger}}
  ingress:
    - from:
        - namespaceSelector: {matchLabels: {name: monitoring}}
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: metrics, namespace: payments}
spec:
  podSelector: {matchLabels: {app: ledger}}
  ingress:
    - from:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}
`,
	Needs: []audit.Fact{audit.Policies},
	Run: func(p *audit.Pass) {
		for _, policy := range p.World.Policies {
			eachPeer(policy, func(d netpol.Direction, peer netpol.Peer) {
				if peer.Namespaces == nil || len(namespacesOf(p, policy.Namespace, peer)) > 0 {
					return
				}
				if !p.World.Holds("Namespace", "") && byName(*peer.Namespaces) {
					return
				}
				p.Report(noNamespace(p, policy, d, peer))
			})
		}
	},
}

// byName reports whether the selector asks for a name that no namespace read has:
// the namespace may well exist.
func byName(s netpol.Selector) bool {
	for _, r := range s {
		if r.Key != snapshot.MetadataName {
			return false
		}
	}
	return true
}

func noNamespace(p *audit.Pass, policy *netpol.Policy, d netpol.Direction, peer netpol.Peer) audit.Finding {
	f := audit.Finding{Subject: ref(policy), Origin: peer.Origin.At("%s.namespaceSelector", peer.Origin.Field)}
	f.Certain, f.Assumptions = p.Complete(policy.Namespace)
	f.Certain = f.Certain && allDeclared(p.World)
	f.Message = fmt.Sprintf("no namespace has the labels %s, so that this entry of %s admits nobody", *peer.Namespaces, peerField(d))
	if !allDeclared(p.World) {
		f.Message += ", unless one whose Namespace object was not read has them"
	}
	f.Fix = "use a label that the Namespace objects have"
	for _, r := range *peer.Namespaces {
		for _, value := range r.Values {
			if r.Op == netpol.In && r.Key == "name" {
				f.Fix = byMetadataName(value)
			}
			if _, ok := p.World.Namespaces[value]; ok && r.Op == netpol.In {
				f.Message += fmt.Sprintf("; there is a namespace called %s, but its name is not the label %s", value, r.Key)
				f.Fix = byMetadataName(value)
			}
		}
	}
	return f
}

// byMetadataName selects a namespace by the label that the API server sets.
func byMetadataName(name string) string {
	return fmt.Sprintf("write the label that every namespace has:\nnamespaceSelector:\n  matchLabels:\n    %s: %s", snapshot.MetadataName, name)
}

func allDeclared(world *snapshot.Snapshot) bool {
	for _, ns := range world.Namespaces {
		if !ns.Declared {
			return false
		}
	}
	return true
}
