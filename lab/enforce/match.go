//go:build linux

package enforce

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/knftables"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// acts writes nft's rules for one rule of a policy: one for each peer, port and
// address family, all with the same verdict.
func (c *compiler) acts(chain string, dir netpol.Direction, p *snapshot.Pod, policy *netpol.Policy, i int, verdict string) {
	rule := policy.Rules[dir][i]
	about := fmt.Sprintf("%s %s, rule %d", policy.Tier, policy.FullName(), i)
	for _, peer := range c.peers(policy, rule) {
		if rule.AnyPort {
			c.each(chain, about, c.peerIs(dir, peer.addresses), verdict)
		}
		for _, port := range rule.Ports {
			c.each(chain, about, c.at(dir, p, peer, port), verdict)
		}
	}
}

// each writes a rule for each of the matches.
func (c *compiler) each(chain, about string, matches []string, verdict string) {
	for _, m := range matches {
		c.rule(chain, about, m, verdict)
	}
}

// A peer is the addresses that one is known by here, and the pods among them.
type peer struct {
	addresses []netip.Prefix // nil for all
	pods      []*snapshot.Pod
}

func (c *compiler) peers(policy *netpol.Policy, rule netpol.Rule) []peer {
	if rule.AnyPeer {
		all := slices.DeleteFunc(slices.Clone(c.pods), func(p *snapshot.Pod) bool { return p.HostNetwork })
		return []peer{{pods: all}}
	}
	var out []peer
	for _, p := range rule.Peers {
		switch {
		case p.Block != nil:
			out = append(out, c.block(p.Block))
		case p.Nodes != nil:
			out = append(out, c.nodes(*p.Nodes))
		case len(p.Domains) > 0:
			out = append(out, c.domains(p.Domains))
		default:
			out = append(out, c.podPeer(policy, p))
		}
	}
	return out
}

// podPeer: "host-networked pods are not included in this type of peer".
func (c *compiler) podPeer(policy *netpol.Policy, p netpol.Peer) peer {
	out := peer{addresses: []netip.Prefix{}}
	for _, pod := range c.pods {
		if !pod.HostNetwork && c.within(policy, p.Namespaces, pod) && (p.Pods == nil || c.match(*p.Pods, pod.Labels)) {
			out.addresses = append(out.addresses, prefixes(pod.Addresses)...)
			out.pods = append(out.pods, pod)
		}
	}
	return out
}

// block is by address, whoever has it: "cluster-internal traffic will be checked
// against the rule as well".
func (c *compiler) block(b *netpol.Block) peer {
	a := b.Addresses.Minus(c.skipped(b))
	out := peer{addresses: append([]netip.Prefix{}, a.Prefixes()...)}
	for _, pod := range c.pods {
		for _, ip := range pod.Addresses {
			if !pod.HostNetwork && a.Has(ip) {
				// Only by this address is the pod meant, and by its named ports.
				only := *pod
				only.Addresses = []netip.Addr{ip}
				out.pods = append(out.pods, &only)
			}
		}
	}
	return out
}

// skipped are the addresses that a plugin's blocks never match: those of pods, of an
// ipBlock and of networks, and those of nodes, of an ipBlock.
func (c *compiler) skipped(b *netpol.Block) flow.Addresses {
	var out []netip.Prefix
	if c.has(cni.BlockSkipsPods) {
		for _, p := range c.pods {
			out = append(out, prefixes(p.Addresses)...)
		}
	}
	if c.has(cni.BlockSkipsNodes) && !b.Pods {
		for _, n := range c.world.Nodes {
			out = append(out, prefixes(n.Addresses)...)
		}
	}
	return flow.AddressesOf(out...)
}

// nodes "selects the nodeIPs as the peer type by matching on the IPs present in the
// node.Status.Addresses field of the node".
func (c *compiler) nodes(s netpol.Selector) peer {
	out := peer{addresses: []netip.Prefix{}}
	for _, n := range c.world.Nodes {
		if c.match(s, n.Labels) {
			out.addresses = append(out.addresses, prefixes(n.Addresses)...)
		}
	}
	return out
}

// domains: "*" "matches one or more entire labels", so every known name below is meant.
func (c *compiler) domains(names []string) peer {
	var all flow.Addresses
	for _, name := range names {
		if _, known := c.world.Facts.Domains[name]; !known {
			c.fail("the addresses of %s are not known", name)
		}
		for known, addresses := range c.world.Facts.Domains {
			if below, wild := strings.CutPrefix(name, "*"); known == name || wild && strings.HasSuffix(known, below) {
				all = all.Union(addresses)
			}
		}
	}
	return peer{addresses: append([]netip.Prefix{}, all.Prefixes()...)}
}

