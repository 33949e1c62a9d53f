package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

const (
	// mostMarkdown is how long the Markdown becomes at most, in bytes: a comment at GitHub
	// holds 65,536 characters, and other text may stand beside.
	mostMarkdown = 60_000
	// mostUnfolded is how many rows of a server stand open; more are folded.
	mostUnfolded = 20
	// mostCell is how many characters of a name or of a cause a cell shows.
	mostCell = 400
)

// A sheet is Markdown of limited length. All that comes from files stands in code, where
// nothing is markup, a link or a mention.
type sheet struct {
	strings.Builder
	leftOut int
}

// add writes text that belongs together, if what is still to be closed fits after it.
func (s *sheet) add(text string, closing int) bool {
	if s.Len()+len(text)+closing > mostMarkdown {
		s.leftOut++
		return false
	}
	_, _ = s.WriteString(text)
	return true
}

// rows writes a table, those after the first few folded.
func (s *sheet) rows(head []string, rows [][]string, what string) {
	if len(rows) == 0 {
		return
	}
	top := "\n" + cells(head) + "|" + strings.Repeat(" --- |", len(head)) + "\n"
	open := min(len(rows), mostUnfolded)
	s.tableOf(top, rows[:open], "\n")
	if len(rows) > open {
		fold := fmt.Sprintf("<details><summary>%d more %s</summary>\n", len(rows)-open, what)
		s.tableOf(fold+top, rows[open:], "\n</details>\n\n")
	}
}

func (s *sheet) tableOf(top string, rows [][]string, end string) {
	if !s.add(top, len(end)+len(cells(rows[0]))+endReserve) {
		s.leftOut += len(rows) - 1
		return
	}
	for _, r := range rows {
		s.add(cells(r), len(end)+endReserve)
	}
	_, _ = s.WriteString(end)
}

func cells(row []string) string { return "| " + strings.Join(row, " | ") + " |\n" }

// cell writes foreign text for a table: a code span.
func cell(text string) string { return strings.ReplaceAll(code(text), "|", `\|`) }

// code writes foreign text as a code span, whatever backticks it has.
func code(text string) string {
	text = Printable(text)
	if short := []rune(text); len(short) > mostCell {
		text = string(short[:mostCell]) + "…"
	}
	if strings.TrimSpace(text) == "" {
		return ""
	}
	fence := strings.Repeat("`", backticks(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// backticks is the length of the longest run of them.
func backticks(text string) int {
	longest, run := 0, 0
	for _, r := range text {
		run++
		if r != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// codeBlock writes lines as they are.
func codeBlock(text string) string {
	fence := strings.Repeat("`", max(3, backticks(text)+1))
	return "\n" + fence + "text\n" + strings.TrimRight(text, "\n") + "\n" + fence + "\n"
}

// endReserve is kept for the lines at the end.
const endReserve = 1000

// markdown writes the difference for a pull request: the counts, tables, and folded
// what each row is known by.
func (c *Changed) markdown(out io.Writer) error {
	s := &sheet{}
	s.add(fmt.Sprintf("### pgmoat: %s\n\nFrom %s to %s.\n", c.headline(), code(c.Old.Name), code(c.New.Name)), endReserve)
	for _, one := range c.Removed {
		s.add(fmt.Sprintf("\n− %s is only in %s.\n", code(one.Ref().String()), code(c.Old.Name)), endReserve)
	}
	for _, one := range c.Added {
		s.add(fmt.Sprintf("\n+ %s is only in %s.\n", code(one.Ref().String()), code(c.New.Name)), endReserve)
	}
	for _, server := range c.servers() {
		c.serverMarkdown(s, server)
	}
	c.detailsMarkdown(s)
	c.endMarkdown(s)
	_, err := io.WriteString(out, s.String())
	return err
}

func (c *Changed) serverMarkdown(s *sheet, server snapshot.Ref) {
	s.add("\n#### "+code(server.String())+"\n", endReserve)
	var rows [][]string
	for _, block := range c.rowBlocks(server) {
		because := c.becauseCell(block[0].Causes)
		for _, r := range c.lines(block) {
			rows = append(rows, []string{signs[block[0].Kind] + " " + string(block[0].Kind), cell(r.from), cell(r.databases), cell(r.roles), cell(r.how), because})
		}
	}
	s.rows([]string{"", "From", "Database", "Role", "Ways", "Because"}, rows, "rows")
	var flows [][]string
	for _, f := range c.flowsOf(server) {
		flows = append(flows, []string{flowSigns[f.Kind] + " " + flowWord(f.Kind), cell(flowWhat(f)), c.becauseCell(f.Causes)})
	}
	s.rows([]string{"", "Vital flow", "Because"}, flows, "vital flows")
	var ports [][]string
	for _, p := range c.controlsOf(server) {
		ports = append(ports, []string{signs[p.Kind] + " " + string(p.Kind), cell(fmt.Sprintf("%d %s", p.Port.Port, p.Port.Name)), cell(clients(p.From)),
			cell(p.Port.Why), c.becauseCell(p.Causes)})
	}
	s.rows([]string{"", "Control port", "From", "Why it matters", "Because"}, ports, "control ports")
}

// becauseCell names the causes; the details tell what is known of them.
func (c *Changed) becauseCell(causes []change.Cause) string {
	if len(causes) == 0 {
		return "an edit that was not found"
	}
	var spans []string
	for _, line := range c.causeLines(causes[:min(len(causes), mostCauses)]) {
		spans = append(spans, cell(line))
	}
	if more := len(causes) - mostCauses; more > 0 {
		spans = append(spans, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(spans, "<br>")
}

// detailsMarkdown folds what the tables rest on: an attempt to try for each kind and
// cause, and the steps that decide.
func (c *Changed) detailsMarkdown(s *sheet) {
	const end = "\n</details>\n"
	if len(c.kinds()) == 0 || !s.add("\n<details><summary>Attempts to try, and the steps that decide</summary>\n", endReserve+len(end)) {
		return
	}
	for _, server := range c.servers() {
		for _, text := range c.details(server) {
			s.add(codeBlock(text), endReserve+len(end))
		}
	}
	_, _ = s.WriteString(end)
}

// details are what the table format says of a server, in pieces that can be left out.
func (c *Changed) details(server snapshot.Ref) []string {
	var out []string
	piece := func(write func(*text)) {
		var b strings.Builder
		write(newText(&b, false))
		out = append(out, server.String()+"\n"+b.String())
	}
	for _, block := range c.rowBlocks(server) {
		piece(func(t *text) { c.blockText(t, block, 1) })
	}
	for _, f := range c.flowsOf(server) {
		piece(func(t *text) { c.flowText(t, f) })
	}
	for _, p := range c.controlsOf(server) {
		piece(func(t *text) { c.controlText(t, p) })
	}
	return out
}

// endMarkdown says what had no effect, and what was left out.
func (c *Changed) endMarkdown(s *sheet) {
	if line := c.idleLine(); line != "" {
		_, _ = s.WriteString("\n" + line + ".\n")
	}
	if s.leftOut > 0 {
		_, _ = fmt.Fprintf(s, "\nLeft out because it would be too long: %s. `pgmoat diff -o json` has them all.\n", counted(s.leftOut, "part"))
	}
}
