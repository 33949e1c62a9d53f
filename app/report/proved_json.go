package report

import (
	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/prove"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// provedJSON is docs/json.md's prove. Fields are added, never renamed or removed.
type provedJSON struct {
	Tool toolJSON `json:"tool"`
	// Now is the time by which accesses have ended; empty where nobody knows it.
	Now string `json:"now"`
	// AsIs says that the estate is proven as it stands.
	AsIs      bool               `json:"asIs"`
	Inputs    []object.Input     `json:"inputs"`
	Artefacts artefactDigestJSON `json:"artefacts"`
	Result    prove.Result       `json:"result"`
	// Unproven says why nothing was proven; empty where something was.
	Unproven    string                `json:"unproven"`
	Errors      []compileErrorJSON    `json:"errors"`
	Statements  []statementJSON       `json:"statements"`
	Gaps        []manifest.Gap        `json:"gaps"`
	Expired     []expiredJSON         `json:"expired"`
	Assumptions []snapshot.Assumption `json:"assumptions"`
	Skipped     []string              `json:"skipped"`
	Problems    []problemJSON         `json:"problems"`
	Summary     provedSummaryJSON     `json:"summary"`
}

type toolJSON struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// artefactDigestJSON is one digest over all that was compiled.
type artefactDigestJSON struct {
	SHA256  string `json:"sha256"`
	Objects int    `json:"objects"`
	Fields  int    `json:"fields"`
}

type statementJSON struct {
	Kind   string         `json:"kind"`
	Of     *snapshot.Ref  `json:"of,omitempty"`
	Server *snapshot.Ref  `json:"server,omitempty"`
	Origin verdict.Origin `json:"origin"`
	// Text is what is to be true, in words.
	Text    string       `json:"text"`
	Attempt *attemptJSON `json:"attempt,omitempty"`
	// Words are those of the object: an invariant's message, a test's why.
	Words       string        `json:"words"`
	Result      prove.Result  `json:"result"`
	Asked       int           `json:"asked"`
	Against     []againstJSON `json:"against"`
	Doubts      []doubtJSON   `json:"doubts"`
	Assumptions []string      `json:"assumptions"`
}

type attemptJSON struct {
	From     string `json:"from"`
	Database string `json:"database"`
	Role     string `json:"role"`
	Plain    bool   `json:"plain"`
}

// againstJSON is a counterexample.
type againstJSON struct {
	Text      string           `json:"text"`
	From      []snapshot.Ref   `json:"from"`
	Future    *futureJSON      `json:"future,omitempty"`
	To        []snapshot.Ref   `json:"to"`
	Server    *snapshot.Ref    `json:"server,omitempty"`
	Databases []string         `json:"databases"`
	Roles     []string         `json:"roles"`
	Login     *reach.Login     `json:"login,omitempty"`
	Route     *reach.Route     `json:"route,omitempty"`
	Witness   *attemptMadeJSON `json:"witness,omitempty"`
	Decides   *stepJSON        `json:"decides,omitempty"`
	// Ours says that what was compiled decides, and no object that is there already.
	Ours   bool             `json:"ours"`
	Close  []fixJSON        `json:"close"`
	Flow   *cutFlowJSON     `json:"flow,omitempty"`
	Change string           `json:"change,omitempty"`
	Ports  []flow.PortRange `json:"ports"`
	All    bool             `json:"all"`
}

// futureJSON describes pods that do not exist yet; AnyValue are the keys of labels that
// may have any.
type futureJSON struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
	AnyValue  []string          `json:"anyValue"`
	// Manifest is such a pod; it stands for standard input in the command of the witness.
	Manifest podJSON `json:"manifest"`
}

// attemptMadeJSON is one attempt that anybody can repeat.
type attemptMadeJSON struct {
	From    snapshot.Ref    `json:"from"`
	CIDR    []string        `json:"cidr"`
	Session reach.Session   `json:"session"`
	Was     verdict.Verdict `json:"was"`
	Now     verdict.Verdict `json:"now"`
	Path    *pathJSON       `json:"path,omitempty"`
	// Command asks for every step; empty where nobody can be asked about.
	Command []string `json:"command"`
}

// cutFlowJSON is a vital flow.
type cutFlowJSON struct {
	ID    string         `json:"id"`
	Phase snapshot.Phase `json:"phase"`
	What  string         `json:"what"`
	From  string         `json:"from"`
	To    string         `json:"to"`
	Ports []string       `json:"ports"`
	AnyOf bool           `json:"anyOf"`
}

type doubtJSON struct {
	Reason    verdict.Reason `json:"reason"`
	Text      string         `json:"text"`
	From      []snapshot.Ref `json:"from"`
	Future    *futureJSON    `json:"future,omitempty"`
	Databases []string       `json:"databases"`
	Roles     []string       `json:"roles"`
	Step      *stepJSON      `json:"step,omitempty"`
	Origin    verdict.Origin `json:"origin"`
	// Settle says where to state what is missing; empty where nobody knows.
	Settle string `json:"settle"`
}

