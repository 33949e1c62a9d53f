package reach

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// outside splits the world beyond the cluster where answers may differ, and joins
// the parts whose answers are the same.
func (b *book) outside() []Access {
	type part struct {
		addresses flow.Addresses
		list      []Access
	}
	var parts []part
	contents, at := NewContents(func(r Route) Route { return r }), map[int32]int{}
	for _, atom := range b.atoms(b.cuts()) {
		list := b.from(atom)
		n := contents.Number(list)
		i, known := at[n]
		if !known {
			i = len(parts)
			at[n], parts = i, append(parts, part{list: list})
		}
		parts[i].addresses = parts[i].addresses.Union(atom)
	}
	cells := 0
	for _, p := range parts {
		cells += len(p.list)
	}
	out := make([]Access, 0, cells)
	for _, p := range parts {
		ref := b.OutsideRef(p.addresses)
		for _, a := range p.list {
			a.From, a.Outside = ref, p.addresses
			out = append(out, a)
		}
	}
	return out
}

// from answers for addresses outside.
func (b *book) from(atom flow.Addresses) []Access {
	from := network.OutsideEndpoint(atom)
	if b.fromOutside == nil {
		b.fromOutside = b.Engine.ways(Question{From: from, To: Target{Server: b.server}})
	}
	b.listing.outside.packets = map[landing][]verdict.Step{}
	list := b.client(from, b.arrivals(from, b.fromOutside, nil))
	b.listing.outside.packets = nil
	return list
}

// beyond are the addresses that a client outside can have: nobody comes from loopback.
var beyond = flow.AllAddresses().Minus(loopback)

// OutsideRef names addresses by the facts file's name, or by themselves.
func (e *Engine) OutsideRef(a flow.Addresses) snapshot.Ref {
	for _, o := range e.World.Facts.Outside {
		if o.Addresses.Equal(a) {
			return snapshot.Ref{Kind: "Outside", Name: o.Name}
		}
	}
	return snapshot.Ref{Kind: "Outside", Name: rangesText(a)}
}

// rangesText writes addresses by as few ranges as will do, of those or of the others;
// loopback, from where nobody comes, may count for either.
func rangesText(a flow.Addresses) string {
	name, least := "", 0
	for _, free := range []flow.Addresses{{}, loopback.Intersect(flow.IPv4()), loopback.Minus(flow.IPv4()), loopback} {
		whole := a.Union(free)
		rest := flow.AllAddresses().Minus(whole)
		if rest.IsEmpty() {
			return "everywhere"
		}
		if n := len(whole.Prefixes()); name == "" || n < least {
			name, least = whole.Text(), n
		}
		if n := len(rest.Prefixes()); n < least {
			name, least = "all but "+rest.Text(), n
		}
	}
	return name
}

// atoms are the parts of the outside that every block either covers or misses.
func (b *book) atoms(cuts []flow.Addresses) []flow.Addresses {
	out := []flow.Addresses{beyond.Intersect(flow.IPv4()), beyond.Minus(flow.IPv4())}
	for _, cut := range cuts {
		var next []flow.Addresses
		for _, atom := range out {
			for _, piece := range []flow.Addresses{atom.Intersect(cut), atom.Minus(cut)} {
				if !piece.IsEmpty() {
					next = append(next, piece)
				}
			}
		}
		out = next
	}
	return out
}

// cuts are the ranges at which an answer about the outside may change.
func (b *book) cuts() []flow.Addresses {
	out := []flow.Addresses{b.node.Outside}
	for _, o := range b.World.Facts.Outside {
		out = append(out, o.Addresses)
	}
	for _, p := range b.World.Policies {
		if !b.livesIn(p.Namespace) {
			continue
		}
		for _, r := range p.Rules[netpol.Ingress] {
			for _, peer := range r.Peers {
				if peer.Block != nil {
					out = append(out, peer.Block.Addresses)
				}
			}
		}
	}
	out = append(out, nets(b.server.HBA)...)
	for _, p := range b.server.Poolers {
		out = append(out, nets(p.HBA)...)
	}
	for _, svc := range servicesOf(Target{Server: b.server}) {
		out = append(out, b.doorCuts(svc)...)
	}
	return out
}

func (b *book) livesIn(namespace string) bool {
	if b.server.Workload.Namespace == namespace {
		return true
	}
	return slices.ContainsFunc(b.server.Poolers, func(p *snapshot.Pooler) bool { return p.Workload.Namespace == namespace })
}

// nets are the address ranges that a file's records name; a mask that is no prefix
// has none, and leaves its record unsure.
func nets(f hba.File) []flow.Addresses {
	var out []flow.Addresses
	for _, r := range f.Records {
		if p, ok := r.Address.Prefix(); ok {
			if cut := flow.AddressesOf(p).Minus(loopback); !cut.IsEmpty() {
				out = append(out, cut)
			}
		}
	}
	return out
}
