package are

// The server refuses an expression of which its automaton, or the recursion along
// it, would take too much memory: a row of 30,000 letters passes and one of 50,000
// does not, a{255}{150} passes and a{255}{200} does not, a{0,255}{0,50} passes and
// a{0,255}{0,100} does not, all with the usual max_stack_depth. We stay below.
const (
	maxBytes = 20_000  // bytes and constraints, repetitions written out
	maxArcs  = 200_000 // pairs of these that may follow each other
)

// A measure is how large a node is with its repetitions written out.
type measure struct {
	bytes    int // how many bytes and constraints there are
	arcs     int // how many pairs of these may follow each other
	first    int // how many may come first
	last     int
	nullable bool
}

func (m measure) tooLarge() bool { return m.bytes > maxBytes || m.arcs > maxArcs }

// saturated keeps products of two counts in an int.
func (m measure) saturated() measure {
	const most = 1 << 30
	m.bytes, m.arcs = min(m.bytes, most), min(m.arcs, most)
	m.first, m.last = min(m.first, most), min(m.last, most)
	return m
}

// measured sets the measure of n from those of its kids.
func (n *node) measured() *node {
	switch n.kind {
	case kindEmpty:
		n.measure = measure{nullable: true}
	case kindSet:
		n.measure = measure{bytes: 1, first: 1, last: 1}
	case kindCat:
		n.measure = measure{nullable: true}
		for _, k := range n.kids {
			n.measure = n.then(k.measure)
		}
	case kindAlt:
		for _, k := range n.kids {
			n.measure = n.or(k.measure)
		}
	case kindRepeat:
		n.measure = n.kids[0].times(n.min, n.max)
	case kindLook:
		n.measure = measure{bytes: n.kids[0].bytes + 1, arcs: n.kids[0].arcs, first: 1, last: 1, nullable: true}
	default:
		n.measure = measure{bytes: 1, first: 1, last: 1, nullable: true}
	}
	return n
}

func (m measure) then(o measure) measure {
	out := measure{bytes: m.bytes + o.bytes, arcs: m.arcs + o.arcs + m.last*o.first,
		first: m.first, last: o.last, nullable: m.nullable && o.nullable}
	if m.nullable {
		out.first += o.first
	}
	if o.nullable {
		out.last += m.last
	}
	return out.saturated()
}

func (m measure) or(o measure) measure {
	return measure{bytes: m.bytes + o.bytes, arcs: m.arcs + o.arcs,
		first: m.first + o.first, last: m.last + o.last, nullable: m.nullable || o.nullable}.saturated()
}

func (m measure) times(least, most int) measure {
	copies := most
	if most == unbounded {
		copies = max(least, 1)
	}
	once := m.last * m.first
	out := measure{bytes: copies * m.bytes, arcs: copies*m.arcs + min(once, 1<<40)*copies,
		first: m.first, last: (copies - least + 1) * m.last, nullable: m.nullable || least == 0}
	if m.nullable {
		out.arcs += min(once, 1<<40) * copies * copies
		out.first, out.last = copies*m.first, copies*m.last
	}
	return out.saturated()
}
