package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// AuditFormats are what Audited.Write knows, the first by default.
var AuditFormats = []string{"table", "json", "csv", "md", "sarif", "junit"}

// Audited is what an audit found.
type Audited struct {
	World   *snapshot.Snapshot
	Rules   []*audit.Rule // those that were to be checked
	Result  audit.Result
	Version string // of this program
}

// Write prints the findings in one of AuditFormats.
func (a *Audited) Write(out io.Writer, format string) error {
	switch format {
	case "json":
		return writeJSON(out, a.json())
	case "csv":
		return a.csv(out)
	case "sarif":
		return writeJSON(out, a.sarif())
	case "junit":
		return a.junit(out)
	case "md":
		return a.markdown(out)
	}
	return a.table(out)
}

// rule returns a rule's documentation; an empty one for an id that is not among ours.
func (a *Audited) rule(id string) *audit.Rule {
	for _, r := range a.Rules {
		if r.ID == id {
			return r
		}
	}
	return &audit.Rule{ID: id}
}

// A group is the findings of a severity, or those in doubt.
type group struct {
	title    string
	findings []audit.Finding
}

func (a *Audited) groups() []group {
	var out []group
	for _, s := range audit.Severities {
		if fs := a.findings(func(f audit.Finding) bool { return f.Certain && f.Severity == s }); len(fs) > 0 {
			out = append(out, group{s.String(), fs})
		}
	}
	if fs := a.findings(func(f audit.Finding) bool { return !f.Certain }); len(fs) > 0 {
		out = append(out, group{"in doubt: these may or may not hold", fs})
	}
	return out
}

func (a *Audited) findings(keep func(audit.Finding) bool) []audit.Finding {
	var out []audit.Finding
	for _, f := range a.Result.Findings {
		if keep(f) {
			out = append(out, f)
		}
	}
	return out
}

func (a *Audited) table(out io.Writer) error {
	t := newText(out, false)
	for _, g := range a.groups() {
		t.severity(g.findings[0], "%s (%d)", g.title, len(g.findings))
		for _, f := range g.findings {
			a.writeFinding(t, f)
		}
		t.line("")
	}
	for _, n := range a.notChecked() {
		t.line("not checked: %s", n)
	}
	t.line("%s", a.summaryLine())
	t.assumptions(a.World, a.Result.Assumptions)
	return t.err
}

func (a *Audited) writeFinding(t *text, f audit.Finding) {
	t.line("")
	t.line("  %s %s", f.Rule, a.rule(f.Rule).Title)
	t.line("    → %s", a.World.Locate(f.Origin))
	for _, l := range paragraph(f.Message) {
		t.line("    %s", l)
	}
	for _, s := range f.Because {
		if s.Layer != "" {
			t.line("    because: %s: %s", s.Layer, Words(s))
		}
	}
	for _, o := range f.Also {
		t.line("    also: %s", a.World.Locate(o))
	}
	for i, l := range strings.Split(strings.TrimRight(f.Fix, "\n"), "\n") {
		switch {
		case l == "":
		case i == 0:
			t.line("    fix: %s", l)
		default:
			t.line("      %s", l)
		}
	}
}

// severity writes a heading in the colour of what is below it.
func (t *text) severity(f audit.Finding, format string, args ...any) {
	line := fmt.Sprintf(format, t.safe(args)...)
	if t.colour {
		line = severityColour(f) + line + "\x1b[0m"
	}
	t.raw(line)
}

func severityColour(f audit.Finding) string {
	switch {
	case !f.Certain || f.Severity == audit.Medium:
		return "\x1b[33m"
	case f.Severity >= audit.High:
		return "\x1b[31m"
	}
	return "\x1b[36m"
}

