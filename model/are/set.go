package are

import "math/bits"

// A set is a set of bytes. Under SQL_ASCII, which is how the postmaster reads
// pg_hba.conf and pg_ident.conf, every byte is one character.
type set [4]uint64

func (s *set) add(b byte)     { s[b>>6] |= 1 << (b & 63) }
func (s set) has(b byte) bool { return s[b>>6]&(1<<(b&63)) != 0 }

func (s *set) addRange(from, to int) {
	for c := from; c <= to && c <= 255; c++ {
		s.add(byte(c)) //nolint:gosec // at most 255, in the line above
	}
}

func (s set) union(o set) set {
	for i := range s {
		s[i] |= o[i]
	}
	return s
}

func (s set) not() set {
	for i := range s {
		s[i] = ^s[i]
	}
	return s
}

func (s set) without(o set) set {
	for i := range s {
		s[i] &^= o[i]
	}
	return s
}

// fold adds the other case of the ASCII letters in s: the C locale has no others.
func (s set) fold() set {
	const letters = (1<<26 - 1) << 1
	both := (s[1] | s[1]>>32) & letters
	s[1] |= both | both<<32
	return s
}

// bytes lists the members in ascending order.
func (s set) bytes() []byte {
	var out []byte
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			out = append(out, byte(i<<6|bits.TrailingZeros64(w))) //nolint:gosec // 0..255
		}
	}
	return out
}

// span returns the bytes between two characters; none above 255 is a byte.
func span(from, to int) set {
	var s set
	s.addRange(from, to)
	return s
}

var (
	digits   = span('0', '9')
	letters  = span('a', 'z').union(span('A', 'Z'))
	spaces   = span('\t', '\r').union(span(' ', ' '))
	newline  = span('\n', '\n')
	word     = letters.union(digits).union(span('_', '_'))
	anything = set{}.not()
)

// classes are the names of [:name:]. The C locale knows ASCII only, but for
// cntrl, which has the C1 controls in every locale.
var classes = map[string]set{
	"alnum":  letters.union(digits),
	"alpha":  letters,
	"ascii":  span(0, 0x7f),
	"blank":  span(' ', ' ').union(span('\t', '\t')),
	"cntrl":  span(0, 0x1f).union(span(0x7f, 0x9f)),
	"digit":  digits,
	"graph":  span('!', '~'),
	"lower":  span('a', 'z'),
	"print":  span(' ', '~'),
	"punct":  span('!', '~').without(letters).without(digits),
	"space":  spaces,
	"upper":  span('A', 'Z'),
	"word":   word, // since PostgreSQL 14
	"xdigit": digits.union(span('a', 'f')).union(span('A', 'F')),
}

// escapeClass returns what \d, \s and \w stand for.
func escapeClass(c int) set {
	switch c {
	case 'd':
		return digits
	case 's':
		return spaces
	default:
		return word
	}
}

// collating are the names of [.name.] and [=name=] that are not the character
// itself: POSIX's names of the portable character set, and ASCII's of its controls.
var collating = collatingNames()

func collatingNames() map[string]int {
	m := map[string]int{
		"alert": 7, "backspace": 8, "tab": 9, "newline": 10, "vertical-tab": 11, "form-feed": 12, "carriage-return": 13,
		"IS4": 28, "IS3": 29, "IS2": 30, "IS1": 31, "DEL": 127,
		"hyphen-minus": '-', "full-stop": '.', "solidus": '/', "reverse-solidus": '\\',
		"circumflex-accent": '^', "low-line": '_', "left-curly-bracket": '{', "right-curly-bracket": '}',
	}
	controls := [...]string{
		"NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI",
		"DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
		"space", "exclamation-mark", "quotation-mark", "number-sign", "dollar-sign", "percent-sign", "ampersand",
		"apostrophe", "left-parenthesis", "right-parenthesis", "asterisk", "plus-sign", "comma", "hyphen", "period",
		"slash", "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "colon", "semicolon",
		"less-than-sign", "equals-sign", "greater-than-sign", "question-mark", "commercial-at",
	}
	for i, name := range controls {
		m[name] = i
	}
	for i, name := range [...]string{"left-square-bracket", "backslash", "right-square-bracket", "circumflex", "underscore", "grave-accent"} {
		m[name] = '[' + i
	}
	for i, name := range [...]string{"left-brace", "vertical-line", "right-brace", "tilde"} {
		m[name] = '{' + i
	}
	return m
}