func (p *Proved) json() provedJSON {
	c := p.compiled()
	made := c.summary()
	out := provedJSON{
		Tool: toolJSON{"pgmoat", p.Version}, AsIs: p.AsIs, Inputs: listed(p.Inputs), Artefacts: artefactDigestJSON{p.Artefacts, made.Objects, made.Fields},
		Result: p.result(), Unproven: p.unproven(), Errors: []compileErrorJSON{}, Statements: []statementJSON{}, Gaps: p.gaps(),
		Expired: c.json().Expired, Assumptions: snapshot.Assumptions(p.assumptions()...), Skipped: listed(p.World.Skipped),
		Problems: problems(p.World), Summary: p.summary(),
	}
	if p.Job != nil && p.Job.Now != 0 {
		out.Now = moment(p.Job.Now)
	}
	for _, e := range p.Errors {
		out.Errors = append(out.Errors, compileErrorJSON{p.located(e.Origin), e.Text, e.Fix, e.Warning})
	}
	for _, s := range p.statements() {
		out.Statements = append(out.Statements, p.statementJSON(s))
	}
	return out
}

// listed is a list that is not null.
func listed[T any](list []T) []T { return append([]T{}, list...) }

// named is nil for nothing.
func named(r snapshot.Ref) *snapshot.Ref {
	if r == (snapshot.Ref{}) {
		return nil
	}
	return &r
}

// gaps are those that no other layer carries.
func (p *Proved) gaps() []manifest.Gap {
	out := []manifest.Gap{}
	for _, g := range p.compiled().remarks().Gaps {
		if g.Carried == "" {
			out = append(out, g)
		}
	}
	return out
}

func (p *Proved) statementJSON(s prove.Statement) statementJSON {
	out := statementJSON{Kind: string(s.Kind), Of: named(s.Of), Server: named(s.Server), Origin: p.located(s.Origin), Text: claim(s), Words: s.Words,
		Result: s.Result, Asked: s.Asked, Against: []againstJSON{}, Doubts: []doubtJSON{}, Assumptions: listed(s.Assumptions)}
	if a := s.Attempt; a != nil {
		out.Attempt = &attemptJSON{a.From, a.Database, a.Role, a.Plain}
	}
	for _, c := range s.Against {
		out.Against = append(out.Against, p.againstJSON(s.Kind, c))
	}
	for _, d := range s.Doubts {
		out.Doubts = append(out.Doubts, p.doubtJSON(d))
	}
	return out
}

func (p *Proved) againstJSON(k prove.Kind, c prove.Counterexample) againstJSON {
	out := againstJSON{Text: againstText(k, c), From: listed(c.From), Future: futureOf(c.Future), To: listed(c.To), Server: named(c.Server),
		Databases: listed(c.Databases), Roles: listed(c.Roles), Decides: stepOrNone(p.World, c.Decides), Ours: c.Ours, Close: p.fixes(c.Close),
		Change: string(c.Change), Witness: p.attemptMade(c)}
	out.Ports, out.All = allPorts(c.Ports)
	if c.Login.Method != "" || len(c.Login.Routes) > 0 {
		login := c.Login
		login.Routes = listed(login.Routes)
		out.Login = &login
	}
	if c.Route != (reach.Route{}) {
		route := c.Route
		out.Route = &route
	}
	if f := c.Flow; f != nil {
		out.Flow = &cutFlowJSON{f.ID, f.Phase, f.What, f.From.Name, f.To.Name, []string{}, f.AnyOf}
		for _, r := range f.Ports {
			out.Flow.Ports = append(out.Flow.Ports, portText(r))
		}
	}
	return out
}

func (p *Proved) attemptMade(c prove.Counterexample) *attemptMadeJSON {
	w := c.Witness
	if w.From == (snapshot.Ref{}) && w.Session == (reach.Session{}) {
		return nil
	}
	out := &attemptMadeJSON{From: w.From, CIDR: []string{}, Session: w.Session, Was: w.Was, Now: w.Now, Path: witnessPath(p.World, w.Path), Command: listed(p.command(c))}
	for _, r := range w.Outside.Prefixes() {
		out.CIDR = append(out.CIDR, r.String())
	}
	return out
}

func futureOf(v *network.Virtual) *futureJSON {
	if v == nil {
		return nil
	}
	out := &futureJSON{v.Name, v.Namespace, map[string]string{}, listed(v.Labels.Unknown), podOf(v)}
	for key, value := range v.Labels.Set {
		out.Labels[key] = value
	}
	return out
}

func (p *Proved) doubtJSON(d prove.Doubt) doubtJSON {
	return doubtJSON{Reason: d.Reason, Text: doubtWords(d), From: listed(d.From), Future: futureOf(d.Future), Databases: listed(d.Databases),
		Roles: listed(d.Roles), Step: p.unknownStep(d), Origin: p.located(d.Origin), Settle: settles(d)}
}

// unknownStep is nil where the reason says all.
func (p *Proved) unknownStep(d prove.Doubt) *stepJSON {
	if d.Step.Layer == "" {
		return nil
	}
	return stepOrNone(p.World, d.Step)
}