// paragraph breaks a text between words into lines for a terminal.
func paragraph(text string) []string {
	const width = 92
	var out []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			out, line = append(out, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(out, line)
}

// notChecked says, a line for each reason, which rules were not checked.
func (a *Audited) notChecked() []string {
	var order []string
	rules := map[string][]string{}
	for _, n := range a.Result.NotChecked {
		key := n.Reason
		if n.Subject != (snapshot.Ref{}) {
			key = n.Subject.String() + ": " + n.Reason
		}
		if rules[key] == nil {
			order = append(order, key)
		}
		rules[key] = append(rules[key], n.Rule)
	}
	for i, key := range order {
		order[i] = strings.Join(a.families(rules[key]), ", ") + ": " + key
	}
	return order
}

// families writes ids, and for all of a family its name: "all EXP".
func (a *Audited) families(ids []string) []string {
	size, rest := map[string]int{}, map[string]int{}
	for _, r := range a.Rules {
		size[r.ID[:3]]++
		rest[r.ID[:3]]++
	}
	for _, id := range ids {
		rest[id[:3]]--
	}
	var out []string
	for _, id := range ids {
		if rest[id[:3]] == 0 && size[id[:3]] > 1 {
			id = "all " + id[:3]
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// summaryJSON counts. Findings in doubt are not among those of their severity.
type summaryJSON struct {
	Critical   int `json:"critical"`
	High       int `json:"high"`
	Medium     int `json:"medium"`
	Low        int `json:"low"`
	Doubtful   int `json:"doubtful"`
	Rules      int `json:"rules"`
	NotChecked int `json:"notChecked"`
}

func (a *Audited) summary() summaryJSON {
	of := func(s audit.Severity) int {
		return len(a.findings(func(f audit.Finding) bool { return f.Certain && f.Severity == s }))
	}
	skipped := map[string]bool{}
	for _, n := range a.Result.NotChecked {
		skipped[n.Rule] = true
	}
	return summaryJSON{of(audit.Critical), of(audit.High), of(audit.Medium), of(audit.Low),
		a.Result.Doubtful(), len(a.Rules), len(skipped)}
}

func (a *Audited) summaryLine() string {
	s := a.summary()
	found := fmt.Sprintf("%d critical, %d high, %d medium, %d low", s.Critical, s.High, s.Medium, s.Low)
	if a.Result.Found() == 0 {
		found = "nothing found"
	}
	if s.Doubtful > 0 {
		found += fmt.Sprintf(", %d in doubt", s.Doubtful)
	}
	return fmt.Sprintf("%s; %d rules, %d of them not checked or not everywhere", found, s.Rules, s.NotChecked)
}

// auditJSON is docs/json.md's audit. Fields are added, never renamed or removed.
type auditJSON struct {
	Findings    []findingJSON         `json:"findings"`
	NotChecked  []audit.NotChecked    `json:"notChecked"`
	Assumptions []snapshot.Assumption `json:"assumptions"`
	Problems    []problemJSON         `json:"problems"`
	Warnings    []snapshot.Warning    `json:"warnings"`
	Summary     summaryJSON           `json:"summary"`
}

// findingJSON is a finding with its lines found and its steps in words.
type findingJSON struct {
	audit.Finding
	Title   string     `json:"title"`
	Because []stepJSON `json:"because,omitempty"`
}

func (a *Audited) json() auditJSON {
	out := auditJSON{
		Findings: []findingJSON{}, NotChecked: []audit.NotChecked{}, Summary: a.summary(),
		Assumptions: snapshot.Assumptions(a.Result.Assumptions...),
		Problems:    problems(a.World), Warnings: warnings(a.World),
	}
	out.NotChecked = append(out.NotChecked, a.Result.NotChecked...)
	for _, f := range a.Result.Findings {
		f.Origin = a.World.Locate(f.Origin)
		j := findingJSON{Finding: f, Title: a.rule(f.Rule).Title, Because: allStepped(a.World, f.Because)}
		j.Also = nil
		for _, o := range f.Also {
			j.Also = append(j.Also, a.World.Locate(o))
		}
		out.Findings = append(out.Findings, j)
	}
	return out
}

func (a *Audited) csv(out io.Writer) error {
	rows := [][]string{{"rule", "severity", "certain", "namespace", "subject", "file", "line", "object", "field", "message", "fix"}}
	for _, f := range a.Result.Findings {
		o := a.World.Locate(f.Origin)
		rows = append(rows, []string{f.Rule, f.Severity.String(), strconv.FormatBool(f.Certain), f.Namespace, f.Subject.String(),
			o.File, strconv.Itoa(o.Line), o.Object, o.Field, f.Message, f.Fix})
	}
	return writeCSV(out, rows)
}

func (a *Audited) markdown(out io.Writer) error {
	t := newText(out, true)
	t.line("%s\n", a.summaryLine())
	for _, g := range a.groups() {
		t.line("## %s (%d)\n", strings.ToUpper(g.title[:1])+g.title[1:], len(g.findings))
		for _, f := range g.findings {
			t.line("### %s: %s\n", f.Rule, a.rule(f.Rule).Title)
			t.line("`%s`\n\n%s\n", a.World.Locate(f.Origin), prose(f.Message))
			for _, s := range f.Because {
				if s.Layer != "" {
					t.line("- %s: %s", s.Layer, prose(Words(s)))
				}
			}
			for _, o := range f.Also {
				t.line("- also `%s`", a.World.Locate(o))
			}
			if f.Fix != "" {
				t.line("\nFix:\n\n```text\n%s\n```\n", strings.TrimRight(f.Fix, "\n"))
			}
		}
	}
	for _, n := range a.notChecked() {
		t.line("- not checked: %s", prose(n))
	}
	t.line("")
	for _, s := range snapshot.Assumptions(a.Result.Assumptions...) {
		t.line("- assumed: %s (`%s`)", s.Text, s.Code)
	}
	return t.err
}

// prose keeps what Markdown would take for markup as it is.
func prose(text string) string {
	return strings.NewReplacer("<", "\\<", "*", "\\*", "_", "\\_", "`", "\\`", "|", "\\|", "[", "\\[").Replace(text)
}
