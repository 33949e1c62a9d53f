package report

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// text writes the headline, what differs server by server, and what that rests on.
func (c *Changed) text(t *text) {
	t.verdict(c.verdict(), "%s", c.headline())
	t.line("from %s to %s", c.Old.Name, c.New.Name)
	c.serversText(t)
	for _, server := range c.servers() {
		t.line("")
		t.line("%s", c.serverName(server))
		c.serverText(t, server)
	}
	if line := c.idleLine(); line != "" {
		t.line("")
		t.line("%s", line)
	}
	c.sides().assumptionsText(t)
}

// serversText tells which servers only one side has.
func (c *Changed) serversText(t *text) {
	for _, s := range c.Removed {
		t.line("− %s is only in %s%s", s.Ref(), c.Old.Name, at(c.Old.place(s.Origin)))
	}
	for _, s := range c.Added {
		t.line("+ %s is only in %s%s", s.Ref(), c.New.Name, at(c.New.place(s.Origin)))
	}
}

// serverName is a server with what is known of it, as who-can has it.
func (c *Changed) serverName(ref snapshot.Ref) string {
	both := c.bothOf(ref)
	if len(both) == 0 {
		return ref.String()
	}
	return fmt.Sprintf("%s (%s%s)", ref, both[0].Operator, versionOf(both[0]))
}

func (c *Changed) serverText(t *text, server snapshot.Ref) {
	for i, block := range c.rowBlocks(server) {
		if i > 0 {
			t.line("")
		}
		c.blockText(t, block, mostRows)
	}
	for _, f := range c.flowsOf(server) {
		c.flowText(t, f)
	}
	for _, p := range c.controlsOf(server) {
		c.controlText(t, p)
	}
}

// blockText writes rows of one kind and one cause, at most so many of them, and the
// witness of the first.
func (c *Changed) blockText(t *text, rows []change.Row, most int) {
	t.verdict(rows[0].Now, "%s %s", signs[rows[0].Kind], rows[0].Kind)
	table := [][]string{{"FROM", "DATABASE", "ROLE", "WAYS"}}
	for _, r := range c.lines(rows[:min(len(rows), most)]) {
		table = append(table, []string{r.from, r.databases, r.roles, r.how})
	}
	t.table(table)
	if more := len(rows) - most; more > 0 {
		t.line("  and %d more; -o json has them all", more)
	}
	c.because(t, rows[0].Proof, rows[0].Causes)
	c.changedWitness(t, &rows[0])
}

// because writes what was edited.
func (c *Changed) because(t *text, proof network.Proof, causes []change.Cause) {
	for i, line := range c.becauseLines(proof, causes) {
		t.line("  %s%s", either(i == 0, "because ", "  "), line)
	}
}

// becauseLines say what was edited, and how that is known.
func (c *Changed) becauseLines(proof network.Proof, causes []change.Cause) []string {
	if len(causes) == 0 {
		return []string{"of an edit that was not found"}
	}
	lines := causeWords(proof, c.causeLines(causes[:min(len(causes), mostCauses)]))
	if more := len(causes) - mostCauses; more > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more; -o json has them all", more))
	}
	return lines
}

// mostCauses is how many edits are named for one difference.
const mostCauses = 12

func (c *Changed) changedWitness(t *text, r *change.Row) {
	t.line("  for example %s", shellLine(c.command(r)))
	c.pathText(t, "old", c.Old, r.Witness.Was, r.Witness.Old)
	c.pathText(t, "new", c.New, r.Witness.Now, r.Witness.New)
}

// pathText writes the step that decides the witness on one side.
func (c *Changed) pathText(t *text, word string, side EstateSide, v verdict.Verdict, p reach.Path) {
	step, ok := decisive(p)
	if !ok {
		t.line("  %s: %s, by no way at all", word, standing[v])
		return
	}
	also := ""
	if p.Verdict != v {
		also = ", and " + standing[v] + " by another way"
	}
	t.line("  %s: %s %s%s", word, standing[p.Verdict], routesOf([]reach.Path{p})[0].name(), also)
	t.step(side.World, step)
}

// flowText writes a vital flow, and what stops it on the side where something does.
func (c *Changed) flowText(t *text, f change.Flow) {
	t.verdict(f.Now, "%s vital flow %s: %s", flowSigns[f.Kind], flowWord(f.Kind), flowWhat(f))
	side, steps := c.New, f.New
	if f.Kind == change.Opened || f.Kind == change.NoDoubt {
		side, steps = c.Old, f.Old
	}
	for _, s := range blockers(steps) {
		t.step(side.World, s)
	}
	c.because(t, f.Proof, f.Causes)
}

// flowSigns mark vital flows, of which a restored one is good news.
var flowSigns = map[change.Kind]string{change.Opened: "+", change.Cut: "−", change.MayCut: "?", change.MayOpen: "?", change.Changed: "~",
	change.InDoubt: "?", change.NoDoubt: "−"}

// flowWhat names a flow with its phase.
func flowWhat(f change.Flow) string {
	text := fmt.Sprintf("%s (%s), %s", f.Flow.ID, f.Flow.Phase, f.Flow.What)
	if f.Needed {
		text += ", needed only now"
	}
	if f.Flow.Optional {
		text += " (nothing dies without it)"
	}
	return text
}

func (c *Changed) controlText(t *text, p change.Control) {
	t.verdict(p.Now, "%s control port %s: %d %s", signs[p.Kind], p.Kind, p.Port.Port, p.Port.Name)
	t.line("  from %s", clients(p.From))
	t.line("  %s", p.Port.Why)
	c.because(t, p.Proof, p.Causes)
	for _, side := range []struct {
		word string
		EstateSide
		verdict verdict.Verdict
		step    verdict.Step
	}{{"old", c.Old, p.Was, p.Old}, {"new", c.New, p.Now, p.New}} {
		t.line("  %s: %s", side.word, standing[side.verdict])
		if side.step.Reason != "" {
			t.step(side.World, side.step)
		}
	}
}

// idleLine counts the edits that changed no answer; empty for none.
func (c *Changed) idleLine() string {
	switch n := len(c.idle); {
	case n == 0:
		return ""
	case n == 1:
		return "1 edit changed no answer; -o json names it"
	default:
		return fmt.Sprintf("%d edits changed no answer; -o json names them", n)
	}
}
