package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/engine/draft"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Imported is a draft of intents with what became of it when it was compiled back.
type Imported struct {
	*draft.Result
	Judgement *draft.Judgement
	World     *snapshot.Snapshot
}

// ImportedFormats are what Imported.Write knows, beside the YAML itself.
var ImportedFormats = []string{"table", "md", "json"}

// ImportedSummary counts. Lost are losses that are real or ask somebody to act, Kept those
// that lines or policies which stay let in all the same.
type ImportedSummary struct {
	Perimeters int `json:"perimeters"`
	Accesses   int `json:"accesses"`
	Gains      int `json:"gains"`
	Lost       int `json:"lost"`
	Kept       int `json:"kept"`
	Doubtful   int `json:"doubtful"`
	Mended     int `json:"mended"`
}

// Summary counts what there is.
func (r *Imported) Summary() ImportedSummary {
	j := r.Judgement
	s := ImportedSummary{Gains: len(j.Gains) + len(j.GainControls), Doubtful: len(j.Doubts), Mended: len(j.Mended)}
	for _, site := range r.Sites {
		if site.Perimeter != nil {
			s.Perimeters++
		}
		s.Accesses += len(site.Accesses)
		for _, l := range site.Lost {
			switch l.State {
			case draft.Real, draft.ByHand:
				s.Lost++
			case draft.Doubtful:
				s.Doubtful++
			case draft.Kept:
				s.Kept++
			}
		}
	}
	return s
}

// IsEmpty reports whether nothing was drafted.
func (r *Imported) IsEmpty() bool { return r.Summary().Perimeters == 0 }

// headline says whether the draft is the same access.
func (r *Imported) headline() string {
	s := r.Summary()
	switch {
	case r.IsEmpty():
		return "nothing was drafted"
	case s.Gains > 0:
		return "DO NOT APPLY: compiled, this draft lets in who is refused today"
	case s.Lost > 0:
		return "compiles back to the same access but for " + counted(s.Lost, "thing") + " that could not be expressed; nobody gains any"
	case s.Doubtful > 0:
		return "compiles back to the same access as far as is known; nobody gains any"
	}
	return "compiles back to the same access"
}

func (r *Imported) verdict() verdict.Verdict {
	switch s := r.Summary(); {
	case s.Gains+s.Lost > 0:
		return verdict.Deny
	case s.Doubtful > 0:
		return verdict.Unknown
	}
	return verdict.Allow
}

// Write prints in one of ImportedFormats.
func (r *Imported) Write(out io.Writer, format string) error {
	if format == "json" {
		return writeJSON(out, r.json())
	}
	t := newText(out, format == "md")
	t.verdict(r.verdict(), "%s", r.headline())
	for _, s := range r.Sites {
		r.site(t, s)
	}
	for _, section := range r.remarks() {
		t.line("")
		t.heading(section.title)
		for _, line := range section.lines {
			t.item(line)
		}
	}
	return t.err
}

// site lists the accesses of one server.
func (r *Imported) site(t *text, s *draft.Site) {
	t.line("")
	t.line("%s", s.Server.Ref().String())
	if s.Perimeter == nil {
		return
	}
	table := [][]string{{"ACCESS", "FROM", "DATABASES", "ROLE", "HOW"}}
	for _, a := range s.Accesses {
		for i, e := range a.To {
			name, from := a.Name, draftClients(a)
			if i > 0 {
				name, from = "", ""
			}
			table = append(table, []string{name, from, strings.Join(e.Databases, ", "), e.Role, how(e)})
		}
	}
	if len(table) == 1 {
		t.line("  no access: nobody but the server's own pods and its operator gets in by what an access can ask for")
		return
	}
	t.table(table)
}

// draftClients names the clients of an access.
func draftClients(a *draft.Access) string {
	var names []string
	for _, p := range a.Access.From {
		switch {
		case p.NamespaceSelector != nil:
			names = append(names, "every pod")
		case p.Pods != nil && len(*p.Pods) == 0:
			names = append(names, "every pod of "+strings.Join(p.Namespaces, ", "))
		}
	}
	if len(a.Clients) > 0 {
		names = append(names, clients(a.Clients))
	}
	return strings.Join(names, ", ")
}

// how says what else an entry asks for.
func how(e intent.Entry) string {
	words := []string{map[intent.Authentication]string{intent.SCRAM: "SCRAM", intent.Certificate: "certificate",
		intent.SCRAMAndCertificate: "SCRAM and certificate"}[e.Authentication]}
	if e.Pooler != "" {
		words = append(words, "through "+e.Pooler)
	}
	if e.Endpoint == intent.ReadOnly {
		words = append(words, "read-only")
	}
	if e.PlainText {
		words = append(words, "TLS optional")
	}
	return strings.Join(words, ", ")
}

