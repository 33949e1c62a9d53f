// Package exposurerules holds the rules about who, beyond those that were meant,
// gets packets to a database.
package exposurerules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Rules are the family's, in the order of their numbers.
var Rules = []*audit.Rule{
	EXP1001, EXP1002, EXP1003, EXP1004, EXP1005, EXP1006, EXP1007,
	EXP1008, EXP1009, EXP1010, EXP1011, EXP1012, EXP1013, EXP1014, EXP1015,
}

// A door is a pod port that speaks PostgreSQL: of a server, or of its pooler.
type door struct {
	ref    snapshot.Ref
	origin verdict.Origin
	pods   []*snapshot.Pod
	ports  []uint16
	server *snapshot.Server
	pooler *snapshot.Pooler // nil for the server's own
}

// doors lists the doors of all servers.
func doors(world *snapshot.Snapshot) []door {
	var out []door
	for _, s := range world.Servers {
		d := door{ref: s.Ref(), origin: s.Origin, pods: s.Members(), server: s}
		for _, p := range s.Ports {
			d.ports = append(d.ports, p.Port)
		}
		out = append(out, d)
		for _, p := range s.Poolers {
			out = append(out, door{p.Ref(), p.Origin, p.Workload.Pods, []uint16{p.Port}, s, p})
		}
	}
	return out
}

// stranger is a pod of a namespace that no manifest mentions, without labels.
var stranger = network.Endpoint{Virtual: &network.Virtual{Name: "a stranger", Namespace: "any-namespace"}}

// knock asks whether the stranger's packets arrive at any pod of the door; of
// several answers the most open one counts.
func knock(p *audit.Pass, from network.Endpoint, pods []*snapshot.Pod, ports []uint16) (best verdict.Step) {
	best.Verdict = verdict.Deny
	for _, pod := range pods {
		for _, number := range ports {
			a := network.Attempt{From: from, To: network.PodEndpoint(pod), Protocol: flow.TCP, Port: number}
			step := p.Reach.Network.Decide(netpol.Ingress, a)
			if best.Layer == "" || verdict.Any(best.Verdict, step.Verdict) != best.Verdict {
				best = step
			}
		}
	}
	return best
}

// An entry is a rule that admits to a port of a pod, and the peer in it; peer is nil
// where the rule admits every peer.
type entry struct {
	policy *netpol.Policy
	rule   netpol.Rule
	peer   *netpol.Peer
}

func (e entry) origin() verdict.Origin {
	if e.peer == nil {
		return e.rule.Origin
	}
	return e.peer.Origin
}

func (e entry) ref() snapshot.Ref {
	return snapshot.Ref{Kind: "NetworkPolicy", Namespace: e.policy.Namespace, Name: e.policy.Name}
}

// entries lists what the policies that select the pods, all of one namespace, admit to
// their ports.
func entries(p *audit.Pass, pods []*snapshot.Pod, ports []uint16) []entry {
	var out []entry
	if len(pods) == 0 {
		return nil
	}
	for _, policy := range p.PoliciesIn(pods[0].Namespace) {
		if !policy.Isolates[netpol.Ingress] {
			continue
		}
		for _, r := range policy.Rules[netpol.Ingress] {
			if !concerns(policy, r, pods, ports) {
				continue
			}
			if r.AnyPeer {
				out = append(out, entry{policy, r, nil})
			}
			for i := range r.Peers {
				out = append(out, entry{policy, r, &r.Peers[i]})
			}
		}
	}
	return out
}

func concerns(policy *netpol.Policy, r netpol.Rule, pods []*snapshot.Pod, ports []uint16) bool {
	for _, pod := range pods {
		if pod.Namespace != policy.Namespace || policy.Pods.Match(pod.Labels) == netpol.No {
			continue
		}
		for _, number := range ports {
			if admits(r, pod, number) {
				return true
			}
		}
	}
	return false
}

func admits(r netpol.Rule, pod *snapshot.Pod, number uint16) bool {
	if r.AnyPort {
		return true
	}
	for _, p := range r.Ports {
		if p.Protocol != flow.TCP {
			continue
		}
		if p.Name != "" && pod.NamedPort(p.Name, flow.TCP) == number || p.Name == "" && p.From <= number && number <= p.To {
			return true
		}
	}
	return false
}

// numbers writes ports for people.
func numbers(ports []uint16) string {
	word := "port "
	if len(ports) > 1 {
		word = "ports "
	}
	var out []string
	for _, p := range ports {
		out = append(out, fmt.Sprint(p))
	}
	return word + strings.Join(out, " and ")
}

// list writes "a, b and 3 more".
func list(names []string) string {
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > 4 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:4], ", "), len(names)-4)
	}
	return strings.Join(names, ", ")
}

// closed is a policy that isolates the pods and admits one application.
func closed(namespace string, pods []*snapshot.Pod, ports []uint16) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: %s-clients\n  namespace: %s\nspec:\n  podSelector:\n    matchLabels:\n",
		pods[0].Workload.Name, namespace)
	for _, label := range common(pods) {
		fmt.Fprintf(&b, "      %s\n", label)
	}
	b.WriteString("  policyTypes: [Ingress]\n  ingress:\n    - from:\n        - namespaceSelector:\n            matchLabels:\n" +
		"              kubernetes.io/metadata.name: NAMESPACE\n          podSelector:\n            matchLabels:\n              app: CLIENT\n      ports:\n")
	for _, number := range ports {
		fmt.Fprintf(&b, "        - {protocol: TCP, port: %d}\n", number)
	}
	return b.String()
}

// changes reports whether a failover or an operation changes a label: no policy may rest
// on it. The last part of a role's key is the same with all operators.
func changes(key, value string) bool {
	switch {
	case key == "cnpg.io/instanceName" || key == "stackgres.io/disruptible":
		return true
	case strings.HasSuffix(strings.ToLower(key), "role"):
		return slices.Contains([]string{"master", "primary", "replica", "standby_leader"}, value)
	}
	return false
}

// common returns the labels that all the pods have alike.
func common(pods []*snapshot.Pod) []string {
	var out []string
	for key, value := range pods[0].Labels.Set {
		all := !slices.ContainsFunc(pods, func(p *snapshot.Pod) bool { return p.Labels.Set[key] != value })
		if all && key != "app.kubernetes.io/version" && !changes(key, value) {
			out = append(out, fmt.Sprintf("%s: %q", key, value))
		}
	}
	slices.Sort(out)
	return out
}
