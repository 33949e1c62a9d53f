package are

// minimal returns the smallest automaton of the same language: states that no text
// tells apart are one, and so are classes of bytes. States are numbered in the
// order in which they are met, so that equal languages have equal automata.
func (a *automaton) minimal() *automaton {
	block := a.blocks()
	return a.quotient(block)
}

// blocks returns for each state the number of its block, by Hopcroft's algorithm.
func (a *automaton) blocks() []int {
	h := newHopcroft(a)
	for len(h.todo) > 0 {
		splitter := h.todo[len(h.todo)-1]
		h.todo = h.todo[:len(h.todo)-1]
		h.queued[splitter] = false
		members := append([]int(nil), h.members[splitter]...)
		for c := range a.classes {
			h.refine(members, c)
		}
	}
	return h.block
}

type hopcroft struct {
	*automaton
	block   []int
	members [][]int
	sources []int32 // the states, ordered by class and by where they go
	starts  []int32 // starts[class*size+state]: the first of sources that goes there
	todo    []int
	queued  []bool
}

func newHopcroft(a *automaton) *hopcroft {
	n := a.size()
	h := &hopcroft{automaton: a, block: make([]int, n), members: make([][]int, 2)}
	for s := range n {
		b := 0
		if a.accept[s] {
			b = 1
		}
		h.block[s] = b
		h.members[b] = append(h.members[b], s)
	}
	h.reverse()
	h.todo, h.queued = []int{0, 1}, []bool{true, true}
	return h
}

// reverse sorts the states by where they go, counting first.
func (h *hopcroft) reverse() {
	n := h.size()
	h.starts = make([]int32, n*h.classes+1)
	h.sources = make([]int32, n*h.classes)
	for i, to := range h.next {
		h.starts[i%h.classes*n+int(to)]++
	}
	sum := int32(0)
	for i, count := range h.starts {
		sum += count
		h.starts[i] = sum
	}
	for i, to := range h.next {
		at := i%h.classes*n + int(to)
		h.starts[at]--
		h.sources[h.starts[at]] = int32(i / h.classes) //nolint:gosec // a state
	}
}

// from returns the states that class c leads to a state.
func (h *hopcroft) from(c, state int) []int32 {
	at := c*h.size() + state
	return h.sources[h.starts[at]:h.starts[at+1]]
}

// refine divides every block of which some, not all, go to members on class c.
func (h *hopcroft) refine(members []int, c int) {
	touched := map[int][]int{}
	var order []int
	for _, to := range members {
		for _, s := range h.from(c, to) {
			b := h.block[s]
			if touched[b] == nil {
				order = append(order, b)
			}
			touched[b] = append(touched[b], int(s))
		}
	}
	for _, b := range order {
		if len(touched[b]) < len(h.members[b]) {
			h.divide(b, touched[b])
		}
	}
}

// divide moves some members of block b into a new one.
func (h *hopcroft) divide(b int, some []int) {
	fresh := len(h.members)
	for _, s := range some {
		h.block[s] = fresh
	}
	rest := h.members[b][:0]
	for _, s := range h.members[b] {
		if h.block[s] == b {
			rest = append(rest, s)
		}
	}
	h.members[b] = rest
	h.members = append(h.members, some)
	queue := fresh
	if !h.queued[b] && len(rest) < len(some) {
		queue = b
	}
	h.queued = append(h.queued, false)
	h.queued[queue] = true
	h.todo = append(h.todo, queue)
}

// quotient makes each block one state and drops what cannot be reached.
func (a *automaton) quotient(block []int) *automaton {
	out := &automaton{class: a.class, classes: a.classes}
	number := map[int]uint16{}
	var order []int // a state of each block
	visit := func(s uint16) uint16 {
		b := block[s]
		n, ok := number[b]
		if !ok {
			n = uint16(len(order)) //nolint:gosec // no more than the states of a
			number[b] = n
			order = append(order, int(s))
		}
		return n
	}
	for i, s := range a.starts {
		out.starts[i] = visit(s)
	}
	byFirst := a.inOrder()
	for i := 0; i < len(order); i++ {
		from := a.next[order[i]*a.classes:]
		for _, c := range byFirst {
			visit(from[c])
		}
		for c := range a.classes {
			out.next = append(out.next, visit(from[c]))
		}
		out.accept = append(out.accept, a.accept[order[i]])
	}
	out.mergeClasses()
	out.findSinks()
	return out
}

// inOrder lists the classes by their first byte.
func (a *automaton) inOrder() (classes []uint8) {
	var listed [256]bool
	for _, c := range a.class {
		if !listed[c] {
			listed[c] = true
			classes = append(classes, c)
		}
	}
	return classes
}

// mergeClasses makes one of the classes that every state treats alike, and numbers
// classes by their first byte.
func (a *automaton) mergeClasses() {
	var kept []int
	var class [256]uint8
	number := map[string]uint8{}
	renamed := map[uint8]uint8{}
	for b, c := range a.class {
		n, ok := renamed[c]
		if !ok {
			column := a.column(int(c))
			if n, ok = number[column]; !ok {
				n = uint8(len(kept)) //nolint:gosec // at most 256 classes
				number[column] = n
				kept = append(kept, int(c))
			}
			renamed[c] = n
		}
		class[b] = n
	}
	next := make([]uint16, 0, a.size()*len(kept))
	for s := range a.size() {
		for _, c := range kept {
			next = append(next, a.next[s*a.classes+c])
		}
	}
	a.class, a.classes, a.next = class, len(kept), next
}

// column returns where class c leads from each state, as a key.
func (a *automaton) column(c int) string {
	out := make([]byte, 0, 2*a.size())
	for s := range a.size() {
		to := a.next[s*a.classes+c]
		out = append(out, byte(to), byte(to>>8)) //nolint:gosec // the two bytes of it
	}
	return string(out)
}
