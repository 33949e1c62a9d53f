package are

// The server refuses an expression of which its automaton, or the recursion along
// it, would take too much memory, or works on it for seconds. Where is hard to
// foretell: a row of 30,000 letters passes and one of 50,000 does not,
// a{0,255}{0,50} passes and {0,100} of it does not, all with the usual
// max_stack_depth; and what costs most are constraints that may follow each other
// at once, as in (^$){100}. We stay below.
const (
	maxBytes  = 4_000  // bytes and constraints, repetitions written out
	maxArcs   = 40_000 // pairs of these that may follow each other
	maxPlaces = 400    // pairs of constraints that may follow each other
)

// A measure is how large a node is with its repetitions written out.
type measure struct {
	bytes    int // how many bytes and constraints there are
	arcs     int // how many pairs of these may follow each other
	first    int // how many may come first
	last     int
	nullable bool

	places      int // how many pairs of constraints may follow each other
	firstPlaces int // how many constraints may come first
	lastPlaces  int
}

func (m measure) tooLarge() bool {
	return m.bytes > maxBytes || m.arcs > maxArcs || m.places > maxPlaces
}

// saturated keeps products of two counts in an int.
func (m measure) saturated() measure {
	const most = 1 << 30
	m.bytes, m.arcs = min(m.bytes, most), min(m.arcs, most)
	m.first, m.last = min(m.first, most), min(m.last, most)
	m.places, m.firstPlaces, m.lastPlaces = min(m.places, most), min(m.firstPlaces, most), min(m.lastPlaces, most)
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
		n.measure = aPlace
		n.bytes += n.kids[0].bytes
		n.arcs, n.places = n.kids[0].arcs, n.kids[0].places
	default:
		n.measure = aPlace
	}
	return n
}

var aPlace = measure{bytes: 1, first: 1, last: 1, firstPlaces: 1, lastPlaces: 1, nullable: true}

func (m measure) then(o measure) measure {
	out := measure{bytes: m.bytes + o.bytes, arcs: m.arcs + o.arcs + m.last*o.first,
		first: m.first, last: o.last, nullable: m.nullable && o.nullable,
		places: m.places + o.places + m.lastPlaces*o.firstPlaces, firstPlaces: m.firstPlaces, lastPlaces: o.lastPlaces}
	if m.nullable {
		out.first += o.first
		out.firstPlaces += o.firstPlaces
	}
	if o.nullable {
		out.last += m.last
		out.lastPlaces += m.lastPlaces
	}
	return out.saturated()
}

func (m measure) or(o measure) measure {
	return measure{bytes: m.bytes + o.bytes, arcs: m.arcs + o.arcs,
		first: m.first + o.first, last: m.last + o.last, nullable: m.nullable || o.nullable,
		places: m.places + o.places, firstPlaces: m.firstPlaces + o.firstPlaces, lastPlaces: m.lastPlaces + o.lastPlaces}.saturated()
}

func (m measure) times(least, most int) measure {
	copies := most
	if most == unbounded {
		copies = max(least, 1)
	}
	pairs := copies
	out := measure{bytes: copies * m.bytes, first: m.first, firstPlaces: m.firstPlaces, nullable: m.nullable || least == 0}
	exits := copies - least + 1
	if m.nullable {
		pairs *= copies
		exits = copies
		out.first, out.firstPlaces = copies*m.first, copies*m.firstPlaces
	}
	if most == unbounded {
		exits = copies
	}
	out.last, out.lastPlaces = exits*m.last, exits*m.lastPlaces
	out.arcs = copies*m.arcs + min(m.last*m.first, 1<<40)*pairs
	out.places = copies*m.places + min(m.lastPlaces*m.firstPlaces, 1<<40)*pairs
	return out.saturated()
}
