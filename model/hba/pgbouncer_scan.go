package hba

import (
	"net/netip"
	"strconv"
	"strings"
)

// A bouncerKind is what the scanner stands at.
type bouncerKind uint8

const (
	bouncerBroken bouncerKind = iota // a quote that nothing closes
	bouncerEnd
	bouncerComma
	bouncerWord
	bouncerQuoted
)

// A bouncerScanner cuts one line into tokens [pgbouncer src/hba.c next_token]. It
// stands at one of them.
type bouncerScanner struct {
	kind bouncerKind
	text string // of words and of what was quoted
	rest string // what follows it
}

// scanBouncer stands at the first token of a line, which ends at a NUL.
func scanBouncer(line string) bouncerScanner {
	line, _, _ = strings.Cut(line, "\x00")
	s := bouncerScanner{rest: line}
	s.next()
	return s
}

// word is the token's text where it is not quoted: keywords never are.
func (s *bouncerScanner) word() string {
	if s.kind == bouncerWord {
		return s.text
	}
	return ""
}

// next goes to the next token, which may follow without a blank: a quote ends a word,
// and a word begins behind a quote.
func (s *bouncerScanner) next() {
	if s.kind == bouncerEnd {
		return
	}
	text := trimSpace(s.rest)
	switch {
	case text == "" || text[0] == '#':
		*s = bouncerScanner{kind: bouncerEnd}
	case text[0] == ',':
		*s = bouncerScanner{kind: bouncerComma, rest: text[1:]}
	case text[0] == '"':
		*s = quotedBouncer(text)
	default:
		end := strings.IndexAny(text[1:], ",#\""+spaces) + 1
		if end == 0 {
			end = len(text)
		}
		*s = bouncerScanner{kind: bouncerWord, text: text[:end], rest: text[end:]}
	}
}

// quotedBouncer reads what is in quotes; two of them are one.
func quotedBouncer(text string) bouncerScanner {
	item, rest, ok := cutItem(text)
	if !ok {
		return bouncerScanner{rest: text}
	}
	return bouncerScanner{kind: bouncerQuoted, text: item, rest: rest}
}

// inetPton reads an address as the C library's inet_pton: no scope, no short forms.
func inetPton(text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(text)
	return addr, err == nil && !strings.Contains(text, "%")
}

// strtoul reads a whole text as C's strtoul with base 10: no digits at all are zero,
// and a minus counts from the end.
func strtoul(text string) (uint64, bool) {
	digits := strings.TrimPrefix(text, "-")
	if digits == text {
		digits = strings.TrimPrefix(text, "+")
	}
	if text == "" {
		return 0, true
	}
	if strings.ContainsAny(digits, "+-_") {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if text[0] == '-' {
		n = -n
	}
	return n, err == nil
}

// bouncerOptions are the options of ldap, which PgBouncer reads when a client comes:
// what is no option is left out.
func bouncerOptions(rest string) []Option {
	var out []Option
	for s := scanBouncer(rest); s.kind != bouncerEnd && s.kind != bouncerBroken; s.next() {
		name, value, ok := strings.Cut(s.word(), "=")
		if !ok {
			continue
		}
		if after := s; strings.HasPrefix(s.rest, `"`) && value == "" { // name="value"
			after.next()
			s, value = after, after.text
		}
		out = append(out, Option{name, value})
	}
	return out
}
