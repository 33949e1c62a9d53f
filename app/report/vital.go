package report

import (
	"fmt"
	"io"
	"slices"

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
	ID string `json:"id"`
	// Phase is when the flow is needed, Releases which of the operator's need it; empty
	// for all known.
	Phase    snapshot.Phase  `json:"phase"`
	Releases string          `json:"releases"`
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
	v.Flows = byPhase(v.Flows)
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
	if len(v.Flows) > 0 {
		t.line(vitalRow, "PHASE", "FLOW", "WHAT")
	}
	for _, f := range v.Flows {
		v.flow(t, f)
	}
	t.line("")
	t.assumptions(v.World, codes)
	return t.err
}

// vitalRow is a line of the list.
const vitalRow = "  %-10s %-16s %s"

// phases are in the order in which lists have them.
var phases = []snapshot.Phase{snapshot.Steady, snapshot.Bootstrap, snapshot.Join, snapshot.Failover,
	snapshot.Backup, snapshot.Restore, snapshot.Upgrade, snapshot.Monitoring}

// byPhase puts flows of one phase together.
func byPhase(flows []reach.VitalDecision) []reach.VitalDecision {
	out := slices.Clone(flows)
	slices.SortStableFunc(out, func(a, b reach.VitalDecision) int {
		return slices.Index(phases, a.Flow.Phase) - slices.Index(phases, b.Flow.Phase)
	})
	return out
}

var vitalWord = map[verdict.Verdict]string{verdict.Allow: "passes", verdict.Deny: "CUT", verdict.Unknown: "may be cut"}

func (v Vital) flow(t *text, f reach.VitalDecision) {
	word := vitalWord[f.Verdict]
	if f.Flow.Optional {
		word += " (nothing dies without it)"
	}
	what := f.Flow.What
	if f.Flow.Releases != "" {
		what += fmt.Sprintf(" (%s)", f.Flow.Releases)
	}
	t.verdict(f.Verdict, vitalRow, f.Flow.Phase, f.Flow.ID, what+": "+word)
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
		out = append(out, vitalFlowJSON{f.Flow.ID, f.Flow.Phase, f.Flow.Releases, f.Flow.What, f.Flow.From.Name, f.Flow.To.Name, ports, f.Flow.AnyOf,
			f.Flow.Optional, f.Verdict, allStepped(v.World, blockers(f.Steps)), f.Flow.Source})
	}
	return out
}
