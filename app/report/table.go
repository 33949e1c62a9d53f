package report

import (
	"strings"
	"unicode/utf8"
)

// table writes rows in columns as wide as their widest cell, or as a Markdown table.
func (t *text) table(rows [][]string) {
	if t.markdown {
		t.markdownTable(rows)
		return
	}
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range rows {
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
