package are

// An atom is what a quantifier may follow.
type atom struct {
	part
	messy     bool // it is a capturing group or a back reference
	reference bool // it is a back reference
}

// atom parses one atom; a fault where there is none.
func (p *parser) atom(looking bool) atom {
	switch p.tok {
	case ')':
		if p.flags&(extended|advanced) != extended {
			p.fail(openParen)
			return atom{}
		}
		return p.char() // in an ERE, a bracket that closes nothing is itself
	case tokPlain:
		return p.char()
	case '[':
		return p.setAtom(p.brackets())
	case '.':
		return p.setAtom(p.exceptLine(anything))
	case tokShorthand:
		return p.setAtom(escapeClass(p.value))
	case tokNotShorthand:
		return p.setAtom(p.notShorthand())
	case '(':
		return p.group(looking)
	case tokReference:
		return p.reference(looking)
	case tokEnd:
		return atom{}
	default:
		p.fail(badOperand)
		return atom{}
	}
}

// setAtom is a set whose last token is the present one.
func (p *parser) setAtom(s set) atom {
	p.next()
	return atom{part: part{expr: (&node{kind: kindSet, set: s}).measured()}}
}

func (p *parser) char() atom {
	return p.setAtom(p.charSet(p.value))
}

func (p *parser) charSet(c int) set {
	s := span(c, c)
	if p.flags&foldCase != 0 {
		return s.fold()
	}
	return s
}

// notShorthand is \D, \S or \W. Since PostgreSQL 14 they match newlines always.
func (p *parser) notShorthand() set {
	p.since14 = p.since14 || p.flags&stopAtLine != 0
	return escapeClass(p.value).not()
}

// exceptLine takes the newline out of what a dot or a complement matches where
// the options say so.
func (p *parser) exceptLine(s set) set {
	if p.flags&stopAtLine != 0 {
		return s.without(newline)
	}
	return s
}

// group parses a group. Inside of a lookaround none captures.
func (p *parser) group(looking bool) atom {
	number := 0
	if p.value == 1 && !looking {
		p.groups++
		number = p.groups
		p.closed = append(p.closed, nil)
	}
	p.next()
	inner := p.alternation(')', looking)
	p.next()
	if number == 0 || p.err != nil {
		return atom{part: *inner}
	}
	if inner.group != 0 {
		inner = &part{shape: shapeGroup, traits: inner.traits, kids: []*part{inner}, expr: inner.expr}
	}
	inner.traits |= captures
	inner.group = number
	p.closed[number-1] = inner
	return atom{part: *inner, messy: true}
}

// reference parses a back reference, which must be to a closed group.
func (p *parser) reference(looking bool) atom {
	number := p.value
	if looking || number > len(p.closed) || p.closed[number-1] == nil {
		p.fail(badReference)
		return atom{}
	}
	for len(p.referable) < len(p.closed) {
		p.referable = append(p.referable, nil)
	}
	if p.referable[number-1] == nil {
		p.referable[number-1] = p.unconstrained(p.closed[number-1].expr)
	}
	p.refers = true
	p.next()
	inner := part{shape: shapeReference, traits: refers, ref: number, expr: p.referable[number-1]}
	return atom{part: inner, messy: true, reference: true}
}

var constraints = map[token]kind{
	'^': kindTextBegin, '$': kindTextEnd, tokTextBegin: kindTextBegin, tokTextEnd: kindTextEnd,
	tokWordBegin: kindWordBegin, tokWordEnd: kindWordEnd,
	tokBoundary: kindBoundary, tokNotBoundary: kindNotBoundary,
}

// constraint parses what matches a place; nil where the next token is no constraint.
func (p *parser) constraint() *node {
	k, ok := constraints[p.tok]
	switch {
	case p.tok == tokLook:
		return p.lookaround()
	case !ok:
		return nil
	case p.tok == '^' && p.flags&anchorLine != 0:
		k = kindLineBegin
	case p.tok == '$' && p.flags&anchorLine != 0:
		k = kindLineEnd
	}
	p.next()
	return (&node{kind: k}).measured()
}

func (p *parser) lookaround() *node {
	which := look(p.value) //nolint:gosec // one of four
	p.looks = true
	p.next()
	inner := p.alternation(')', true)
	p.next()
	n := p.node(kindLook, inner.expr)
	n.look = which
	return n
}
