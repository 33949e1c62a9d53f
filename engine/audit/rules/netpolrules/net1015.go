package netpolrules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// NET1015 finds pods that may ask the resolver's pods and not the cache on their node.
var NET1015 = &audit.Rule{
	ID:       "NET1015",
	Title:    "DNS is admitted to the resolver's pods, and not to the cache on the node",
	Severity: audit.High,
	Why: `With NodeLocal DNSCache pods ask a process on the network of their node, at
169.254.20.10 and, where kube-proxy works by iptables, at the ClusterIP of kube-dns.
No podSelector means it. A policy that admits pods with k8s-app: kube-dns alone closes
the way to names, unless the network plugin lets pods talk to their own node.`,
	Setting: dnsSetting + `---
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec:
  clusterIP: 10.96.0.10
  selector: {k8s-app: kube-dns}
  ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: node-local-dns, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: node-local-dns}}
  template:
    metadata: {labels: {k8s-app: node-local-dns}}
    spec:
      hostNetwork: true
      containers: [{name: node-cache, image: registry.k8s.io/dns/k8s-dns-node-cache, args: [-localip, "169.254.20.10,10.96.0.10"]}]
`,
	Bad: dnsPolicy("[{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]"),
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: dns, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - to:
        - ipBlock: {cidr: 169.254.20.10/32}
        - ipBlock: {cidr: 10.96.0.10/32}
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
          podSelector: {matchLabels: {k8s-app: kube-dns}}
      ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
`,
	Needs: []audit.Fact{audit.Policies},
	Run: func(p *audit.Pass) {
		dns := p.World.Facts.DNS
		if dns == nil || dns.Addresses.IsEmpty() || dns.Namespace == "" {
			return
		}
		var found []*mute
		for _, w := range p.World.Workloads {
			for _, pod := range w.Pods {
				policy := isolating(p, pod)
				if policy == nil || pod.HostNetwork {
					continue
				}
				if step, ok := cutFromCache(p, pod, dns); ok {
					found = grouped(found, mute{policy: policy, pods: []*snapshot.Pod{pod}, step: step})
				}
			}
		}
		for _, m := range found {
			p.Report(cacheFinding(p, m, dns))
		}
	},
}

// cutFromCache reports whether a pod may ask the pods behind the cache, and at none of
// its addresses the cache.
func cutFromCache(p *audit.Pass, pod *snapshot.Pod, dns *snapshot.DNS) (verdict.Step, bool) {
	behind := []network.Endpoint{{Virtual: &network.Virtual{Name: "cluster DNS", Namespace: dns.Namespace, Labels: dns.Labels}}}
	if ask(p, pod, behind, flow.UDP, dns.Port).Verdict != verdict.Allow {
		return verdict.Step{}, false
	}
	var cache []network.Endpoint
	for _, prefix := range dns.Addresses.Prefixes() {
		cache = append(cache, network.OutsideEndpoint(flow.AddressesOf(prefix)))
	}
	step := ask(p, pod, cache, flow.UDP, dns.Port)
	return step, step.Verdict == verdict.Deny
}

// polices are plugins that are known to ask policies also of what a pod sends to its
// own node.
var polices = []string{"calico", "canal", "cilium", "azure-cni-cilium", "gke-dataplane-v2"}

func cacheFinding(p *audit.Pass, m *mute, dns *snapshot.DNS) audit.Finding {
	var lines []string
	for _, prefix := range dns.Addresses.Prefixes() {
		lines = append(lines, fmt.Sprintf("    - ipBlock:\n        cidr: %s", prefix))
	}
	f := audit.Finding{
		Subject: ref(m.policy), Origin: m.step.Origin, Certain: slices.Contains(polices, p.World.Facts.CNI), Because: []verdict.Step{m.step},
		Message: fmt.Sprintf("%s may ask the resolver's pods but not the cache on the node (%s), which is whom pods ask here",
			words.List(workloadsOf(m.pods)), dns.Addresses.Text()),
		Fix: "admit the addresses beside the pods, in a rule of egress:\n- to:\n" + strings.Join(lines, "\n") + "\n  ports:\n" +
			fmt.Sprintf("    - {protocol: UDP, port: %d}\n    - {protocol: TCP, port: %d}", dns.Port, dns.Port),
	}
	if f.Origin.IsZero() {
		f.Origin = m.policy.Origin.At("spec.podSelector")
	}
	if !f.Certain {
		f.Message += ", unless the network plugin lets a pod talk to its own node"
	}
	if strings.HasPrefix(p.World.Facts.CNI, "cilium") {
		f.Fix = "Cilium takes the cache for the host: admit it with a CiliumNetworkPolicy, or install the cache with Cilium's local redirect:\negress:\n  - toEntities: [host]\n    toPorts:\n      - ports:\n          - {port: \"53\", protocol: ANY}"
	}
	return f
}
