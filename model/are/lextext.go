package are

// A look is the kind of a lookaround constraint.
type look uint8

const (
	ahead look = iota
	notAhead
	behind
	notBehind
)

// extended reads a token of an ERE or an ARE, outside of brackets and bounds.
func (x *lexer) extended(c byte) {
	switch c {
	case '|', '.', '^', '$':
		x.set(token(c), 0)
	case ')':
		x.set(')', ')')
	case '*', '+', '?':
		x.quantifier(token(c))
	case '{':
		x.openBound()
	case '(':
		x.openGroup()
	case '[':
		x.openBrackets()
	case '\\':
		switch {
		case x.atEnd():
			x.fail(badEscape)
		case x.flags&advanced != 0:
			x.escape()
		default: // an ERE knows no escapes: the character itself
			x.set(tokPlain, int(x.expr[x.pos]))
			x.pos++
		}
	default:
		x.set(tokPlain, int(c))
	}
}

// openBound reads { as a quantifier only where a digit follows.
func (x *lexer) openBound() {
	if x.flags&expanded != 0 {
		x.skip()
	}
	if x.atEnd() || !digits.has(x.expr[x.pos]) {
		x.set(tokPlain, '{')
		return
	}
	x.where = inBound
	x.set('{', 0)
}

func (x *lexer) openGroup() {
	if x.flags&advanced == 0 || !x.eat('?') {
		x.set('(', 1)
		return
	}
	switch {
	case x.eat(':'):
		x.set('(', 0)
	case x.eat('#'):
		x.comment()
	case x.eat('='):
		x.set(tokLook, int(ahead))
	case x.eat('!'):
		x.set(tokLook, int(notAhead))
	case x.eat('<'):
		x.openBehind()
	default:
		x.fail(badOperand)
	}
}

func (x *lexer) openBehind() {
	switch {
	case x.eat('='):
		x.set(tokLook, int(behind))
	case x.eat('!'):
		x.set(tokLook, int(notBehind))
	default:
		x.fail(badOperand)
	}
}

// comment passes over (?#…), which may lack its end.
func (x *lexer) comment() {
	for !x.atEnd() && !x.eat(')') {
		x.pos++
	}
	x.next()
}

func (x *lexer) openBrackets() {
	switch {
	case x.sees("[:<:]]"):
		x.pos += 6
		x.set(tokWordBegin, 0)
	case x.sees("[:>:]]"):
		x.pos += 6
		x.set(tokWordEnd, 0)
	case x.eat('^'):
		x.where = inBrackets
		x.set('[', 0)
	default:
		x.where = inBrackets
		x.set('[', 1)
	}
}

// basic reads a token of a BRE, outside of brackets and bounds.
func (x *lexer) basic(c byte) {
	switch c {
	case '*':
		if x.last == tokNone || x.last == '(' || x.last == '|' || x.last == '^' {
			x.set(tokPlain, int(c))
			return
		}
		x.set('*', 1)
	case '[':
		x.openBrackets()
	case '.':
		x.set('.', 0)
	case '^':
		if x.last == tokNone || x.last == '(' {
			x.set('^', 0)
			return
		}
		x.set(tokPlain, int(c))
	case '$':
		if x.flags&expanded != 0 {
			x.skip()
		}
		if x.atEnd() || x.sees(`\)`) {
			x.set('$', 0)
			return
		}
		x.set(tokPlain, int(c))
	case '\\':
		x.basicEscape()
	default:
		x.set(tokPlain, int(c))
	}
}

func (x *lexer) basicEscape() {
	if x.atEnd() {
		x.fail(badEscape)
		return
	}
	c := x.expr[x.pos]
	x.pos++
	switch {
	case c == '{':
		x.where = inBound
		x.set('{', 0)
	case c == '(':
		x.set('(', 1)
	case c == ')':
		x.set(')', ')')
	case c == '<':
		x.set(tokWordBegin, 0)
	case c == '>':
		x.set(tokWordEnd, 0)
	case '1' <= c && c <= '9':
		x.set(tokReference, int(c-'0'))
	default:
		x.set(tokPlain, int(c))
	}
}
