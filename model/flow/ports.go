// Package flow holds what an attempt to connect is made of: protocols, sets of
// ports and sets of addresses, as values that can be united, cut and compared.
package flow

import (
	"fmt"
	"slices"
	"strings"
)

// A Protocol is a transport protocol that NetworkPolicy knows. The zero value is
// none of them, and never matches.
type Protocol uint8

// The protocols of core/v1 Protocol.
const (
	NoProtocol Protocol = iota
	TCP
	UDP
	SCTP
)

// Protocols lists every protocol, in the order that sets are written in.
var Protocols = []Protocol{TCP, UDP, SCTP}

// String returns the name as the Kubernetes API writes it.
func (p Protocol) String() string {
	switch p {
	case TCP:
		return "TCP"
	case UDP:
		return "UDP"
	case SCTP:
		return "SCTP"
	default:
		return "none"
	}
}

// MarshalText writes the API's name.
func (p Protocol) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// ParseProtocol reads the API's spelling; it is case-sensitive, as the API is.
func ParseProtocol(s string) (Protocol, error) {
	for _, p := range Protocols {
		if p.String() == s {
			return p, nil
		}
	}
	return NoProtocol, fmt.Errorf("protocol %q: want TCP, UDP or SCTP", s)
}

// MaxPort is the highest port number; the lowest is 1.
const MaxPort = 65535

// A PortRange is an inclusive range of ports of one protocol.
type PortRange struct {
	Protocol Protocol `json:"protocol"`
	From     uint16   `json:"from"`
	To       uint16   `json:"to"`
}

// Ports is a set of (protocol, port) pairs in its only form: sorted, disjoint,
// adjacent ranges joined. The zero value is the empty set. Values are immutable.
type Ports struct{ ranges []PortRange }

// AllPorts is every port of every protocol.
func AllPorts() Ports {
	return PortsOf(
		PortRange{TCP, 1, MaxPort}, PortRange{UDP, 1, MaxPort}, PortRange{SCTP, 1, MaxPort})
}

// PortsOf returns the union of ranges; a range that ends before it begins, starts
// at port 0 without reaching further, or names no protocol adds nothing.
func PortsOf(ranges ...PortRange) Ports {
	rs := make([]PortRange, 0, len(ranges))
	for _, r := range ranges {
		r.From = max(r.From, 1)
		if r.To >= r.From && r.Protocol != NoProtocol {
			rs = append(rs, r)
		}
	}
	slices.SortFunc(rs, func(a, b PortRange) int {
		if a.Protocol != b.Protocol {
			return int(a.Protocol) - int(b.Protocol)
		}
		return int(a.From) - int(b.From)
	})
	return Ports{joined(rs)}
}

// joined merges overlapping and touching neighbours of a sorted list, in place.
func joined(rs []PortRange) []PortRange {
	out := rs[:0]
	for _, r := range rs {
		if n := len(out); n > 0 && out[n-1].Protocol == r.Protocol && int(r.From) <= int(out[n-1].To)+1 {
			out[n-1].To = max(out[n-1].To, r.To)
			continue
		}
		out = append(out, r)
	}
	return out
}

// Ranges returns the set as sorted, disjoint ranges. The caller must not change it.
func (p Ports) Ranges() []PortRange { return p.ranges }

// IsEmpty reports whether the set holds nothing.
func (p Ports) IsEmpty() bool { return len(p.ranges) == 0 }

// IsAll reports whether the set holds every port of every protocol.
func (p Ports) IsAll() bool { return p.Equal(AllPorts()) }

// Equal reports whether two sets hold the same ports.
func (p Ports) Equal(q Ports) bool { return slices.Equal(p.ranges, q.ranges) }

// Has reports whether the set holds the port.
func (p Ports) Has(proto Protocol, port uint16) bool {
	for _, r := range p.ranges {
		if r.Protocol == proto && r.From <= port && port <= r.To {
			return true
		}
	}
	return false
}

// Union returns the ports that are in either set.
func (p Ports) Union(q Ports) Ports {
	switch {
	case p.IsEmpty():
		return q
	case q.IsEmpty():
		return p
	}
	return PortsOf(slices.Concat(p.ranges, q.ranges)...)
}

// Intersect returns the ports that are in both sets.
func (p Ports) Intersect(q Ports) Ports {
	var out []PortRange
	for i, j := 0, 0; i < len(p.ranges) && j < len(q.ranges); {
		a, b := p.ranges[i], q.ranges[j]
		if a.Protocol == b.Protocol {
			if from, to := max(a.From, b.From), min(a.To, b.To); from <= to {
				out = append(out, PortRange{a.Protocol, from, to})
			}
		}
		if a.Protocol < b.Protocol || a.Protocol == b.Protocol && a.To < b.To {
			i++
		} else {
			j++
		}
	}
	return Ports{out}
}

// Minus returns the ports of p that are not in q.
func (p Ports) Minus(q Ports) Ports {
	var out []PortRange
	for _, r := range p.ranges {
		from := int(r.From)
		for _, cut := range q.ranges {
			if cut.Protocol != r.Protocol || int(cut.To) < from || cut.From > r.To {
				continue
			}
			if int(cut.From) > from {
				out = append(out, PortRange{r.Protocol, uint16(from), cut.From - 1}) //nolint:gosec // from is a port here
			}
			from = int(cut.To) + 1
		}
		if from <= int(r.To) {
			out = append(out, PortRange{r.Protocol, uint16(from), r.To}) //nolint:gosec // from is at most r.To
		}
	}
	return Ports{out}
}

// String writes "TCP 5432, UDP 53-60", "all ports" or "no ports".
func (p Ports) String() string {
	switch {
	case p.IsEmpty():
		return "no ports"
	case p.IsAll():
		return "all ports"
	}
	parts := make([]string, len(p.ranges))
	for i, r := range p.ranges {
		switch {
		case r.From == 1 && r.To == MaxPort:
			parts[i] = r.Protocol.String()
		case r.From == r.To:
			parts[i] = fmt.Sprintf("%s %d", r.Protocol, r.From)
		default:
			parts[i] = fmt.Sprintf("%s %d-%d", r.Protocol, r.From, r.To)
		}
	}
	return strings.Join(parts, ", ")
}
