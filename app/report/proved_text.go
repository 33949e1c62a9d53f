package report

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/prove"
)

// text writes the statements, what is against them or leaves them open, what no layer
// carries, what all rests on, and last the counts.
func (p *Proved) text(t *text) {
	c := p.compiled()
	c.writeErrors(t)
	for _, s := range p.statements() {
		p.statementText(t, s)
	}
	if list := p.statements(); len(list) > 0 && len(p.details(list[len(list)-1])) == 0 {
		t.line("")
	}
	p.gapsText(t)
	c.writeExpired(t)
	if codes := p.assumptions(); len(codes) > 0 {
		t.assumptions(p.World, codes)
		t.line("")
	}
	t.line("%s", p.summaryLine())
}

func (p *Proved) statementText(t *text, s prove.Statement) {
	note := ""
	if n := effort(s); n != "" {
		note = " (" + n + ")"
	}
	t.verdict(resultColour(s.Result), "%-8s %s%s", s.Result, title(s), note)
	lines := p.details(s)
	for _, l := range lines {
		t.line("  %s", l)
	}
	if len(lines) > 0 {
		t.line("")
	}
}

// gapsText lists what no layer carries.
func (p *Proved) gapsText(t *text) {
	gaps := p.gaps()
	if len(gaps) == 0 {
		return
	}
	t.heading("carried by no layer")
	for i, g := range gaps {
		if i == mostGaps {
			t.line("  and %d more; -o json has all", len(gaps)-i)
			break
		}
		t.item(g.Words(), source(g.Code, g.Origin))
	}
	t.line("")
}

// mostGaps is how many gaps a list for people has.
const mostGaps = 20

// headline is the counts for a title, the worst first: "1 refuted, 2 unknown, 12 proven".
func (p *Proved) headline() string {
	if text := p.unproven(); text != "" {
		return text
	}
	s := p.summary()
	return fmt.Sprintf("%d refuted, %d unknown, %d proven", s.Refuted, s.Unknown, s.Proven)
}
