package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Detail says how much of a decision is told.
type Detail uint8

// The details: can tells the deciding step, explain all of them.
const (
	Can Detail = iota
	Explain
)

// Asked is one question and its answers: one for each member of the client whose
// answer differs.
type Asked struct {
	World    *snapshot.Snapshot
	Engine   *reach.Engine
	From, To snapshot.Ref
	Session  reach.Session
	Port     uint16
	Detail   Detail
	answers  []memberAnswer
}

type memberAnswer struct {
	members  []snapshot.Ref
	question reach.Question // of the first of the members
	decision reach.Decision
	routes   []route
}

// Add records the decision for one member of the client; members with equal
// answers are told once.
func (a *Asked) Add(member snapshot.Ref, q reach.Question, d reach.Decision) {
	routes := routesOf(d.Paths)
	for i, known := range a.answers {
		if known.decision.Verdict == d.Verdict && sameRoutes(known.routes, routes) {
			if !slices.Contains(known.members, member) {
				a.answers[i].members = append(known.members, member)
			}
			return
		}
	}
	a.answers = append(a.answers, memberAnswer{[]snapshot.Ref{member}, q, d, routes})
}

// Verdict is the answer for the whole client: what all its members agree on, and
// Unknown where they differ.
func (a *Asked) Verdict() verdict.Verdict {
	if len(a.answers) == 0 {
		return verdict.Unknown
	}
	v := a.answers[0].decision.Verdict
	for _, other := range a.answers[1:] {
		if other.decision.Verdict != v {
			return verdict.Unknown
		}
	}
	return v
}

// A route is a path as people see it: the members that are reached alike, together.
type route struct {
	path    reach.Path
	members []string
	// alike are other Services that every later layer treats the same way.
	alike []string
}

// routesOf joins paths that differ only in the member at their end.
func routesOf(paths []reach.Path) []route {
	var out []route
	at := map[string]int{}
	for _, p := range paths {
		key := routeKey(p)
		i, known := at[key]
		if !known {
			i = len(out)
			at[key] = i
			out = append(out, route{path: p})
		}
		if name := memberName(p); name != "" && !slices.Contains(out[i].members, name) {
			out[i].members = append(out[i].members, name)
		}
	}
	return out
}

func sameRoutes(a, b []route) bool {
	return slices.EqualFunc(a, b, func(x, y route) bool {
		return routeKey(x.path) == routeKey(y.path) && slices.Equal(x.members, y.members)
	})
}

func memberName(p reach.Path) string {
	if p.Member == nil {
		return ""
	}
	return p.Member.Ref().Name
}

func routeKey(p reach.Path) string {
	if p.Service == nil {
		return layersKey(p)
	}
	return p.Service.Ref().String() + layersKey(p)
}

// together joins routes for people: those through different Services that all lead
// there, and that the layers after them treat the same way.
func together(routes []route) []route {
	var out []route
	at := map[string]int{}
	for _, r := range routes {
		if r.path.Service == nil || r.path.Steps[0].Verdict != verdict.Allow {
			out = append(out, r)
			continue
		}
		rest := r.path
		rest.Steps = rest.Steps[1:]
		key := layersKey(rest)
		if i, known := at[key]; known {
			out[i].alike = append(out[i].alike, r.path.Service.Namespace+"/"+r.path.Service.Name)
			for _, m := range r.members {
				out[i].members = appendNew(out[i].members, m)
			}
			continue
		}
		at[key] = len(out)
		r.members = slices.Clone(r.members)
		out = append(out, r)
	}
	return out
}

func layersKey(p reach.Path) string {
	var b strings.Builder
	if p.Pooler != nil {
		fmt.Fprintf(&b, "pooler %s ", p.Pooler.Ref())
	}
	fmt.Fprintf(&b, "%s %d %d %d %s %s", p.Through, p.Sees, p.ServerSees, p.Port, p.Verdict, p.Method)
	for _, s := range p.Steps {
		facts := with(s.Facts)
		delete(facts, "pod")
		fmt.Fprintf(&b, "\n%s %s %s %v %s", s.Layer, s.Verdict, s.Reason, facts, s.Origin)
	}
	return b.String()
}

func with(facts map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range facts {
		out[k] = v
	}
	return out
}

// Name says the way in words: "through Service payments/ledger-rw to ledger (primary)".
func (r route) name() string {
	var parts []string
	if r.path.Service != nil {
		names := append([]string{r.path.Service.Namespace + "/" + r.path.Service.Name}, r.alike...)
		parts = append(parts, "through Service "+strings.Join(names, ", "))
	}
	switch through := r.path.Through; {
	case isInside(r.path):
		parts = append(parts, "by kubectl "+through)
	case through != "" && r.path.Service != nil:
		parts = append(parts, "by its "+through)
	case through != "":
		parts = append(parts, "by the node's "+through)
	}
	if r.path.Pooler != nil {
		switch {
		case r.path.Service != nil:
			parts = append(parts, "and")
		case len(parts) == 0:
			parts = append(parts, "straight to the pods of")
		default:
			parts = append(parts, "to the pods of")
		}
		parts = append(parts, r.path.Pooler.Ref().String())
	}
	switch {
	case len(r.members) == 0 && len(parts) == 0:
		return "by a way that is not known"
	case len(r.members) == 0: // a Service that leads nowhere
		return strings.Join(parts, " ")
	case len(parts) == 0:
		parts = append(parts, "straight")
	}
	parts = append(parts, "to "+strings.Join(r.members, ", "))
	if r.path.Sees == reach.SeenSocket {
		return strings.Join(parts, " ") + " on its Unix socket"
	}
	return fmt.Sprintf("%s port %d", strings.Join(parts, " "), r.path.Port)
}

// isInside reports whether a path begins in the pod itself.
func isInside(p reach.Path) bool {
	return p.Through == reach.PortForward.String() || p.Through == reach.Exec.String()
}

// blockers are the steps that keep the path from being allowed, refusals first.
func blockers(steps []verdict.Step) []verdict.Step {
	var out []verdict.Step
	for _, want := range []verdict.Verdict{verdict.Deny, verdict.Unknown} {
		for _, s := range steps {
			if s.Verdict == want {
				out = append(out, s)
			}
		}
	}
	return out
}

// closest is the route to tell about: the first that has the answer's verdict and,
// of refused ones, has least in its way.
func (m memberAnswer) closest() (route, bool) {
	var best route
	found := false
	for _, r := range m.routes {
		if r.path.Verdict != m.decision.Verdict {
			continue
		}
		if !found || len(blockers(r.path.Steps)) < len(blockers(best.path.Steps)) {
			best, found = r, true
		}
	}
	return best, found
}

// decisive is the step that decides a path: its first blocker, or the last step of
// one that is allowed.
func decisive(p reach.Path) (verdict.Step, bool) {
	if b := blockers(p.Steps); len(b) > 0 {
		return b[0], true
	}
	if len(p.Steps) == 0 {
		return verdict.Step{}, false
	}
	return p.Steps[len(p.Steps)-1], true
}
