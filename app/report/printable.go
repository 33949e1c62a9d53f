package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable writes out what a terminal would obey or hide: control characters,
// marks that turn the direction of the text, bytes that are no UTF-8. Names come
// from files that anybody may have written.
func Printable(text string) string { return escaped(text, "") }

// PrintableLines is Printable that leaves the ends of lines as they are.
func PrintableLines(text string) string { return escaped(text, "\n") }

func escaped(text, kept string) string {
	plain := func(r rune) bool {
		return r != utf8.RuneError && unicode.IsPrint(r) || strings.ContainsRune(kept, r)
	}
	if strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for rest := text; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		if plain(r) {
			b.WriteRune(r)
		} else {
			quoted := strconv.QuoteToASCII(rest[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		rest = rest[size:]
	}
	return b.String()
}

// A shown is an argument of a format that is written with escape.
type shown struct {
	value  any
	escape func(string) string
}

// Format formats the value as it would be without us.
func (s shown) Format(f fmt.State, verb rune) {
	_, _ = io.WriteString(f, s.escape(fmt.Sprintf(fmt.FormatString(f, verb), s.value)))
}

// safe makes the arguments of a format printable; a Markdown text may have lines.
func (t *text) safe(args []any) []any {
	escape := Printable
	if t.markdown {
		escape = PrintableLines
	}
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = shown{a, escape}
	}
	return out
}

// c1Escaper writes out the controls that encoding/json leaves as they are: DEL and
// those of U+0080 to U+009F, among them one that begins a terminal's commands.
type c1Escaper struct{ out io.Writer }

// Write takes whole JSON values, as a json.Encoder hands them over.
func (e c1Escaper) Write(p []byte) (int, error) {
	text := string(p)
	if strings.IndexFunc(text, isC1) < 0 {
		return e.out.Write(p)
	}
	var b strings.Builder
	for _, r := range text {
		if isC1(r) {
			_, _ = fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	if _, err := io.WriteString(e.out, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

func isC1(r rune) bool { return r >= 0x7f && r <= 0x9f }
