package are

// maxDepth bounds recursion: a group takes two levels, and each further group of a
// row takes one. A server with the usual max_stack_depth takes 8,000 groups one in
// the other, and not 10,000; we take 5,000.
const maxDepth = 10000

// A parser turns an expression into parts.
type parser struct {
	lexer
	depth     int
	nodes     int // how many have an id
	closed    []*part
	referable []*node // by group: what a reference to it may match; nil until asked
	refers    bool
	looks     bool
}

// enter counts a level of recursion; where it returns false there is a fault.
func (p *parser) enter() bool {
	if p.depth++; p.depth > maxDepth {
		p.failLimit()
	}
	return p.err == nil
}

func (p *parser) ends(stop token) bool {
	return p.tok == '|' || p.tok == stop || p.tok == tokEnd
}

// alternation parses branches up to stop, which is left to be read.
func (p *parser) alternation(stop token, looking bool) *part {
	all := &part{shape: shapeAlt, traits: longer, expr: emptyNode}
	defer func() { p.depth-- }()
	if !p.enter() {
		return all
	}
	var exprs []*node
	for {
		b := p.branch(stop, looking)
		all.kids = append(all.kids, b)
		all.traits |= (all.traits | b.traits).up()
		exprs = append(exprs, b.expr)
		if p.tok != '|' {
			break
		}
		p.next()
	}
	if p.tok != stop {
		p.fail(openParen)
	}
	if len(all.kids) == 1 {
		return all.kids[0]
	}
	if !all.traits.messy() {
		all.shape, all.kids = shapeWhole, nil
	}
	all.expr = p.node(kindAlt, exprs...)
	return all
}

// branch parses what stands between two bars. As long as nothing in it is messy
// it is one part.
func (p *parser) branch(stop token, looking bool) *part {
	plain := &part{expr: emptyNode}
	defer func() { p.depth-- }()
	if !p.enter() {
		return plain
	}
	var items []*node
	for !p.ends(stop) {
		if n := p.constraint(); n != nil {
			items = append(items, n)
			continue
		}
		a := p.atom(looking)
		q := p.quantifier()
		if p.err != nil {
			return plain
		}
		if q.max == 0 {
			items = append(items, emptyNode)
			continue
		}
		t := plain.traits | q.prefer | a.traits
		if a.messy || t.up().messy() {
			plain.expr = p.cat(items...)
			return p.divide(plain, len(items) > 0, p.quantify(a, q), p.rest(stop, looking))
		}
		items = append(items, p.repeat(a.expr, q.min, q.max))
		plain.traits = t
	}
	plain.expr = p.cat(items...)
	return plain
}

// rest parses what follows a messy atom; nil where nothing does.
func (p *parser) rest(stop token, looking bool) *part {
	if p.ends(stop) {
		return nil
	}
	return p.branch(stop, looking)
}

// divide makes one part of the plain beginning of a branch, the first messy part
// and the rest.
func (p *parser) divide(plain *part, begun bool, q quantified, rest *part) *part {
	tail, t := q.part, q.part.traits
	if rest != nil {
		t = q.traits
		t |= combine(t, rest.traits)
		tail = &part{shape: shapeCat, traits: t, kids: []*part{q.part, rest}, expr: p.cat(q.part.expr, rest.expr)}
	}
	top := plain.traits | combine(plain.traits, t)
	if !begun {
		if rest != nil {
			tail.traits = top
		}
		return tail
	}
	if rest != nil && q.part.shape == shapeWhole && rest.shape == shapeWhole && !(q.part.traits | rest.traits).up().messy() {
		tail.shape, tail.kids, tail.traits = shapeWhole, nil, combine(q.part.traits, rest.traits)
	}
	return &part{shape: shapeCat, traits: top, kids: []*part{plain, tail}, expr: p.cat(plain.expr, tail.expr)}
}
