package report

import (
	"bytes"
	"strings"
	"testing"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain, ünïcode → …": "plain, ünïcode → …",
		"\x1b[2Jgone":        `\x1b[2Jgone`,
		"\u009b2J":           `\u009b2J`,
		"a\u202eb":           `a\u202eb`,
		"a\nyes: all fine":   `a\nyes: all fine`,
		"not \xff UTF-8":     `not \xff UTF-8`,
		"tab\tand\x7f":       `tab\tand\x7f`,
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	if got := PrintableLines("a\nb\r"); got != "a\nb\\r" {
		t.Errorf("lines: %q", got)
	}
}

// Nothing that a name holds reaches the terminal as a command, in any format.
func TestFormatsArePrintable(t *testing.T) {
	const name = "\x1b]0;x\x07\u009b2J"
	for _, write := range map[string]func(*bytes.Buffer) error{
		"line": func(out *bytes.Buffer) error {
			text := newText(out, false)
			text.line("%-20s|%d", name, 7)
			return text.err
		},
		"table": func(out *bytes.Buffer) error {
			text := newText(out, true)
			text.table([][]string{{"FROM"}, {name}})
			return text.err
		},
		"csv":  func(out *bytes.Buffer) error { return writeCSV(out, [][]string{{name}}) },
		"json": func(out *bytes.Buffer) error { return writeJSON(out, map[string]string{name: name}) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil || strings.ContainsAny(out.String(), "\x1b\x07\u009b") {
			t.Errorf("%v: %q", err, out.String())
		}
	}
}
