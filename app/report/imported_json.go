package report

import (
	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/engine/draft"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// importedJSON is docs/json.md's import. Fields are added, never renamed or removed.
type importedJSON struct {
	Objects []draftedJSON      `json:"objects"`
	Lost    []lossJSON         `json:"lost"`
	Gains   []gainJSON         `json:"gains"`
	Mended  []mendedJSON       `json:"mended"`
	Servers []importedPolicies `json:"servers"`
	Summary ImportedSummary    `json:"summary"`
}

// draftedJSON is one object of the draft; From is what it was drawn from.
type draftedJSON struct {
	Object   snapshot.Ref     `json:"object"`
	Server   snapshot.Ref     `json:"server"`
	Clients  []snapshot.Ref   `json:"clients"`
	Remarks  []string         `json:"remarks"`
	From     []verdict.Origin `json:"from"`
	Manifest any              `json:"manifest"`
}

type lossJSON struct {
	Code        string         `json:"code"`
	State       string         `json:"state"`
	Server      snapshot.Ref   `json:"server"`
	What        string         `json:"what"`
	Consequence string         `json:"consequence"`
	Origin      verdict.Origin `json:"origin"`
	Who         []whoJSON      `json:"who"`
}

// whoJSON are clients that lose each of the databases as each of the roles; of a port the
// role is its name.
type whoJSON struct {
	From      []snapshot.Ref `json:"from"`
	Databases []string       `json:"databases"`
	Roles     []string       `json:"roles"`
}

// gainJSON is who is let in, or may be (kind), that is not today.
type gainJSON struct {
	Kind      string         `json:"kind"`
	Server    snapshot.Ref   `json:"server"`
	From      []snapshot.Ref `json:"from"`
	Databases []string       `json:"databases"`
	Roles     []string       `json:"roles"`
	// Witness is one attempt in words; empty for ports.
	Witness string `json:"witness"`
}

type mendedJSON struct {
	Server snapshot.Ref `json:"server"`
	Flow   string       `json:"flow"`
	What   string       `json:"what"`
}

// importedPolicies are the policies before a server: Replaced are those that the draft
// takes the place of, Shared select other pods too.
type importedPolicies struct {
	Server   snapshot.Ref     `json:"server"`
	Replaced []verdict.Origin `json:"replaced"`
	Shared   []verdict.Origin `json:"shared"`
}

var lossStates = map[draft.State]string{draft.Unchecked: "unchecked", draft.Real: "lost", draft.Kept: "kept", draft.ByHand: "by-hand", draft.Doubtful: "unknown"}

func (r *Imported) json() importedJSON {
	out := importedJSON{Objects: []draftedJSON{}, Lost: []lossJSON{}, Gains: []gainJSON{}, Mended: []mendedJSON{}, Servers: []importedPolicies{}, Summary: r.Summary()}
	for _, s := range r.Sites {
		out.Servers = append(out.Servers, importedPolicies{s.Server.Ref(), r.policies(s.Drawn), r.policies(s.Shared)})
		for _, l := range s.Lost {
			out.Lost = append(out.Lost, lossJSON{l.Code, lossStates[l.State], l.Server, l.What, l.Consequence, r.World.Locate(l.Origin), whoLoses(l)})
		}
		if p := s.Perimeter; p != nil {
			out.Objects = append(out.Objects, r.drafted("PostgresPerimeter", p.Namespace, p.Name, s, nil, p.Why, p.From, p.Tree()))
		}
		for _, a := range s.Accesses {
			out.Objects = append(out.Objects, r.drafted("PostgresAccess", a.Namespace, a.Name, s, a.Clients, a.Why, a.From, a.Tree()))
		}
	}
	for _, rows := range [][]change.Row{r.Judgement.Gains, r.Judgement.Doubts} {
		for i := range rows {
			g := &rows[i]
			out.Gains = append(out.Gains, gainJSON{string(g.Kind), g.Server, some(g.From), some(g.Databases), some(g.Roles), r.witness(g)})
		}
	}
	for _, c := range r.Judgement.GainControls {
		out.Gains = append(out.Gains, gainJSON{string(c.Kind), c.Server, some(c.From), []string{}, []string{c.Port.Name}, ""})
	}
	for _, f := range r.Judgement.Mended {
		out.Mended = append(out.Mended, mendedJSON{f.Server, f.Flow.ID, f.Flow.What})
	}
	return out
}

func whoLoses(l *draft.Loss) []whoJSON {
	out := []whoJSON{}
	for _, p := range l.Parts() {
		out = append(out, whoJSON{some(p.From), some(p.Databases), some(p.Roles)})
	}
	return out
}

func (r *Imported) drafted(kind, namespace, name string, s *draft.Site, clients []snapshot.Ref, why []string, from []verdict.Origin, tree artefact.Map) draftedJSON {
	return draftedJSON{snapshot.Ref{Kind: kind, Namespace: namespace, Name: name}, s.Server.Ref(), some(clients), some(why), r.located(from), tree}
}

func (r *Imported) located(origins []verdict.Origin) []verdict.Origin {
	out := make([]verdict.Origin, len(origins))
	for i, o := range origins {
		out[i] = r.World.Locate(o)
	}
	return out
}

func (r *Imported) policies(list []*netpol.Policy) []verdict.Origin {
	out := []verdict.Origin{}
	for _, p := range list {
		out = append(out, r.World.Locate(p.Origin))
	}
	return out
}

// some is a list that is never null.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
