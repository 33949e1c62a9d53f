package are

// A quantifier says how often, and whether rather more or rather less often.
// {m} has no preference of its own.
type quantifier struct {
	min, max int
	prefer   traits
}

// quantifier parses the quantifier of an atom, {1} where there is none.
func (p *parser) quantifier() quantifier {
	q := quantifier{min: 1, max: 1}
	switch p.tok {
	case '*':
		q.min, q.max = 0, unbounded
	case '+':
		q.max = unbounded
	case '?':
		q.min = 0
	case '{':
		return p.bound()
	default:
		return q
	}
	q.prefer = p.prefers()
	p.next()
	return q
}

// prefers returns the preference of a quantifier whose last token is the present one.
func (p *parser) prefers() traits {
	if p.value == 1 {
		return longer
	}
	return shorter
}

func (p *parser) bound() quantifier {
	p.next()
	q := quantifier{min: p.count()}
	q.max = q.min
	ranged := p.tok == ','
	if ranged {
		p.next()
		q.max = unbounded
		if p.tok == tokDigit {
			q.max = p.count()
		}
		if q.min > q.max {
			p.fail(badCount)
		}
	}
	if p.tok != '}' {
		p.fail(badCount)
		return q
	}
	if ranged {
		q.prefer = p.prefers()
	}
	p.next()
	return q
}

func (p *parser) count() int {
	n := 0
	for p.tok == tokDigit && n <= maxCount {
		n = n*10 + p.value
		p.next()
	}
	if n > maxCount {
		p.fail(badCount)
	}
	return n
}

// A quantified part has the traits of its quantifier beside its own.
type quantified struct {
	part   *part
	traits traits
}

// quantify applies q to a. Of a repeated group only the last round counts, so that
// what comes before it is one part without groups where no reference needs them.
func (p *parser) quantify(a atom, q quantifier) quantified {
	inner := a.part
	out := quantified{part: &inner, traits: combine(q.prefer, a.traits)}
	prefer := a.traits & (preference | mixed)
	switch {
	case a.reference:
		inner.min, inner.max = q.min, q.max
		inner.traits |= out.traits
		inner.expr = p.repeat(inner.expr, q.min, q.max)
	case q.min == 1 && q.max == 1 && (q.prefer == 0 || prefer == 0 || q.prefer == prefer):
	case a.traits&(captures|refers) == 0:
		out.part = &part{traits: out.traits, expr: p.repeat(inner.expr, q.min, q.max)}
	case q.min > 0 && a.traits&refers == 0:
		before := q.max
		if before != unbounded {
			before--
		}
		rounds := &part{traits: out.traits & preference, expr: p.repeat(inner.expr, q.min-1, before)}
		out.part = &part{shape: shapeCat, traits: out.traits, kids: []*part{rounds, &inner},
			expr: p.repeat(inner.expr, q.min, q.max)}
	default:
		out.part = &part{shape: shapeRepeat, traits: out.traits, min: q.min, max: q.max, kids: []*part{&inner},
			expr: p.repeat(inner.expr, q.min, q.max)}
	}
	return out
}
