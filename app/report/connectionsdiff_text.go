package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// mostRows is how many connections of one cause a terminal shows; other formats have all.
const mostRows = 10

func (d *ConnectionsDiff) text(t *text) {
	if d.IsEmpty() {
		t.verdict(verdict.Allow, "no difference: the same connections pass in %s and %s", d.Old.Name, d.New.Name)
	} else {
		t.line("%s", d.headline())
	}
	d.undecidedText(t)
	for from := 0; from < len(d.Effects); {
		to := from + 1
		for to < len(d.Effects) && sameCauses(&d.Effects[from], &d.Effects[to]) {
			to++
		}
		t.line("")
		d.causeText(t, d.Effects[from:to])
		from = to
	}
	for _, side := range d.residents() {
		side.text(t)
	}
	d.idleText(t)
	d.assumptionsText(t)
}

func sameCauses(a, b *network.Effect) bool {
	return a.Proof == b.Proof && slices.Equal(a.Causes, b.Causes)
}

// headline counts connections by what became of them.
func (d *ConnectionsDiff) headline() string {
	counts := map[network.ChangeKind]int{}
	for _, e := range d.Effects {
		counts[e.Kind] += len(e.Between)
	}
	var parts []string
	for _, kind := range []network.ChangeKind{network.ChangeAdded, network.ChangeRemoved, network.ChangeWidened, network.ChangeNarrowed,
		network.ChangeMoved, network.ChangeUnknown, network.ChangeKnown} {
		if counts[kind] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[kind], kind))
		}
	}
	if len(parts) == 0 {
		parts = []string{"no difference between workloads of both"}
	}
	for _, side := range d.residents() {
		if n := len(side.list); n > 0 {
			parts = append(parts, counted(n, "workload")+" "+side.word)
		}
	}
	return fmt.Sprintf("from %s to %s: %s", d.Old.Name, d.New.Name, strings.Join(parts, ", "))
}

func (d *ConnectionsDiff) undecidedText(t *text) {
	if u := d.Undecided; u != nil {
		t.verdict(verdict.Unknown, "cannot tell: %s to %s is unknown on both sides, and what was changed may matter to it: %s",
			party(u.From), party(u.To), strings.Join(d.editLines(u.Edits), "; "))
	}
}

// causeText writes all that one cause did.
func (d *ConnectionsDiff) causeText(t *text, effects []network.Effect) {
	for _, line := range causeWords(effects[0].Proof, d.editLines(effects[0].Causes)) {
		t.line("%s", line)
	}
	rows := [][]string{{"CONNECTION", "FROM", "TO", "PORTS", "WAS", "NOW"}}
	total := 0
	for _, e := range effects {
		total += len(e.Between)
		for _, b := range e.Between {
			if len(rows) > mostRows && !t.markdown {
				break
			}
			rows = append(rows, []string{string(e.Kind), party(b.From), party(b.To), e.Ports.String(), standing[e.Was], standing[e.Now]})
		}
	}
	t.table(rows)
	if more := total - len(rows) + 1; more > 0 {
		t.line("  and %d more; -o json has them all", more)
	}
	d.witnessText(t, &effects[0])
}

var standing = map[verdict.Verdict]string{verdict.Allow: "allowed", verdict.Deny: "refused", verdict.Unknown: "cannot tell"}

func causeWords(p network.Proof, edits []string) []string {
	if len(edits) == 0 {
		return []string{"nothing that was read explains"}
	}
	if len(edits) == 1 {
		return edits
	}
	head := map[network.Proof]string{
		network.ProofEach:     "each of these, and undoing one of them would undo it:",
		network.ProofTogether: "all of these together:",
		network.ProofAmong:    "one or more of these, it was too much work to find which:",
	}[p]
	lines := []string{head}
	for _, e := range edits {
		lines = append(lines, "  "+e)
	}
	return lines
}

