// Package authfile reads the lines of pg_hba.conf and pg_ident.conf into fields, as
// servers of 13 to 18 do: continued lines, quotes, @file and include directives, with
// the server's own errors (PostgreSQL src/backend/libpq/hba.c). What fields mean is
// the business of packages hba and ident.
package authfile

import (
	"strings"

	"github.com/pgmoat/pgmoat/model/are"
)

// A Token is one item of a field.
type Token struct {
	Text string
	// Quoted tokens are names even where they read like keywords. A token is quoted
	// when a quote came before its first character.
	Quoted bool
	// Regexp is set by the parsers of records where the token is one: its text then
	// starts with a slash, quoted or not.
	Regexp *are.Regexp
}

// Is reports whether the token is the keyword: keywords are never quoted.
func (t Token) Is(keyword string) bool { return !t.Quoted && t.Text == keyword }

// Group returns the role that an unquoted +role names.
func (t Token) Group() (group string, ok bool) {
	if t.Quoted || t.Text == "" || t.Text[0] != '+' {
		return "", false
	}
	return t.Text[1:], true
}

// String quotes the token where it was quoted or has to be. A quote behind the
// first character protects what follows it and leaves a keyword a keyword.
func (t Token) String() string {
	if t.Quoted || t.Text == "" {
		return Quote(t.Text)
	}
	if !special(t.Text) {
		return t.Text
	}
	return t.Text[:1] + Quote(t.Text[1:])
}

// Quote writes a name so that it is read as one, whatever is in it. A line break
// cannot be written.
func Quote(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }

// special reports whether an unquoted text would not be read as one token.
func special(text string) bool { return strings.ContainsAny(text, " \t\r,#\"") }

// Join writes a field.
func Join(field []Token) string {
	words := make([]string, len(field))
	for i, t := range field {
		words[i] = t.String()
	}
	return strings.Join(words, ",")
}

// A scanner cuts one logical line into tokens.
type scanner struct {
	rest string
	// limit is the longest token in bytes; zero: none.
	limit int
	long  bool // a token was longer
	// comment is what begins at the # that ended the line.
	comment string
}

// next reads one token: blanks and commas before it are skipped; it ends at an
// unquoted blank, comma or #, or at the end of the line, where an open quote ends
// too. comma says that a comma ended it, so that the field goes on; not ok, that
// there is none (hba.c next_token).
func (s *scanner) next() (t Token, comma, ok bool) {
	text, i := s.rest, 0
	for i < len(text) && (blank(text[i]) || text[i] == ',') {
		i++
	}
	start := i
	for i < len(text) && !ends[text[i]] {
		i++
	}
	if i < len(text) && text[i] == '"' || s.limit > 0 && i-start >= s.limit {
		return s.slow(start)
	}
	t.Text = text[start:i]
	comma = s.stop(i)
	return t, comma, t.Text != ""
}

// ends are the bytes at which the quick way stops.
var ends = [256]bool{' ': true, '\t': true, '\r': true, ',': true, '#': true, '"': true}

// blank is pg_isblank: other controls and Unicode spaces are part of a token.
func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// stop goes on after the byte that ended a token; it reports a comma.
func (s *scanner) stop(i int) (comma bool) {
	switch {
	case i == len(s.rest):
		s.rest = ""
	case s.rest[i] == '#':
		s.comment, s.rest = s.rest[i:], ""
	case s.rest[i] == ',':
		s.rest, comma = s.rest[i+1:], true
	default:
		s.rest = s.rest[i:]
	}
	return comma
}

// slow reads a token with quotes in it, or a long one: byte by byte, as the server.
func (s *scanner) slow(i int) (t Token, comma, ok bool) {
	var value []byte
	inQuote, wasQuote, sawQuote := false, false, false
	for ; i < len(s.rest) && (inQuote || !blank(s.rest[i])); i++ {
		c := s.rest[i]
		switch {
		case c == '#' && !inQuote:
			t.Text = string(value)
			s.comment, s.rest = s.rest[i:], ""
			return t, false, sawQuote || len(value) > 0
		case s.limit > 0 && len(value) >= s.limit:
			s.rest, s.long = "", true
			return Token{}, false, false
		case c == ',' && !inQuote:
			t.Text = string(value)
			return t, s.stop(i), sawQuote || len(value) > 0
		}
		if c != '"' || wasQuote {
			value = append(value, c)
		}
		wasQuote = inQuote && c == '"' && !wasQuote
		if c == '"' {
			inQuote, sawQuote = !inQuote, true
			t.Quoted = t.Quoted || len(value) == 0
		}
	}
	t.Text = string(value)
	return t, s.stop(i), sawQuote || len(value) > 0
}
