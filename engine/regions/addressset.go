package regions

import (
	"net/netip"
	"slices"
	"strings"
)

// An AddressSet is a set of client addresses: Prefixes without Except, and Cubes.
// Families never mix; 0.0.0.0/0 with ::/0 is every address.
type AddressSet struct {
	Prefixes []netip.Prefix
	Except   []netip.Prefix // each inside one of Prefixes
	Cubes    []Cube
}

// A Cube is the addresses whose bits under Mask are Base's; Mask is not that of a
// prefix.
type Cube struct{ Base, Mask netip.Addr }

// Everything reports whether the set has every address.
func (s AddressSet) Everything() bool {
	return len(s.Prefixes) == 2 && s.Prefixes[0].Bits() == 0 && s.Prefixes[1].Bits() == 0 && len(s.Except) == 0
}

// Contains reports whether the address is in the set.
func (s AddressSet) Contains(a netip.Addr) bool {
	in := func(list []netip.Prefix) bool {
		return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	if in(s.Prefixes) && !in(s.Except) {
		return true
	}
	return slices.ContainsFunc(s.Cubes, func(c Cube) bool {
		return c.Base.BitLen() == a.BitLen() && wordsOf(a).xor(wordsOf(c.Base)).and(wordsOf(c.Mask)) == words{}
	})
}

func (s AddressSet) key() string {
	var b strings.Builder
	for _, list := range [][]netip.Prefix{s.Prefixes, s.Except} {
		for _, p := range list {
			b.WriteString(p.String())
			b.WriteByte(' ')
		}
		b.WriteByte('-')
	}
	for _, c := range s.Cubes {
		b.WriteString(c.Base.String() + "/" + c.Mask.String() + " ")
	}
	return b.String()
}

// cubes are the disjoint parts of a set, by family.
type cubes [2][]cube

func (c *cubes) join(o cubes) {
	for f := range c {
		c[f] = append(c[f], o[f]...)
	}
}

// set writes the cubes for people.
func (c cubes) set() AddressSet {
	var out AddressSet
	for _, f := range []family{v4, v6} {
		var nets []cube
		for _, part := range c[f] {
			if _, ok := part.prefix(); ok {
				nets = append(nets, part)
			} else {
				out.Cubes = append(out.Cubes, Cube{f.addr(part.base), f.addr(part.mask)})
			}
		}
		nets = joined(nets)
		around, except := without(nets)
		if len(except)+1 < len(nets) {
			out.Prefixes = append(out.Prefixes, f.prefixes([]cube{around})...)
			out.Except = append(out.Except, f.prefixes(except)...)
		} else {
			out.Prefixes = append(out.Prefixes, f.prefixes(nets)...)
		}
	}
	return out
}

func (f family) prefixes(nets []cube) []netip.Prefix {
	out := make([]netip.Prefix, len(nets))
	for i, n := range nets {
		length, _ := n.prefix()
		out[i] = netip.PrefixFrom(f.addr(n.base), length)
	}
	return out
}

// joined sorts disjoint networks and joins neighbours that are one network.
func joined(nets []cube) []cube {
	slices.SortFunc(nets, func(a, b cube) int {
		switch {
		case less(a.base, b.base):
			return -1
		case less(b.base, a.base):
			return 1
		}
		return 0
	})
	var out []cube
	for _, n := range nets {
		for len(out) > 0 {
			up, ok := siblings(out[len(out)-1], n)
			if !ok {
				break
			}
			n, out = up, out[:len(out)-1]
		}
		out = append(out, n)
	}
	return out
}

// siblings returns the network that two halves make.
func siblings(a, b cube) (cube, bool) {
	length, _ := a.prefix()
	if a.mask != b.mask || length == 0 || a.base.xor(b.base) != bit(length-1) {
		return cube{}, false
	}
	mask := high(length - 1)
	return cube{a.base.and(mask), mask}, true
}

// without returns the smallest network around sorted ones, and what of it they
// leave out.
func without(nets []cube) (around cube, except []cube) {
	if len(nets) == 0 {
		return around, nil
	}
	first, last := nets[0], nets[len(nets)-1]
	shared := first.base.xor(last.base).leading()
	for _, n := range nets {
		length, _ := n.prefix()
		shared = min(shared, length)
	}
	mask := high(shared)
	around = cube{first.base.and(mask), mask}
	gaps(around, nets, &except)
	return around, except
}

// gaps collects what the sorted networks leave out of the network c.
func gaps(c cube, nets []cube, out *[]cube) {
	switch {
	case len(nets) == 0:
		*out = append(*out, c)
		return
	case nets[0].mask == c.mask:
		return
	}
	length, _ := c.prefix()
	upper := c.half(length, true)
	i := slices.IndexFunc(nets, func(n cube) bool { return !less(n.base, upper.base) })
	if i < 0 {
		i = len(nets)
	}
	gaps(c.half(length, false), nets[:i], out)
	gaps(upper, nets[i:], out)
}
