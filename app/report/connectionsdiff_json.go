package report

import (
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The JSON of connections diff; docs/json.md is its description.
type connectionsDiffJSON struct {
	Old           estateSideJSON `json:"old"`
	New           estateSideJSON `json:"new"`
	Same          bool           `json:"same"`
	Effects       []effectJSON   `json:"effects"`
	Removed       []residentJSON `json:"removed"`
	Added         []residentJSON `json:"added"`
	Undecided     *undecidedJSON `json:"undecided,omitempty"`
	WithoutEffect []editJSON     `json:"withoutEffect"`
	Problems      []sideProblem  `json:"problems"`
}

type estateSideJSON struct {
	Name        string                `json:"name"`
	Assumptions []snapshot.Assumption `json:"assumptions"`
}

type sideProblem struct {
	Side string `json:"side"`
	problemJSON
}

type effectJSON struct {
	Kind        string           `json:"kind"`
	Was         verdict.Verdict  `json:"was"`
	Now         verdict.Verdict  `json:"now"`
	Ports       []flow.PortRange `json:"ports"`
	All         bool             `json:"all"`
	Before      portsJSON        `json:"before"`
	After       portsJSON        `json:"after"`
	Causes      []editJSON       `json:"causes"`
	Proof       string           `json:"proof"`
	Witness     diffWitnessJSON  `json:"witness"`
	Connections []betweenJSON    `json:"connections"`
}

type portsJSON struct {
	Ports []flow.PortRange `json:"ports"`
	All   bool             `json:"all"`
}

type betweenJSON struct {
	From partyJSON `json:"from"`
	To   partyJSON `json:"to"`
}

type editJSON struct {
	Kind   string          `json:"kind"`
	Change string          `json:"change"`
	Object string          `json:"object"`
	Tier   string          `json:"tier,omitempty"`
	Field  string          `json:"field,omitempty"`
	Was    string          `json:"was,omitempty"`
	Is     string          `json:"is,omitempty"`
	Old    *verdict.Origin `json:"old,omitempty"`
	New    *verdict.Origin `json:"new,omitempty"`
}

type diffWitnessJSON struct {
	Protocol flow.Protocol   `json:"protocol"`
	Port     uint16          `json:"port"`
	Old      witnessSideJSON `json:"old"`
	New      witnessSideJSON `json:"new"`
}

// witnessSideJSON is the attempt as one side sees it, and what that side answers.
type witnessSideJSON struct {
	From   witnessEndJSON `json:"from"`
	To     witnessEndJSON `json:"to"`
	Family string         `json:"family,omitempty"`
	Steps  []stepJSON     `json:"steps"`
}

type witnessEndJSON struct {
	Kind      string `json:"kind,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
	Pod       string `json:"pod,omitempty"`
	Address   string `json:"address,omitempty"`
}

type residentJSON struct {
	Workload    partyJSON        `json:"workload"`
	Members     bool             `json:"members"`
	Origin      verdict.Origin   `json:"origin"`
	Connections []connectionJSON `json:"connections"`
	Unknown     []connectionJSON `json:"unknown"`
}

type undecidedJSON struct {
	betweenJSON
	Edits []editJSON `json:"edits"`
}

func (d *ConnectionsDiff) json() connectionsDiffJSON {
	out := connectionsDiffJSON{
		Old: d.Old.json(), New: d.New.json(), Same: d.IsEmpty(), Effects: []effectJSON{}, WithoutEffect: d.editsJSON(d.idle),
		Removed: residentsJSON(d.Old.World, d.Removed), Added: residentsJSON(d.New.World, d.Added), Problems: []sideProblem{},
	}
	for i := range d.Effects {
		out.Effects = append(out.Effects, d.effectJSON(&d.Effects[i]))
	}
	if u := d.Undecided; u != nil {
		out.Undecided = &undecidedJSON{betweenParties(u.Between), d.editsJSON(u.Edits)}
	}
	for _, p := range problems(d.Old.World) {
		out.Problems = append(out.Problems, sideProblem{"old", p})
	}
	for _, p := range problems(d.New.World) {
		out.Problems = append(out.Problems, sideProblem{"new", p})
	}
	return out
}

func (s EstateSide) json() estateSideJSON {
	return estateSideJSON{s.Name, append([]snapshot.Assumption{}, s.Assumptions...)}
}

func (d *ConnectionsDiff) effectJSON(e *network.Effect) effectJSON {
	out := effectJSON{Kind: string(e.Kind), Was: e.Was, Now: e.Now, Before: asPorts(e.Before), After: asPorts(e.After),
		Causes: d.editsJSON(e.Causes), Proof: string(e.Proof), Connections: make([]betweenJSON, len(e.Between))}
	out.Ports, out.All = allPorts(e.Ports)
	out.Witness = diffWitnessJSON{
		Protocol: e.Witness.New.Protocol, Port: e.Witness.New.Port,
		Old: witnessSide(d.Old.World, e.Witness.Old, e.Witness.OldSteps), New: witnessSide(d.New.World, e.Witness.New, e.Witness.NewSteps),
	}
	for i, b := range e.Between {
		out.Connections[i] = betweenParties(b)
	}
	return out
}

func asPorts(p flow.Ports) portsJSON {
	ports, all := allPorts(p)
	return portsJSON{ports, all}
}

func (d *ConnectionsDiff) editsJSON(edits []*network.Edit) []editJSON {
	out := []editJSON{}
	for _, e := range edits {
		one := editJSON{Kind: string(e.Kind), Change: string(e.Change), Object: e.Object, Field: e.Field, Was: e.Was, Is: e.Is,
			Old: d.Old.origin(e.Old), New: d.New.origin(e.New)}
		if e.Kind == network.EditPolicy {
			one.Tier = e.Tier.String()
		}
		out = append(out, one)
	}
	return out
}

func (s EstateSide) origin(o verdict.Origin) *verdict.Origin {
	if o.IsZero() {
		return nil
	}
	o = s.World.Locate(o)
	return &o
}

func witnessSide(world *snapshot.Snapshot, a network.Attempt, steps [2]verdict.Step) witnessSideJSON {
	out := witnessSideJSON{From: witnessEnd(a.From), To: witnessEnd(a.To), Steps: allStepped(world, steps[:])}
	if a.Family != network.AnyFamily {
		out.Family = a.Family.String()
	}
	return out
}

func witnessEnd(e network.Endpoint) witnessEndJSON {
	if e.Pod == nil {
		return witnessEndJSON{Address: e.Outside.First().String()}
	}
	r := e.Pod.Ref()
	return witnessEndJSON{Kind: r.Kind, Namespace: r.Namespace, Name: r.Name, Pod: e.Pod.Name}
}

func residentsJSON(world *snapshot.Snapshot, list []network.Resident) []residentJSON {
	out := []residentJSON{}
	for _, r := range list {
		out = append(out, residentJSON{Workload: partyOf(r.Party), Members: r.Members, Origin: world.Locate(r.Origin),
			Connections: connectionsOf(r.Connections), Unknown: connectionsOf(r.Unknown)})
	}
	return out
}

func connectionsOf(list []network.Connection) []connectionJSON {
	out := []connectionJSON{}
	for _, c := range list {
		out = append(out, connectionJSON{partyOf(c.From), partyOf(c.To), c.Ports, c.All})
	}
	return out
}

func betweenParties(b network.Between) betweenJSON {
	return betweenJSON{partyOf(b.From), partyOf(b.To)}
}

func partyOf(p network.Party) partyJSON {
	out := partyJSON{Kind: p.Kind, Namespace: p.Namespace, Name: p.Name}
	for _, c := range p.CIDR {
		out.CIDR = append(out.CIDR, c.String())
	}
	return out
}
