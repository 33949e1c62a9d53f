package suite

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
)

// parsePorts reads "all", "none", or a list such as "TCP 80, 443, UDP 53-60, SCTP":
// a protocol holds until the next one, and alone means all of its ports.
func parsePorts(text string) (flow.Ports, error) {
	switch text {
	case "all", "all ports":
		return flow.AllPorts(), nil
	case "none":
		return flow.Ports{}, nil
	}
	var ranges []flow.PortRange
	protocol := ""
	for _, entry := range strings.Split(text, ",") {
		words := strings.Fields(entry)
		if len(words) > 0 && !isNumber(words[0]) {
			protocol, words = words[0], words[1:]
		}
		number := fmt.Sprintf("1-%d", flow.MaxPort)
		switch {
		case protocol == "" || len(words) > 1 || strings.TrimSpace(entry) == "":
			return flow.Ports{}, fmt.Errorf("ports %q: want all, none or a list such as TCP 80, UDP 53-60", text)
		case len(words) == 1:
			number = words[0]
		}
		r, err := parseRange(protocol, number)
		if err != nil {
			return flow.Ports{}, err
		}
		ranges = append(ranges, r)
	}
	return flow.PortsOf(ranges...), nil
}

func isNumber(word string) bool { return word[0] >= '0' && word[0] <= '9' }

// parsePort reads one port.
func parsePort(protocol, number string) (flow.PortRange, error) {
	r, err := parseRange(protocol, number)
	if err == nil && r.From != r.To {
		err = fmt.Errorf("%s %s: a question is about one port", protocol, number)
	}
	return r, err
}

// parseRange reads a port or an inclusive range.
func parseRange(protocol, text string) (r flow.PortRange, err error) {
	if r.Protocol, err = flow.ParseProtocol(protocol); err != nil {
		return r, err
	}
	low, high, isRange := strings.Cut(text, "-")
	if !isRange {
		high = low
	}
	from, err := strconv.ParseUint(low, 10, 16)
	to, err2 := strconv.ParseUint(high, 10, 16)
	if err != nil || err2 != nil || from == 0 || to < from {
		return r, fmt.Errorf("port %q: want a number from 1 to %d, or two of them such as 53-60", text, flow.MaxPort)
	}
	r.From, r.To = uint16(from), uint16(to) //nolint:gosec // ParseUint was asked for 16 bits
	return r, nil
}

// parseParties reads "FROM -> TO".
func parseParties(text string) (from, to party, err error) {
	left, right, ok := strings.Cut(text, " -> ")
	if !ok {
		return from, to, errors.New("want FROM -> TO, with spaces around the arrow")
	}
	if from, err = parseParty(left); err != nil {
		return from, to, err
	}
	if to, err = parseParty(right); err != nil {
		return from, to, err
	}
	if from.outside && to.outside {
		return from, to, errors.New("both parties are outside")
	}
	return from, to, nil
}

// parseParty reads a workload, a wildcard, or a part of the outside.
func parseParty(text string) (p party, err error) {
	text = strings.TrimSpace(text)
	p.text = text
	ranges, isOutside := strings.CutPrefix(text, "outside ")
	switch {
	case text == "outside":
		p.outside, p.rest, p.addresses = true, true, flow.AllAddresses()
		return p, nil
	case isOutside || startsAddress(text):
		p.outside = true
		p.addresses, err = parseRanges(ranges)
		return p, err
	case text == "*":
		return p, nil
	}
	return parseName(text)
}

