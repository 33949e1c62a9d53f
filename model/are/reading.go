package are

// A reading is one text on which expressions are tried. It answers one question,
// where the matches of a node that begin at a place may end, remembers each
// answer, and gives up when its budget is spent.
type reading struct {
	text   string
	words  int
	memo   [][]places // by node, then by place; nil where it was not asked
	free   []uint64
	budget int
}

// newReading is about expressions whose nodes have ids below nodes.
func newReading(text string, nodes, budget int) *reading {
	return &reading{text: text, words: len(text)>>6 + 1, memo: make([][]places, nodes), budget: budget}
}

// spent reports that answers may be wrong from now on.
func (r *reading) spent() bool { return r.budget <= 0 }

func (r *reading) none() places {
	if len(r.free) < r.words {
		r.free = make([]uint64, 64*r.words)
	}
	s := r.free[:r.words:r.words]
	r.free = r.free[r.words:]
	return s
}

func (r *reading) only(i int) places {
	s := r.none()
	s.add(i)
	return s
}

// ends returns the places where a match of n that begins at i may end. The caller
// must not change it.
func (r *reading) ends(n *node, i int) places {
	r.budget--
	if r.spent() {
		return r.none()
	}
	switch n.kind {
	case kindEmpty:
		return r.only(i)
	case kindSet:
		if i < len(r.text) && n.set.has(r.text[i]) {
			return r.only(i + 1)
		}
		return r.none()
	case kindCat, kindAlt, kindRepeat, kindLook:
		if r.memo[n.id] == nil {
			r.memo[n.id] = make([]places, len(r.text)+1)
		}
		s := r.memo[n.id][i]
		if s == nil {
			s = r.compound(n, i)
			r.memo[n.id][i] = s
		}
		return s
	default:
		if placed(n.kind, r.before(i), r.after(i)) {
			return r.only(i)
		}
		return r.none()
	}
}

func (r *reading) compound(n *node, i int) places {
	s := r.none()
	switch n.kind {
	case kindAlt:
		for _, k := range n.kids {
			s.join(r.ends(k, i))
		}
	case kindCat:
		s.add(i)
		for _, k := range n.kids {
			if s = r.step(k, s); s.empty() {
				break
			}
		}
	case kindRepeat:
		s = r.rounds(n, i)
	default:
		if r.looks(n, i) {
			s.add(i)
		}
	}
	return s
}

// step returns where the matches of n that begin at one of from may end.
func (r *reading) step(n *node, from places) places {
	s := r.none()
	for i := from.first(0); i >= 0; i = from.first(i + 1) {
		s.join(r.ends(n, i))
	}
	return s
}

func (r *reading) rounds(n *node, i int) places {
	level := r.only(i)
	for k := 0; k < n.min && !level.empty(); k++ {
		next := r.step(n.kids[0], level)
		if next.equal(level) {
			break
		}
		level = next
	}
	all := r.none()
	all.join(level)
	for k := n.min; (k < n.max || n.max == unbounded) && !r.spent(); k++ {
		level = r.step(n.kids[0], level)
		if !all.join(level) {
			break
		}
	}
	return all
}

func (r *reading) looks(n *node, i int) bool {
	found := false
	switch n.look {
	case ahead, notAhead:
		found = !r.ends(n.kids[0], i).empty()
	default:
		for from := i; from >= 0 && !found; from-- {
			found = r.ends(n.kids[0], from).has(i)
		}
	}
	return found == (n.look == ahead || n.look == behind)
}

// A side is what stands on one side of a place, as far as constraints ask.
type side uint8

const (
	edge side = iota // the text's beginning or end
	lineFeed
	wordByte
	otherByte
)

func sideOf(c byte) side {
	switch {
	case c == '\n':
		return lineFeed
	case word.has(c):
		return wordByte
	default:
		return otherByte
	}
}

func (r *reading) before(i int) side {
	if i == 0 {
		return edge
	}
	return sideOf(r.text[i-1])
}

func (r *reading) after(i int) side {
	if i == len(r.text) {
		return edge
	}
	return sideOf(r.text[i])
}

// placed reports whether a constraint holds between two sides.
func placed(k kind, before, after side) bool {
	switch k {
	case kindTextBegin:
		return before == edge
	case kindTextEnd:
		return after == edge
	case kindLineBegin:
		return before == edge || before == lineFeed
	case kindLineEnd:
		return after == edge || after == lineFeed
	case kindWordBegin:
		return before != wordByte && after == wordByte
	case kindWordEnd:
		return before == wordByte && after != wordByte
	case kindBoundary:
		return (before == wordByte) != (after == wordByte)
	default:
		return (before == wordByte) == (after == wordByte)
	}
}
