package netpolrules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// NET1004 finds rules written with a Service's port where the pods listen on
// another. A rule between the members of one workload is not about a Service, and
// one whose peers also get the pods' port is not a mistake.
var NET1004 = &audit.Rule{
	ID:       "NET1004",
	Title:    "the port is the Service's, not the pod's",
	Severity: audit.High,
	Why: `Policies are asked after a Service has translated its port: they see the port of the
pod. A rule that admits the Service's 5432 to pods which listen on 6432 locks the
clients of the Service out. Where the pods also listen on 5432, it admits them to
something that was not meant: past the pooler, straight to PostgreSQL.`,
	Setting: `apiVersion: apps/v1
kind: Deployment
metadata: {name: pooler, namespace: shop}
spec:
  selector: {matchLabels: {app: pooler}}
  template:
    metadata: {labels: {app: pooler}}
    spec: {containers: [{name: pooler, image: registry.example/pooler, ports: [{containerPort: 6432}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: pooler, namespace: shop}
spec:
  selector: {app: pooler}
  ports: [{port: 5432, targetPort: 6432}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example/web}]}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: pooler, namespace: shop}
spec:
  podSelector: {matchLabels: {app: pooler}}
  ingress:
    - from: [{podSelector: {matchLabels: {app: web}}}]
      ports: [{port: 5432}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: pooler, namespace: shop}
spec:
  podSelector: {matchLabels: {app: pooler}}
  ingress:
    - from: [{podSelector: {matchLabels: {app: web}}}]
      ports: [{port: 6432}]
`,
	Needs: []audit.Fact{audit.Policies},
	Run: func(p *audit.Pass) {
		all := translations(p.World)
		if len(all) == 0 {
			return
		}
		for _, policy := range p.World.Policies {
			for _, d := range netpol.Directions {
				for _, r := range policy.Rules[d] {
					for _, port := range r.Ports {
						servicePort(p, all, policy, d, r, port)
					}
				}
			}
		}
	},
}

// A translation is a Service port that leads to another port of a pod.
type translation struct {
	service  *snapshot.Service
	protocol flow.Protocol
	from, to uint16
}

// translations lists the Service ports that differ from the port of the pod, by pod.
func translations(world *snapshot.Snapshot) map[*snapshot.Pod][]translation {
	out := map[*snapshot.Pod][]translation{}
	for _, svc := range services(world) {
		for _, sp := range svc.Ports {
			if sp.TargetName == "" && sp.Target == sp.Port {
				continue
			}
			for _, pod := range behind(world, svc) {
				if to := sp.PodPort(pod); to != 0 && to != sp.Port {
					out[pod] = append(out[pod], translation{svc, sp.Protocol, sp.Port, to})
				}
			}
		}
	}
	return out
}

// services are those that were read and those that operators will create.
func services(world *snapshot.Snapshot) []*snapshot.Service {
	out := slices.Clone(world.Services)
	for _, s := range world.Servers {
		out = append(out, s.Services...)
		for _, p := range s.Poolers {
			out = append(out, p.Services...)
		}
	}
	var once []*snapshot.Service
	for _, svc := range out {
		if !slices.Contains(once, svc) {
			once = append(once, svc)
		}
	}
	return once
}

func behind(world *snapshot.Snapshot, svc *snapshot.Service) []*snapshot.Pod {
	if len(svc.Selector) == 0 {
		return svc.Backends
	}
	var out []*snapshot.Pod
	for _, w := range world.Workloads {
		for _, pod := range w.Pods {
			if pod.Namespace == svc.Namespace && svc.Selector.Match(pod.Labels) == netpol.Yes {
				out = append(out, pod)
			}
		}
	}
	return out
}

// servicePort looks at one port of a rule from the side of each destination pod.
func servicePort(p *audit.Pass, all map[*snapshot.Pod][]translation, policy *netpol.Policy, d netpol.Direction, r netpol.Rule, port netpol.Port) {
	if port.Name != "" || port.From != port.To {
		return
	}
	for _, pod := range destinations(p, policy, d, r) {
		for _, t := range all[pod] {
			if t.from != port.From || t.protocol != port.Protocol || admits(r, t.protocol, t.to, pod) {
				continue
			}
			if locked, ok := lockedOut(p, policy, d, r, pod, t); ok {
				p.Report(wrongPort(policy, port, pod, t, locked))
				return
			}
		}
	}
}

// lockedOut finds a client of the rule that gets to the Service's number and not to
// the port behind it.
func lockedOut(p *audit.Pass, policy *netpol.Policy, d netpol.Direction, r netpol.Rule, pod *snapshot.Pod, t translation) (verdict.Step, bool) {
	for _, other := range others(p, policy, d, r) {
		if other.Pod != nil && other.Pod.Workload == pod.Workload {
			continue
		}
		a := network.Attempt{From: other, To: network.PodEndpoint(pod), Protocol: t.protocol, Port: t.to}
		if step := p.Reach.Network.Decide(d, a); step.Verdict == verdict.Deny {
			return step, true
		}
	}
	return verdict.Step{}, false
}

// others are the clients of the rule: its peers for ingress, the pods that the
// policy selects for egress.
func others(p *audit.Pass, policy *netpol.Policy, d netpol.Direction, r netpol.Rule) []network.Endpoint {
	var pods []*snapshot.Pod
	var out []network.Endpoint
	switch {
	case d == netpol.Egress:
		pods = matching(policy.Pods, p.PodsIn(policy.Namespace))
	case r.AnyPeer:
		out = append(out, network.OutsideEndpoint(flow.AllAddresses()))
	}
	if d == netpol.Ingress {
		for _, peer := range r.Peers {
			pods = append(pods, peerPods(p, policy.Namespace, peer)...)
			if peer.Block != nil {
				out = append(out, network.OutsideEndpoint(peer.Block.Addresses))
			}
		}
	}
	for _, pod := range pods {
		out = append(out, network.PodEndpoint(pod))
	}
	return out
}

func wrongPort(policy *netpol.Policy, port netpol.Port, pod *snapshot.Pod, t translation, locked verdict.Step) audit.Finding {
	return audit.Finding{
		Subject: ref(policy), Origin: port.Origin, Certain: true, Because: []verdict.Step{locked},
		Message: fmt.Sprintf("port %d is that of Service %s/%s, which leads to port %d of %s; policies see the pod's port, so that clients of the Service are refused%s",
			t.from, t.service.Namespace, t.service.Name, t.to, pod.Workload.Ref, listensToo(pod, t)),
		Fix: fmt.Sprintf("write the pod's port:\n- protocol: %s\n  port: %d", t.protocol, t.to),
	}
}

// listensToo tells of what the rule opens instead.
func listensToo(pod *snapshot.Pod, t translation) string {
	for _, c := range pod.Ports {
		if c.Protocol == t.protocol && c.Port == t.from {
			return fmt.Sprintf(", and let past it to the pod's own port %d", t.from)
		}
	}
	return ""
}
