package are

// A Language is a set of texts, of any bytes. The zero value is the empty set.
// Compare languages with Equal, not ==.
type Language struct {
	auto *automaton // minimal; nil is the empty set
}

// Size is the number of states of the smallest automaton; zero for the empty set.
func (l Language) Size() int {
	if l.auto == nil {
		return 0
	}
	return l.auto.size()
}

// Language returns the texts in which the expression matches somewhere. Where ok is
// false it is not known: the expression has a back reference, a lookaround inside
// a lookbehind or a lookbehind inside a lookahead, or an automaton of more states
// than we hold.
func (r *Regexp) Language() (l Language, ok bool) {
	a := r.automaton()
	return Language{a}, a != nil
}

// All returns the set of all texts.
func All() Language { return Language{trivial(true)} }

// trivial returns the automaton of all texts or of none.
func trivial(accept bool) *automaton {
	a := &automaton{classes: 1, next: []uint16{0}, accept: []bool{accept}}
	a.findSinks()
	return a
}

// Literal returns the set of one text. A text of more than 65,000 bytes, which is no
// name, has the empty set.
func Literal(text string) Language {
	n := len(text)
	if n > 65_000 {
		return Language{}
	}
	var parts partition
	parts.split(anything)
	for i := range n {
		var s set
		s.add(text[i])
		parts.split(s)
	}
	a := &automaton{class: parts.class, classes: parts.count, accept: make([]bool, n+2)}
	a.accept[n] = true
	dead := uint16(n + 1) //nolint:gosec // no more than 65,001
	for range (n + 2) * a.classes {
		a.next = append(a.next, dead)
	}
	for i := range n {
		a.next[i*a.classes+int(a.class[text[i]])] = uint16(i + 1) //nolint:gosec // no more than 65,001
	}
	return Language{a.minimal()}
}

func (l Language) automaton() *automaton {
	if l.auto == nil {
		return trivial(false)
	}
	return l.auto
}

// Contains reports whether text is in the set.
func (l Language) Contains(text string) bool {
	return l.auto != nil && l.auto.contains(text)
}

// Empty reports whether there is nothing in the set.
func (l Language) Empty() bool {
	return l.auto == nil || int(l.auto.starts[edge]) == l.auto.dead
}

// Equal reports whether both sets have the same members.
func (l Language) Equal(o Language) bool {
	a, b := l.automaton(), o.automaton()
	if a.size() != b.size() || a.classes != b.classes || a.class != b.class {
		return false
	}
	for s := range a.accept {
		if a.accept[s] != b.accept[s] {
			return false
		}
	}
	for i := range a.next {
		if a.next[i] != b.next[i] {
			return false
		}
	}
	return true
}

// Intersect returns what is in both sets; false where that is too large to hold.
func (l Language) Intersect(o Language) (Language, bool) {
	return l.product(o, func(a, b bool) bool { return a && b })
}

// Minus returns what is in l only; false where that is too large to hold.
func (l Language) Minus(o Language) (Language, bool) {
	return l.product(o, func(a, b bool) bool { return a && !b })
}

// Union returns what is in one set or the other; false where that is too large to
// hold.
func (l Language) Union(o Language) (Language, bool) {
	return l.product(o, func(a, b bool) bool { return a || b })
}

// product runs both automata side by side.
func (l Language) product(o Language, accept func(a, b bool) bool) (Language, bool) {
	p := &product{a: l.automaton(), b: o.automaton(), accept: accept, index: map[[2]uint16]uint16{}}
	out, ok := p.make()
	if !ok {
		return Language{}, false
	}
	return Language{out.minimal()}, true
}

type product struct {
	a, b   *automaton
	accept func(a, b bool) bool
	index  map[[2]uint16]uint16
	pairs  [][2]uint16
	out    automaton
}

func (p *product) make() (*automaton, bool) {
	examples := p.classes()
	p.pair([2]uint16{p.a.starts[edge], p.b.starts[edge]})
	for i := 0; i < len(p.pairs); i++ {
		if len(p.pairs) > maxPairs {
			return nil, false
		}
		from := p.pairs[i]
		for _, c := range examples {
			to := p.pair([2]uint16{p.a.step(from[0], c), p.b.step(from[1], c)})
			p.out.next = append(p.out.next, to)
		}
	}
	return &p.out, true
}

// maxPairs bounds a product before it is made minimal.
const maxPairs = 1 << 14

func (p *product) pair(x [2]uint16) uint16 {
	n, ok := p.index[x]
	if !ok {
		n = uint16(len(p.pairs)) //nolint:gosec // make keeps it near maxPairs
		p.index[x] = n
		p.pairs = append(p.pairs, x)
		p.out.accept = append(p.out.accept, p.accept(p.a.accept[x[0]], p.b.accept[x[1]]))
	}
	return n
}

// classes sets the classes that neither automaton needs finer, and returns a byte
// of each.
func (p *product) classes() []byte {
	number := map[[2]uint8]uint8{}
	var examples []byte
	for b := range 256 {
		key := [2]uint8{p.a.class[b], p.b.class[b]}
		n, ok := number[key]
		if !ok {
			n = uint8(len(examples)) //nolint:gosec // at most 256 classes
			number[key] = n
			examples = append(examples, byte(b))
		}
		p.out.class[b] = n
	}
	p.out.classes = len(examples)
	return examples
}
