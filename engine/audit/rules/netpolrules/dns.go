package netpolrules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A mute is a group of pods that may not ask the cluster's DNS: those that one
// policy isolates, told together.
type mute struct {
	policy  *netpol.Policy
	pods    []*snapshot.Pod
	step    verdict.Step
	assumed []string
}

// mutes groups, by the widest policy that isolates them for egress, the pods that
// refused says of. Database pods are left to the vital flows.
func mutes(p *audit.Pass, refused func(udp, tcp verdict.Step) (verdict.Step, bool)) []*mute {
	to, port, assumed := resolvers(p)
	if len(to) == 0 {
		return nil
	}
	var out []*mute
	vital := needDNS(p.World)
	for _, w := range p.World.Workloads {
		if vital[w] {
			continue
		}
		for _, pod := range w.Pods {
			policy := isolating(p, pod)
			if policy == nil || pod.HostNetwork {
				continue
			}
			step, ok := refused(ask(p, pod, to, flow.UDP, port), ask(p, pod, to, flow.TCP, port))
			if ok {
				out = grouped(out, mute{policy, []*snapshot.Pod{pod}, step, assumed})
			}
		}
	}
	return out
}

func grouped(groups []*mute, m mute) []*mute {
	for _, g := range groups {
		if g.policy == m.policy {
			g.pods = append(g.pods, m.pods...)
			return groups
		}
	}
	return append(groups, &m)
}

// needDNS are the workloads for which a vital flow of a server speaks.
func needDNS(world *snapshot.Snapshot) map[*snapshot.Workload]bool {
	out := map[*snapshot.Workload]bool{}
	for _, s := range world.Servers {
		for _, f := range s.Vital {
			if f.ID != "dns" {
				continue
			}
			for _, pod := range f.From.Pods {
				out[pod.Workload] = true
			}
		}
	}
	return out
}

// isolating returns the policy with the widest selector of those that isolate the
// pod for egress: the one whose author has to think of DNS.
func isolating(p *audit.Pass, pod *snapshot.Pod) *netpol.Policy {
	var widest *netpol.Policy
	for _, policy := range p.PoliciesIn(pod.Namespace) {
		if !policy.Isolates[netpol.Egress] || policy.Pods.Match(pod.Labels) != netpol.Yes {
			continue
		}
		if widest == nil || len(policy.Pods) < len(widest.Pods) {
			widest = policy
		}
	}
	return widest
}

// ask decides whether the pod may ask any of the resolvers; the best answer counts.
func ask(p *audit.Pass, pod *snapshot.Pod, to []network.Endpoint, proto flow.Protocol, port uint16) verdict.Step {
	var best verdict.Step
	for i, end := range to {
		a := network.Attempt{From: network.PodEndpoint(pod), To: end, Protocol: proto, Port: port}
		step := p.Reach.Network.Decide(netpol.Egress, a)
		if i == 0 || verdict.Any(step.Verdict, best.Verdict) != best.Verdict {
			best = step
		}
	}
	return best
}

// allowDNS is the policy that lets a whole namespace resolve names.
func allowDNS(p *audit.Pass, namespace string) string {
	to, port, _ := resolvers(p)
	peer := "        - namespaceSelector:\n            matchLabels:\n              kubernetes.io/metadata.name: kube-system\n" +
		"          podSelector:\n            matchLabels:\n              k8s-app: kube-dns\n"
	return "add a policy that lets every pod of the namespace resolve names:\n" +
		"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: dns\n  namespace: " + namespace +
		"\nspec:\n  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n    - to:\n" + described(to, peer) +
		"      ports:\n" + ports(port)
}
