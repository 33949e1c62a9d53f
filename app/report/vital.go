package report

import (
	"io"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Vital is the list of flows that a server needs to stay alive.
type Vital struct {
	World  *snapshot.Snapshot
	Server *snapshot.Server
	Flows  []reach.VitalDecision
}

// Verdict is Deny when a flow is cut, Unknown when one may be. Flows that nothing
// dies without do not count.
func (v Vital) Verdict() verdict.Verdict {
	all := []verdict.Verdict{verdict.Allow}
	for _, f := range v.Flows {
		if !f.Flow.Optional {
			all = append(all, f.Verdict)
		}
	}
	return verdict.All(all...)
}

type vitalJSON struct {
	Server      snapshot.Ref          `json:"server"`
	Verdict     verdict.Verdict       `json:"verdict"`
	Flows       []vitalFlowJSON       `json:"flows"`
	Assumptions []snapshot.Assumption `json:"assumptions"`
	Problems    []problemJSON         `json:"problems"`
}

type vitalFlowJSON struct {
	ID       string          `json:"id"`
	What     string          `json:"what"`
	From     string          `json:"from"`
	To       string          `json:"to"`
	Ports    []string        `json:"ports"`
	AnyOf    bool            `json:"anyOf"`
	Optional bool            `json:"optional"`
	Verdict  verdict.Verdict `json:"verdict"`
	Blockers []stepJSON      `json:"blockers"`
	Source   string          `json:"source"`
}

// Write prints the list in the format: table, md, csv or json.
func (v Vital) Write(out io.Writer, format string) error {
	var codes []string
	for _, f := range v.Flows {
		codes = snapshot.Merge(codes, f.Assumptions)
	}
	switch format {
	case "json":
		return writeJSON(out, vitalJSON{v.Server.Ref(), v.Verdict(), v.flows(),
			snapshot.Assumptions(codes...), problems(v.World)})
	case "csv":
		return writeCSV(out, v.csv())
	}
	t := newText(out, format == "md")
	t.line("%s needs:", v.Server.Ref())
	for _, f := range v.Flows {
		v.flow(t, f)
	}
	t.line("")
	t.assumptions(v.World, codes)
	return t.err
}

var vitalWord = map[verdict.Verdict]string{verdict.Allow: "passes", verdict.Deny: "CUT", verdict.Unknown: "may be cut"}

func (v Vital) flow(t *text, f reach.VitalDecision) {
	word := vitalWord[f.Verdict]
	if f.Flow.Optional {
		word += " (nothing dies without it)"
	}
	t.verdict(f.Verdict, "  %-16s %s: %s", f.Flow.ID, f.Flow.What, word)
	for _, s := range blockers(f.Steps) {
		t.step(v.World, s)
	}
}

func (v Vital) flows() []vitalFlowJSON {
	out := []vitalFlowJSON{}
	for _, f := range v.Flows {
		ports := []string{}
		for _, r := range f.Flow.Ports {
			ports = append(ports, portText(r))
		}
		out = append(out, vitalFlowJSON{f.Flow.ID, f.Flow.What, f.Flow.From.Name, f.Flow.To.Name, ports, f.Flow.AnyOf,
			f.Flow.Optional, f.Verdict, allStepped(v.World, blockers(f.Steps)), f.Flow.Source})
	}
	return out
}
