package reach

import (
	"slices"
	"strconv"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// undecided are the layers that no engine models yet. They do not turn answers
// into Unknown: the answer says how far it goes.
var undecided = []verdict.Layer{verdict.Mesh, verdict.Credential, verdict.Grant}

// Decide answers the question over all its paths: one that is allowed is enough.
func (e *Engine) Decide(q Question) Decision { return e.again(q, e.besidePoolers(q, e.overPaths(q))) }

// overPaths is Decide as far as the paths that are known.
func (e *Engine) overPaths(q Question) Decision {
	d := Decision{Verdict: verdict.Deny, AsFarAs: verdict.Ident, NotDecided: notDecided(q)}
	for _, w := range e.ways(q) {
		if p, ok := e.walk(q, w); ok {
			d.Paths = append(d.Paths, p)
		}
	}
	if step, ok := e.unread(q.From, q.To); ok && refused(d.Paths) {
		d.Paths = append(d.Paths, Path{Verdict: step.Verdict, Steps: []verdict.Step{step}})
	}
	for _, p := range d.Paths {
		d.Verdict = verdict.Any(d.Verdict, p.Verdict)
		for _, s := range p.Steps {
			d.Assumptions = snapshot.Merge(d.Assumptions, s.Assumptions)
		}
	}
	slices.SortStableFunc(d.Paths, func(a, b Path) int { return rank(a.Verdict) - rank(b.Verdict) })
	return d
}

// rank puts the paths that matter first: allowed, then doubtful, then refused.
func rank(v verdict.Verdict) int {
	return map[verdict.Verdict]int{verdict.Allow: 0, verdict.Unknown: 1, verdict.Deny: 2}[v]
}

// walk asks every layer along one way, also those after a refusal: explain shows
// all blockers, not only the first. The second result is false for a way that no
// client can take, a member meeting itself.
func (e *Engine) walk(q Question, w way) (Path, bool) {
	steps, ok := e.approach(q.From, w)
	if !ok {
		return Path{}, false
	}
	p := Path{Service: w.service, Pooler: w.pooler, Member: w.member, Port: w.firstPort(),
		Through: w.through, Sees: w.seen, as: w.as, Steps: steps}
	p.ServerSees, p.Sender = w.serverSees(q.From)
	if w.firstPod() != nil && p.Port != 0 {
		session, method := e.converse(q, w)
		p.Steps = append(p.Steps, session...)
		p.Method = method
	}
	p.Verdict = combined(p.Steps)
	return p, true
}

// approach asks the layers that decide before a word is spoken. The second result
// is false for a pod that would meet itself.
func (e *Engine) approach(from network.Endpoint, w way) ([]verdict.Step, bool) {
	first := w.firstPod()
	if sameInstance(from.Pod, first) {
		return nil, false
	}
	var steps []verdict.Step
	if w.step != nil {
		steps = append(steps, *w.step)
	}
	switch {
	case first == nil || w.firstPort() == 0:
		return e.resolved(from, w, steps), true
	case w.inside != OverNetwork:
		return append(steps, w.pastPolicies()), true
	}
	steps = append(e.resolved(from, w, steps), e.arrive(from, w)...)
	return append(steps, e.meshSteps(w.sender(from), first)...), true
}

// resolved adds what a pod has to do to use a Service's name.
func (e *Engine) resolved(from network.Endpoint, w way, steps []verdict.Step) []verdict.Step {
	if w.service == nil || from.Pod == nil && from.Virtual == nil {
		return steps
	}
	return append(steps, e.dnsStep(from))
}

// sameInstance reports whether two members are one pod in two parts, or one pod:
// such a pair never meets over the network.
func sameInstance(a, b *snapshot.Pod) bool {
	switch {
	case a == nil || b == nil || a.Workload != b.Workload:
		return false
	case a == b:
		return !a.Many
	}
	return a.Instance != "" && a.Instance == b.Instance
}

func combined(steps []verdict.Step) verdict.Verdict {
	vs := make([]verdict.Verdict, len(steps))
	for i, s := range steps {
		vs[i] = s.Verdict
	}
	return verdict.All(vs...)
}

// converse decides what happens once packets arrive: the pooler's part, its own
// way to the server, pg_hba.conf and the identity map.
func (e *Engine) converse(q Question, w way) ([]verdict.Step, string) {
	var steps []verdict.Step
	var method string
	switch {
	case w.refused:
		return []verdict.Step{notListening(q.To.Server, w)}, ""
	case w.pooler != nil:
		steps, method = e.throughPooler(q, w)
	case w.port.Pooler != nil:
		steps, method = e.throughSidecar(q, w)
	default:
		steps, method = e.atServer(q.To.Server, e.met(q, w, w.port), w.port)
	}
	return append(passedOn(w, q.Session), steps...), method
}

// notListening says that packets arrive where no PostgreSQL answers, or at a pooler that
// has no member to pass them on to.
func notListening(s *snapshot.Server, w way) verdict.Step {
	if p := s.PoolerOf(w.member.Workload); p != nil && p.Port == w.port.Port {
		return verdict.Step{Layer: verdict.Pooler, Verdict: verdict.Deny, Reason: "pooler/no-member",
			Facts: map[string]string{"pooler": p.Ref().String(), "target": p.Target, "part": p.Part}, Origin: p.Origin}
	}
	return verdict.Step{Layer: verdict.HBA, Verdict: verdict.Deny, Reason: "server/not-listening",
		Facts:  map[string]string{"port": strconv.Itoa(int(w.port.Port)), "pod": w.member.Ref().Name},
		Origin: w.member.Origin}
}

// meshSteps names the mesh objects that may decide about either end: no engine
// models them yet, so that the answer is open.
func (e *Engine) meshSteps(from network.Endpoint, to *snapshot.Pod) []verdict.Step {
	for _, u := range e.World.Unmodelled {
		if u.Layer == verdict.Mesh && (u.MayTouch(to) || from.Pod != nil && u.MayTouch(from.Pod)) {
			return []verdict.Step{{Layer: verdict.Mesh, Reason: "mesh/unmodelled", Origin: u.Origin,
				Facts: map[string]string{"object": u.Ref.String()}}}
		}
	}
	return nil
}

// throughSidecar decides a pooler inside the pod, then the session that it opens
// over the Unix socket.
func (e *Engine) throughSidecar(q Question, w way) ([]verdict.Step, string) {
	hop := e.hbaStep(verdict.Pooler, *w.port.Pooler, e.met(q, w, snapshot.ServerPort{Sees: snapshot.SeesClient}), q.To.Server)
	last, _ := e.atServer(q.To.Server, e.client(q, w.port), w.port)
	return append(append(refusesTLS(w.port, q.Session), hop.step), last...), hop.method
}

// atServer decides pg_hba.conf and, where the method maps identities, pg_ident.conf.
func (e *Engine) atServer(s *snapshot.Server, c client, port snapshot.ServerPort) ([]verdict.Step, string) {
	var steps []verdict.Step
	if c.Sees == snapshot.SeesClient || c.direct {
		steps = settled([]verdict.Step{e.tlsStep(verdict.HBA, s.TLS, c.session.TLS)})
	}
	if c.Sees != snapshot.SeesSocket { // there the pooler before it spoke with the client
		steps = append(steps, refusesTLS(port, c.session)...)
	}
	h := e.hbaStep(verdict.HBA, s.HBA, c, s)
	steps = append(steps, h.step)
	if h.maps != nil {
		steps = append(steps, e.mapped(e.identStep(s, c, h), h.method, c))
	}
	return steps, h.method
}

// refusesTLS is the step of a port that does not offer TLS, for a session that
// insists on it; none for others.
func refusesTLS(port snapshot.ServerPort, s Session) []verdict.Step {
	if !port.NoTLS || !s.TLS {
		return nil
	}
	layer := verdict.HBA
	if port.Pooler != nil {
		layer = verdict.Pooler
	}
	return []verdict.Step{{Layer: layer, Verdict: verdict.Deny, Reason: "tls/refused", Origin: port.Origin}}
}

// tlsStep says whether a listener takes the session's transport.
func (e *Engine) tlsStep(layer verdict.Layer, tls snapshot.TLS, wanted bool) verdict.Step {
	step := verdict.Step{Layer: layer, Verdict: verdict.Allow, Reason: "tls/offered", Origin: tls.Origin}
	if !wanted {
		return step
	}
	switch tls.Enabled {
	case verdict.Deny:
		step.Verdict, step.Reason = verdict.Deny, "tls/refused"
	case verdict.Unknown:
		step.Verdict, step.Reason = verdict.Unknown, "tls/unknown"
	}
	return step
}

// with returns facts with one more; the map it was given stays as it is.
func with(facts map[string]string, key, value string) map[string]string {
	out := map[string]string{key: value}
	for k, v := range facts {
		out[k] = v
	}
	return out
}

// Undecided is a decision of nothing: how far every answer goes.
func Undecided() Decision { return Decision{AsFarAs: verdict.Ident, NotDecided: undecided} }
