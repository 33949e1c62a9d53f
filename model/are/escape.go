package are

// charEscapes are the escapes that stand for one character.
var charEscapes = map[byte]int{
	'a': 7, 'b': '\b', 'B': '\\', 'e': 27, 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v',
}

var constraintEscapes = map[byte]token{
	'A': tokTextBegin, 'Z': tokTextEnd, 'm': tokWordBegin, 'M': tokWordEnd, 'y': tokBoundary, 'Y': tokNotBoundary,
}

// maxChar is the largest character the server knows. None above 255 is ever met
// in a name: such a character is legal and matches nothing.
const maxChar = 0x7ffffffe

// escape reads an ARE's escape behind its backslash; there is at least one byte.
func (x *lexer) escape() {
	c := x.expr[x.pos]
	x.pos++
	if !letters.has(c) && !digits.has(c) {
		x.set(tokPlain, int(c))
		return
	}
	if char, ok := charEscapes[c]; ok {
		x.set(tokPlain, char)
		return
	}
	if t, ok := constraintEscapes[c]; ok {
		x.set(t, 0)
		return
	}
	switch c {
	case 'c':
		if x.atEnd() {
			x.fail(badEscape)
			return
		}
		x.set(tokPlain, int(x.expr[x.pos]&31))
		x.pos++
	case 'd', 's', 'w':
		x.set(tokShorthand, int(c))
	case 'D', 'S', 'W':
		x.set(tokNotShorthand, int(c|32))
	case 'u':
		x.hex(4, 4)
	case 'U':
		x.hex(8, 8)
	case 'x':
		x.hex(1, 255)
	case '0':
		x.pos--
		x.octal()
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		x.pos--
		x.reference()
	default:
		x.fail(badEscape)
	}
}

func (x *lexer) hex(least, most int) {
	n, length := x.number(16, most)
	if length < least || n > maxChar {
		x.fail(badEscape)
		return
	}
	x.set(tokPlain, int(n))
}

// reference reads a decimal number: a back reference where it has one digit or so
// many groups are open or closed by now, else an octal number.
func (x *lexer) reference() {
	from := x.pos
	n, length := x.number(10, 255)
	if length == 1 || n <= maxChar && int(n) > 0 && int(n) <= x.groups {
		x.set(tokReference, int(n))
		return
	}
	x.pos = from
	x.octal()
}

// octal reads up to three digits, two where three would be more than a byte.
func (x *lexer) octal() {
	n, length := x.number(8, 3)
	if length == 0 {
		x.fail(badEscape)
		return
	}
	if n > 255 {
		x.pos--
		n >>= 3
	}
	x.set(tokPlain, int(n))
}

// number reads up to most digits of a base. Like the server's it wraps at 32 bits.
func (x *lexer) number(base uint32, most int) (n uint32, length int) {
	for ; length < most && !x.atEnd(); length++ {
		d := digit(x.expr[x.pos])
		if d >= base {
			break
		}
		n = n*base + d
		x.pos++
	}
	return n, length
}

func digit(c byte) uint32 {
	switch {
	case '0' <= c && c <= '9':
		return uint32(c - '0')
	case 'a' <= c && c <= 'f':
		return uint32(c - 'a' + 10)
	case 'A' <= c && c <= 'F':
		return uint32(c - 'A' + 10)
	default:
		return 255
	}
}
