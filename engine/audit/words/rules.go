package words

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Arrivals are the flows that servers need, by the pods where they arrive: a flow of one
// server may lead to the pods of another, as logs and sharded queries do.
type Arrivals map[*snapshot.Pod][]*snapshot.VitalFlow

// ArrivalsIn lists those of all servers.
func ArrivalsIn(world *snapshot.Snapshot) Arrivals {
	out := Arrivals{}
	for _, s := range world.Servers {
		for i := range s.Vital {
			for _, pod := range s.Vital[i].To.Pods {
				out[pod] = append(out[pod], &s.Vital[i])
			}
		}
	}
	return out
}

// At are the flows that arrive at one of the pods or more, each once.
func (a Arrivals) At(pods []*snapshot.Pod) []*snapshot.VitalFlow {
	var out []*snapshot.VitalFlow
	seen := map[*snapshot.VitalFlow]bool{}
	for _, pod := range pods {
		for _, f := range a[pod] {
			if !seen[f] {
				seen[f] = true
				out = append(out, f)
			}
		}
	}
	return out
}

// Ingress writes the flows as rules under "ingress:" of a policy in the namespace. Those
// that nothing dies without are left out where nobody knows who begins them.
func Ingress(namespace string, flows []*snapshot.VitalFlow) []string {
	return admitting("from", namespace, flows, func(f *snapshot.VitalFlow) (snapshot.VitalPeer, bool) {
		_, known := Peer(namespace, f.From)
		return f.From, known || !f.Optional
	})
}

// Egress writes the flows as rules under "egress:".
func Egress(namespace string, flows []*snapshot.VitalFlow) []string {
	return admitting("to", namespace, flows, func(f *snapshot.VitalFlow) (snapshot.VitalPeer, bool) { return f.To, true })
}

// admitting writes a rule for each peer that the other side of flows names.
func admitting(word, namespace string, flows []*snapshot.VitalFlow, other func(*snapshot.VitalFlow) (snapshot.VitalPeer, bool)) []string {
	var rules []rule
	for _, f := range flows {
		peer, wanted := other(f)
		if !wanted {
			continue
		}
		entry, _ := Peer(namespace, peer)
		i := slices.IndexFunc(rules, func(r rule) bool { return slices.Equal(r.peer, entry) })
		if i < 0 {
			i = len(rules)
			rules = append(rules, rule{peer: entry})
		}
		rules[i].names, rules[i].ports = append(rules[i].names, Named(peer)), append(rules[i].ports, f.Ports...)
	}
	var out []string
	for _, r := range rules {
		out = append(out, r.lines(word)...)
	}
	return out
}

// A rule admits one peer, under all names that flows have for it.
type rule struct {
	peer, names []string
	ports       []flow.PortRange
}

func (r rule) lines(word string) []string {
	out := []string{"- " + word + ": # " + List(r.names)}
	for _, line := range r.peer {
		out = append(out, "    "+line)
	}
	out = append(out, "  ports:")
	for _, line := range Ports(r.ports) {
		out = append(out, "    "+line)
	}
	return out
}

// Ports writes ports as entries of a policy, each once.
func Ports(ports []flow.PortRange) []string {
	var out []string
	for _, r := range ports {
		text := fmt.Sprintf("- {protocol: %s, port: %d}", r.Protocol, r.From)
		if r.To > r.From {
			text = fmt.Sprintf("- {protocol: %s, port: %d, endPort: %d}", r.Protocol, r.From, r.To)
		}
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// Named is what people call one side of a flow.
func Named(p snapshot.VitalPeer) string {
	if p.Name == "" {
		return "its pods"
	}
	return p.Name
}

// Peer writes one side of a flow as entries of "from" or "to" in a policy of the
// namespace. Where it is not known what selects it, an address is to be filled in.
func Peer(namespace string, p snapshot.VitalPeer) (entries []string, known bool) {
	of, set := p.Namespace, p.Labels.Set
	onNodes := false
	if len(p.Pods) > 0 {
		of, set = p.Pods[0].Namespace, Labels(p.Pods)
		onNodes = !slices.ContainsFunc(p.Pods, func(pod *snapshot.Pod) bool { return !pod.HostNetwork })
	}
	switch {
	case onNodes: // policies do not select pods of the host network
		return []string{"- ipBlock: {cidr: ADDRESS/32} # of each node that may run " + Named(p)}, false
	case len(set) == 0 && len(p.Labels.Unknown) > 0: // whom no manifest shows
		return selected(namespace, of, []string{"app: NAME"}), false
	case of != "":
		return selected(namespace, of, MatchLabels(set)), true
	case p.Outside.IsEmpty():
		return []string{"- ipBlock: {cidr: ADDRESS/32} # of " + Named(p)}, false
	}
	for _, prefix := range p.Outside.Prefixes() {
		entries = append(entries, fmt.Sprintf("- ipBlock: {cidr: %q}", prefix))
	}
	return entries, true
}

// selected is the entry for pods of a namespace; without labels, for all of them.
func selected(namespace, of string, labels []string) []string {
	pods := "podSelector: {}"
	if len(labels) > 0 {
		pods = "podSelector: {matchLabels: {" + strings.Join(labels, ", ") + "}}"
	}
	if of == namespace {
		return []string{"- " + pods}
	}
	return []string{fmt.Sprintf("- namespaceSelector: {matchLabels: {%s: %s}}", snapshot.MetadataName, of), "  " + pods}
}
