package are

// An automaton is a complete deterministic automaton over classes of bytes.
type automaton struct {
	class   [256]uint8
	classes int
	next    []uint16 // next[state*classes+class]
	accept  []bool   // of a text that ends in the state
	starts  [4]uint16
	hit     int // the state that accepts whatever follows, -1 where there is none
	dead    int // the state that accepts nothing any more, or -1
}

func (a *automaton) size() int { return len(a.accept) }

func (a *automaton) step(state uint16, b byte) uint16 {
	return a.next[int(state)*a.classes+int(a.class[b])]
}

// contains reports whether a accepts text from the start of a text.
func (a *automaton) contains(text string) bool {
	state := int(a.starts[edge])
	for i := 0; i < len(text); i++ {
		if state == a.hit {
			return true
		}
		state = int(a.next[state*a.classes+int(a.class[text[i]])])
	}
	return a.accept[state]
}

// findSinks sets hit and dead. In a minimal automaton there is one of each at most.
func (a *automaton) findSinks() {
	a.hit, a.dead = -1, -1
	for s := range a.accept {
		loops := true
		for c := 0; c < a.classes && loops; c++ {
			loops = int(a.next[s*a.classes+c]) == s
		}
		switch {
		case loops && a.accept[s]:
			a.hit = s
		case loops:
			a.dead = s
		}
	}
}

// A partition of the bytes into classes that nothing tells apart.
type partition struct {
	class [256]uint8
	count int
	sides bool // constraints ask what stands around a place
}

// split tells the members of s from the other bytes.
func (p *partition) split(s set) {
	if p.count == 0 {
		p.count = 1
	}
	var in, out [256]bool
	for b := range 256 {
		if s.has(byte(b)) {
			in[p.class[b]] = true
		} else {
			out[p.class[b]] = true
		}
	}
	var fresh [256]uint8
	for b := range 256 {
		c := p.class[b]
		if !in[c] || !out[c] || !s.has(byte(b)) {
			continue
		}
		if fresh[c] == 0 {
			fresh[c] = uint8(p.count) //nolint:gosec // at most 255: there are no more classes than bytes
			p.count++
		}
		p.class[b] = fresh[c]
	}
}

// examples returns a byte of each class.
func (p *partition) examples() []byte {
	out := make([]byte, p.count)
	for b := 255; b >= 0; b-- {
		out[p.class[b]] = byte(b)
	}
	return out
}

// partition returns classes of bytes that neither p nor its lookarounds tell apart.
func (p *program) partition() *partition {
	var classes partition
	classes.split(anything)
	classes.sides = p.collect(map[set]bool{}, &classes)
	if classes.sides {
		classes.split(newline)
		classes.split(word)
	}
	return &classes
}

func (p *program) collect(seen map[set]bool, classes *partition) (sides bool) {
	for _, i := range p.insts {
		sides = sides || i.op == opPlace
		if i.op == opByte && !seen[*i.set] {
			seen[*i.set] = true
			classes.split(*i.set)
		}
	}
	for _, l := range p.looks {
		sides = l.prog.collect(seen, classes) || sides
	}
	return sides
}
