package netpolrules

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// NET1013 finds rules that were written for the kube-apiserver and do not lead there.
var NET1013 = &audit.Rule{
	ID:       "NET1013",
	Title:    "the rule for the kube-apiserver does not lead there",
	Severity: audit.High,
	Why: `The kube-apiserver runs on the network of its node, or outside the cluster: no
podSelector means it. An ipBlock has to hold the addresses of its endpoints (kubectl
get endpointslices -n default), all of them, with their port: policies are asked after
the ClusterIP was translated. Cilium takes nodes for entities, never for addresses,
unless policy-cidr-match-mode has nodes.`,
	Setting: `apiVersion: v1
kind: Service
metadata: {name: kubernetes, namespace: default}
spec: {clusterIP: 10.96.0.1, ports: [{name: https, port: 443, targetPort: 6443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
addressType: IPv4
endpoints: [{addresses: [192.0.2.10]}]
ports: [{name: https, port: 6443}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: operator, namespace: shop}
spec:
  selector: {matchLabels: {app: operator}}
  template:
    metadata: {labels: {app: operator}}
    spec: {containers: [{name: operator, image: registry.example/operator}]}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: operator, namespace: shop}
spec:
  podSelector: {matchLabels: {app: operator}}
  policyTypes: [Egress]
  egress:
    - to: [{ipBlock: {cidr: 10.96.0.1/32}}]
      ports: [{port: 443}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: operator, namespace: shop}
spec:
  podSelector: {matchLabels: {app: operator}}
  policyTypes: [Egress]
  egress:
    - to: [{ipBlock: {cidr: 10.96.0.1/32}}, {ipBlock: {cidr: 192.0.2.10/32}}]
      ports: [{port: 443}, {port: 6443}]
`,
	Needs: []audit.Fact{audit.Policies},
	Run: func(p *audit.Pass) {
		known := apiServer(p.World)
		for _, policy := range p.World.Policies {
			for _, r := range policy.Rules[netpol.Egress] {
				for _, peer := range r.Peers {
					known.check(p, policy, r, peer)
				}
			}
		}
	},
}

// server is where the kube-apiserver answers.
type server struct {
	clusterIPs []netip.Addr
	endpoints  []netip.Prefix
	ports      []uint16
}

func apiServer(world *snapshot.Snapshot) server {
	out := server{ports: world.Facts.APIServerPorts}
	for _, prefix := range world.Facts.APIServer.Prefixes() {
		out.endpoints = append(out.endpoints, addressesOf(prefix)...)
	}
	for _, svc := range world.Services {
		if svc.Namespace == "default" && svc.Name == "kubernetes" {
			out.clusterIPs = svc.ClusterIPs
		}
	}
	if len(out.ports) == 0 {
		out.ports = []uint16{6443, 443}
	}
	return out
}

// addressesOf are the single addresses of a small prefix; of a larger one, which somebody
// stated as where the addresses are taken from, it is the prefix.
func addressesOf(prefix netip.Prefix) []netip.Prefix {
	if prefix.Addr().BitLen()-prefix.Bits() > 4 {
		return []netip.Prefix{prefix}
	}
	var out []netip.Prefix
	for a := prefix.Addr(); prefix.Contains(a); a = a.Next() {
		out = append(out, netip.PrefixFrom(a, a.BitLen()))
	}
	return out
}

func (s server) check(p *audit.Pass, policy *netpol.Policy, r netpol.Rule, peer netpol.Peer) {
	switch {
	case meansAPIServer(p, policy.Namespace, peer):
		p.Report(audit.Finding{Subject: ref(policy), Origin: peer.Origin, Certain: true,
			Message: fmt.Sprintf("no selector means the kube-apiserver, which runs on the network of its node: %s admits nobody", *peer.Pods),
			Fix:     "write the addresses of its endpoints:\n" + s.peers()})
	case peer.Block == nil || !speaksHTTPS(r) || !s.meant(*peer.Block):
	case len(s.endpoints) == 0:
		p.Skip(ref(policy), "a rule has the ClusterIP of the kube-apiserver, and nothing tells the addresses behind it (apiServer in the facts file)")
	default:
		s.follow(p, policy, peer)
	}
}

// meansAPIServer reports whether the selector asks for pods of the kube-apiserver, and
// none is known that is on the network of pods.
func meansAPIServer(p *audit.Pass, own string, peer netpol.Peer) bool {
	if peer.Pods == nil || !slices.ContainsFunc(*peer.Pods, func(r netpol.Requirement) bool {
		return r.Op == netpol.In && slices.ContainsFunc(r.Values, func(v string) bool { return strings.HasSuffix(v, "kube-apiserver") })
	}) {
		return false
	}
	return !slices.ContainsFunc(peerPods(p, own, peer), func(pod *snapshot.Pod) bool { return !pod.HostNetwork })
}

