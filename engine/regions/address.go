package regions

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
)

// An addrPred is an address field: any part is enough.
type addrPred struct {
	any   bool
	nets  cubes   // may overlap
	atoms []int32 // what cannot be told from the address
}

func (a *addrPred) never() bool {
	return !a.any && len(a.nets[v4])+len(a.nets[v6])+len(a.atoms) == 0
}

func (a *addrPred) key() string {
	return fmt.Sprint(a.any, a.nets, a.atoms)
}

// meets tells how the predicate and the addresses of c lie.
func (a *addrPred) meets(f family, c cube) (some, all bool) {
	if a.any {
		return true, true
	}
	for _, n := range a.nets[f] {
		meets, inside := c.meets(n)
		if inside {
			return true, true
		}
		some = some || meets
	}
	return some, false
}

// overlaps reports whether an attempt may match both.
func (a *addrPred) overlaps(o *addrPred) bool {
	if a.any || o.any || len(a.atoms) > 0 || len(o.atoms) > 0 {
		return true
	}
	for f := range a.nets {
		for _, n := range a.nets[f] {
			if some, _ := o.meets(family(f), n); some {
				return true
			}
		}
	}
	return false
}

func (a *addrPred) add(base netip.Addr, mask words) {
	f := familyOf(base)
	a.nets[f] = append(a.nets[f], cube{wordsOf(base).and(mask), mask})
}

func (a *addrPred) addPrefix(p netip.Prefix) { a.add(p.Addr().Unmap().WithZone(""), high(p.Bits())) }

// readAddress reads the address field of a record; a local one has none.
func (p *program) readAddress(r *hba.Record) *addrPred {
	out := &addrPred{}
	switch a := r.Address; {
	case r.Type == hba.Local || a.Kind == hba.AnyAddress:
		out.any = true
	case a.Kind == hba.Net:
		out.add(a.Base, wordsOf(a.Mask))
	case a.Kind == hba.SameHost:
		p.sameHost(out)
	case a.Kind == hba.SameNet:
		p.sameNet(out)
	case a.Kind == hba.HostName && !hba.LikeAddress(a.Name):
		out.atoms = []int32{p.atom(Condition{Kind: ClientName, Name: lower(a.Name)})}
	case a.Kind == hba.Pods:
		c := a
		name := fmt.Sprintf("%s/%s %s %t", a.Namespace, a.Name, a.Pods, a.Nodes)
		out.atoms = []int32{p.atoms.id("pods "+name, func() Condition {
			return Condition{Kind: FromPods, Name: a.Namespace + "/" + a.Name, Pods: &c}
		})}
	}
	return out
}

// sameHost: "any of the server's own IP addresses".
func (p *program) sameHost(out *addrPred) {
	if p.Interfaces == nil {
		out.atoms = []int32{p.atom(Condition{Kind: SameHost})}
	}
	for _, i := range p.Interfaces {
		out.addPrefix(netip.PrefixFrom(i.Addr(), i.Addr().Unmap().BitLen()))
	}
}

var loopback = []netip.Prefix{
	netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 0, 0, 0}), 8),
	netip.PrefixFrom(netip.IPv6Loopback(), 128),
}

// sameNet: "any address in any subnet that the server is directly connected to".
// lo is one of the server's interfaces, with its mask of 8.
func (p *program) sameNet(out *addrPred) {
	nets := p.Interfaces
	if nets == nil {
		out.atoms = []int32{p.atom(Condition{Kind: SameNet})}
		nets = loopback
	}
	for _, i := range nets {
		out.addPrefix(hba.Network(i))
	}
}

// lower folds a host name as the server does: ASCII letters alone.
func lower(name string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		return c
	}, name)
}
