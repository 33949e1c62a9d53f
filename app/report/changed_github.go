package report

import (
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// annotations writes the difference as workflow commands of GitHub Actions, one for rows
// of one kind and cause [GitHub Docs, "Workflow commands for GitHub Actions"].
func (c *Changed) annotations(out io.Writer) error {
	t := newText(out, false)
	for _, server := range c.servers() {
		for _, block := range c.rowBlocks(server) {
			c.annotateRows(t, block)
		}
		for _, f := range c.flowsOf(server) {
			c.annotate(t, annotationLevel(f.Kind), f.Causes, "vital flow "+flowWord(f.Kind)+" of "+f.Server.String(),
				append([]string{flowWhat(f)}, c.becauseText(f.Proof, f.Causes)...))
		}
		for _, p := range c.controlsOf(server) {
			c.annotate(t, annotationLevel(p.Kind), p.Causes, fmt.Sprintf("control port %s of %s", p.Kind, p.Server),
				append([]string{fmt.Sprintf("%d %s from %s: %s", p.Port.Port, p.Port.Name, clients(p.From), p.Port.Why)}, c.becauseText(p.Proof, p.Causes)...))
		}
	}
	t.raw(workflowCommand("notice", verdict.Origin{}, "pgmoat diff", c.headline()))
	return t.err
}

func (c *Changed) annotateRows(t *text, rows []change.Row) {
	var lines []string
	for _, r := range c.lines(rows[:min(len(rows), mostRows)]) {
		lines = append(lines, fmt.Sprintf("%s as %s on %s: %s", r.from, r.roles, r.databases, r.how))
	}
	if more := len(rows) - mostRows; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	lines = append(lines, c.becauseText(rows[0].Proof, rows[0].Causes)...)
	lines = append(lines, "try "+shellLine(c.command(&rows[0])))
	c.annotate(t, rowsLevel(rows), rows[0].Causes, string(rows[0].Kind)+": "+rows[0].Server.String(), lines)
}

// annotate writes one annotation at the place of the first cause that has one.
func (c *Changed) annotate(t *text, level string, causes []change.Cause, title string, lines []string) {
	t.raw(workflowCommand(level, c.annotated(causes), title, strings.Join(printables(lines), "\n")))
}

// annotationLevel: what certainly opened or is cut is an error.
func annotationLevel(kind change.Kind) string {
	if kind == change.Opened || kind == change.Cut {
		return "error"
	}
	return "warning"
}

// rowsLevel: what --fail-on takes for certain is an error, also where somebody who got in
// before now gets in by asking for less.
func rowsLevel(rows []change.Row) string {
	for i := range rows {
		opens, _ := rows[i].Opens()
		cuts, _ := rows[i].Cuts()
		if opens || cuts {
			return "error"
		}
	}
	return "warning"
}

// annotated is where the first cause stands in the new side, or else in the old one; zero
// where no cause is in a file.
func (c *Changed) annotated(causes []change.Cause) verdict.Origin {
	for _, side := range []struct {
		world *snapshot.Snapshot
		of    func(change.Cause) verdict.Origin
	}{
		{c.New.World, func(e change.Cause) verdict.Origin { return e.New }},
		{c.Old.World, func(e change.Cause) verdict.Origin { return e.Old }},
	} {
		for _, e := range causes {
			if o := side.world.Locate(side.of(e)); sarifAt(o).Physical != nil {
				return o
			}
		}
	}
	return verdict.Origin{}
}

// becauseText is what was edited, as lines of a message.
func (c *Changed) becauseText(proof network.Proof, causes []change.Cause) []string {
	lines := c.becauseLines(proof, causes)
	lines[0] = "because " + lines[0]
	return lines
}

func printables(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = Printable(l)
	}
	return out
}

// workflowCommand writes "::error file=…,line=…,title=…::message".
func workflowCommand(level string, at verdict.Origin, title, message string) string {
	var properties []string
	if at.File != "" {
		properties = append(properties, "file="+commandProperty(Printable(path.Clean(filepath.ToSlash(at.File)))))
		if at.Line > 0 {
			properties = append(properties, fmt.Sprintf("line=%d", at.Line))
		}
	}
	properties = append(properties, "title="+commandProperty(Printable(title)))
	return "::" + level + " " + strings.Join(properties, ",") + "::" + commandMessage(message)
}

// commandMessage escapes what would end a message
// [actions/toolkit packages/core/src/command.ts escapeData].
func commandMessage(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// commandProperty escapes what would end a property
// [actions/toolkit packages/core/src/command.ts escapeProperty].
func commandProperty(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(commandMessage(text))
}
