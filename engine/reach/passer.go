package reach

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// besidePoolers notes what a refusal rests on where a pooler that nobody understands gets the
// session that is asked for: whoever it lets in has it too.
func (e *Engine) besidePoolers(q Question, d Decision) Decision {
	if d.Verdict != verdict.Deny || q.To.Server == nil || !slices.ContainsFunc(e.passers, func(p *snapshot.Pod) bool { return e.passes(q, p) }) {
		return d
	}
	step := e.assume(verdict.Step{Layer: verdict.Pooler, Verdict: verdict.Deny}, snapshot.AssumePoolersKeep)
	d.Assumptions = snapshot.Merge(d.Assumptions, step.Assumptions)
	if step.Verdict != verdict.Deny {
		d.Verdict, d.Paths = step.Verdict, append([]Path{{Verdict: step.Verdict, Steps: []verdict.Step{step}}}, d.Paths...)
	}
	return d
}

// passes reports whether the pooler itself may have the session, with TLS or without.
func (e *Engine) passes(q Question, pooler *snapshot.Pod) bool {
	if q.From.Pod != nil && q.From.Pod.Workload == pooler.Workload {
		return false
	}
	q.From, q.To, q.Port = network.PodEndpoint(pooler), Target{Server: q.To.Server}, 0
	for _, tls := range []bool{true, false} {
		q.Session.TLS, q.Session.Cert = tls, ""
		if e.overPaths(q).Verdict != verdict.Deny {
			return true
		}
	}
	return false
}

// passersOf are the pods of poolers that no server knows as its own.
func passersOf(world *snapshot.Snapshot) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, w := range world.Workloads {
		if w.Passes != "" {
			out = append(out, w.Pods...)
		}
	}
	return out
}
