package netpolrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// NET1005 finds port names that no pod they are about has.
var NET1005 = &audit.Rule{
	ID:       "NET1005",
	Title:    "a port's name is not a port of any selected pod",
	Severity: audit.High,
	Why: `A port of a policy may be a name. It is looked up among the ports that the
containers of the destination pods declare, not among those of a Service. A name
that none of them declares admits nothing, in silence.`,
	Setting: `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example/web, ports: [{name: http, containerPort: 8080}]}]}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
    - ports:
        - {port: web}
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
    - ports:
        - {port: http}
`,
	Needs: []audit.Fact{audit.Policies},
	Run: func(p *audit.Pass) {
		for _, policy := range p.World.Policies {
			for _, d := range netpol.Directions {
				for _, r := range policy.Rules[d] {
					portNames(p, policy, d, r)
				}
			}
		}
	},
}

func portNames(p *audit.Pass, policy *netpol.Policy, d netpol.Direction, r netpol.Rule) {
	var pods []*snapshot.Pod
	for _, port := range r.Ports {
		if port.Name == "" {
			continue
		}
		if pods == nil {
			pods = destinations(p, policy, d, r)
		}
		if len(pods) == 0 || declaredBy(pods, port) {
			continue
		}
		f := audit.Finding{Subject: ref(policy), Origin: port.Origin}
		f.Certain, f.Assumptions = p.Complete(policy.Namespace)
		f.Message = fmt.Sprintf("no container of %s declares a %s port named %q, so that the entry admits nothing",
			words.List(workloadsOf(pods)), port.Protocol, port.Name)
		f.Fix = "write the number of the port that the pod listens on, or the name of one of its container ports" + declared(pods)
		p.Report(f)
	}
}

// destinations are the pods whose ports a rule's names are looked up on.
func destinations(p *audit.Pass, policy *netpol.Policy, d netpol.Direction, r netpol.Rule) []*snapshot.Pod {
	if d == netpol.Ingress {
		return matching(policy.Pods, p.PodsIn(policy.Namespace))
	}
	var out []*snapshot.Pod
	for _, peer := range r.Peers {
		out = append(out, peerPods(p, policy.Namespace, peer)...)
	}
	return out
}

func declaredBy(pods []*snapshot.Pod, port netpol.Port) bool {
	for _, pod := range pods {
		if pod.NamedPort(port.Name, port.Protocol) != 0 {
			return true
		}
	}
	return false
}

// declared lists what the pods do declare.
func declared(pods []*snapshot.Pod) string {
	var names []string
	for _, pod := range pods {
		for _, c := range pod.Ports {
			if c.Name != "" {
				names = append(names, fmt.Sprintf("%s (%s %d)", c.Name, c.Protocol, c.Port))
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ": " + words.List(names)
}
