package hba

import (
	"encoding/binary"
	"math"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// numeric reads an address as getaddrinfo does with AI_NUMERICHOST; not ok is the
// server's "not a number", which makes the text a host name.
func numeric(text string) (addr netip.Addr, ok bool) {
	if text == "" || !numericStart[text[0]] {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(text)
	if err == nil && addr.Zone() == "" { // the old spellings are more, none means another
		return addr, true
	}
	return inetAton(text)
}

// NumericAddress reads an address in any of the spellings that the C library takes,
// without a scope.
func NumericAddress(text string) (netip.Addr, bool) { return numeric(text) }

var numericStart = [256]bool{':': true, '0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true,
	'7': true, '8': true, '9': true, 'a': true, 'b': true, 'c': true, 'd': true, 'e': true, 'f': true,
	'A': true, 'B': true, 'C': true, 'D': true, 'E': true, 'F': true}

// inetAton reads the old spellings: one to four parts, decimal, octal with a
// leading 0 or hexadecimal, the last of them filling the bytes that are left. So
// 10 is 0.0.0.10, 127.1 is 127.0.0.1 and 010.0.0.0 is 8.0.0.0.
func inetAton(text string) (netip.Addr, bool) {
	parts := strings.Split(text, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint32
	for i, part := range parts {
		n, ok := cNumber(part)
		room := 8
		if i == len(parts)-1 {
			room = 8 * (5 - len(parts))
		}
		if !ok || bits.Len64(n) > room {
			return netip.Addr{}, false
		}
		value = value<<(room%32) | uint32(n) //nolint:gosec // n fits room bits, at most 32
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], value)
	return netip.AddrFrom4(b), true
}

// cNumber reads a number as C's strtoul with base 0, but without sign or blanks.
func cNumber(text string) (uint64, bool) {
	base, digits := 10, text
	switch {
	case strings.HasPrefix(text, "0x"), strings.HasPrefix(text, "0X"):
		base, digits = 16, text[2:]
	case len(text) > 1 && text[0] == '0':
		base, digits = 8, text[1:]
	}
	if strings.ContainsAny(digits, "+-_") {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, base, 64)
	return n, err == nil
}

// cidrLength reads the length behind the slash: strtol with base 10 over the whole
// string, which takes leading blanks, a sign and zeros (pg_sockaddr_cidr_mask).
func cidrLength(text string, bitLen int) (int, bool) {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	if strings.Contains(text, "_") {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > int64(min(bitLen, math.MaxInt16)) {
		return 0, false
	}
	return int(n), true
}

// maskOf returns the netmask of a length, in the family of addr.
func maskOf(addr netip.Addr, length int) netip.Addr {
	var b [16]byte
	for i := range b {
		if n := length - 8*i; n >= 8 {
			b[i] = 0xff
		} else if n > 0 {
			b[i] = 0xff << (8 - n)
		}
	}
	if addr.Is4() {
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	return netip.AddrFrom16(b)
}

// maskLength returns the length of a netmask; not ok where it is no prefix.
func maskLength(mask netip.Addr) (int, bool) {
	length := 0
	for i, b := range mask.AsSlice() {
		ones := bits.LeadingZeros8(^b)
		if b<<ones != 0 || ones > 0 && length != 8*i {
			return 0, false
		}
		length += ones
	}
	return length, true
}

// wide is an address as two numbers; IPv4 has the first 32 bits.
type wide struct{ hi, lo uint64 }

func wideOf(a netip.Addr) wide {
	if a.Is4() {
		b := a.As4()
		return wide{hi: uint64(binary.BigEndian.Uint32(b[:])) << 32}
	}
	b := a.As16()
	return wide{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// first is the mask of the first n bits.
func first(n int) wide {
	if n <= 64 {
		return wide{hi: ^uint64(0) << (64 - n)}
	}
	return wide{^uint64(0), ^uint64(0) << (128 - n)}
}

// within asks whether the addresses of p match base under mask: all, none or some.
// Families never mix: an IPv4 client never matches an IPv6 range (hba.c check_ip).
func within(p netip.Prefix, base, mask netip.Addr) Match {
	if p.Addr().Is4() != base.Is4() {
		return No
	}
	a, b, m, known := wideOf(p.Addr()), wideOf(base), wideOf(mask), first(p.Bits())
	if (a.hi^b.hi)&m.hi&known.hi != 0 || (a.lo^b.lo)&m.lo&known.lo != 0 {
		return No
	}
	if m.hi&^known.hi != 0 || m.lo&^known.lo != 0 {
		return Unsure
	}
	return Yes
}

// AddressText writes an address as the server's getnameinfo does: an IPv6 address whose
// first six words are zero has its last two as IPv4 (inet_ntop).
func AddressText(a netip.Addr) string {
	if a.Is4() || a.Is4In6() {
		return a.String()
	}
	w := wideOf(a)
	if w.hi == 0 && w.lo>>32 == 0 && w.lo>>16 != 0 {
		v4 := a.As16()
		return "::" + netip.AddrFrom4([4]byte(v4[12:])).String()
	}
	return a.String()
}
