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
	if v4, ok := inetAton(text); ok {
		return v4, true
	}
	if !strings.Contains(text, ":") {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(text)
	return addr, err == nil
}

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
	b := make([]byte, addr.BitLen()/8)
	for bit := range length {
		b[bit/8] |= 1 << (7 - bit%8)
	}
	mask, _ := netip.AddrFromSlice(b)
	return mask
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

// within asks whether the addresses of p match base under mask: all, none or some.
// Families never mix: an IPv4 client never matches an IPv6 range (hba.c check_ip).
func within(p netip.Prefix, base, mask netip.Addr) Match {
	if p.Addr().Is4() != base.Is4() {
		return No
	}
	all := Yes
	a, b, m := p.Addr().AsSlice(), base.AsSlice(), mask.AsSlice()
	for bit := range base.BitLen() {
		at, sel := bit/8, byte(1)<<(7-bit%8)
		switch {
		case m[at]&sel == 0:
		case bit >= p.Bits():
			all = Unsure
		case (a[at]^b[at])&sel != 0:
			return No
		}
	}
	return all
}
