package authfile

import (
	"bytes"
	"strings"
)

// A text is a file being read line by line.
type text struct {
	rest    string
	version int
	number  int // of the next physical line
	buffer  *buffer
}

func newText(content string, version int) text {
	t := text{rest: content, version: version, number: 1}
	if strings.IndexByte(content, 0) >= 0 {
		t.buffer = &buffer{size: 1024}
	}
	return t
}

// A raw is one logical line: what the server cuts into tokens after it joined
// continued lines.
type raw struct {
	text   string
	number int // of its first physical line
	lines  int // how many physical lines it is
	long   bool
}

// maxLine is the length of a line, its end included, at which 13 gives up.
const maxLine = 20479

// next returns the next logical line.
func (t *text) next() (raw, bool) {
	if t.rest == "" {
		return raw{}, false
	}
	r := raw{number: t.number, lines: 1}
	if t.version < 14 {
		r.text, r.long = t.fixed()
		t.number++
		return r, true
	}
	r.text = strip(t.physical(0))
	last := 0
	for len(r.text) > last && r.text[len(r.text)-1] == '\\' {
		last = len(r.text) - 1
		r.text = r.text[:last]
		if t.rest == "" {
			break
		}
		r.text = strip(r.text + t.physical(len(r.text)))
		r.lines++
	}
	t.number += r.lines
	return r, true
}

func strip(line string) string { return strings.TrimRight(line, "\r\n") }

// physical cuts off the next physical line, of one that holds some bytes already.
func (t *text) physical(held int) string {
	if t.buffer != nil {
		return t.buffered(held)
	}
	end := strings.IndexByte(t.rest, '\n') + 1
	if end == 0 {
		end = len(t.rest)
	}
	line := t.rest[:end]
	t.rest = t.rest[end:]
	return line
}

// fixed reads a line as 13 does, into a buffer of its own size: what is longer is
// an error, and the rest of it is the next line.
func (t *text) fixed() (line string, long bool) {
	end := strings.IndexByte(t.rest, '\n') + 1
	if end == 0 {
		end = len(t.rest)
	}
	line = t.rest[:min(end, maxLine)]
	t.rest = t.rest[len(line):]
	line = untilNUL(line)
	return strip(line), len(line) == maxLine
}

func untilNUL(line string) string {
	if end := strings.IndexByte(line, 0); end >= 0 {
		return line[:end]
	}
	return line
}

// A buffer has the size of the server's line buffer, which matters to files with a
// NUL byte alone: it starts with 1024 bytes, doubles, and stays as large.
type buffer struct{ size int }

// buffered reads a line into the buffer as fgets does: what it puts behind a NUL byte
// is not seen, and as the line's end is among that, reading goes on
// (pg_get_line_append).
func (t *text) buffered(held int) string {
	var out bytes.Buffer
	for t.rest != "" {
		end := strings.IndexByte(t.rest, '\n') + 1
		if end == 0 {
			end = len(t.rest)
		}
		chunk := t.rest[:min(end, t.buffer.size-held-out.Len()-1)]
		t.rest = t.rest[len(chunk):]
		seen := untilNUL(chunk)
		out.WriteString(seen)
		if strings.HasSuffix(seen, "\n") {
			break
		}
		for t.buffer.size < held+out.Len()+128+1 {
			t.buffer.size *= 2
		}
	}
	return out.String()
}
