package are

// A token is one of the kinds below, or the byte of an operator.
type token int

const (
	tokNone         token = 256 + iota // before the first token
	tokEnd                             // the end of the expression
	tokPlain                           // value is the character
	tokDigit                           // in a bound; value is the digit
	tokReference                       // value is the group's number
	tokCollating                       // [. in brackets
	tokEquivalence                     // [=
	tokClass                           // [:
	tokClose                           // .] =] :]
	tokShorthand                       // value is d, s or w
	tokNotShorthand                    // \D, \S, \W; value is the small letter
	tokRange                           // - in brackets
	tokLook                            // value is a look
	tokBoundary                        // \y
	tokNotBoundary                     // \Y
	tokTextBegin                       // \A
	tokTextEnd                         // \Z
	tokWordBegin                       // \m, [[:<:]]
	tokWordEnd                         // \M, [[:>:]]
)

// The contexts of the lexer: what a character means depends on where it stands.
type context uint8

const (
	inText context = iota // the expression itself
	inLiteral
	inBound
	inBrackets
	inCollating
	inEquivalence
	inClass
)

// A lexer reads tokens one ahead of the parser, as the server's does: whether \11
// is a back reference depends on how many groups the parser has opened by then.
//
// After a fault every token is tokEnd, so that loops of the parser end.
type lexer struct {
	expr   string
	pos    int
	flags  flags
	where  context
	last   token // the token before tok
	tok    token
	value  int // 1 where an operator is the greedy, capturing or plain kind
	groups int // capturing groups opened so far
	err    *Error

	since14 bool // see Regexp.Since14
}

func (x *lexer) start(expr string) {
	x.expr, x.flags, x.tok = expr, extended|advanced, tokNone
	x.directors()
	if x.flags&quoted != 0 {
		x.where = inLiteral
	}
	x.next()
}

// fail keeps the first fault and ends the tokens.
func (x *lexer) fail(message string) {
	if x.err == nil {
		x.err = &Error{Expr: x.expr, Message: message}
	}
	x.tok = tokEnd
}

func (x *lexer) failLimit() {
	if x.err == nil {
		x.err = &Error{Expr: x.expr, Message: tooComplex, Limit: true}
	}
	x.tok = tokEnd
}

func (x *lexer) atEnd() bool { return x.pos >= len(x.expr) }

// sees reports whether text comes next.
func (x *lexer) sees(text string) bool {
	return len(x.expr)-x.pos >= len(text) && x.expr[x.pos:x.pos+len(text)] == text
}

func (x *lexer) eat(c byte) bool {
	if x.atEnd() || x.expr[x.pos] != c {
		return false
	}
	x.pos++
	return true
}

func (x *lexer) set(t token, value int) {
	x.tok, x.value = t, value
}

// next reads one token.
func (x *lexer) next() {
	if x.err != nil {
		return
	}
	x.last = x.tok
	if x.flags&expanded != 0 && (x.where == inText || x.where == inBound) {
		x.skip()
	}
	if x.atEnd() {
		x.end()
		return
	}
	c := x.expr[x.pos]
	x.pos++
	switch x.where {
	case inLiteral:
		x.set(tokPlain, int(c))
	case inBound:
		x.bound(c)
	case inBrackets:
		x.brackets(c)
	case inCollating:
		x.named(c, '.')
	case inEquivalence:
		x.named(c, '=')
	case inClass:
		x.named(c, ':')
	default:
		if x.flags&extended == 0 {
			x.basic(c)
		} else {
			x.extended(c)
		}
	}
}

func (x *lexer) end() {
	switch x.where {
	case inText, inLiteral:
		x.set(tokEnd, 0)
	case inBound:
		x.fail(openBrace)
	default:
		x.fail(openBracket)
	}
}

// skip passes over white space and comments of an expanded expression.
func (x *lexer) skip() {
	for !x.atEnd() {
		switch c := x.expr[x.pos]; {
		case spaces.has(c):
			x.pos++
		case c == '#':
			for !x.atEnd() && x.expr[x.pos] != '\n' {
				x.pos++
			}
		default:
			return
		}
	}
}

// bound reads between the braces of a quantifier. Only an ARE's may end in }?.
func (x *lexer) bound(c byte) {
	basic := x.flags&extended == 0
	switch {
	case digits.has(c):
		x.set(tokDigit, int(c-'0'))
	case c == ',':
		x.set(',', 0)
	case c == '}' && !basic, c == '\\' && basic && x.eat('}'):
		x.where = inText
		x.quantifier('}')
	default:
		x.fail(badCount)
	}
}

// quantifier sets t with 1, or 0 where the question mark of a non-greedy one follows.
func (x *lexer) quantifier(t token) {
	if x.flags&advanced != 0 && x.eat('?') {
		x.set(t, 0)
		return
	}
	x.set(t, 1)
}

func (x *lexer) brackets(c byte) {
	switch c {
	case '\\':
		if x.flags&advanced == 0 {
			x.set(tokPlain, int(c))
			return
		}
		x.bracketEscape()
	case '-':
		if x.last == '[' || x.sees("]") {
			x.set(tokPlain, int(c))
			return
		}
		x.set(tokRange, int(c))
	case '[':
		x.openNamed()
	case ']':
		if x.last == '[' {
			x.set(tokPlain, int(c))
			return
		}
		x.where = inText
		x.set(']', 0)
	default:
		x.set(tokPlain, int(c))
	}
}

func (x *lexer) bracketEscape() {
	if x.atEnd() {
		x.fail(badEscape)
		return
	}
	x.escape()
	switch x.tok {
	case tokPlain, tokShorthand, tokEnd:
	case tokNotShorthand:
		x.since14 = true // an invalid escape before
	default:
		x.fail(badEscape)
	}
}

func (x *lexer) openNamed() {
	if x.atEnd() {
		x.fail(openBracket)
		return
	}
	switch {
	case x.eat('.'):
		x.where = inCollating
		x.set(tokCollating, 0)
	case x.eat('='):
		x.where = inEquivalence
		x.set(tokEquivalence, 0)
	case x.eat(':'):
		x.where = inClass
		x.set(tokClass, 0)
	default:
		x.set(tokPlain, '[')
	}
}

// named reads the name in [.name.], [=name=] or [:name:].
func (x *lexer) named(c, closing byte) {
	if c == closing && x.eat(']') {
		x.where = inBrackets
		x.set(tokClose, 0)
		return
	}
	x.set(tokPlain, int(c))
}
