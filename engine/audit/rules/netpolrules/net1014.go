package netpolrules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// NET1014 finds policies that name pods on the network of their node. Databases there
// are POD1003's, and a selector of every pod does not mean them.
var NET1014 = &audit.Rule{
	ID:       "NET1014",
	Title:    "the policy names a pod on the network of its node",
	Severity: audit.High,
	Why: `A pod with hostNetwork: true has the address of its node, and shares it with everything
else there. What a NetworkPolicy does to it is left open by the API, and most plugins
do nothing: "NetworkPolicies do not apply" to it, neither to protect it nor to know it
as a peer. Its ports are those of the node.`,
	Setting: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: legacy, namespace: legacy}
spec:
  podSelector: {matchLabels: {app: legacy}}
  policyTypes: [Ingress]
`,
	Bad: `apiVersion: apps/v1
kind: Deployment
metadata: {name: legacy, namespace: legacy}
spec:
  selector: {matchLabels: {app: legacy}}
  template:
    metadata: {labels: {app: legacy}}
    spec: {hostNetwork: true, containers: [{name: legacy, image: registry.example/legacy}]}
`,
	Good: `apiVersion: apps/v1
kind: Deployment
metadata: {name: legacy, namespace: legacy}
spec:
  selector: {matchLabels: {app: legacy}}
  template:
    metadata: {labels: {app: legacy}}
    spec: {containers: [{name: legacy, image: registry.example/legacy}]}
`,
	Needs: []audit.Fact{audit.Policies},
	Run: func(p *audit.Pass) {
		onHosts, databases := hostPods(p.World), databasePods(p.World)
		if len(onHosts) == 0 {
			return
		}
		for _, policy := range p.World.Policies {
			selected := slices.DeleteFunc(slices.Clone(onHosts[policy.Namespace]), func(pod *snapshot.Pod) bool {
				return policy.Pods.Match(pod.Labels) != netpol.Yes || slices.Contains(databases, pod)
			})
			if len(policy.Pods) > 0 && len(selected) > 0 {
				p.Report(hostSubject(policy, selected))
			}
			eachPeer(policy, func(d netpol.Direction, peer netpol.Peer) {
				if pods := onlyHosts(p, onHosts, policy, peer); len(pods) > 0 {
					p.Report(hostPeer(p, policy, d, peer, pods))
				}
			})
		}
	},
}

// hostPods lists the pods on the network of their node, by namespace.
func hostPods(world *snapshot.Snapshot) map[string][]*snapshot.Pod {
	out := map[string][]*snapshot.Pod{}
	for _, w := range world.Workloads {
		for _, pod := range w.Pods {
			if pod.HostNetwork {
				out[pod.Namespace] = append(out[pod.Namespace], pod)
			}
		}
	}
	return out
}

// onlyHosts returns the pods that a peer selects by labels, if all of them are on the
// network of their node; the kube-apiserver is NET1013's.
func onlyHosts(p *audit.Pass, onHosts map[string][]*snapshot.Pod, policy *netpol.Policy, peer netpol.Peer) []*snapshot.Pod {
	if peer.Pods == nil || len(*peer.Pods) == 0 || meansAPIServer(p, policy.Namespace, peer) {
		return nil
	}
	var found []*snapshot.Pod
	for _, ns := range namespacesOf(p, policy.Namespace, peer) {
		if len(onHosts[ns]) > 0 {
			found = append(found, matching(*peer.Pods, onHosts[ns])...)
		}
	}
	if len(found) == 0 || len(peerPods(p, policy.Namespace, peer)) > len(found) {
		return nil
	}
	return found
}

func hostSubject(policy *netpol.Policy, pods []*snapshot.Pod) audit.Finding {
	return audit.Finding{Subject: ref(policy), Origin: policy.Origin.At("spec.podSelector"), Certain: true,
		Message: fmt.Sprintf("%s has hostNetwork: true, and what a policy does to it the API leaves open: most plugins do nothing", words.List(workloadsOf(pods))),
		Fix:     fmt.Sprintf("take hostNetwork out of the pods of %s, or close the ports at the node's own firewall", pods[0].Workload.Ref)}
}

func hostPeer(p *audit.Pass, policy *netpol.Policy, d netpol.Direction, peer netpol.Peer, pods []*snapshot.Pod) audit.Finding {
	f := audit.Finding{Subject: ref(policy), Origin: peer.Origin, Certain: slices.Contains(polices, p.World.Facts.CNI),
		Message: fmt.Sprintf("%s has hostNetwork: true, and packets of it have the address of its node: this entry of %s does not admit it",
			words.List(workloadsOf(pods)), peerField(d)),
		Fix: fmt.Sprintf("admit the addresses of the nodes (on Cilium the entities host and remote-node), or take hostNetwork out of the pods of %s:\n- ipBlock:\n    cidr: NODES",
			pods[0].Workload.Ref)}
	if !f.Certain {
		f.Message += ", unless the network plugin knows such pods by their labels"
	}
	return f
}
