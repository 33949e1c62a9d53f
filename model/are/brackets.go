package are

// brackets parses a bracket expression up to its last token, which is left to be
// read.
func (p *parser) brackets() set {
	complement := p.value == 0
	var s set
	p.next()
	for p.tok != ']' && p.tok != tokEnd {
		s = s.union(p.bracketItem())
	}
	if p.flags&foldCase != 0 {
		s = s.fold()
	}
	if complement {
		return p.exceptLine(s.not())
	}
	return s
}

func (p *parser) bracketItem() (s set) {
	var from int
	switch p.tok {
	case tokPlain:
		from = p.value
		p.next()
	case tokCollating:
		from = p.element()
	case tokEquivalence: // in the C locale, each character is equivalent to itself only
		c := p.element()
		return span(c, c)
	case tokClass:
		return p.class()
	case tokShorthand:
		s = escapeClass(p.value)
		p.next()
		return s
	case tokNotShorthand:
		s = p.notShorthand()
		p.next()
		return s
	default: // the hyphen of a-b-c
		p.fail(badRange)
		return s
	}
	if p.tok != tokRange {
		return span(from, from)
	}
	p.next()
	to := p.rangeEnd()
	if from > to {
		p.fail(badRange)
		return s
	}
	return span(from, to)
}

func (p *parser) rangeEnd() (to int) {
	switch p.tok {
	case tokPlain, tokRange:
		to = p.value
		p.next()
		return to
	case tokCollating:
		return p.element()
	default:
		p.fail(badRange)
		return to
	}
}

// name returns what stands between [. and .] or their like.
func (p *parser) name() string {
	from := p.pos
	to := from
	for p.next(); p.tok == tokPlain; p.next() {
		to = p.pos
	}
	p.next()
	return p.expr[from:to]
}

func (p *parser) element() int {
	name := p.name()
	if len(name) == 1 {
		return int(name[0])
	}
	c, ok := collating[name]
	if !ok {
		p.fail(badElement)
	}
	return c
}

func (p *parser) class() set {
	name := p.name()
	s, ok := classes[name]
	if !ok {
		p.fail(badClass)
	}
	if name == "word" {
		p.since14 = true // unknown before
	}
	return s
}