func (d *ConnectionsDiff) witnessText(t *text, e *network.Effect) {
	w := &e.Witness
	t.line("  for example %s to %s, %s %d", endText(w.New.From), endText(w.New.To), w.New.Protocol, w.New.Port)
	sideText(t, "old", d.Old.World, e.Was, w.Old, w.OldSteps)
	sideText(t, "new", d.New.World, e.Now, w.New, w.NewSteps)
}

func sideText(t *text, side string, world *snapshot.Snapshot, v verdict.Verdict, a network.Attempt, steps [2]verdict.Step) {
	family := ""
	if a.Family != network.AnyFamily {
		family = " over " + a.Family.String()
	}
	t.line("  %s: %s%s", side, standing[v], family)
	for _, s := range steps {
		if s.Verdict == v {
			t.step(world, s)
		}
	}
}

func endText(e network.Endpoint) string {
	if e.Pod == nil {
		return e.Outside.First().String()
	}
	if e.Pod.Name != "" && e.Pod.Name != e.Pod.Workload.Name {
		return fmt.Sprintf("%s (pod %s)", e.Pod.Ref(), e.Pod.Name)
	}
	return e.Pod.Ref().String()
}

// text writes what comes or goes with workloads.
func (s residentSide) text(t *text) {
	for _, r := range s.list {
		t.line("")
		t.line("%s %s%s: %s", party(r.Party), s.word, at(s.place(r.Origin)), withIt(r, s.word))
		rows := [][]string{{"FROM", "TO", "PORTS", map[string]string{"added": "NOW", "removed": "WAS"}[s.word]}}
		for i, c := range slices.Concat(r.Connections, r.Unknown) {
			v := verdict.Allow
			if i >= len(r.Connections) {
				v = verdict.Unknown
			}
			rows = append(rows, []string{party(c.From), party(c.To), portsText(c), standing[v]})
		}
		total := len(rows)
		if total == 1 {
			continue
		}
		if !t.markdown {
			rows = rows[:min(total, mostRows+1)]
		}
		t.table(rows)
		if total > len(rows) {
			t.line("  and %d more; -o json has them all", total-len(rows))
		}
	}
}

func at(place string) string {
	if place == "" {
		return ""
	}
	return " (" + place + ")"
}

// withIt counts what comes or goes with a workload.
func withIt(r network.Resident, word string) string {
	verb := map[string]string{"added": "come", "removed": "go"}[word]
	if len(r.Connections) == 1 {
		verb += "s"
		verb = strings.Replace(verb, "gos", "goes", 1)
	}
	text := fmt.Sprintf("%s %s with it", counted(len(r.Connections), "connection"), verb)
	if len(r.Unknown) > 0 {
		text += fmt.Sprintf(", and %d may", len(r.Unknown))
	}
	return text
}

func (d *ConnectionsDiff) idleText(t *text) {
	if len(d.idle) == 0 {
		return
	}
	t.line("")
	t.line("changed without effect:")
	for i, e := range d.idle {
		if i == mostRows && !t.markdown {
			t.line("  and %d more; -o json has them all", len(d.idle)-i)
			break
		}
		t.line("  %s", d.editLine(e))
	}
}

func (d *ConnectionsDiff) assumptionsText(t *text) {
	both := slices.DeleteFunc(slices.Clone(d.New.Assumptions), func(a snapshot.Assumption) bool { return !slices.Contains(d.Old.Assumptions, a) })
	t.line("")
	t.assumptions(d.New.World, codesOf(both))
	for _, s := range []struct {
		mine, other EstateSide
	}{{d.Old, d.New}, {d.New, d.Old}} {
		if only := assumedBy(s.mine, s.other); len(only) > 0 {
			t.line("of %s only:", s.mine.Name)
			t.assumptions(s.mine.World, codesOf(only))
		}
	}
}

func codesOf(list []snapshot.Assumption) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.Code
	}
	return out
}