// at returns the matches of a peer at one port, which is always the receiver's.
func (c *compiler) at(dir netpol.Direction, p *snapshot.Pod, from peer, port netpol.Port) []string {
	if port.EndPort && c.has(cni.NoEndPort) {
		port.To = port.From
	}
	if port.Name != "" {
		if dir == netpol.Egress {
			return c.namedAt(from.pods, port.Name, port.Protocol)
		}
		number := p.NamedPort(port.Name, port.Protocol)
		if number == 0 {
			return nil
		}
		port.From, port.To = number, number
	}
	matches := c.peerIs(dir, from.addresses)
	for i, m := range matches {
		matches[i] = knftables.Concat(m, "meta l4proto", word(port.Protocol), "th dport", fmt.Sprintf("%d-%d", port.From, port.To))
	}
	return matches
}

// word is the protocol as nft writes it.
func word(p flow.Protocol) string { return strings.ToLower(p.String()) }

// namedAt matches each pod at the port that has the name there.
func (c *compiler) namedAt(pods []*snapshot.Pod, name string, protocol flow.Protocol) []string {
	keys := map[knftables.Family][][]string{}
	for _, pod := range pods {
		number := pod.NamedPort(name, protocol)
		if number == 0 {
			continue
		}
		for _, a := range pod.Addresses {
			keys[family(a)] = append(keys[family(a)], []string{a.String(), word(protocol), strconv.Itoa(int(number))})
		}
	}
	var out []string
	for _, f := range families {
		if len(keys[f]) > 0 {
			set := c.anyOf(knftables.Set{Name: "ports", Type: types[f] + " . inet_proto . inet_service"}, keys[f])
			out = append(out, knftables.Concat(f, "daddr . meta l4proto . th dport", "@", set))
		}
	}
	return out
}

// peerIs matches the other end of a packet, a match for each family; nil is anybody,
// in one match that says nothing, and no addresses are nobody, in none.
func (c *compiler) peerIs(dir netpol.Direction, addresses []netip.Prefix) []string {
	if addresses == nil {
		return []string{""}
	}
	keys := map[knftables.Family][][]string{}
	for _, a := range addresses {
		keys[family(a.Addr())] = append(keys[family(a.Addr())], []string{a.String()})
	}
	var out []string
	for _, f := range families {
		if len(keys[f]) > 0 {
			set := c.anyOf(knftables.Set{Name: "peers", Type: types[f], Flags: []knftables.SetFlag{knftables.IntervalFlag}}, keys[f])
			out = append(out, knftables.Concat(f, other[dir], "@", set))
		}
	}
	return out
}

// anyOf returns a set of the kind, with a number after its name, that has these keys:
// the same one whenever they are the same.
func (c *compiler) anyOf(kind knftables.Set, keys [][]string) string {
	slices.SortFunc(keys, slices.Compare)
	keys = slices.CompactFunc(keys, slices.Equal)
	content := kind.Type + fmt.Sprint(keys)
	if name, known := c.sets[content]; known {
		return name
	}
	kind.Name += strconv.Itoa(len(c.sets))
	c.sets[content] = kind.Name
	c.Sets = append(c.Sets, &kind)
	for _, key := range keys {
		c.Elements = append(c.Elements, &knftables.Element{Set: kind.Name, Key: key})
	}
	return kind.Name
}

func prefixes(addresses []netip.Addr) []netip.Prefix {
	out := []netip.Prefix{}
	for _, a := range addresses {
		out = append(out, host(a))
	}
	return out
}

// host is the address as a prefix of itself alone.
func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// selects reports whether the policy's subject has the pod.
func (c *compiler) selects(policy *netpol.Policy, p *snapshot.Pod) bool {
	return c.within(policy, policy.Namespaces, p) && c.match(policy.Pods, p.Labels)
}

// within reports whether the pod's namespace is selected; no selector is the policy's
// own namespace.
func (c *compiler) within(policy *netpol.Policy, s *netpol.Selector, p *snapshot.Pod) bool {
	if s == nil {
		return p.Namespace == policy.Namespace
	}
	return c.match(*s, c.world.NamespaceOf(p.Namespace).Labels)
}

func (c *compiler) match(s netpol.Selector, l netpol.Labels) bool {
	m := s.Match(l)
	if m == netpol.Unsure {
		c.fail("selector %s: a label has no known value", s)
	}
	return m == netpol.Yes
}

// What nft calls the families, an address of each, and the ends of a packet: who
// receives what comes in is the pod itself.
var (
	families = []knftables.Family{knftables.IPv4Family, knftables.IPv6Family}
	types    = map[knftables.Family]string{knftables.IPv4Family: "ipv4_addr", knftables.IPv6Family: "ipv6_addr"}
	own      = [2]string{netpol.Ingress: "daddr", netpol.Egress: "saddr"}
	other    = [2]string{netpol.Ingress: "saddr", netpol.Egress: "daddr"}
)

func family(a netip.Addr) knftables.Family {
	if a.Is4() {
		return knftables.IPv4Family
	}
	return knftables.IPv6Family
}
