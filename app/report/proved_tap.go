package report

import (
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/engine/prove"
)

// diagnosticYAML is what stands below a test that is not ok.
type diagnosticYAML struct {
	Message string   `json:"message"`
	Result  string   `json:"result"`
	File    string   `json:"file,omitempty"`
	Line    int      `json:"line,omitempty"`
	Details []string `json:"details"`
}

// tap writes version 14 of the Test Anything Protocol: a test for each statement. One that
// is unknown is not ok, and says so behind its name, since it is no test to be done later.
func (p *Proved) tap(out io.Writer) error {
	var b strings.Builder
	b.WriteString("TAP version 14\n")
	if text := p.unproven(); text != "" {
		for _, e := range p.Errors {
			b.WriteString("# " + Printable(p.errorLine(e)) + "\n")
		}
		b.WriteString("Bail out! " + Printable(text) + "\n")
		_, err := io.WriteString(out, b.String())
		return err
	}
	fmt.Fprintf(&b, "1..%d\n", len(p.statements()))
	for i, s := range p.statements() {
		if err := p.tapTest(&b, i+1, s); err != nil {
			return err
		}
	}
	b.WriteString("# " + Printable(p.summaryLine()) + "\n")
	_, err := io.WriteString(out, b.String())
	return err
}

func (p *Proved) tapTest(b *strings.Builder, number int, s prove.Statement) error {
	name := fmt.Sprintf("%d - %s", number, tapEscape(title(s)))
	switch s.Result {
	case prove.Proven:
		b.WriteString("ok " + name + "\n")
		return nil
	case prove.Refuted:
		b.WriteString("not ok " + name + "\n")
	default:
		b.WriteString("not ok " + name + " # UNKNOWN " + tapEscape(p.firstReason(s)) + "\n")
	}
	o := p.located(s.Origin)
	d := diagnosticYAML{Message: Printable(claim(s)), Result: s.Result.String(), File: Printable(o.File), Line: o.Line, Details: []string{}}
	for _, l := range p.details(s) {
		d.Details = append(d.Details, Printable(l))
	}
	text, err := yaml.Marshal(d)
	if err != nil {
		return fmt.Errorf("%s: %w", title(s), err)
	}
	b.WriteString("  ---\n")
	for l := range strings.Lines(string(text)) {
		b.WriteString("  " + l)
	}
	b.WriteString("  ...\n")
	return nil
}

// firstReason is the code of the first doubt of a statement.
func (p *Proved) firstReason(s prove.Statement) string {
	if len(s.Doubts) == 0 {
		return "no reason was given"
	}
	return string(s.Doubts[0].Reason)
}

// tapEscape makes text the name of a test: a number sign would begin a directive.
func tapEscape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "#", `\#`).Replace(Printable(text))
}

// errorLine is an intent that cannot be compiled, as compilers write it.
func (p *Proved) errorLine(e compile.Error) string {
	word := "error"
	if e.Warning {
		word = "warning"
	}
	at := p.located(e.Origin).String()
	if at != "" {
		at += ": "
	}
	return at + word + ": " + e.Text
}
