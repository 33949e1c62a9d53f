package manifest

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Remarks are what comes with artefacts, in the JSON that commands and files have.
type Remarks struct {
	Gaps  []Gap  `json:"gaps"`
	Notes []Note `json:"notes"`
}

// A Gap is an artefact.Gap in JSON.
type Gap struct {
	Code        string `json:"code"`
	Backend     string `json:"backend"`
	What        string `json:"what"`
	Consequence string `json:"consequence"`
	// Carried is the backend that carries it all the same; empty for none.
	Carried string         `json:"carried"`
	Origin  verdict.Origin `json:"origin"`
}

// A Note is an artefact.Note in JSON.
type Note struct {
	Code   string         `json:"code"`
	Text   string         `json:"text"`
	Origin verdict.Origin `json:"origin"`
}

// RemarksOf takes the gaps and notes, with the lines that locate finds; it may be nil.
func RemarksOf(out *compile.Output, locate func(verdict.Origin) verdict.Origin) Remarks {
	if locate == nil {
		locate = func(o verdict.Origin) verdict.Origin { return o }
	}
	r := Remarks{Gaps: []Gap{}, Notes: []Note{}}
	for _, g := range out.Gaps {
		r.Gaps = append(r.Gaps, Gap{g.Code, g.Backend, g.What, g.Consequence, g.Carried, locate(g.Origin)})
	}
	for _, n := range out.Notes {
		r.Notes = append(r.Notes, Note{n.Code, n.Text, locate(n.Origin)})
	}
	return r
}

// Open counts the gaps that no other layer carries.
func (r *Remarks) Open() int {
	open := 0
	for _, g := range r.Gaps {
		if g.Carried == "" {
			open++
		}
	}
	return open
}

// Words say what is missing, what comes of it, and who carries it.
func (g *Gap) Words() string {
	text := fmt.Sprintf("%s: %s: %s", g.Backend, g.What, g.Consequence)
	if g.Carried != "" {
		text += fmt.Sprintf("; %s carries it", g.Carried)
	}
	return text
}

// text is the remarks as a list for people.
func (r *Remarks) text() string {
	var b strings.Builder
	if len(r.Gaps) > 0 {
		b.WriteString("\nNot expressed:\n")
	}
	for _, g := range r.Gaps {
		b.WriteString("- " + g.Words() + place(g.Code, g.Origin))
	}
	if len(r.Notes) > 0 {
		b.WriteString("\nNotes:\n")
	}
	for _, n := range r.Notes {
		b.WriteString("- " + n.Text + place(n.Code, n.Origin))
	}
	return b.String()
}

func place(code string, o verdict.Origin) string {
	if o.IsZero() {
		return fmt.Sprintf(" [%s]\n", code)
	}
	return fmt.Sprintf(" [%s, %s]\n", code, o)
}
