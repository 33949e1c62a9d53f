package report

import (
	"encoding/csv"
	"io"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// writeCSV writes rows, the first of them the head (RFC 4180), printable but for
// the ends of lines.
func writeCSV(out io.Writer, rows [][]string) error {
	for _, r := range rows {
		for i, cell := range r {
			r[i] = PrintableLines(cell)
		}
	}
	w := csv.NewWriter(out)
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	return w.Error()
}

func (a *Asked) csv() [][]string {
	rows := [][]string{{"from", "to", "database", "role", "verdict", "path", "step", "layer", "reason", "origin", "text"}}
	for _, m := range a.answers {
		for _, r := range m.routes {
			for _, s := range r.path.Steps {
				rows = append(rows, []string{m.members[0].String(), a.To.String(), a.Session.Database, a.Session.Role,
					m.decision.Verdict.String(), r.name(), s.Verdict.String(), string(s.Layer), string(s.Reason),
					a.World.Locate(s.Origin).String(), Words(s)})
			}
		}
	}
	return rows
}

func (v Vital) csv() [][]string {
	rows := [][]string{{"server", "phase", "flow", "verdict", "optional", "layer", "reason", "origin"}}
	for _, f := range v.Flows {
		row := []string{v.Server.Ref().String(), string(f.Flow.Phase), f.Flow.ID, f.Verdict.String(), map[bool]string{true: "yes", false: "no"}[f.Flow.Optional]}
		b := blockers(f.Steps)
		if len(b) == 0 {
			b = []verdict.Step{{}}
		}
		for _, s := range b {
			rows = append(rows, append(row[:5:5], string(s.Layer), string(s.Reason), v.World.Locate(s.Origin).String()))
		}
	}
	return rows
}
