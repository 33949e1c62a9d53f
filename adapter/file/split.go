package file

import (
	"bytes"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// A chunk is one document of a file: a slice of its bytes.
type chunk struct {
	file string
	// via is what rendered the document, which then has no lines; empty for that of a file.
	via  string
	data []byte
	// line is that of data[0], 1-based.
	line int
	// marked says that a "---" began it; then an empty one is a document too.
	marked bool
}

// split cuts a file at the lines that YAML reserves for it: "---" begins a
// document and "..." ends one, wherever they stand at the beginning of a line
// (YAML 1.2, 9.1.2: even inside a scalar). What follows "---" on its line belongs
// to the document.
func split(f content) []chunk {
	var out []chunk
	data := f.data
	c := chunk{file: f.name, line: 1}
	start, counted, line := 0, 0, 1
	for pos := 0; pos < len(data); {
		size := marker(data[pos:])
		if size > 0 {
			line += bytes.Count(data[counted:pos], []byte{'\n'})
			counted = pos
			c.data = data[start:pos]
			out = append(out, c)
			c = chunk{file: f.name, line: line, marked: data[pos] == '-'}
			start = pos + size
		}
		next := bytes.IndexByte(data[pos:], '\n')
		if next < 0 {
			break
		}
		pos += next + 1
	}
	c.data = data[start:]
	out = append(out, c)
	if len(out) > 1 && blank(out[0].data) {
		out = out[1:] // what stands before the first marker is no document
	}
	return out
}

// marker returns the length of the marker that the line begins with, else 0.
func marker(line []byte) int {
	if len(line) < 3 || string(line[:3]) != "---" && string(line[:3]) != "..." {
		return 0
	}
	if len(line) == 3 || bytes.IndexByte([]byte(" \t\r\n"), line[3]) >= 0 {
		return 3
	}
	return 0
}

// blank reports whether a chunk has nothing but white space, comments and
// directives.
func blank(data []byte) bool {
	_, at := firstLine(data)
	return at == len(data)
}

// firstLine returns how many lines stand before the first that has content, and
// where that line begins.
func firstLine(data []byte) (lines, at int) {
	for at < len(data) {
		end := bytes.IndexByte(data[at:], '\n')
		line := data[at:]
		if end >= 0 {
			line = data[at : at+end]
		}
		text := bytes.TrimSpace(line)
		if len(text) > 0 && text[0] != '#' && line[0] != '%' {
			return lines, at
		}
		if end < 0 {
			return lines, len(data)
		}
		at += end + 1
		lines++
	}
	return lines, at
}

// source is where an object of the document came from, when it begins at the line.
func (c chunk) source(line int) object.Source {
	return object.Source{File: c.file, Line: line, Via: c.via}
}

// begins returns the line of the first content.
func (c chunk) begins() int {
	if c.via != "" {
		return 0
	}
	lines, _ := firstLine(c.data)
	return c.line + lines
}

// lineAt returns the line of an offset.
func (c chunk) lineAt(offset int) int {
	if c.via != "" {
		return 0
	}
	return c.line + bytes.Count(c.data[:min(max(offset, 0), len(c.data))], []byte{'\n'})
}
