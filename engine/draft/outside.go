package draft

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
)

const anyIPv4, anyIPv6 = "0.0.0.0/0", "::/0"

// outsidePeers are the clients of a group that are addresses, as one peer: by names of the
// facts file as far as it has them, else by ranges.
func (d *drafter) outsidePeers(g *group, a *Access) []intent.Peer {
	var all flow.Addresses
	for _, c := range g.clients {
		if c.isOutside() {
			all = all.Union(c.outside)
			a.Clients = append(a.Clients, c.ref)
			a.breadth = max(a.breadth, 2)
		}
	}
	if all.IsEmpty() {
		return nil
	}
	all = d.simplest(all, slices.Contains(g.spaces, ""))
	names, rest := d.named(all)
	p := intent.Peer{Addresses: all}
	for _, prefix := range rest.Prefixes() {
		p.Names = append(p.Names, prefix.String())
	}
	p.Names = append(p.Names, names...)
	return []intent.Peer{p}
}

// named are the names of the facts file for a part of the addresses, and the rest, as long
// as a name does not make more ranges of it.
func (d *drafter) named(all flow.Addresses) (names []string, rest flow.Addresses) {
	rest = all
	for _, o := range d.World.Facts.Outside {
		left := rest.Minus(o.Addresses)
		if !o.Addresses.IsEmpty() && o.Addresses.Minus(all).IsEmpty() && len(left.Prefixes()) < len(rest.Prefixes()) {
			names, rest = append(names, o.Name), left
		}
	}
	return names, rest
}

// simplest adds what makes fewer ranges and lets nobody else in: loopback, from where
// nobody comes, and with pods the addresses that only pods have.
func (d *drafter) simplest(all flow.Addresses, pods bool) flow.Addresses {
	free := []flow.Addresses{{}, flow.Loopback().Intersect(flow.IPv4()), flow.Loopback().Minus(flow.IPv4()), flow.Loopback()}
	if pods {
		for _, f := range slices.Clone(free) {
			free = append(free, f.Union(flow.AddressesOf(d.World.Facts.PodCIDRs...)))
		}
	}
	best := all
	for _, f := range free {
		if whole := all.Union(f); len(whole.Prefixes()) < len(best.Prefixes()) {
			best = whole
		}
	}
	return best
}

// outsideName is the part of an access's name for addresses.
func (d *drafter) outsideName(c *client) string {
	if names, rest := d.named(c.outside); len(names) == 1 && rest.IsEmpty() {
		return names[0]
	}
	return "outside"
}
