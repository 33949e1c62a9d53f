package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Write prints the answer in the format: table, md, csv or json.
func (a *Asked) Write(out io.Writer, format string) error {
	switch format {
	case "json":
		return writeJSON(out, a.json())
	case "csv":
		return writeCSV(out, a.csv())
	}
	t := newText(out, format == "md")
	for _, m := range a.answers {
		a.writeAnswer(t, m)
	}
	t.footer(a.World, asFarAs(a.answers), a.assumptions())
	return t.err
}

func writeJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(c1Escaper{out})
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

var answerWord = map[verdict.Verdict]string{verdict.Allow: "yes", verdict.Deny: "no", verdict.Unknown: "cannot tell"}

var canWord = map[verdict.Verdict]string{
	verdict.Allow: "can reach", verdict.Deny: "cannot reach", verdict.Unknown: "may or may not reach"}

func (a *Asked) writeAnswer(t *text, m memberAnswer) {
	who := []string{a.From.String()}
	if len(a.answers) > 1 {
		who = nil
		for _, r := range m.members {
			who = append(who, r.String())
		}
	}
	t.verdict(m.decision.Verdict, "%s: %s %s %s %s", answerWord[m.decision.Verdict],
		strings.Join(who, ", "), canWord[m.decision.Verdict], a.To, sessionText(a.Session))
	if a.Detail == Explain {
		for _, r := range together(m.routes) {
			a.writeRoute(t, r)
		}
	} else {
		a.writeDeciding(t, m)
	}
	a.writeFix(t, m)
}

func sessionText(s reach.Session) string {
	transport := "with TLS"
	if !s.TLS {
		transport = "without TLS"
	}
	if s.Cert != "" {
		transport = "with a client certificate for " + s.Cert
	}
	if s.Replication {
		return fmt.Sprintf("as %s for physical replication, %s", s.Role, transport)
	}
	return fmt.Sprintf("as %s on database %s, %s", s.Role, s.Database, transport)
}

func (a *Asked) writeDeciding(t *text, m memberAnswer) {
	r, ok := m.closest()
	if !ok {
		t.line("  no way leads there: %s", noWay(a.Port))
		return
	}
	t.line("  %s", r.name())
	if s, ok := decisive(r.path); ok {
		t.step(a.World, s)
	}
	if more := len(blockers(r.path.Steps)) - 1; more > 0 {
		t.line("  and %d more in the way; explain shows them all", more)
	}
}

func noWay(port uint16) string {
	if port != 0 {
		return fmt.Sprintf("nothing offers port %d", port)
	}
	return "the client and the server are the same pod, or the server has no pod"
}

func (a *Asked) writeRoute(t *text, r route) {
	t.line("")
	t.verdict(r.path.Verdict, "  %s: %s", r.path.Verdict, r.name())
	for _, s := range r.path.Steps {
		t.step(a.World, s)
	}
	if s := seen(r.path); s != nil {
		for _, line := range seenLines(r.path, s.Addresses) {
			t.line("    %s", line)
		}
	}
	if b := blockers(r.path.Steps); len(b) > 1 {
		t.line("    first blocker: %s; all blockers: %s", b[0].Layer, layers(b))
	}
}

func layers(steps []verdict.Step) string {
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = string(s.Layer)
	}
	return strings.Join(names, ", ")
}

func (a *Asked) writeFix(t *text, m memberAnswer) {
	r, ok := m.closest()
	if !ok {
		return
	}
	fixes := a.fixes(m, r)
	if len(fixes) == 0 {
		return
	}
	t.line("")
	if m.decision.Verdict == verdict.Unknown {
		t.line("  what would settle it:")
	} else {
		t.line("  smallest change that would let it through:")
	}
	for _, f := range fixes {
		t.line("    - %s%s", f.place(), f.Text)
		for _, l := range strings.Split(strings.TrimRight(f.Patch, "\n"), "\n") {
			if l != "" {
				t.line("        %s", l)
			}
		}
	}
}

