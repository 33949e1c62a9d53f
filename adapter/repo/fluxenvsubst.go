package repo

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what variables may make of an object.
const (
	maxSubstituted = 64 << 20
	maxNested      = 64
)

var (
	errSubstitution = errors.New("${…} is nothing that Flux can read; $${…} stands for the text itself")
	errRemoval      = errors.New("${name#…} and ${name%…} are not read here")
	errTooLarge     = errors.New("variables make it larger than 64 MiB")
)

// A substituter reads a text with variables, as Flux's envsubst does (fluxcd/pkg, envsubst):
// ${name}, with what may follow the name; $$ stands for a dollar, and a dollar before anything
// else for itself.
type substituter struct {
	text   string
	at     int
	depth  int
	lookup func(name string) (string, error)
}

// substitute replaces the variables of a text. Lookup returns the empty string for one that is
// not set, as it is for one that is set to nothing.
func substitute(text string, lookup func(string) (string, error)) (string, error) {
	s := substituter{text: text, lookup: lookup}
	var out strings.Builder
	for s.at < len(s.text) {
		switch {
		case s.skip("${"):
			value, err := s.expression()
			if err != nil {
				return "", err
			}
			out.WriteString(value)
		case s.skip("$$"):
			out.WriteByte('$')
		default:
			next := strings.IndexByte(s.text[s.at+1:], '$')
			if next < 0 {
				next = len(s.text) - s.at - 1
			}
			out.WriteString(s.text[s.at : s.at+1+next])
			s.at += 1 + next
		}
		if out.Len() > maxSubstituted {
			return "", errTooLarge
		}
	}
	return out.String(), nil
}

// skip passes a prefix of what is left, if it is there.
func (s *substituter) skip(prefix string) bool {
	if !strings.HasPrefix(s.text[s.at:], prefix) {
		return false
	}
	s.at += len(prefix)
	return true
}

func (s *substituter) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

// expression reads from behind "${" to behind the brace.
func (s *substituter) expression() (string, error) {
	if s.depth++; s.depth > maxNested {
		return "", errSubstitution
	}
	defer func() { s.depth-- }()
	if s.skip("#") {
		return s.length()
	}
	name := s.name()
	if name == "" {
		return "", errSubstitution
	}
	value, err := s.lookup(name)
	switch s.peek() {
	case '}':
		return value, errors.Join(err, s.close())
	case ':':
		if s.at+1 < len(s.text) && strings.IndexByte("=-?+", s.text[s.at+1]) >= 0 {
			s.at += 2
			return s.orElse(value, err)
		}
		s.at++
		return s.part(value, err)
	case '=':
		s.at++
		return s.orElse(value, err)
	case '^', ',':
		return s.cased(value, err)
	case '/':
		s.at++
		return s.replaced(value, err)
	case '#', '%':
		return "", errRemoval
	}
	return "", errSubstitution
}

func (s *substituter) name() string {
	begin := s.at
	for s.at < len(s.text) {
		r, n := utf8.DecodeRuneInString(s.text[s.at:])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		s.at += n
	}
	return s.text[begin:s.at]
}

func (s *substituter) close() error {
	if !s.skip("}") {
		return errSubstitution
	}
	return nil
}

// argument reads text until one of the bytes in end, or one expression; escapes are those of a
// replacement.
func (s *substituter) argument(end string, escapes bool) (string, error) {
	if s.skip("${") {
		return s.expression()
	}
	var b strings.Builder
	for s.at < len(s.text) && strings.IndexByte(end, s.text[s.at]) < 0 && !strings.HasPrefix(s.text[s.at:], "${") {
		if escapes && (strings.HasPrefix(s.text[s.at:], `\/`) || strings.HasPrefix(s.text[s.at:], `\\`) || strings.HasPrefix(s.text[s.at:], "$$")) {
			s.at++
		}
		b.WriteByte(s.text[s.at])
		s.at++
	}
	if b.Len() == 0 {
		return "", errSubstitution
	}
	return b.String(), nil
}

