package flow

import (
	"math/bits"
	"net/netip"
	"slices"
	"strings"
)

// Addresses is a set of IP addresses, IPv4 and IPv6 apart, in its only form:
// sorted, disjoint, adjacent ranges joined. The zero value is the empty set.
// IPv4-mapped IPv6 addresses are taken as IPv4. Values are immutable.
type Addresses struct{ ranges []addressRange }

type addressRange struct{ from, to netip.Addr }

// AllAddresses is 0.0.0.0/0 and ::/0.
func AllAddresses() Addresses {
	return AddressesOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0))
}

// AddressesOf returns the union of prefixes. Host bits are ignored, as an ipBlock
// ignores them. An invalid prefix adds nothing: adapters refuse those first.
func AddressesOf(prefixes ...netip.Prefix) Addresses {
	var rs []addressRange
	for _, p := range prefixes {
		if p.IsValid() {
			p = unmapped(p).Masked()
			rs = append(rs, addressRange{p.Addr(), last(p)})
		}
	}
	return normal(rs)
}

// unmapped takes a prefix of IPv4-mapped addresses as IPv4.
func unmapped(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

func normal(rs []addressRange) Addresses {
	slices.SortFunc(rs, func(a, b addressRange) int { return a.from.Compare(b.from) })
	var out []addressRange
	for _, r := range rs {
		if n := len(out); n > 0 && sameFamily(out[n-1].to, r.from) &&
			(r.from.Compare(out[n-1].to) <= 0 || out[n-1].to.Next() == r.from) {
			if r.to.Compare(out[n-1].to) > 0 {
				out[n-1].to = r.to
			}
			continue
		}
		out = append(out, r)
	}
	return Addresses{out}
}

func sameFamily(a, b netip.Addr) bool { return a.BitLen() == b.BitLen() }

// last returns the highest address of a masked prefix.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	whole := p.Bits() / 8
	if whole < len(b) {
		b[whole] |= 0xff >> (p.Bits() % 8)
		for i := whole + 1; i < len(b); i++ {
			b[i] = 0xff
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// IsEmpty reports whether the set holds nothing.
func (a Addresses) IsEmpty() bool { return len(a.ranges) == 0 }

// Equal reports whether two sets hold the same addresses.
func (a Addresses) Equal(b Addresses) bool { return slices.Equal(a.ranges, b.ranges) }

// Has reports whether the set holds the address; zones are ignored.
func (a Addresses) Has(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	for _, r := range a.ranges {
		if sameFamily(r.from, ip) && r.from.Compare(ip) <= 0 && ip.Compare(r.to) <= 0 {
			return true
		}
	}
	return false
}

// Union returns the addresses that are in either set.
func (a Addresses) Union(b Addresses) Addresses {
	return normal(slices.Concat(a.ranges, b.ranges))
}

// Intersect returns the addresses that are in both sets.
func (a Addresses) Intersect(b Addresses) Addresses {
	var out []addressRange
	for i, j := 0, 0; i < len(a.ranges) && j < len(b.ranges); {
		x, y := a.ranges[i], b.ranges[j]
		from, to := x.from, x.to
		if y.from.Compare(from) > 0 {
			from = y.from
		}
		if y.to.Compare(to) < 0 {
			to = y.to
		}
		if from.Compare(to) <= 0 {
			out = append(out, addressRange{from, to})
		}
		if x.to.Compare(y.to) < 0 {
			i++
		} else {
			j++
		}
	}
	return Addresses{out}
}

// Minus returns the addresses of a that are not in b.
func (a Addresses) Minus(b Addresses) Addresses {
	var out []addressRange
	for _, r := range a.ranges {
		from := r.from
		for _, cut := range b.ranges {
			if !from.IsValid() || cut.to.Compare(from) < 0 || cut.from.Compare(r.to) > 0 {
				continue
			}
			if cut.from.Compare(from) > 0 {
				out = append(out, addressRange{from, cut.from.Prev()})
			}
			from = cut.to.Next() // invalid after the last address of the family
		}
		if from.IsValid() && sameFamily(from, r.to) && from.Compare(r.to) <= 0 {
			out = append(out, addressRange{from, r.to})
		}
	}
	return Addresses{out}
}

// First returns some address of the set, the lowest; invalid for an empty set.
func (a Addresses) First() netip.Addr {
	if a.IsEmpty() {
		return netip.Addr{}
	}
	return a.ranges[0].from
}

// Prefixes returns the shortest list of disjoint prefixes that is the set, IPv4
// before IPv6, sorted.
func (a Addresses) Prefixes() []netip.Prefix {
	var out []netip.Prefix
	for _, r := range a.ranges {
		for from := r.from; from.IsValid() && from.Compare(r.to) <= 0; {
			p := widest(from, r.to)
			out = append(out, p)
			from = last(p).Next()
			if from.IsValid() && !sameFamily(from, r.to) {
				break
			}
		}
	}
	return out
}

// widest returns the largest prefix that starts at from and ends by to.
func widest(from, to netip.Addr) netip.Prefix {
	p := netip.PrefixFrom(from, from.BitLen()-trailingZeros(from))
	for p.Bits() < from.BitLen() && last(p).Compare(to) > 0 {
		p = netip.PrefixFrom(from, p.Bits()+1)
	}
	return p
}

// trailingZeros counts the bits at the end of an address that a prefix may leave out.
func trailingZeros(a netip.Addr) int {
	n, text := 0, a.AsSlice()
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] != 0 {
			return n + bits.TrailingZeros8(text[i])
		}
		n += 8
	}
	return n
}

// IPv4 is 0.0.0.0/0.
func IPv4() Addresses { return AddressesOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0)) }

// Loopback is 127.0.0.0/8 and ::1.
func Loopback() Addresses {
	return AddressesOf(netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
}

// Private are the addresses that are not routed on the Internet: RFC 1918, RFC 6598,
// RFC 4193, and those of one link, RFC 3927 and RFC 4291.
func Private() Addresses {
	return AddressesOf(
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("169.254.0.0/16"),
		netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"))
}

// Text writes the prefixes, separated by commas.
func (a Addresses) Text() string {
	var b strings.Builder
	for i, p := range a.Prefixes() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.String())
	}
	return b.String()
}
