package report

import (
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The JSON of can and explain; docs/json.md is its description. Fields are added,
// never renamed or removed.
type askedJSON struct {
	Question    questionJSON          `json:"question"`
	Verdict     verdict.Verdict       `json:"verdict"`
	Answers     []answerJSON          `json:"answers"`
	AsFarAs     verdict.Layer         `json:"asFarAs"`
	NotDecided  []verdict.Layer       `json:"notDecided"`
	Assumptions []snapshot.Assumption `json:"assumptions"`
	Warnings    []snapshot.Warning    `json:"warnings"`
	Problems    []problemJSON         `json:"problems"`
}

type questionJSON struct {
	From    snapshot.Ref  `json:"from"`
	To      snapshot.Ref  `json:"to"`
	Session reach.Session `json:"session"`
	Port    uint16        `json:"port,omitempty"`
}

type answerJSON struct {
	Members   []snapshot.Ref  `json:"members"`
	Verdict   verdict.Verdict `json:"verdict"`
	DecidedBy *stepJSON       `json:"decidedBy"`
	Blockers  []stepJSON      `json:"blockers"`
	Fix       []fixJSON       `json:"fix"`
	Paths     []pathJSON      `json:"paths"`
}

type pathJSON struct {
	Verdict verdict.Verdict `json:"verdict"`
	Service *snapshot.Ref   `json:"service"`
	Pooler  *snapshot.Ref   `json:"pooler"`
	// Through is what stands before the pod and is no Service that a pod could use.
	Through string   `json:"through,omitempty"`
	Members []string `json:"members"`
	Port    uint16   `json:"port"`
	// Sees is who the server takes the client for; absent where no packet arrives.
	Sees   *seesJSON  `json:"sees,omitempty"`
	Method string     `json:"method,omitempty"`
	Steps  []stepJSON `json:"steps"`
}

// stepJSON is a step with its words and with the lines of its origins.
type stepJSON struct {
	verdict.Step
	Text string `json:"text"`
}

type problemJSON struct {
	Origin    verdict.Origin `json:"origin"`
	Error     string         `json:"error"`
	Namespace string         `json:"namespace,omitempty"`
}

// stepped gives a step its words and lines.
func stepped(world *snapshot.Snapshot, s verdict.Step) stepJSON {
	return stepJSON{Step: located(world, s), Text: Words(s)}
}

func located(world *snapshot.Snapshot, s verdict.Step) verdict.Step {
	s.Origin = world.Locate(s.Origin)
	var also []verdict.Origin
	for _, o := range s.Also {
		also = append(also, world.Locate(o))
	}
	s.Also = also
	return s
}

func allStepped(world *snapshot.Snapshot, steps []verdict.Step) []stepJSON {
	out := []stepJSON{}
	for _, s := range steps {
		out = append(out, stepped(world, s))
	}
	return out
}

func problems(world *snapshot.Snapshot) []problemJSON {
	out := []problemJSON{}
	for _, p := range world.Problems {
		out = append(out, problemJSON{world.Locate(p.Origin), p.Err, p.Namespace})
	}
	return out
}

func warnings(world *snapshot.Snapshot) []snapshot.Warning {
	out := []snapshot.Warning{}
	for _, w := range world.Warnings {
		w.Origin = world.Locate(w.Origin)
		out = append(out, w)
	}
	return out
}

func (a *Asked) json() askedJSON {
	out := askedJSON{
		Question: questionJSON{a.From, a.To, a.Session, a.Port}, Verdict: a.Verdict(),
		Answers: []answerJSON{}, Warnings: warnings(a.World), Problems: problems(a.World),
		Assumptions: snapshot.Assumptions(a.assumptions()...),
	}
	for _, m := range a.answers {
		out.AsFarAs, out.NotDecided = m.decision.AsFarAs, m.decision.NotDecided
		out.Answers = append(out.Answers, a.answerJSON(m))
	}
	return out
}

func (a *Asked) answerJSON(m memberAnswer) answerJSON {
	out := answerJSON{Members: m.members, Verdict: m.decision.Verdict, Blockers: []stepJSON{}, Fix: []fixJSON{}, Paths: []pathJSON{}}
	if r, ok := m.closest(); ok {
		if s, ok := decisive(r.path); ok {
			step := stepped(a.World, s)
			out.DecidedBy = &step
		}
		out.Blockers = allStepped(a.World, blockers(r.path.Steps))
		out.Fix = a.fixes(m, r)
	}
	for _, r := range m.routes {
		out.Paths = append(out.Paths, a.pathJSON(r))
	}
	return out
}

func (a *Asked) pathJSON(r route) pathJSON {
	out := pathJSON{Verdict: r.path.Verdict, Members: r.members, Port: r.path.Port, Method: r.path.Method,
		Through: r.path.Through, Sees: seen(r.path),
		Steps: allStepped(a.World, r.path.Steps)}
	if out.Members == nil {
		out.Members = []string{}
	}
	if r.path.Service != nil {
		ref := r.path.Service.Ref()
		out.Service = &ref
	}
	if r.path.Pooler != nil {
		ref := r.path.Pooler.Ref()
		out.Pooler = &ref
	}
	return out
}

func (a *Asked) assumptions() []string {
	var codes []string
	for _, m := range a.answers {
		codes = snapshot.Merge(codes, m.decision.Assumptions)
	}
	return codes
}
