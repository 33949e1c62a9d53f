//go:build linux

package enforce

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// text writes what decides in a world, for people who look for the mistake.
func text(world *snapshot.Snapshot) string {
	var b strings.Builder
	for _, ns := range world.Namespaces {
		fmt.Fprintf(&b, "namespace %s %v\n", ns.Name, ns.Labels.Set)
	}
	for _, n := range world.Nodes {
		fmt.Fprintf(&b, "node %s %v %v\n", n.Name, n.Addresses, n.Labels.Set)
	}
	for _, p := range podsOf(world) {
		fmt.Fprintf(&b, "pod %s on %q %v %v %v", nameOf(p), p.Node, p.Addresses, p.Labels.Set, p.Ports)
		if p.HostNetwork {
			b.WriteString(" host network")
		}
		b.WriteString("\n")
	}
	for _, d := range world.Facts.Profile.Differences {
		fmt.Fprintf(&b, "trait %s\n", d.Trait)
	}
	for _, p := range slices.Concat(world.Policies, world.ClusterPolicies) {
		writePolicy(&b, p)
	}
	return b.String()
}

func writePolicy(b *strings.Builder, p *netpol.Policy) {
	fmt.Fprintf(b, "%s %s, tier %s, priority %d: namespaces %s, pods %s\n", p.Kind, p.FullName(), p.Tier, p.Priority, absent(p.Namespaces), p.Pods)
	for _, dir := range netpol.Directions {
		if p.Isolates[dir] {
			fmt.Fprintf(b, "  isolates %s\n", dir)
		}
		for i, r := range p.Rules[dir] {
			fmt.Fprintf(b, "  %s[%d] %s", dir, i, r.Action)
			if r.AnyPeer {
				b.WriteString(", any peer")
			}
			for _, peer := range r.Peers {
				b.WriteString(", " + peerText(peer))
			}
			if r.AnyPort {
				b.WriteString(", any port")
			}
			for _, port := range r.Ports {
				fmt.Fprintf(b, ", %s %s%d-%d", port.Protocol, port.Name, port.From, port.To)
			}
			b.WriteString("\n")
		}
	}
}

func peerText(p netpol.Peer) string {
	switch {
	case p.Block != nil:
		return "block " + p.Block.Text
	case p.Nodes != nil:
		return "nodes " + p.Nodes.String()
	case len(p.Domains) > 0:
		return "domains " + strings.Join(p.Domains, " ")
	}
	return fmt.Sprintf("[namespaces %s, pods %s]", absent(p.Namespaces), absent(p.Pods))
}

func absent(s *netpol.Selector) string {
	if s == nil {
		return "absent"
	}
	return s.String()
}
