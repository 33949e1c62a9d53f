package suite

import (
	"cmp"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An answer is what may pass between two ends: surely, and perhaps beyond that.
type answer struct {
	allow, unknown flow.Ports
	why            string // of what is unknown
	line, rank     int    // of the statement; zero where none was made
	stated         bool
}

// of is the verdict on one port.
func (a answer) of(port flow.PortRange) verdict.Verdict {
	switch {
	case a.unknown.Has(port.Protocol, port.From):
		return verdict.Unknown
	case a.allow.Has(port.Protocol, port.From):
		return verdict.Allow
	default:
		return verdict.Deny
	}
}

// text writes the answer as the right side of statements.
func (a answer) text() string {
	switch {
	case a.unknown.IsEmpty():
		return shortPorts(a.allow)
	case a.allow.IsEmpty():
		return "? " + shortPorts(a.unknown)
	}
	return shortPorts(a.allow) + "; ? " + shortPorts(a.unknown)
}

func shortPorts(p flow.Ports) string {
	switch {
	case p.IsAll():
		return "all"
	case p.IsEmpty():
		return "none"
	}
	return p.String()
}

// A span is a part of the outside with one answer; spans are disjoint.
type span struct {
	addresses flow.Addresses
	answer
}

type spans []span

// change cuts the spans at the borders of a, and changes the answers within it.
func (s spans) change(a flow.Addresses, f func(answer) answer) spans {
	var out spans
	rest := a
	for _, old := range s {
		both := old.addresses.Intersect(a)
		if keep := old.addresses.Minus(both); !keep.IsEmpty() {
			out = append(out, span{keep, old.answer})
		}
		if !both.IsEmpty() {
			out = append(out, span{both, f(old.answer)})
			rest = rest.Minus(both)
		}
	}
	if !rest.IsEmpty() {
		out = append(out, span{rest, f(answer{})})
	}
	return out
}

// A pair is two pods, by number.
type pair struct{ from, to int }

// A grid holds the answers for every two ends; where it holds none, nothing passes.
type grid struct {
	between map[pair]answer
	// beyond is by the direction seen from the pod, and by pod.
	beyond [2]map[int]spans
}

func newGrid() *grid {
	return &grid{map[pair]answer{}, [2]map[int]spans{{}, {}}}
}

// ends are the two sides of a statement: pods, or addresses on one of them.
type ends struct {
	from, to []int
	outside  flow.Addresses
	// dir is Ingress where the outside connects to the pods of to.
	dir netpol.Direction
}

// isOutside reports whether one side is outside.
func (e ends) isOutside() bool { return e.from == nil || e.to == nil }

// change changes the answers between the ends.
func (g *grid) change(r *register, e ends, f func(answer) answer) {
	if e.isOutside() {
		pods := e.from
		if e.dir == netpol.Ingress {
			pods = e.to
		}
		for _, i := range pods {
			g.beyond[e.dir][i] = g.beyond[e.dir][i].change(e.outside, f)
		}
		return
	}
	for _, i := range e.from {
		for _, j := range e.to {
			if r.meet(i, j) {
				g.between[pair{i, j}] = f(g.between[pair{i, j}])
			}
		}
	}
}

// gridOf is what the engine says of every two ends.
func gridOf(r *register, c network.Connections, locate func(verdict.Origin) verdict.Origin) *grid {
	g := newGrid()
	for n := range c.All() {
		ports := portsOf(n)
		g.change(r, endsOf(r, n), func(a answer) answer {
			a.allow = a.allow.Union(ports)
			return a
		})
	}
	for u := range c.Unknown() {
		ports := portsOf(u.Connection)
		why := string(u.Reason)
		if at := locate(u.Origin).String(); at != "" {
			why += " " + at
		}
		g.change(r, endsOf(r, u.Connection), func(a answer) answer {
			a.unknown = a.unknown.Union(ports)
			a.why = cmp.Or(a.why, why)
			return a
		})
	}
	return g
}

func portsOf(n network.Connection) flow.Ports {
	if n.All {
		return flow.AllPorts()
	}
	return flow.PortsOf(n.Ports...)
}

func endsOf(r *register, n network.Connection) ends {
	e := ends{from: r.numbers(n.From), to: r.numbers(n.To)}
	switch {
	case n.From.CIDR != nil:
		e.from, e.outside, e.dir = nil, flow.AddressesOf(n.From.CIDR...), netpol.Ingress
	case n.To.CIDR != nil:
		e.to, e.outside, e.dir = nil, flow.AddressesOf(n.To.CIDR...), netpol.Egress
	}
	return e
}

func (r *register) numbers(p network.Party) []int {
	out := make([]int, len(p.Pods))
	for i, pod := range p.Pods {
		out[i] = r.at[pod]
	}
	return out
}

// gridSaid is what the statements say: the most particular one about two ends counts,
// and of equals the last.
func (c *comparison) gridSaid() (*grid, error) {
	g := newGrid()
	if !c.partial {
		for i := range c.pods.pods {
			for dir := range g.beyond {
				g.beyond[dir][i] = spans{{addresses: flow.AllAddresses(), answer: answer{rank: 1 << 20}}}
			}
		}
	}
	for _, s := range byRank(c.statements) {
		e, err := c.endsOf(s)
		if err != nil {
			return nil, err
		}
		g.change(c.pods, e, s.apply)
	}
	return g, nil
}

// apply lays the statement over what more general ones said.
func (s statement) apply(a answer) answer {
	if !a.stated || a.rank != s.rank() {
		a = answer{rank: s.rank(), stated: true}
	}
	a.line = s.line
	if s.unknown {
		a.unknown = s.ports
	} else {
		a.allow = s.ports
	}
	return a
}
