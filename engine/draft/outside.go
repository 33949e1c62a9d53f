package draft

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
)

const anyIPv4, anyIPv6 = "0.0.0.0/0", "::/0"

// outsidePeers are the clients of a group that are addresses, as one peer: by names of the
// facts file where they are just those, else by ranges.
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
	if names := d.namedRanges(all); names != nil {
		return []intent.Peer{{Names: names, Addresses: all}}
	}
	all = d.simplest(all, slices.Contains(g.spaces, ""))
	p := intent.Peer{Addresses: all}
	for _, prefix := range all.Prefixes() {
		p.Names = append(p.Names, prefix.String())
	}
	return []intent.Peer{p}
}

// namedRanges are the names that together are just the addresses; nil where there are none.
func (d *drafter) namedRanges(all flow.Addresses) []string {
	var names []string
	var sum flow.Addresses
	for _, o := range d.World.Facts.Outside {
		if !o.Addresses.IsEmpty() && o.Addresses.Minus(all).IsEmpty() {
			names, sum = append(names, o.Name), sum.Union(o.Addresses)
		}
	}
	if !sum.Equal(all) {
		return nil
	}
	return names
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
	if names := d.namedRanges(c.outside); len(names) == 1 {
		return names[0]
	}
	return "outside"
}
