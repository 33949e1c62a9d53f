package are

import (
	"encoding/binary"
	"slices"
)

const (
	// maxStates bounds every automaton here.
	maxStates = 1 << 12
	// maxWork bounds the making of one, in instructions followed.
	maxWork = 1 << 20
)

// A builder makes the automaton of a program, state by state. A state is what may
// be known in front of a byte: what stands before it, where in the program a match
// may be, and the same for each lookbehind, which is followed from the beginning
// of the text on.
//
// A lookahead is a duty of the thread that met it: the rest of the text must, or
// must not, take the lookahead's own automaton to its end.
type builder struct {
	*threads
	anchored bool // matches begin at the beginning only
	parts    *partition
	bytes    []byte // an example of each class
	behinds  []*tracker
	index    map[string]uint16
	states   []*state
	out      *automaton
}

type state struct {
	before  side
	at      []thread   // sorted
	behinds [][]thread // by builder.behinds
}

// A tracker follows a lookbehind.
type tracker struct {
	look    int
	negated bool
	threads *threads
}

// determine returns the minimal automaton of p; ok is false where it, or the way
// to it, is too large, and for lookarounds within lookbehinds and the reverse.
func determine(p *program, anchored bool, parts *partition) (a *automaton, ok bool) {
	b := &builder{anchored: anchored, parts: parts, bytes: parts.examples(), index: map[string]uint16{}}
	b.threads, ok = newThreads(p, parts)
	if !ok || !b.trackBehinds(anchored) {
		return nil, false
	}
	b.out = &automaton{class: parts.class, classes: parts.count}
	b.state(nil) // the state of a text in which a match was found
	for s := range b.out.starts {
		first := &state{before: side(s), at: []thread{b.thread(p.start, 0)}, behinds: make([][]thread, len(b.behinds))}
		if s > 0 && !anchored {
			b.out.starts[s] = b.out.starts[0]
			continue
		}
		b.out.starts[s] = b.state(first)
	}
	for i := 1; i < len(b.states); i++ {
		if !b.fill(i) {
			return nil, false
		}
	}
	return b.out.minimal(), true
}

func (b *builder) trackBehinds(anchored bool) bool {
	for i, l := range b.prog.looks {
		if l.look == ahead || l.look == notAhead {
			continue
		}
		if anchored || len(l.prog.looks) > 0 {
			return false
		}
		t, ok := newThreads(l.prog, b.parts)
		if !ok {
			return false
		}
		b.behinds = append(b.behinds, &tracker{look: i, negated: l.look == notBehind, threads: t})
	}
	return true
}

// state returns the number of s, a new one where it is new.
func (b *builder) state(s *state) uint16 {
	var key string
	if s != nil {
		key = s.key()
	}
	n, ok := b.index[key]
	if !ok {
		n = uint16(len(b.states)) //nolint:gosec // fill keeps it below maxStates
		b.index[key] = n
		b.states = append(b.states, s)
		b.out.accept = append(b.out.accept, s == nil)
		b.out.next = append(b.out.next, make([]uint16, b.out.classes)...)
	}
	return n
}

func (s *state) key() string {
	out := []byte{1, byte(s.before)}
	for _, list := range append([][]thread{s.at}, s.behinds...) {
		out = binary.AppendUvarint(out, uint64(len(list)))
		for _, t := range list {
			out = binary.AppendUvarint(out, uint64(t))
		}
	}
	return string(out)
}

// fill finds where state i leads.
func (b *builder) fill(i int) bool {
	s := b.states[i]
	var moments [4]*moment
	b.out.accept[i] = b.moment(s, edge).accepts()
	for c, example := range b.bytes {
		after := sideOf(example)
		if moments[after] == nil {
			moments[after] = b.moment(s, after)
		}
		to := uint16(0)
		if m := moments[after]; !m.found {
			to = b.state(m.read(example))
		}
		b.out.next[i*b.out.classes+c] = to
		if len(b.states) >= maxStates || b.work > maxWork {
			return false
		}
	}
	return true
}

// A moment is a state of which what stands behind is known too: constraints hold
// or do not, and the threads are where they read a byte.
type moment struct {
	*builder
	after   side
	at      []thread
	behinds [][]thread
	found   bool // a match ends here, whatever follows
}

func (b *builder) moment(s *state, after side) *moment {
	m := &moment{builder: b, after: after}
	holds := map[int]bool{}
	for i, t := range b.behinds {
		at := append(slices.Clone(s.behinds[i]), t.threads.thread(t.threads.prog.start, 0))
		at, found := t.threads.follow(at, s.before, after, nil)
		b.work += t.threads.takeWork()
		m.behinds = append(m.behinds, at)
		holds[t.look] = found != t.negated
	}
	at := s.at
	if !b.anchored {
		at = append(slices.Clone(at), b.thread(b.prog.start, 0))
	}
	m.at, m.found = b.follow(at, s.before, after, holds)
	return m
}

// accepts reports whether the text may end at the moment, which is in front of its
// end.
func (m *moment) accepts() bool {
	return m.found || slices.ContainsFunc(m.at, m.fulfilled)
}

// read returns the state behind a byte; nil where a match was found.
func (m *moment) read(c byte) *state {
	s := &state{before: sideOf(c)}
	if !m.parts.sides {
		s.before = edge
	}
	for i, t := range m.behinds {
		at, _ := m.builder.behinds[i].threads.read(t, c)
		s.behinds = append(s.behinds, at)
	}
	at, found := m.threads.read(m.at, c)
	if found {
		return nil
	}
	s.at = at
	return s
}
