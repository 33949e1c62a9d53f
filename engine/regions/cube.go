package regions

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// words are the bits of an address from the most significant on; an IPv4 address
// is the first 32 of them.
type words struct{ hi, lo uint64 }

func (w words) and(o words) words    { return words{w.hi & o.hi, w.lo & o.lo} }
func (w words) andNot(o words) words { return words{w.hi &^ o.hi, w.lo &^ o.lo} }
func (w words) or(o words) words     { return words{w.hi | o.hi, w.lo | o.lo} }
func (w words) xor(o words) words    { return words{w.hi ^ o.hi, w.lo ^ o.lo} }

// leading returns the number of zero bits in front.
func (w words) leading() int {
	if w.hi != 0 {
		return bits.LeadingZeros64(w.hi)
	}
	return 64 + bits.LeadingZeros64(w.lo)
}

// bit returns the words with one bit.
func bit(i int) words {
	if i < 64 {
		return words{hi: 1 << (63 - i)}
	}
	return words{lo: 1 << (127 - i)}
}

// high returns the words with the first n bits.
func high(n int) words {
	switch {
	case n <= 0:
		return words{}
	case n <= 64:
		return words{hi: ^uint64(0) << (64 - n)}
	}
	return words{hi: ^uint64(0), lo: ^uint64(0) << (128 - n)}
}

func less(a, b words) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

// A family is IPv4 or IPv6; they never mix.
type family int

const (
	v4 family = iota
	v6
)

func familyOf(a netip.Addr) family {
	if a.Is4() {
		return v4
	}
	return v6
}

func wordsOf(a netip.Addr) words {
	if a.Is4() {
		b := a.As4()
		return words{hi: uint64(binary.BigEndian.Uint32(b[:])) << 32}
	}
	b := a.As16()
	return words{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (f family) addr(w words) netip.Addr {
	if f == v4 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(w.hi>>32)) //nolint:gosec // the upper half
		return netip.AddrFrom4(b)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], w.hi)
	binary.BigEndian.PutUint64(b[8:], w.lo)
	return netip.AddrFrom16(b)
}

// A cube is the addresses whose bits under the mask are the base's.
type cube struct{ base, mask words }

// meets tells how an address predicate and the addresses of c lie: whether they
// meet, and whether all of c is inside.
func (c cube) meets(p cube) (some, all bool) {
	if c.base.xor(p.base).and(c.mask).and(p.mask) != (words{}) {
		return false, false
	}
	return true, p.mask.andNot(c.mask) == words{}
}

// half fixes one more bit.
func (c cube) half(i int, one bool) cube {
	b := bit(i)
	c.mask = c.mask.or(b)
	if one {
		c.base = c.base.or(b)
	}
	return c
}

// prefix returns the length of the network that the cube is.
func (c cube) prefix() (int, bool) {
	n := words{^c.mask.hi, ^c.mask.lo}.leading()
	return n, c.mask == high(n)
}

// liked are addresses to prefer as examples; they are of documentation networks.
var liked = [2]words{
	wordsOf(netip.AddrFrom4([4]byte{192, 0, 2, 1})),
	wordsOf(netip.MustParseAddr("2001:db8::1")),
}

// some returns one address of the cube.
func (c cube) some(f family) netip.Addr {
	return f.addr(c.base.or(liked[f].andNot(c.mask)))
}
