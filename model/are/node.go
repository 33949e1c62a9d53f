package are

// A kind says what a node matches.
type kind uint8

const (
	kindEmpty  kind = iota // the empty string
	kindSet                // one byte of set
	kindCat                // kids one after the other
	kindAlt                // any of kids
	kindRepeat             // kids[0], min to max times
	kindLook               // a lookaround: kids[0] before or behind the position
	kindTextBegin
	kindTextEnd
	kindLineBegin // the beginning of the text or behind a newline
	kindLineEnd
	kindWordBegin
	kindWordEnd
	kindBoundary
	kindNotBoundary
)

// unbounded is the max of *, + and {m,}: one more than a bound may say.
const unbounded = maxCount + 1

// maxCount is the largest number in a bound.
const maxCount = 255

// A node is a part of an expression as a set of strings; where a capturing group
// stands in it does not matter here, and a back reference stands in it as the
// strings that its group might have matched. Nodes are shared, never changed.
type node struct {
	kind     kind
	look     look
	min, max int
	id       int // of those with kids, dense from 0
	set      set
	kids     []*node
	measure
}

var emptyNode = (&node{kind: kindEmpty}).measured()

// node returns a node with kids, which is not a repetition.
func (p *parser) node(k kind, kids ...*node) *node {
	n := &node{kind: k, kids: kids, id: p.nodes}
	p.nodes++
	return n.measured()
}

func (p *parser) cat(kids ...*node) *node {
	kept := make([]*node, 0, len(kids))
	for _, k := range kids {
		if k != emptyNode {
			kept = append(kept, k)
		}
	}
	switch len(kept) {
	case 0:
		return emptyNode
	case 1:
		return kept[0]
	}
	return p.node(kindCat, kept...)
}

func (p *parser) repeat(n *node, least, most int) *node {
	switch {
	case least == 1 && most == 1:
		return n
	case most == 0 || n == emptyNode:
		return emptyNode
	}
	r := &node{kind: kindRepeat, kids: []*node{n}, id: p.nodes, min: least, max: most}
	p.nodes++
	return r.measured()
}

// unconstrained returns n without its constraints: a back reference repeats what
// its group matched, not where the group had to stand (since PostgreSQL 14).
func (p *parser) unconstrained(n *node) *node {
	switch {
	case n.kind >= kindLook:
		p.since14 = true
		return emptyNode
	case len(n.kids) == 0:
		return n
	}
	kids, changed := make([]*node, len(n.kids)), false
	for i, k := range n.kids {
		kids[i] = p.unconstrained(k)
		changed = changed || kids[i] != k
	}
	if !changed {
		return n
	}
	switch n.kind {
	case kindRepeat:
		return p.repeat(kids[0], n.min, n.max)
	case kindCat:
		return p.cat(kids...)
	default:
		return p.node(n.kind, kids...)
	}
}