// A remarkSection is lines of one kind.
type remarkSection struct {
	title string
	lines []string
	// matters says that a person has to read it before the draft is used.
	matters bool
}

// remarks say what the draft is not.
func (r *Imported) remarks() []remarkSection {
	j := r.Judgement
	list := []remarkSection{{title: "let in who is refused today, by what the perimeter opens for the server to live", matters: true}, {title: "not expressed", matters: true},
		{title: "to do by hand", matters: true}, {title: "not known today", matters: true},
		{title: "not asked for, and let in all the same by lines and policies that stay"}, {title: "mended by the perimeter: the server needs it, and today it is cut"},
		{title: "policies that the draft takes the place of"}, {title: "policies that select other pods too, and stay"}}
	for _, g := range j.Gains {
		list[0].lines = append(list[0].lines, gainWords(g.From, g.Server, g.Databases, g.Roles))
	}
	for _, c := range j.GainControls {
		list[0].lines = append(list[0].lines, fmt.Sprintf("%s: port %d (%s) of %s", clients(c.From), c.Port.Port, c.Port.Name, c.Server))
	}
	for _, s := range r.Sites {
		for _, l := range s.Lost {
			at := map[draft.State]int{draft.Real: 1, draft.ByHand: 2, draft.Doubtful: 3, draft.Kept: 4}[l.State]
			if at > 0 && (at != 4 || l.IsAboutSQL()) {
				list[at].lines = append(list[at].lines, r.lossWords(l)...)
			}
		}
		for i, policies := range [2][]string{policyNames(r, s.Drawn), policyNames(r, s.Shared)} {
			if s.Perimeter != nil {
				list[6+i].lines = append(list[6+i].lines, policies...)
			}
		}
	}
	for _, row := range j.Doubts {
		list[3].lines = append(list[3].lines, gainWords(row.From, row.Server, row.Databases, row.Roles))
	}
	for _, f := range j.Mended {
		list[5].lines = append(list[5].lines, f.Server.String()+": "+flowWhat(f))
	}
	for i := range list {
		slices.Sort(list[i].lines)
		list[i].lines = slices.Compact(list[i].lines)
	}
	return slices.DeleteFunc(list, func(s remarkSection) bool { return len(s.lines) == 0 })
}

// gainWords names sessions.
func gainWords(from []snapshot.Ref, server snapshot.Ref, databases, roles []string) string {
	return fmt.Sprintf("%s: %s of %s as %s", clients(from), someOf(databases), server, someOf(roles))
}

// lossWords say who loses what.
func (r *Imported) lossWords(l *draft.Loss) []string {
	at := l.Code
	if o := r.World.Locate(l.Origin); !o.IsZero() {
		at += ", " + o.String()
	}
	rest := l.What + ": " + l.Consequence + " [" + at + "]"
	parts := l.Parts()
	if !l.IsAboutSQL() {
		parts = clientsAlone(parts)
	}
	var out []string
	for _, p := range parts {
		text := l.Server.String() + ": " + clients(p.From)
		if len(p.Databases) > 0 && p.Databases[0] != "" {
			text += ": " + someOf(p.Databases) + " as " + someOf(p.Roles)
		}
		out = append(out, text+": "+rest)
	}
	if out == nil {
		out = []string{l.Server.String() + ": " + rest}
	}
	return out
}

// clientsAlone leaves out of which sessions it is about.
func clientsAlone(parts []draft.Part) []draft.Part {
	var all draft.Part
	for _, p := range parts {
		for _, ref := range p.From {
			if !slices.Contains(all.From, ref) {
				all.From = append(all.From, ref)
			}
		}
	}
	if all.From == nil {
		return nil
	}
	return []draft.Part{all}
}

// mostNames is how many databases or roles are named in a line.
const mostNames = 8

func someOf(names []string) string {
	words := make([]string, min(len(names), mostNames))
	for i := range words {
		words[i] = strings.Trim(names[i], "()") // "(any other)", "(physical replication)"
	}
	text := strings.Join(words, ", ")
	if more := len(names) - mostNames; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

// Witness is the command that asks about a gain.
func (r *Imported) witness(row *change.Row) string {
	w := row.Witness
	return fmt.Sprintf("%s, database %s as %s", shortRef(w.From), w.Session.Database, w.Session.Role)
}

// Remark prints the headline, and what a person has to know before he uses the draft.
func (r *Imported) Remark(out io.Writer) error {
	t := newText(out, false)
	t.line("pgmoat: %s", r.headline())
	for _, section := range r.remarks() {
		if section.matters {
			t.line("pgmoat: %s: %d, as the comment above the draft says", section.title, len(section.lines))
		}
	}
	return t.err
}