func asFarAs(answers []memberAnswer) reach.Decision {
	if len(answers) == 0 {
		return reach.Decision{}
	}
	return answers[0].decision
}

// A text writes lines and keeps the first error.
type text struct {
	out      io.Writer
	markdown bool
	colour   bool
	err      error
}

func newText(out io.Writer, markdown bool) *text {
	return &text{out: out, markdown: markdown, colour: !markdown && colourful(out)}
}

// line writes a line; what stands in the arguments is made printable.
func (t *text) line(format string, args ...any) {
	t.raw(fmt.Sprintf(format, t.safe(args)...))
}

// raw writes a line that is printable already, or has colour.
func (t *text) raw(line string) {
	if t.err == nil {
		_, t.err = fmt.Fprintln(t.out, line)
	}
}

// verdict writes a line in the colour of the verdict.
func (t *text) verdict(v verdict.Verdict, format string, args ...any) {
	line := fmt.Sprintf(format, t.safe(args)...)
	switch {
	case t.markdown:
		line = "**" + strings.TrimSpace(line) + "**\n"
	case t.colour:
		line = colours[v] + line + "\x1b[0m"
	}
	t.raw(line)
}

var colours = map[verdict.Verdict]string{
	verdict.Allow: "\x1b[32m", verdict.Deny: "\x1b[31m", verdict.Unknown: "\x1b[33m"}

// step writes a layer's answer and, below it, what a person would edit.
func (t *text) step(world *snapshot.Snapshot, s verdict.Step) {
	bullet := "    "
	if t.markdown {
		bullet = "- "
	}
	t.line("%s%-8s %-15s %s", bullet, s.Verdict, s.Layer, Words(s))
	if s.Facts["message"] != "" {
		t.line("%s%-24s %s", bullet, "", fill("the client is told FATAL {sqlstate}: {message}", s.Facts))
	}
	if !s.Origin.IsZero() {
		t.line("%s%-24s %s", bullet, "", "→ "+world.Locate(s.Origin).String())
	}
}

// footer says how far the answer goes and what it rests on.
func (t *text) footer(world *snapshot.Snapshot, d reach.Decision, assumptions []string) {
	t.line("")
	if d.AsFarAs != "" {
		names := make([]string, len(d.NotDecided))
		for i, l := range d.NotDecided {
			names[i] = string(l)
		}
		t.line("as far as %s; not decided: %s", d.AsFarAs, strings.Join(names, ", "))
	}
	t.assumptions(world, assumptions)
}

// assumptions lists what had to be assumed, with what was left out of reading.
func (t *text) assumptions(world *snapshot.Snapshot, codes []string) {
	if len(codes) == 0 {
		return
	}
	t.line("assumptions:")
	width := 18
	for _, code := range codes {
		width = max(width, len(code))
	}
	for _, a := range snapshot.Assumptions(codes...) {
		t.line("  %s %s", fmt.Sprintf("%-*s", width, a.Code), a.Text)
		if detail := assumedOf(world, a.Code); detail != "" {
			t.line("  %s %s", strings.Repeat(" ", width), detail)
		}
	}
}

// assumedOf names what an assumption is about, where that is something of the estate; empty
// otherwise.
func assumedOf(world *snapshot.Snapshot, code string) string {
	switch code {
	case snapshot.AssumeSkipped:
		return "left out: " + strings.Join(world.Skipped, ", ")
	case snapshot.AssumeNarrowed:
		return "read: " + strings.Join(world.Coverage.Namespaces, ", ")
	case snapshot.AssumeUnlisted:
		var names []string
		for _, k := range world.Coverage.Unlisted() {
			if !k.Decides {
				names = append(names, k.Name)
			}
		}
		return "not listed: " + strings.Join(names, ", ")
	case snapshot.AssumeElsewhere:
		var what []string
		for _, m := range world.Missing {
			what = append(what, m.What)
		}
		return "not read: " + strings.Join(what, ", ")
	}
	return ""
}
