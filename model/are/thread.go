package are

import (
	"encoding/binary"
	"slices"
)

// A thread is a place in a program where a match may be, with the duties that the
// lookaheads on the way left: duties*len(insts) + instruction.
type thread uint32

// maxDuties bounds the sets of duties, so that a thread is a uint32.
const maxDuties = 1 << 16

// threads follows the threads of one program.
type threads struct {
	prog   *program
	aheads []*automaton // by program.looks; nil for lookbehinds
	duties [][]duty     // the sets of duties met so far; the first is empty
	index  map[string]int
	work   int

	round int             // of follow
	plain []int           // by instruction: the last round that met it without duties
	bound map[thread]bool // the threads with duties that this round met
	stack []thread
}

// A duty is a lookahead and the state its automaton is in.
type duty struct {
	look  int
	state uint16
}

func newThreads(p *program, parts *partition) (*threads, bool) {
	t := &threads{prog: p, aheads: make([]*automaton, len(p.looks)), duties: [][]duty{nil}, index: map[string]int{"": 0},
		plain: make([]int, len(p.insts)), bound: map[thread]bool{}}
	for i, l := range p.looks {
		if l.look == behind || l.look == notBehind {
			continue
		}
		a, ok := determine(l.prog, true, parts)
		if !ok {
			return nil, false
		}
		t.aheads[i] = a
	}
	return t, true
}

func (t *threads) takeWork() int {
	w := t.work
	t.work = 0
	return w
}

func (t *threads) parts(x thread) (inst, duties int) {
	n := len(t.prog.insts)
	return int(x) % n, int(x) / n
}

func (t *threads) thread(inst, duties int) thread {
	return thread(duties*len(t.prog.insts) + inst) //nolint:gosec // below 1<<16 * 1<<13
}

// follow lets threads go on to where they read a byte or have matched. The holds
// are those of the lookbehinds. A match without duties is found.
func (t *threads) follow(at []thread, before, after side, holds map[int]bool) (list []thread, found bool) {
	t.round++
	clear(t.bound)
	stack := append(t.stack[:0], at...)
	for len(stack) > 0 {
		x := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if t.met(x) {
			continue
		}
		t.work++
		pc, duties := t.parts(x)
		switch in := t.prog.insts[pc]; in.op {
		case opByte:
			list = append(list, x)
		case opMatch:
			found = found || duties == 0
			list = append(list, x)
		case opFork:
			stack = append(stack, t.thread(in.other, duties), t.thread(in.next, duties))
		case opPlace:
			if placed(in.kind, before, after) {
				stack = append(stack, t.thread(in.next, duties))
			}
		case opLook:
			if d, ok := t.look(in.look, duties, before, holds); ok {
				stack = append(stack, t.thread(in.next, d))
			}
		}
	}
	t.stack = stack
	return list, found
}

// met reports whether this round met x before, and notes it.
func (t *threads) met(x thread) bool {
	if int(x) >= len(t.plain) {
		before := t.bound[x]
		t.bound[x] = true
		return before
	}
	before := t.plain[x] == t.round
	t.plain[x] = t.round
	return before
}

// look returns the duties behind a lookaround; ok is false where it does not hold.
func (t *threads) look(look, duties int, before side, holds map[int]bool) (int, bool) {
	a := t.aheads[look]
	if a == nil {
		return duties, holds[look]
	}
	return t.settle(append(slices.Clone(t.duties[duties]), duty{look, a.starts[before]}))
}

// settle returns the number of a set of duties without those that are settled; ok
// is false where one of them can never be fulfilled.
func (t *threads) settle(all []duty) (number int, ok bool) {
	open := all[:0]
	for _, d := range all {
		a, must := t.aheads[d.look], t.prog.looks[d.look].look == ahead
		switch int(d.state) {
		case a.hit:
			if !must {
				return 0, false
			}
		case a.dead:
			if must {
				return 0, false
			}
		default:
			open = append(open, d)
		}
	}
	slices.SortFunc(open, func(a, b duty) int {
		return (a.look-b.look)*maxStates + int(a.state) - int(b.state)
	})
	open = slices.Compact(open)
	var key []byte
	for _, d := range open {
		key = binary.AppendUvarint(key, uint64(d.look)) //nolint:gosec // an index
		key = binary.AppendUvarint(key, uint64(d.state))
	}
	n, known := t.index[string(key)]
	if !known {
		if n = len(t.duties); n >= maxDuties {
			t.work += maxWork // ends the making of the automaton
			return 0, false
		}
		t.index[string(key)] = n
		t.duties = append(t.duties, slices.Clone(open))
	}
	return n, true
}

// read returns the threads behind a byte, sorted; found is true where one of them
// has matched and has no duties left.
func (t *threads) read(at []thread, c byte) (list []thread, found bool) {
	for _, x := range at {
		t.work++
		pc, duties := t.parts(x)
		in := t.prog.insts[pc]
		next := in.next
		if in.op == opMatch {
			if duties == 0 {
				continue // ended before this byte
			}
			next = pc
		} else if !in.set.has(c) {
			continue
		}
		duties, ok := t.advance(duties, c)
		if !ok {
			continue
		}
		if in.op == opMatch && duties == 0 {
			return nil, true
		}
		list = append(list, t.thread(next, duties))
	}
	slices.Sort(list)
	return slices.Compact(list), false
}

func (t *threads) advance(duties int, c byte) (int, bool) {
	if duties == 0 {
		return 0, true
	}
	all := slices.Clone(t.duties[duties])
	for i, d := range all {
		all[i].state = t.aheads[d.look].step(d.state, c)
	}
	return t.settle(all)
}

// fulfilled reports whether a thread at the end of the text has matched.
func (t *threads) fulfilled(x thread) bool {
	pc, duties := t.parts(x)
	if t.prog.insts[pc].op != opMatch {
		return false
	}
	for _, d := range t.duties[duties] {
		if t.aheads[d.look].accept[d.state] != (t.prog.looks[d.look].look == ahead) {
			return false
		}
	}
	return true
}
