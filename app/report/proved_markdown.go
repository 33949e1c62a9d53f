package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/prove"
)

// resultOrder is the order in which Markdown has the results: what somebody has to look at
// comes first.
var resultOrder = []prove.Result{prove.Refuted, prove.Unknown, prove.Proven}

// resultSigns mark the results in Markdown.
var resultSigns = map[prove.Result]string{prove.Refuted: "❌", prove.Unknown: "❔", prove.Proven: "✅"}

// markdown writes the proof for a pull request: the counts, what is refuted and what is
// unknown with all that is known of it, and folded what is proven.
func (p *Proved) markdown(out io.Writer) error {
	s := &sheet{}
	s.add("### pgmoat prove: "+p.headline()+"\n", endReserve)
	if p.AsIs {
		s.add("\nThe estate as it stands; nothing that is compiled was laid over it.\n", endReserve)
	}
	p.block(s, p.compiled().writeErrors)
	for _, r := range resultOrder[:2] {
		for _, one := range p.statements() {
			if one.Result == r {
				p.statementMarkdown(s, one)
			}
		}
	}
	p.provenMarkdown(s)
	p.block(s, p.gapsText)
	p.block(s, p.compiled().writeExpired)
	p.block(s, func(t *text) { t.assumptions(p.World, p.assumptions()) })
	if s.leftOut > 0 {
		_, _ = fmt.Fprintf(s, "\nLeft out because it would be too long: %s. `pgmoat prove -o json` has them all.\n", counted(s.leftOut, "part"))
	}
	_, err := io.WriteString(out, s.String())
	return err
}

// block writes as code what the table format has; nothing where that has nothing.
func (p *Proved) block(s *sheet, write func(*text)) {
	var b strings.Builder
	write(newText(&b, false))
	if text := strings.TrimSpace(b.String()); text != "" {
		s.add(codeBlock(text), endReserve)
	}
}

func (p *Proved) statementMarkdown(s *sheet, one prove.Statement) {
	text := fmt.Sprintf("\n#### %s %s %s\n", resultSigns[one.Result], one.Result, code(title(one)))
	var b strings.Builder
	t := newText(&b, false)
	for _, l := range p.details(one) {
		t.line("%s", l)
	}
	if b.Len() > 0 {
		text += codeBlock(b.String())
	}
	s.add(text, endReserve)
}

// provenMarkdown folds what is proven.
func (p *Proved) provenMarkdown(s *sheet) {
	proven := slices.DeleteFunc(slices.Clone(p.statements()), func(one prove.Statement) bool { return one.Result != prove.Proven })
	if len(proven) == 0 {
		return
	}
	const end = "\n</details>\n"
	head := []string{"", "Statement", "Decided"}
	top := fmt.Sprintf("\n<details><summary>%d proven</summary>\n\n", len(proven)) + cells(head) + "|" + strings.Repeat(" --- |", len(head)) + "\n"
	if !s.add(top, len(end)+endReserve) {
		s.leftOut += len(proven) - 1
		return
	}
	for _, one := range proven {
		s.add(cells([]string{resultSigns[one.Result], cell(title(one)), effort(one)}), len(end)+endReserve)
	}
	_, _ = s.WriteString(end)
}
