package report

import (
	"strings"
	"unicode/utf8"
)

// cellWidth is where a list in a cell goes on in the next line.
const cellWidth = 44

// table writes rows in columns as wide as their widest cell, or as a Markdown
// table. The first row is the head.
func (t *text) table(rows [][]string) {
	for _, r := range rows {
		for i, cell := range r {
			r[i] = Printable(cell)
		}
	}
	if t.markdown {
		t.markdownTable(rows)
		return
	}
	var lines [][]string
	for _, r := range rows {
		lines = append(lines, wrapped(r)...)
	}
	widths := make([]int, len(rows[0]))
	for _, r := range lines {
		for i, cell := range r {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range lines {
		var b strings.Builder
		for i, cell := range r {
			b.WriteString("  " + cell)
			if i < len(r)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
			}
		}
		t.line("%s", strings.TrimRight(b.String(), " "))
	}
}

// wrapped breaks the lists of a row into lines; the last column runs on.
func wrapped(row []string) [][]string {
	cells := make([][]string, len(row))
	height := 1
	for i, cell := range row {
		cells[i] = []string{cell}
		if i < len(row)-1 {
			cells[i] = wrap(cell)
		}
		height = max(height, len(cells[i]))
	}
	lines := make([][]string, height)
	for n := range lines {
		lines[n] = make([]string, len(row))
		for i := range row {
			if n < len(cells[i]) {
				lines[n][i] = cells[i][n]
			}
		}
	}
	return lines
}

// wrap breaks a list at its commas.
func wrap(cell string) []string {
	var lines []string
	line := ""
	for _, word := range strings.SplitAfter(cell, ", ") {
		if line != "" && utf8.RuneCountInString(line+word) > cellWidth {
			lines = append(lines, strings.TrimRight(line, " "))
			line = ""
		}
		line += word
	}
	return append(lines, line)
}

func (t *text) markdownTable(rows [][]string) {
	t.line("")
	for i, r := range rows {
		cells := make([]string, len(r))
		for j, cell := range r {
			cells[j] = strings.ReplaceAll(cell, "|", "\\|")
		}
		t.line("| %s |", strings.Join(cells, " | "))
		if i == 0 {
			t.line("|%s", strings.Repeat(" --- |", len(r)))
		}
	}
	t.line("")
}
