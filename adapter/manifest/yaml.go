package manifest

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pgmoat/pgmoat/model/artefact"
)

// width is where lines of comments end, and least the room they have however deep they
// stand; values are never broken.
const width, least = 120, 40

// A writer writes trees as YAML in block style. Every text goes through scalar, so that
// all readers see what the tree says; comments stand on their own lines, so that none can
// become part of a value.
type writer struct{ out []byte }

// YAML writes a tree with its comments.
func YAML(m artefact.Map) string {
	var w writer
	if len(m) == 0 {
		return "{}\n"
	}
	w.entries(m, 0)
	return w.String()
}

func (w *writer) String() string { return string(w.out) }

func (w *writer) put(text string) { w.out = append(w.out, text...) }

func (w *writer) pad(indent int) { w.put(strings.Repeat(" ", indent)) }

func (w *writer) line(text string) { w.put(text + "\n") }

func (w *writer) entries(m artefact.Map, indent int) {
	for _, e := range m {
		w.comment(e.Comment, indent)
		w.pad(indent)
		w.entry(e, indent)
	}
}

// entry writes a key with its value, behind what pads it.
func (w *writer) entry(e artefact.Entry, indent int) {
	w.put(scalar(e.Key) + ":")
	w.value(e.Value, indent)
}

func (w *writer) items(l artefact.List, indent int) {
	for _, item := range l {
		w.comment(item.Comment, indent)
		m, _ := item.Value.(artefact.Map)
		if len(m) == 0 {
			w.pad(indent)
			w.put("-")
			w.value(item.Value, indent)
			continue
		}
		w.comment(m[0].Comment, indent)
		w.pad(indent)
		w.put("- ")
		w.entry(m[0], indent+2)
		w.entries(m[1:], indent+2)
	}
}

// value writes what stands behind "key:" or "-", to the end of its last line.
func (w *writer) value(v artefact.Value, indent int) {
	switch v := v.(type) {
	case artefact.Map:
		if len(v) == 0 {
			w.line(" {}")
			return
		}
		w.line("")
		w.entries(v, indent+2)
	case artefact.List:
		if len(v) == 0 {
			w.line(" []")
			return
		}
		w.line("")
		w.items(v, indent+2)
	case string:
		w.text(v, indent)
	case int64:
		w.line(" " + strconv.FormatInt(v, 10))
	case bool:
		w.line(" " + strconv.FormatBool(v))
	case nil:
		w.line(" null")
	}
}

func (w *writer) text(text string, indent int) {
	if !isBlock(text) {
		w.line(" " + scalar(text))
		return
	}
	body, whole := strings.CutSuffix(text, "\n")
	if whole {
		w.line(" |")
	} else {
		w.line(" |-")
	}
	for l := range strings.SplitSeq(body, "\n") {
		if l != "" {
			w.pad(indent + 2)
		}
		w.line(l)
	}
}

// comment writes a text, which may have lines of its own, as a comment.
func (w *writer) comment(text string, indent int) {
	if text == "" {
		return
	}
	for l := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		for _, part := range wrapped(printable(l), max(width-indent-len("# "), least)) {
			w.pad(indent)
			w.line(strings.TrimRight("# "+part, " "))
		}
	}
}

// wrapped breaks a line between its words. The lines that follow stand below the first
// word, of an item of a list too; a word that is longer than the width stays whole.
func wrapped(text string, width int) []string {
	rest := strings.TrimLeft(text, " ")
	margin := text[:len(text)-len(rest)]
	if item, ok := strings.CutPrefix(rest, "- "); ok {
		margin, rest = margin+"- ", item
	}
	var out []string
	line, begun := margin, false
	for word := range strings.FieldsSeq(rest) {
		switch {
		case !begun:
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			out = append(out, line)
			line = strings.Repeat(" ", len(margin)) + word
		default:
			line += " " + word
		}
		begun = true
	}
	return append(out, line)
}

// printable escapes what does not print: a comment must not end before its line does, and
// no text in it may pass for another.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unprintable(r) {
			b.WriteString(escape(r))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