// orElse reads a default. What Flux makes of ":?" and ":+" is a default too. One that is not
// used may hold what nobody can tell.
func (s *substituter) orElse(value string, err error) (string, error) {
	var instead strings.Builder
	var unused error
	for s.peek() != '}' {
		if s.at >= len(s.text) {
			return "", errSubstitution
		}
		at := s.at
		part, perr := s.argument("}", false)
		if perr != nil && (errors.Is(perr, errSubstitution) || s.at == at) {
			return "", perr
		}
		unused = errors.Join(unused, perr)
		instead.WriteString(part)
	}
	if cerr := s.close(); cerr != nil || err != nil || value != "" {
		return value, errors.Join(err, cerr)
	}
	return instead.String(), unused
}

// part reads ${name:offset} and ${name:offset:length}; what is no number leaves the value.
func (s *substituter) part(value string, err error) (string, error) {
	offset, oerr := s.argument(":}", false)
	length, lerr := "", error(nil)
	limited := s.skip(":")
	if limited {
		length, lerr = s.argument("}", false)
	}
	if err := errors.Join(err, oerr, lerr, s.close()); err != nil {
		return "", err
	}
	from, nerr := strconv.Atoi(offset)
	if nerr != nil {
		return value, nil
	}
	if from < 0 {
		from = max(0, len(value)+from)
	}
	from = min(from, len(value))
	if !limited {
		return value[from:], nil
	}
	n, nerr := strconv.Atoi(length)
	switch {
	case nerr != nil:
		return value, nil
	case n < 0:
		return value[from:max(from, len(value)+n)], nil
	}
	return value[from:min(len(value), from+min(n, len(value)))], nil
}

// cased reads ${name^}, ${name^^}, ${name,} and ${name,,}.
func (s *substituter) cased(value string, err error) (string, error) {
	begin := s.at
	for s.at-begin < 2 && (s.peek() == '^' || s.peek() == ',') {
		s.at++
	}
	op := s.text[begin:s.at]
	if err := errors.Join(err, s.close()); err != nil {
		return "", err
	}
	first, n := utf8.DecodeRuneInString(value)
	switch {
	case op == "^^":
		return strings.ToUpper(value), nil
	case op == ",,":
		return strings.ToLower(value), nil
	case value == "" || len(op) == 2: // ",^" is no function, and leaves the value
		return value, nil
	case op == "^":
		return string(unicode.ToUpper(first)) + value[n:], nil
	}
	return string(unicode.ToLower(first)) + value[n:], nil
}

// replaced reads ${name/old/new}, and with "//" for all of them, "/#" for one at the beginning
// and "/%" for one at the end.
func (s *substituter) replaced(value string, err error) (string, error) {
	how := s.peek()
	if how == '/' || how == '#' || how == '%' {
		s.at++
	}
	with, werr := "", error(nil)
	old, oerr := s.argument("/", true) // one that is empty is refused
	if s.peek() != '/' {
		return "", errors.Join(oerr, errSubstitution)
	}
	for s.peek() == '/' {
		s.at++
	}
	whole := s.peek() != '}'
	if whole {
		with, werr = s.argument("}", true)
	}
	if err := errors.Join(err, oerr, werr, s.close()); err != nil {
		return "", err
	}
	switch {
	case how == '/':
		return strings.ReplaceAll(value, old, with), nil
	case how == '#' && whole && strings.HasPrefix(value, old):
		return strings.Replace(value, old, with, 1), nil
	case how == '%' && whole && strings.HasSuffix(value, old):
		return strings.TrimSuffix(value, old) + with, nil
	case how == '#', how == '%':
		return value, nil
	}
	return strings.Replace(value, old, with, 1), nil
}

// length reads ${#name}.
func (s *substituter) length() (string, error) {
	name := s.name()
	if name == "" {
		return "", errSubstitution
	}
	value, err := s.lookup(name)
	return strconv.Itoa(len(value)), errors.Join(err, s.close())
}
