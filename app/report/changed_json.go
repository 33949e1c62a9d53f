package report

import (
	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The JSON of diff; docs/json.md is its description.
type changedJSON struct {
	Old           estateSideJSON       `json:"old"`
	New           estateSideJSON       `json:"new"`
	Same          bool                 `json:"same"`
	Opens         sureJSON             `json:"opens"`
	Cuts          sureJSON             `json:"cuts"`
	Removed       []changedServerJSON  `json:"removed"`
	Added         []changedServerJSON  `json:"added"`
	Rows          []changedRowJSON     `json:"rows"`
	Flows         []changedFlowJSON    `json:"flows"`
	Controls      []changedControlJSON `json:"controls"`
	WithoutEffect []changedCauseJSON   `json:"withoutEffect"`
	Problems      []sideProblem        `json:"problems"`
}

// sureJSON says whether something is so, and whether something else may be.
type sureJSON struct {
	Sure  bool `json:"sure"`
	Doubt bool `json:"doubt"`
}

type changedServerJSON struct {
	Server snapshot.Ref   `json:"server"`
	Origin verdict.Origin `json:"origin"`
}

type changedRowJSON struct {
	Kind      string             `json:"kind"`
	Server    snapshot.Ref       `json:"server"`
	From      []snapshot.Ref     `json:"from"`
	Databases []string           `json:"databases"`
	Roles     []string           `json:"roles"`
	Was       verdict.Verdict    `json:"was"`
	Now       verdict.Verdict    `json:"now"`
	Gained    []loginJSON        `json:"gained"`
	Lost      []loginJSON        `json:"lost"`
	Causes    []changedCauseJSON `json:"causes"`
	Proof     string             `json:"proof,omitempty"`
	Witness   changedWitnessJSON `json:"witness"`
}

type changedWitnessJSON struct {
	From    snapshot.Ref    `json:"from"`
	Session reach.Session   `json:"session"`
	Command []string        `json:"command"`
	Was     verdict.Verdict `json:"was"`
	Now     verdict.Verdict `json:"now"`
	Old     *pathJSON       `json:"old,omitempty"`
	New     *pathJSON       `json:"new,omitempty"`
}

type changedFlowJSON struct {
	Kind     string             `json:"kind"`
	Server   snapshot.Ref       `json:"server"`
	ID       string             `json:"id"`
	Phase    snapshot.Phase     `json:"phase"`
	Releases string             `json:"releases"`
	What     string             `json:"what"`
	From     string             `json:"from"`
	To       string             `json:"to"`
	Ports    []string           `json:"ports"`
	AnyOf    bool               `json:"anyOf"`
	Optional bool               `json:"optional"`
	Needed   bool               `json:"neededOnlyNow"`
	Was      verdict.Verdict    `json:"was"`
	Now      verdict.Verdict    `json:"now"`
	Old      []stepJSON         `json:"old"`
	New      []stepJSON         `json:"new"`
	Causes   []changedCauseJSON `json:"causes"`
	Proof    string             `json:"proof,omitempty"`
	Source   string             `json:"source"`
}

type changedControlJSON struct {
	Kind   string             `json:"kind"`
	Server snapshot.Ref       `json:"server"`
	Port   uint16             `json:"port"`
	Name   string             `json:"name"`
	Why    string             `json:"why"`
	From   []snapshot.Ref     `json:"from"`
	Was    verdict.Verdict    `json:"was"`
	Now    verdict.Verdict    `json:"now"`
	Old    *stepJSON          `json:"old,omitempty"`
	New    *stepJSON          `json:"new,omitempty"`
	Causes []changedCauseJSON `json:"causes"`
	Proof  string             `json:"proof,omitempty"`
}

type changedCauseJSON struct {
	Kind   string          `json:"kind"`
	Change string          `json:"change"`
	Object string          `json:"object"`
	Field  string          `json:"field,omitempty"`
	Was    string          `json:"was,omitempty"`
	Is     string          `json:"is,omitempty"`
	Old    *verdict.Origin `json:"old,omitempty"`
	New    *verdict.Origin `json:"new,omitempty"`
}

func (c *Changed) json() changedJSON {
	out := changedJSON{
		Old: c.Old.json(), New: c.New.json(), Same: c.IsEmpty(), Opens: sureOf(c.Opens()), Cuts: sureOf(c.Cuts()),
		Removed: serversJSON(c.Old.World, c.Removed), Added: serversJSON(c.New.World, c.Added),
		Rows: []changedRowJSON{}, Flows: []changedFlowJSON{}, Controls: []changedControlJSON{},
		WithoutEffect: c.causesJSON(c.idle), Problems: []sideProblem{},
	}
	for i := range c.rows {
		out.Rows = append(out.Rows, c.rowJSON(&c.rows[i]))
	}
	for _, f := range c.Flows {
		out.Flows = append(out.Flows, c.flowJSON(f))
	}
	for _, p := range c.Controls {
		out.Controls = append(out.Controls, changedControlJSON{Kind: string(p.Kind), Server: p.Server, Port: p.Port.Port, Name: p.Port.Name,
			Why: p.Port.Why, From: append([]snapshot.Ref{}, p.From...), Was: p.Was, Now: p.Now,
			Old: stepOrNone(c.Old.World, p.Old), New: stepOrNone(c.New.World, p.New), Causes: c.causesJSON(p.Causes), Proof: string(p.Proof)})
	}
	for _, p := range problems(c.Old.World) {
		out.Problems = append(out.Problems, sideProblem{"old", p})
	}
	for _, p := range problems(c.New.World) {
		out.Problems = append(out.Problems, sideProblem{"new", p})
	}
	return out
}

func sureOf(sure, doubt bool) sureJSON { return sureJSON{sure, doubt} }

func serversJSON(world *snapshot.Snapshot, servers []*snapshot.Server) []changedServerJSON {
	out := []changedServerJSON{}
	for _, s := range servers {
		out = append(out, changedServerJSON{s.Ref(), world.Locate(s.Origin)})
	}
	return out
}

func (c *Changed) rowJSON(r *change.Row) changedRowJSON {
	return changedRowJSON{
		Kind: string(r.Kind), Server: r.Server, From: append([]snapshot.Ref{}, r.From...),
		Databases: append([]string{}, r.Databases...), Roles: append([]string{}, r.Roles...), Was: r.Was, Now: r.Now,
		Gained: loginsJSON(c.New.World, r.Gained), Lost: loginsJSON(c.Old.World, r.Lost),
		Causes: c.causesJSON(r.Causes), Proof: string(r.Proof),
		Witness: changedWitnessJSON{From: r.Witness.From, Session: r.Witness.Session, Command: c.command(r), Was: r.Witness.Was, Now: r.Witness.Now,
			Old: witnessPath(c.Old.World, r.Witness.Old), New: witnessPath(c.New.World, r.Witness.New)},
	}
}

// loginsJSON are the ways in, with what keeps those from being known that are not.
func loginsJSON(world *snapshot.Snapshot, list []reach.Login) []loginJSON {
	return Closed{World: world}.accessJSON(reach.Access{Server: nowhere, Logins: list}).Logins
}

// nowhere stands where a list of ways is told without its server.
var nowhere = &snapshot.Server{Workload: &snapshot.Workload{}}

// witnessPath is nil for a path that is not there.
func witnessPath(world *snapshot.Snapshot, p reach.Path) *pathJSON {
	if len(p.Steps) == 0 {
		return nil
	}
	out := (&Asked{World: world}).pathJSON(routesOf([]reach.Path{p})[0])
	return &out
}

func (c *Changed) flowJSON(f change.Flow) changedFlowJSON {
	ports := []string{}
	for _, r := range f.Flow.Ports {
		ports = append(ports, portText(r))
	}
	return changedFlowJSON{Kind: string(f.Kind), Server: f.Server, ID: f.Flow.ID, Phase: f.Flow.Phase, Releases: f.Flow.Releases, What: f.Flow.What,
		From: f.Flow.From.Name, To: f.Flow.To.Name, Ports: ports, AnyOf: f.Flow.AnyOf, Optional: f.Flow.Optional, Needed: f.Needed,
		Was: f.Was, Now: f.Now, Old: allStepped(c.Old.World, f.Old), New: allStepped(c.New.World, f.New),
		Causes: c.causesJSON(f.Causes), Proof: string(f.Proof), Source: f.Flow.Source}
}

func stepOrNone(world *snapshot.Snapshot, s verdict.Step) *stepJSON {
	if s.Reason == "" {
		return nil
	}
	out := stepped(world, s)
	return &out
}

func (c *Changed) causesJSON(causes []change.Cause) []changedCauseJSON {
	out := []changedCauseJSON{}
	for _, e := range causes {
		out = append(out, changedCauseJSON{e.Kind, string(e.Change), e.Object, e.Field, e.Was, e.Is, c.Old.origin(e.Old), c.New.origin(e.New)})
	}
	return out
}
