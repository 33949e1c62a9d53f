package reach

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// unread is the doubt that a document leaves which could not be read: beside the
// ways that are known it may open another (a pooler, a Service, a wider policy), so
// that a refusal on all of those is no refusal. False where all was read that is
// about the namespaces of the client and of the server.
func (e *Engine) unread(from network.Endpoint, to Target) (verdict.Step, bool) {
	problems := slices.DeleteFunc(e.World.InDoubt(namespacesOf(from, to)...), func(p snapshot.Problem) bool { return e.aboutAnother(p, to) })
	if len(problems) == 0 {
		return verdict.Step{}, false
	}
	step := verdict.Step{Layer: verdict.Service, Verdict: verdict.Unknown, Reason: "reach/unreadable",
		Origin: problems[0].Origin, Facts: map[string]string{"error": problems[0].Err}}
	for _, p := range problems[1:] {
		step.Also = append(step.Also, p.Origin)
	}
	return step, true
}

// aboutAnother reports whether a problem is that of another server alone.
func (e *Engine) aboutAnother(p snapshot.Problem, to Target) bool {
	return p.Object != snapshot.Ref{} && to.Server != nil && p.Object != to.Server.Ref() &&
		slices.ContainsFunc(e.World.Servers, func(s *snapshot.Server) bool { return s.Ref() == p.Object })
}

// namespacesOf are those that a question is about.
func namespacesOf(from network.Endpoint, to Target) []string {
	var out []string
	if from.Pod != nil {
		out = append(out, from.Pod.Namespace)
	}
	if to.Service != nil {
		out = append(out, to.Service.Namespace)
	}
	if to.Server == nil {
		return out
	}
	out = append(out, to.Server.Workload.Namespace)
	for _, p := range to.Server.Poolers {
		out = append(out, p.Workload.Namespace)
	}
	return out
}

// refused reports whether no path is more than refused.
func refused(paths []Path) bool {
	return !slices.ContainsFunc(paths, func(p Path) bool { return p.Verdict != verdict.Deny })
}

// inDoubt makes of a refused cell one that cannot be told.
func (a *Access) inDoubt(step verdict.Step) {
	if a.Verdict != verdict.Deny {
		return
	}
	a.Verdict = verdict.Unknown
	doubt := Login{Verdict: verdict.Unknown, Routes: []Route{}, Step: step}
	tls := doubt
	tls.TLS = true
	a.Logins = []Login{tls, doubt}
}
