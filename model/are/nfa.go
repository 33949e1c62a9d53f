package are

// An op is what an instruction does.
type op uint8

const (
	opByte  op = iota // reads one byte of a set, goes on at next
	opFork            // goes on at next and at other
	opPlace           // goes on at next where a constraint holds
	opLook            // goes on at next where a lookaround holds
	opMatch
)

// An inst is one instruction of a program.
type inst struct {
	op          op
	kind        kind // of opPlace
	look        int  // of opLook: an index of program.looks
	next, other int
	set         *set
}

// A program matches an expression without back references: a nondeterministic
// automaton that starts at instruction start.
type program struct {
	insts []inst
	start int
	looks []lookaround
	over  bool // it would be longer than maxInsts
}

// A lookaround of a program is a program itself.
type lookaround struct {
	look look
	prog *program
}

// maxInsts keeps programs small: a longer expression is matched another way, and
// its language is not known.
const maxInsts = 1 << 13

func compileProgram(n *node) (*program, bool) {
	p := &program{}
	p.start = p.compile(n, p.emit(inst{op: opMatch}))
	return p, !p.over
}

func (p *program) emit(i inst) int {
	if len(p.insts) >= maxInsts {
		p.over = true
		return 0
	}
	p.insts = append(p.insts, i)
	return len(p.insts) - 1
}

// compile adds the instructions that match n and then go on at next. It works from
// the end of the expression to its beginning.
func (p *program) compile(n *node, next int) int {
	if p.over {
		return 0
	}
	switch n.kind {
	case kindEmpty:
		return next
	case kindSet:
		return p.emit(inst{op: opByte, set: &n.set, next: next})
	case kindCat:
		for i := len(n.kids) - 1; i >= 0; i-- {
			next = p.compile(n.kids[i], next)
		}
		return next
	case kindAlt:
		at := p.compile(n.kids[len(n.kids)-1], next)
		for i := len(n.kids) - 2; i >= 0; i-- {
			at = p.emit(inst{op: opFork, next: p.compile(n.kids[i], next), other: at})
		}
		return at
	case kindRepeat:
		return p.repeat(n, next)
	case kindLook:
		return p.lookaround(n, next)
	default:
		return p.emit(inst{op: opPlace, kind: n.kind, next: next})
	}
}

func (p *program) repeat(n *node, next int) int {
	at := next
	if n.max == unbounded {
		at = p.emit(inst{op: opFork, other: next})
		first := p.compile(n.kids[0], at)
		p.insts[at].next = first
	}
	for k := n.min; k < n.max && n.max != unbounded; k++ {
		at = p.emit(inst{op: opFork, next: p.compile(n.kids[0], at), other: next})
	}
	for k := 0; k < n.min; k++ {
		at = p.compile(n.kids[0], at)
	}
	return at
}

func (p *program) lookaround(n *node, next int) int {
	prog, ok := compileProgram(n.kids[0])
	p.over = p.over || !ok
	p.looks = append(p.looks, lookaround{n.look, prog})
	return p.emit(inst{op: opLook, look: len(p.looks) - 1, next: next})
}
