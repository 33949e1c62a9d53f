package hbarules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/are"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
)

// HBA1018 finds lines of pg_ident.conf that let one identity be many roles, or more
// identities than were meant. Maps that no record asks for do nothing, and are quiet.
var HBA1018 = &audit.Rule{
	ID:       "HBA1018",
	Title:    "a user name map that is too wide",
	Severity: audit.High,
	Why: `A map says which certificate, or user of the system, may be which role, and any of its
lines may say yes. Since 16 the role may be all, +group or an expression: then one
identity is as many roles. Expressions match anywhere in the name unless ^ and $ hold
them: "/@example.com" also takes mallory@example.com.evil.org.`,
	Bad: `-- pg_hba.conf --
hostssl ledger all 10.0.0.0/8 cert map=staff
host all all all reject
-- pg_ident.conf --
staff /@example\.com all
`,
	Good: `-- pg_hba.conf --
hostssl ledger all 10.0.0.0/8 cert map=staff
host all all all reject
-- pg_ident.conf --
staff /^([a-z]+)@example\.com$ \1
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			used := f.mapsUsed()
			if !f.postgres() || len(used) == 0 {
				return
			}
			if len(f.server.Maps.Errors) > 0 {
				f.notInForce(p, f.server.Maps.Errors, "pg_ident.conf", "which user name maps are in force is not known: ")
				return
			}
			for _, m := range f.server.Maps.Mappings {
				if m.Origin.Note == "" && slices.Contains(used, m.Map) {
					f.mapping(p, m)
				}
			}
		})
	},
}

// mapsUsed are the maps that the file's records ask for, the operator's excepted.
func (f file) mapsUsed() []string {
	var out []string
	for _, r := range f.own() {
		if r.Map() != "" && r.Method != "reject" {
			out = append(out, r.Map())
		}
	}
	return out
}

func (f file) mapping(p *audit.Pass, m ident.Mapping) {
	var why []string
	switch {
	case m.System.Regexp == nil:
	case everyName(m.System) && m.Role.Regexp == nil && !strings.Contains(m.Role.Text, `\1`):
		why = append(why, fmt.Sprintf("%s matches every name", m.System))
	case unanchored(m.System) != "":
		why = append(why, unanchored(m.System))
	}
	if f.version() >= 16 {
		_, group := m.Role.Group()
		switch {
		case group, m.Role.Is("all"):
			why = append(why, fmt.Sprintf("%s makes %s of one identity", m.Role, roleWords(m.Role)))
		case m.Role.Regexp != nil && everyName(m.Role):
			why = append(why, fmt.Sprintf("%s makes every role of one identity", m.Role))
		case m.Role.Regexp != nil && unanchored(m.Role) != "":
			why = append(why, unanchored(m.Role))
		}
	}
	if len(why) == 0 {
		return
	}
	p.Report(audit.Finding{Subject: f.ref, Origin: m.Origin, Certain: true,
		Message: fmt.Sprintf("map %s of pg_ident.conf is too wide in \"%s %s %s\": %s", name(m.Map), m.Map, m.System, m.Role, strings.Join(why, ", and ")),
		Fix:     "hold expressions with ^ and $, and name one role a line"})
}

// everyName reports whether an expression matches whatever there is.
func everyName(t hba.Token) bool {
	l, ok := t.Regexp.Language()
	return ok && l.Equal(are.All())
}

// unanchored says what an expression takes besides what it seems to say; "" where ^
// and $, or an explicit .*, hold every branch of it.
func unanchored(t hba.Token) string {
	expr := strings.TrimPrefix(t.Text, "/")
	if rest, ok := strings.CutPrefix(expr, "(?"); ok { // options such as (?i)
		if _, after, ok := strings.Cut(rest, ")"); ok && !strings.HasPrefix(rest, ":") {
			expr = after
		}
	}
	for _, branch := range branches(expr) {
		start := strings.HasPrefix(branch, "^") || strings.HasPrefix(branch, `\A`) || strings.HasPrefix(branch, ".*")
		end := endsHeld(branch)
		switch {
		case !start && !end:
			return fmt.Sprintf("%s matches anywhere in a name%s", t, also(t, "my", "_admin"))
		case !start:
			return fmt.Sprintf("%s matches the end of longer names%s", t, also(t, "my", ""))
		case !end:
			return fmt.Sprintf("%s matches the beginning of longer names%s", t, also(t, "", "_admin"))
		}
	}
	return ""
}

func endsHeld(branch string) bool {
	body, held := strings.CutSuffix(branch, "$")
	escapes := len(body) - len(strings.TrimRight(body, `\`))
	if held && escapes%2 == 0 || strings.HasSuffix(branch, `\Z`) {
		return true
	}
	body, open := strings.CutSuffix(branch, ".*")
	escapes = len(body) - len(strings.TrimRight(body, `\`))
	return open && escapes%2 == 0 // who writes .* at the end means longer names
}

// also is a name that the expression takes, with something around what it says.
func also(t hba.Token, before, after string) string {
	said := strings.Trim(t.Text, `/^$\AZ`)
	if said == "" || strings.ContainsAny(said, `.*+?()[]{}|\^$ `) {
		return ""
	}
	if matched, known := t.Regexp.Match(before + said + after); !matched || !known {
		return ""
	}
	return ", also " + before + said + after
}

// branches are what | divides at the top of an expression.
func branches(expr string) []string {
	var out []string
	depth, from, class := 0, 0, false
	for i := 0; i < len(expr); i++ {
		switch c := expr[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			out, from = append(out, expr[from:i]), i+1
		}
	}
	return append(out, expr[from:])
}
