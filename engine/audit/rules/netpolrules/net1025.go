package netpolrules

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// NET1025 finds addresses in Cilium policies of what Cilium never knows by address.
var NET1025 = &audit.Rule{
	ID:       "NET1025",
	Title:    "a Cilium policy names by address what has an identity",
	Severity: audit.High,
	Why: `Cilium gives everything it manages an identity, and looks at addresses only where there
is none: fromCIDR and toCIDR never match a pod, nor a node of the cluster with the
kube-apiserver on it, unless policy-cidr-match-mode has pods or nodes. Pods are named
by their labels, the others by entities: kube-apiserver, host, remote-node.`,
	Setting: ciliumDatabase + `---
apiVersion: v1
kind: Node
metadata: {name: control}
status: {addresses: [{type: InternalIP, address: 192.0.2.10}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: cilium, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: cilium}}
  template:
    metadata: {labels: {k8s-app: cilium}}
    spec: {hostNetwork: true, containers: [{name: cilium-agent, image: "quay.io/cilium/cilium:v1.18.1"}]}
`,
	Bad: ciliumPolicy(`  endpointSelector: {matchLabels: {app: ledger}}
  egress:
    - toCIDR: [192.0.2.10/32]
      toPorts: [{ports: [{port: "6443"}]}]
`),
	Good: ciliumPolicy(`  endpointSelector: {matchLabels: {app: ledger}}
  egress:
    - toEntities: [kube-apiserver]
      toPorts: [{ports: [{port: "6443"}]}]
`),
	Needs: []audit.Fact{audit.CiliumPolicies},
	Run: func(p *audit.Pass) {
		eachCiliumEntry(p, func(r snapshot.CiliumRule, d netpol.Direction, e snapshot.CiliumEntry) {
			for _, b := range e.Blocks {
				switch {
				case ofPods(p.World, b.Prefix) && mayHide(p.World, cni.BlockSkipsPods):
					p.Report(identified(p, r, b, cni.BlockSkipsPods, "pods", fmt.Sprintf("- %s:\n    - matchLabels:\n        k8s:io.kubernetes.pod.namespace: NAMESPACE\n        app: CLIENT", endpointsField(d))))
				case ofNode(p.World, b.Prefix) && mayHide(p.World, cni.BlockSkipsNodes):
					p.Report(identified(p, r, b, cni.BlockSkipsNodes, "nodes", fmt.Sprintf("- %s: [%s]", entitiesField(d), entities(p.World, b.Prefix))))
				}
			}
		})
	},
}

// mayHide reports whether blocks pass those over: Cilium does, unless its settings were
// read and say otherwise.
func mayHide(world *snapshot.Snapshot, trait cni.Trait) bool {
	return world.Facts.Profile.Name != "cilium" || world.Facts.Profile.Has(trait)
}

// ofPods reports whether pods have the addresses of the prefix.
func ofPods(world *snapshot.Snapshot, prefix netip.Prefix) bool {
	return slices.ContainsFunc(world.Facts.PodCIDRs, func(pods netip.Prefix) bool {
		return pods.Bits() <= prefix.Bits() && pods.Contains(prefix.Addr())
	})
}

// ofNode reports whether the prefix was written for one node, or for two.
func ofNode(world *snapshot.Snapshot, prefix netip.Prefix) bool {
	return prefix.Addr().BitLen()-prefix.Bits() <= 1 && slices.ContainsFunc(world.Nodes, func(n *snapshot.Node) bool {
		return slices.ContainsFunc(n.Addresses, prefix.Contains)
	})
}

func entities(world *snapshot.Snapshot, prefix netip.Prefix) string {
	if world.Facts.APIServer.IsEmpty() || world.Facts.APIServer.Has(prefix.Addr()) {
		return "kube-apiserver"
	}
	return "host, remote-node"
}

func entitiesField(d netpol.Direction) string {
	if d == netpol.Egress {
		return "toEntities"
	}
	return "fromEntities"
}

// identified tells of one block. Without the plugin's settings it may be that blocks
// were made to match.
func identified(p *audit.Pass, r snapshot.CiliumRule, b snapshot.CiliumBlock, trait cni.Trait, whose, fix string) audit.Finding {
	f := audit.Finding{Subject: r.Ref, Origin: b.Origin, Certain: p.World.Facts.Profile.Has(trait),
		Message: fmt.Sprintf("%s is of %s of the cluster, which Cilium knows by identity: the item matches nothing", b.Prefix, whose),
		Fix:     "name them as Cilium knows them:\n" + fix}
	if !f.Certain {
		f.Message += ", unless policy-cidr-match-mode has " + whose
	}
	return f
}
