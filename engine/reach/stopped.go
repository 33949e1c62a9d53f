package reach

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// again notes of an answer that is no refusal that the server, or the pooler on the way,
// does not run now: it is about the time when it does.
func (e *Engine) again(q Question, d Decision) Decision {
	if q.To.Server == nil || d.Verdict == verdict.Deny {
		return d
	}
	runs := func(p Path) bool { return p.Verdict == d.Verdict && (p.Pooler == nil || p.Pooler.Stopped.IsZero()) }
	if q.To.Server.Stopped.IsZero() && slices.ContainsFunc(d.Paths, runs) {
		return d
	}
	step := e.assume(verdict.Step{Layer: verdict.Service, Verdict: d.Verdict}, snapshot.AssumeRuns)
	d.Verdict, d.Assumptions = step.Verdict, snapshot.Merge(d.Assumptions, step.Assumptions)
	return d
}

// runAgain notes the same of a list.
func (e *Engine) runAgain(s *snapshot.Server, list []Access) []Access {
	for i, a := range list {
		if s.Stopped.IsZero() && !slices.ContainsFunc(a.Logins, func(l Login) bool { return throughStopped(s, l) }) {
			continue
		}
		list[i].Assumptions = snapshot.Merge(a.Assumptions, []string{snapshot.AssumeRuns})
		if e.World.Facts.Strict && !s.Stopped.IsZero() {
			list[i].Verdict, list[i].Logins = verdict.Unknown, e.unaccepted(a.Logins)
		}
	}
	return list
}

// unaccepted are logins that a strict reader does not take for known to work.
func (e *Engine) unaccepted(logins []Login) []Login {
	out := slices.Clone(logins)
	for i, l := range out {
		if l.Verdict == verdict.Allow {
			out[i].Step = e.assume(verdict.Step{Layer: verdict.Service}, snapshot.AssumeRuns)
			out[i].Verdict = out[i].Step.Verdict
		}
	}
	return out
}

func throughStopped(s *snapshot.Server, l Login) bool {
	return slices.ContainsFunc(s.Poolers, func(p *snapshot.Pooler) bool {
		return !p.Stopped.IsZero() && slices.ContainsFunc(l.Routes, func(r Route) bool {
			return r.Pooler == p.Workload.Namespace+"/"+p.Workload.Name
		})
	})
}