// speaksHTTPS reports whether a rule is about the ports of a kube-apiserver.
func speaksHTTPS(r netpol.Rule) bool {
	return admits(r, flow.TCP, 443, nil) || admits(r, flow.TCP, 6443, nil)
}

// meant reports whether a block was written for the kube-apiserver: it is one address,
// or two, among them one of its own.
func (s server) meant(b netpol.Block) bool {
	for _, prefix := range b.Addresses.Prefixes() {
		if prefix.Addr().BitLen()-prefix.Bits() > 1 {
			return false
		}
	}
	return slices.ContainsFunc(s.clusterIPs, b.Addresses.Has) ||
		slices.ContainsFunc(s.endpoints, func(e netip.Prefix) bool { return b.Addresses.Has(e.Addr()) })
}

// follow asks whether the first pod of the policy gets to each of the endpoints, by
// whatever policy.
func (s server) follow(p *audit.Pass, policy *netpol.Policy, peer netpol.Peer) {
	pods := slices.DeleteFunc(matching(policy.Pods, p.PodsIn(policy.Namespace)), func(pod *snapshot.Pod) bool { return pod.HostNetwork })
	if len(pods) == 0 {
		return
	}
	var missed []string
	var because verdict.Step
	for _, e := range s.endpoints {
		if step := s.ask(p, pods[0], e); step.Verdict == verdict.Deny {
			missed, because = append(missed, strings.TrimSuffix(e.String(), "/32")), step
		}
	}
	if len(missed) == 0 {
		return
	}
	p.Report(s.missing(p, policy, peer, missed, because))
}

// ask decides about one endpoint; the best of its ports counts.
func (s server) ask(p *audit.Pass, pod *snapshot.Pod, e netip.Prefix) (best verdict.Step) {
	for i, port := range s.ports {
		a := network.Attempt{From: network.PodEndpoint(pod), To: network.OutsideEndpoint(flow.AddressesOf(e)), Protocol: flow.TCP, Port: port}
		step := p.Reach.Network.Decide(netpol.Egress, a)
		if i == 0 || verdict.Any(step.Verdict, best.Verdict) != best.Verdict {
			best = step
		}
	}
	return best
}

func (s server) missing(p *audit.Pass, policy *netpol.Policy, peer netpol.Peer, missed []string, because verdict.Step) audit.Finding {
	f := audit.Finding{Subject: ref(policy), Origin: peer.Origin, Certain: true, Because: []verdict.Step{because}, Fix: "admit each endpoint with its port:\n" + s.peers()}
	numbers := strings.Trim(fmt.Sprint(s.ports), "[]")
	onEndpoint := slices.ContainsFunc(s.endpoints, func(e netip.Prefix) bool { return peer.Block.Addresses.Has(e.Addr()) })
	switch {
	case len(missed) < len(s.endpoints):
		f.Severity = audit.Medium
		f.Message = fmt.Sprintf("of the kube-apiserver's %d addresses %s are not admitted: connections that are balanced there are refused", len(s.endpoints), words.List(missed))
	case onEndpoint && p.World.Facts.Profile.Has(cni.BlockSkipsNodes):
		f.Message = "the kube-apiserver runs on nodes, which the network plugin never takes for an ipBlock: the rule admits nothing"
		f.Fix = "admit it with a policy of Cilium:\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n…\n  egress:\n    - toEntities: [kube-apiserver]"
	case onEndpoint:
		f.Message = fmt.Sprintf("the kube-apiserver listens at %s on port %s, and the rule does not admit that", words.List(missed), numbers)
	default:
		f.Message = fmt.Sprintf("%s is the ClusterIP of the kube-apiserver; policies are asked after translation, when the packet goes to %s on port %s, which nothing admits",
			peer.Block.Text, words.List(missed), numbers)
	}
	return f
}

// peers are the lines that admit all endpoints.
func (s server) peers() string {
	if len(s.endpoints) == 0 {
		return "- to:\n    - ipBlock:\n        cidr: ADDRESS/32 # each of kubectl get endpointslices -n default\n  ports:\n    - {protocol: TCP, port: 6443}"
	}
	var b strings.Builder
	b.WriteString("- to:\n")
	for _, e := range s.endpoints {
		fmt.Fprintf(&b, "    - ipBlock:\n        cidr: %s\n", e)
	}
	b.WriteString("  ports:\n")
	for _, port := range s.ports {
		fmt.Fprintf(&b, "    - {protocol: TCP, port: %d}\n", port)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