// parseName reads [NAMESPACE/][KIND/]NAME [(MEMBER, …)], or NAMESPACE/*.
func parseName(text string) (p party, err error) {
	p.text = text
	name, members, some := strings.Cut(text, " (")
	if some {
		inner, closed := strings.CutSuffix(members, ")")
		if !closed {
			return p, fmt.Errorf("party %q: the bracket is not closed", text)
		}
		for _, m := range strings.Split(inner, ",") {
			p.members = append(p.members, strings.TrimSpace(m))
		}
	}
	parts := strings.Split(name, "/")
	for _, part := range parts {
		if part == "" || strings.ContainsAny(part, " \t()|,") {
			return p, fmt.Errorf("party %q: want [NAMESPACE/][KIND/]NAME, NAMESPACE/*, *, outside or address ranges", text)
		}
	}
	switch len(parts) {
	case 1:
		p.name = parts[0]
	case 2:
		p.namespace, p.name = parts[0], parts[1]
	case 3:
		p.namespace, p.kind, p.name = parts[0], parts[1], parts[2]
	default:
		return p, fmt.Errorf("party %q: too many slashes", text)
	}
	if p.name == "*" {
		if p.name = ""; p.namespace == "" || p.kind != "" || some {
			return p, fmt.Errorf("party %q: a wildcard is * or NAMESPACE/*", text)
		}
	}
	if strings.Contains(p.namespace+p.kind+p.name, "*") {
		return p, fmt.Errorf("party %q: a wildcard is * or NAMESPACE/*", text)
	}
	return p, nil
}

// startsAddress reports whether a party begins with an address: no name has a colon,
// and a name of a namespace has no dot.
func startsAddress(text string) bool {
	first := text
	if at := strings.IndexAny(text, "/-, "); at >= 0 {
		first = text[:at]
	}
	_, err := netip.ParseAddr(first)
	return err == nil
}

// parseRanges reads ranges, and after "except" those to leave out.
func parseRanges(text string) (flow.Addresses, error) {
	take, leave, has := strings.Cut(text, " except ")
	all, err := parseRangeList(take)
	if err != nil || !has {
		return all, err
	}
	except, err := parseRangeList(leave)
	if err == nil && all.Intersect(except).IsEmpty() {
		return all, fmt.Errorf("except %s: no part of %s", strings.TrimSpace(leave), strings.TrimSpace(take))
	}
	return all.Minus(except), err
}

func parseRangeList(text string) (all flow.Addresses, err error) {
	for _, word := range strings.Split(text, ",") {
		one, err := parseAddresses(strings.TrimSpace(word))
		if err != nil {
			return all, err
		}
		all = all.Union(one)
	}
	return all, nil
}

// parseAddresses reads an address, a prefix, or two addresses with a dash between.
func parseAddresses(word string) (flow.Addresses, error) {
	if p, err := netip.ParsePrefix(word); err == nil {
		return flow.AddressesOf(p), nil
	}
	low, high, isRange := strings.Cut(word, "-")
	if !isRange {
		high = low
	}
	from, err := netip.ParseAddr(low)
	to, err2 := netip.ParseAddr(high)
	from, to = from.Unmap(), to.Unmap()
	if err != nil || err2 != nil || from.Zone()+to.Zone() != "" || from.BitLen() != to.BitLen() || to.Less(from) {
		return flow.Addresses{}, fmt.Errorf("addresses %q: want an address, a prefix such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9", word)
	}
	return flow.AddressesOf(prefixesOf(from, to)...), nil
}

// prefixesOf cuts an inclusive range into prefixes.
func prefixesOf(from, to netip.Addr) (out []netip.Prefix) {
	for from.IsValid() && !to.Less(from) {
		p := netip.PrefixFrom(from, from.BitLen())
		for p.Bits() > 0 {
			wider := netip.PrefixFrom(from, p.Bits()-1)
			if wider.Masked().Addr() != from || to.Less(lastOf(wider)) {
				break
			}
			p = wider
		}
		out = append(out, p)
		from = lastOf(p).Next()
	}
	return out
}

// lastOf is the highest address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// rangesText writes addresses as a party: what is one prefix as that, the rest as
// ranges, which are fewer than their prefixes.
func rangesText(a flow.Addresses) string {
	var parts []string
	prefixes := a.Prefixes()
	for i := 0; i < len(prefixes); {
		first, end := prefixes[i], lastOf(prefixes[i])
		n := 1
		for ; i+n < len(prefixes) && prefixes[i+n].Addr() == end.Next(); n++ {
			end = lastOf(prefixes[i+n])
		}
		switch {
		case n > 1:
			parts = append(parts, first.Addr().String()+"-"+end.String())
		case first.IsSingleIP():
			parts = append(parts, first.Addr().String())
		default:
			parts = append(parts, first.String())
		}
		i += n
	}
	return strings.Join(parts, ", ")
}
