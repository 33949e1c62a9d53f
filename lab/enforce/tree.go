//go:build linux

package enforce

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sigs.k8s.io/knftables"
)

// A tree is the network of the lab: the outside at the root, the nodes below, each with
// its pods. Whoever has children is the router of everything below.
type tree struct {
	nodes map[string]*space
	at    map[netip.Addr]*space
	links int
}

// The addresses of routers, the same on every link, with neighbours that need not be
// asked for.
const (
	router4 = "169.254.1.1"
	router6 = "fe80::1"
)

func build(g Ground) (*tree, error) {
	n := &tree{nodes: map[string]*space{}, at: map[netip.Addr]*space{}}
	outside, err := n.space("outside", g.Outside, true)
	if err != nil {
		return nil, err
	}
	if err := outside.route(); err != nil {
		return nil, err
	}
	if err := outside.ip("link set lo up\n" + outside.own("lo")); err != nil {
		return nil, err
	}
	for _, node := range g.Nodes {
		if err := n.addNode(outside, node); err != nil {
			return nil, err
		}
	}
	for a, s := range n.at {
		if err := s.listen(a, g.Ports); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return n, nil
}

func (n *tree) space(name string, addresses []netip.Addr, own bool) (*space, error) {
	s, err := newSpace(name, addresses, own)
	if err != nil {
		return nil, err
	}
	for _, a := range addresses {
		if n.at[a] != nil {
			return nil, fmt.Errorf("%s and %s both have %s", n.at[a].name, name, a)
		}
		n.at[a] = s
	}
	return s, nil
}

func (n *tree) addNode(outside *space, node Node) error {
	s, err := n.space(node.Name, node.Addresses, false)
	if err != nil {
		return err
	}
	n.nodes[node.Name] = s
	below := slices.Clone(node.Addresses)
	for _, pod := range node.Pods {
		below = append(below, pod.Addresses...)
	}
	if err := n.link(outside, s, below); err != nil {
		return err
	}
	if err := s.route(); err != nil {
		return err
	}
	for _, pod := range node.Pods {
		p, err := n.space(pod.Name, pod.Addresses, false)
		if err != nil {
			return err
		}
		if err := n.link(s, p, pod.Addresses); err != nil {
			return err
		}
	}
	if err := s.load(open()); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return s.forget()
}

// forget makes the node track no connection longer than need be: thousands a second
// would fill the kernel's table.
func (s *space) forget() error {
	for _, timeout := range []string{"udp_timeout", "udp_timeout_stream", "tcp_timeout_close", "tcp_timeout_time_wait"} {
		if err := s.set("netfilter/nf_conntrack_"+timeout, "1"); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrUnavailable, s.name, err)
		}
	}
	return nil
}

// open lets everything pass; it finds out whether this kernel has what rules need.
func open() Ruleset {
	var r Ruleset
	r.hook("forward", knftables.ForwardHook, knftables.FilterPriority)
	r.rule("forward", "", "ct direction reply accept")
	r.rule("forward", "", "meta l4proto 255", refusals[Tell])
	return r
}

// link joins child to parent, which then routes the addresses below child to it.
func (n *tree) link(parent, child *space, below []netip.Addr) error {
	n.links++
	down := fmt.Sprintf("down%d", n.links)
	mac := func(end int) string { return fmt.Sprintf("02:00:00:00:%02x:%02x", n.links, end) }

	var up strings.Builder
	fmt.Fprintf(&up, "link add name %s address %s type veth peer name uplink address %s netns %d\n", down, mac(1), mac(2), child.thread)
	fmt.Fprintf(&up, "link set %s up\n", down)
	for _, a := range below {
		fmt.Fprintf(&up, "route add %s dev %s\n", host(a), down)
		fmt.Fprintf(&up, "neigh add %s lladdr %s dev %s nud permanent\n", a, mac(2), down)
	}
	if err := parent.ip(up.String()); err != nil {
		return err
	}
	return child.ip("link set lo up\nlink set uplink up\n" + child.own("uplink") + strings.Join([]string{
		"neigh add " + router4 + " lladdr " + mac(1) + " dev uplink nud permanent",
		"neigh add " + router6 + " lladdr " + mac(1) + " dev uplink nud permanent",
		"route add " + router4 + " dev uplink scope link",
		"route add 0.0.0.0/0 via " + router4 + " dev uplink",
		"route add ::/0 via " + router6 + " dev uplink",
	}, "\n") + "\n")
}

// own are the commands that give a device the space's addresses.
func (s *space) own(device string) string {
	var b strings.Builder
	for _, a := range s.addresses {
		fmt.Fprintf(&b, "addr add %s dev %s", host(a), device)
		if a.Is6() {
			b.WriteString(" nodad") // usable at once
		}
		b.WriteString("\n")
	}
	return b.String()
}

// route makes a router of the space, one that tells of every refusal: by default a
// kernel sends few ICMP errors a second.
func (s *space) route() error {
	for _, setting := range [][2]string{
		{"ipv4/ip_forward", "1"},
		{"ipv6/conf/all/forwarding", "1"},
		{"ipv4/icmp_ratemask", "0"},
		{"ipv4/icmp_ratelimit", "0"},
		{"ipv6/icmp/ratelimit", "0"},
	} {
		if err := s.set(setting[0], setting[1]); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrUnavailable, s.name, err)
		}
	}
	// Older kernels do not have it.
	_ = s.set("ipv6/icmp/ratemask", "255")
	return nil
}
