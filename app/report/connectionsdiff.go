package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A ConnectionsDiff is what two estates disagree on about connections, as the user
// named them.
type ConnectionsDiff struct {
	Old, New EstateSide
	*network.Difference
	idle []*network.Edit
}

// An EstateSide is one of the two estates.
type EstateSide struct {
	Name        string
	World       *snapshot.Snapshot
	Assumptions []snapshot.Assumption
}

// NewConnectionsDiff makes a difference ready to be printed.
func NewConnectionsDiff(old, next EstateSide, d *network.Difference) *ConnectionsDiff {
	out := &ConnectionsDiff{Old: old, New: next, Difference: d}
	used := map[*network.Edit]bool{}
	for _, e := range d.Effects {
		for _, cause := range e.Causes {
			used[cause] = true
		}
	}
	for _, e := range d.Edits {
		if !used[e] {
			out.idle = append(out.idle, e)
		}
	}
	return out
}

// Write prints the difference in the format: table, md, csv or json.
func (d *ConnectionsDiff) Write(out io.Writer, format string) error {
	switch format {
	case "json":
		return writeJSON(out, d.json())
	case "csv":
		return writeCSV(out, d.csv())
	}
	t := newText(out, format == "md")
	d.text(t)
	return t.err
}

func (d *ConnectionsDiff) csv() [][]string {
	rows := [][]string{{"kind", "from", "to", "ports", "was", "now", "causes", "proof"}}
	for _, e := range d.Effects {
		for _, b := range e.Between {
			rows = append(rows, []string{string(e.Kind), party(b.From), party(b.To), e.Ports.String(), e.Was.String(), e.Now.String(),
				strings.Join(d.editLines(e.Causes), "; "), string(e.Proof)})
		}
	}
	for _, side := range d.residents() {
		for _, r := range side.list {
			rows = append(rows, side.csv(r, r.Connections, verdict.Allow)...)
			rows = append(rows, side.csv(r, r.Unknown, verdict.Unknown)...)
		}
	}
	return rows
}

// residentSide are the workloads that only one side has, and what became of them.
type residentSide struct {
	EstateSide
	word string
	list []network.Resident
	was  func(verdict.Verdict) [2]string
}

func (d *ConnectionsDiff) residents() []residentSide {
	return []residentSide{
		{d.Old, "removed", d.Removed, func(v verdict.Verdict) [2]string { return [2]string{v.String(), ""} }},
		{d.New, "added", d.Added, func(v verdict.Verdict) [2]string { return [2]string{"", v.String()} }},
	}
}

func (s residentSide) csv(r network.Resident, list []network.Connection, v verdict.Verdict) [][]string {
	var rows [][]string
	for _, c := range list {
		verdicts := s.was(v)
		rows = append(rows, []string{s.word + " with a workload", party(c.From), party(c.To), portsText(c), verdicts[0], verdicts[1],
			party(r.Party) + " " + s.word, ""})
	}
	return rows
}

// editLines says what was changed, and where.
func (d *ConnectionsDiff) editLines(edits []*network.Edit) []string {
	out := make([]string, len(edits))
	for i, e := range edits {
		out[i] = d.editLine(e)
	}
	return out
}

func (d *ConnectionsDiff) editLine(e *network.Edit) string {
	line := e.Object
	if e.Kind == network.EditPolicy && e.Tier.IsOrdered() {
		line += fmt.Sprintf(" (%s tier)", e.Tier)
	}
	line += " " + string(e.Change)
	if e.Field != "" {
		line += ": " + e.Field
	}
	if e.Was != "" || e.Is != "" {
		line += fmt.Sprintf(" %s → %s", orNothing(e.Was), orNothing(e.Is))
	}
	if at := d.places(e); at != "" {
		line += " (" + at + ")"
	}
	return line
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

// places are where an edit stands, without the object, which is told already.
func (d *ConnectionsDiff) places(e *network.Edit) string {
	was, is := d.Old.place(e.Old), d.New.place(e.New)
	switch {
	case was == "":
		return is
	case is == "" || is == was:
		return was
	}
	return was + " → " + is
}

func (s EstateSide) place(o verdict.Origin) string {
	o = s.World.Locate(o)
	o.Object, o.Field = "", ""
	if o.Line > 0 {
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	}
	return o.String()
}

// assumedBy returns what is assumed of one side and not of the other.
func assumedBy(a, b EstateSide) []snapshot.Assumption {
	return slices.DeleteFunc(slices.Clone(a.Assumptions), func(one snapshot.Assumption) bool { return slices.Contains(b.Assumptions, one) })
}

func allPorts(p flow.Ports) ([]flow.PortRange, bool) {
	if p.IsAll() {
		return []flow.PortRange{}, true
	}
	return append([]flow.PortRange{}, p.Ranges()...), false
}
