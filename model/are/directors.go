package are

import "strings"

// flags are the dialect and its options.
type flags uint16

const (
	extended   flags = 1 << iota // the expression is an ERE or an ARE
	advanced                     // it is an ARE
	quoted                       // it is literal text
	foldCase                     // (?i)
	expanded                     // (?x): white space and comments mean nothing
	stopAtLine                   // (?p), (?n): . and [^…] never match a newline
	anchorLine                   // (?w), (?n): ^ and $ match around newlines too

	byLine = stopAtLine | anchorLine
)

// directors reads what may only stand at the beginning: `***` with what follows,
// then, for an ARE, one group of option letters.
func (x *lexer) directors() {
	if rest, ok := strings.CutPrefix(x.expr, "***"); ok && rest != "" {
		switch rest[0] {
		case '?':
			x.fail(badPattern)
			return
		case '=':
			x.flags = quoted
			x.pos = 4
			return
		case ':':
			x.pos = 4
		default:
			x.fail(badOperand)
			return
		}
	}
	x.options()
}

func (x *lexer) options() {
	rest := x.expr[x.pos:]
	if len(rest) < 3 || rest[:2] != "(?" || !letters.has(rest[2]) {
		return
	}
	x.pos += 2
	for ; x.pos < len(x.expr) && letters.has(x.expr[x.pos]); x.pos++ {
		if !x.flags.option(x.expr[x.pos]) {
			x.fail(badOption)
			return
		}
	}
	if !x.eat(')') {
		x.fail(badOption)
		return
	}
	if x.flags&quoted != 0 {
		x.flags &^= expanded | byLine
	}
}

// option applies one letter; the later of two that contradict each other wins.
func (f *flags) option(letter byte) bool {
	switch letter {
	case 'b':
		*f &^= extended | advanced | quoted
	case 'c':
		*f &^= foldCase
	case 'e':
		*f = *f&^(advanced|quoted) | extended
	case 'i':
		*f |= foldCase
	case 'm', 'n':
		*f |= byLine
	case 'p':
		*f = *f&^anchorLine | stopAtLine
	case 'q':
		*f = *f&^(extended|advanced) | quoted
	case 's':
		*f &^= byLine
	case 't':
		*f &^= expanded
	case 'w':
		*f = *f&^stopAtLine | anchorLine
	case 'x':
		*f |= expanded
	default:
		return false
	}
	return true
}
