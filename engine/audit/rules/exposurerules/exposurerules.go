// Package exposurerules holds the rules about who, beyond those that were meant,
// gets packets to a database.
package exposurerules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
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

// closed is a policy that isolates the pods of a door and admits one application, with
// what arrives at them that databases need to live: applied, it cuts nothing of that.
func closed(p *audit.Pass, a words.Arrivals, d door) string {
	labels := words.Labels(d.pods)
	lines := []string{
		"apiVersion: networking.k8s.io/v1", "kind: NetworkPolicy", "metadata:",
		"  name: " + d.pods[0].Workload.Name + "-clients", "  namespace: " + d.ref.Namespace, "spec:",
	}
	if len(labels) == 0 {
		lines = append(lines, "  podSelector: {}")
	} else {
		lines = append(lines, "  podSelector:", "    matchLabels:")
		lines = append(lines, indented("      ", words.MatchLabels(labels))...)
	}
	lines = append(lines, "  policyTypes: [Ingress]", "  ingress:",
		"    - from: # the clients",
		"        - namespaceSelector: {matchLabels: {"+snapshot.MetadataName+": NAMESPACE}}",
		"          podSelector: {matchLabels: {app: CLIENT}}",
		"      ports:")
	for _, number := range d.ports {
		lines = append(lines, fmt.Sprintf("        - {protocol: TCP, port: %d}", number))
	}
	flows := a.At(having(p.PodsIn(d.ref.Namespace), labels))
	return strings.Join(append(lines, indented("    ", words.Ingress(d.ref.Namespace, flows))...), "\n")
}

func indented(by string, lines []string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, by+l)
	}
	return out
}

// having are the pods that a selector of these labels selects.
func having(pods []*snapshot.Pod, labels map[string]string) []*snapshot.Pod {
	return slices.DeleteFunc(slices.Clone(pods), func(p *snapshot.Pod) bool {
		for key, value := range labels {
			if p.Labels.Set[key] != value {
				return true
			}
		}
		return false
	})
}
