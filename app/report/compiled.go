package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Compiled is what was made of intents, and what kept from making it.
type Compiled struct {
	// Job is what was compiled; nil where errors kept from it.
	Job *compile.Job
	// Output is what came of it; nil where errors kept from it.
	Output *compile.Output
	Errors []compile.Error
	// Unread says that a document could not be read, so that nothing was compiled.
	Unread bool
	// Proof is what became of the output when it was held against what was asked; nil where
	// nobody asked.
	Proof *Proved
	// Locate leads an origin to its line; nil leaves it as it is.
	Locate func(verdict.Origin) verdict.Origin
}

// Failed reports whether an intent could not be compiled; warnings do not count.
func (c *Compiled) Failed() bool { return c.summary().Errors > 0 }

// CompiledFormats are what Compiled.Write knows, the first by default.
var CompiledFormats = []string{"table", "md", "json"}

// Write prints in one of CompiledFormats.
func (c *Compiled) Write(out io.Writer, format string) error {
	if format == "json" {
		return writeJSON(out, c.json())
	}
	t := newText(out, format == "md")
	c.writeErrors(t)
	c.writeObjects(t)
	c.writeFields(t)
	c.writeRemarks(t)
	c.writeExpired(t)
	t.line("%s", c.summaryLine())
	c.writeHarm(t)
	return t.err
}

func (c *Compiled) located(o verdict.Origin) verdict.Origin {
	if c.Locate == nil {
		return o
	}
	return c.Locate(o)
}

// artefacts are none where there is no output.
func (c *Compiled) artefacts() []artefact.Artefact {
	if c.Output == nil {
		return nil
	}
	return c.Output.Artefacts
}

func (c *Compiled) remarks() manifest.Remarks {
	if c.Output == nil {
		return manifest.RemarksOf(&compile.Output{}, nil)
	}
	return manifest.RemarksOf(c.Output, c.Locate)
}

// expired are the accesses that ask for nothing any more.
func (c *Compiled) expired() []*intent.Access {
	var out []*intent.Access
	if c.Job != nil {
		for _, s := range c.Job.Sites {
			out = append(out, s.Expired...)
		}
	}
	return out
}

// heading writes what a list is of.
func (t *text) heading(title string) {
	if t.markdown {
		t.line("\n## %s\n", strings.ToUpper(title[:1])+title[1:])
		return
	}
	t.line("%s:", title)
}

// item writes an entry of a list, with lines below it that are about it.
func (t *text) item(entry string, below ...string) {
	bullet := "  "
	if t.markdown {
		bullet, entry = "- ", prose(entry)
	}
	t.line("%s%s", bullet, entry)
	for _, l := range below {
		if t.markdown {
			l = prose(l)
		}
		t.line("    %s", l)
	}
}

// writeErrors writes errors as compilers do, the place first, and then warnings.
func (c *Compiled) writeErrors(t *text) {
	for _, warnings := range []bool{false, true} {
		for _, e := range c.Errors {
			if e.Warning == warnings {
				c.writeError(t, e)
			}
		}
	}
	if len(c.Errors) > 0 {
		t.line("")
	}
}

func (c *Compiled) writeError(t *text, e compile.Error) {
	v, word := verdict.Deny, "error"
	if e.Warning {
		v, word = verdict.Unknown, "warning"
	}
	at := c.located(e.Origin).String()
	if at != "" {
		at += ": "
	}
	t.verdict(v, "%s%s: %s", at, word, e.Text)
	for i, l := range strings.Split(strings.TrimRight(e.Fix, "\n"), "\n") {
		switch {
		case l == "":
		case i == 0:
			t.line("  fix: %s", l)
		default:
			t.line("    %s", l)
		}
	}
}

func (c *Compiled) writeObjects(t *text) {
	begun := false
	for _, a := range c.artefacts() {
		if a.Object == nil {
			continue
		}
		if !begun {
			t.heading("objects")
		}
		begun = true
		t.item(fmt.Sprintf("%s (%s)", a.Ref, a.Backend), c.asked(a)...)
	}
	if begun {
		t.line("")
	}
}

func (c *Compiled) writeFields(t *text) {
	begun := false
	for _, a := range c.artefacts() {
		if a.Object != nil {
			continue
		}
		if !begun {
			t.heading("fields of objects that are not pgmoat's")
		}
		begun = true
		names := make([]string, len(a.Fields))
		for i, f := range a.Fields {
			names[i] = f.Name()
		}
		t.item(fmt.Sprintf("%s (%s): %s", a.Ref, a.Backend, strings.Join(names, ", ")), c.asked(a)...)
	}
	if begun {
		t.line("")
	}
}

// maxAsked is how many intents are named below an artefact; -o json names all.
const maxAsked = 3

func (c *Compiled) asked(a artefact.Artefact) []string {
	var out []string
	for i, o := range a.Because {
		if i == maxAsked {
			return append(out, fmt.Sprintf("and %d more", len(a.Because)-i))
		}
		out = append(out, "← "+c.located(o).String())
	}
	return out
}

func (c *Compiled) writeRemarks(t *text) {
	r := c.remarks()
	if len(r.Gaps) > 0 {
		t.heading("not expressed")
		for _, g := range r.Gaps {
			t.item(g.Words(), source(g.Code, g.Origin))
		}
		t.line("")
	}
	if len(r.Notes) > 0 {
		t.heading("notes")
		for _, n := range r.Notes {
			t.item(n.Text, source(n.Code, n.Origin))
		}
		t.line("")
	}
}

func source(code string, o verdict.Origin) string {
	if o.IsZero() {
		return "→ " + code
	}
	return fmt.Sprintf("→ %s, %s", code, o)
}

func (c *Compiled) writeExpired(t *text) {
	ended := c.expired()
	if len(ended) == 0 {
		return
	}
	t.heading("ended, and compiled to nothing")
	for _, a := range ended {
		t.item(fmt.Sprintf("%s, until %s", accessRef(a), moment(a.Until)), "← "+c.located(a.Origin).String())
	}
	t.line("")
}

func accessRef(a *intent.Access) snapshot.Ref {
	return snapshot.Ref{Kind: "PostgresAccess", Namespace: a.Namespace, Name: a.Name}
}

func moment(m snapshot.Moment) string { return time.Unix(int64(m), 0).UTC().Format(time.RFC3339) }

func (c *Compiled) summaryLine() string {
	s := c.summary()
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{s.Errors, "error"}, {s.Warnings, "warning"}, {s.Objects, "object"}, {s.Fields, "field"}, {s.Gaps, "gap"}, {s.Notes, "note"}} {
		if p.n > 0 {
			parts = append(parts, counted(p.n, p.what))
		}
	}
	if s.Open > 0 {
		parts = append(parts, fmt.Sprintf("%d of the gaps carried by no other layer", s.Open))
	}
	if s.Expired > 0 {
		parts = append(parts, fmt.Sprintf("%d ended", s.Expired))
	}
	text := strings.Join(parts, ", ")
	if proof := c.proofLine(); proof != "" {
		text = strings.TrimPrefix(text+"; "+proof, "; ")
	}
	switch {
	case s.Errors > 0:
		return text + "; nothing was compiled"
	case c.Unread:
		return "nothing was compiled: something could not be read"
	case text == "":
		return "nothing was asked for"
	default:
		return text
	}
}
