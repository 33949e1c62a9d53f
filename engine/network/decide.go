package network

import (
	"strings"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The reasons of this layer; they are stable.
const (
	NotIsolated verdict.Reason = "netpol/not-isolated" // no policy selects the pod in this direction
	Allowed     verdict.Reason = "netpol/allowed"      // a rule admits; Origin is its peer, or the rule
	NoRule      verdict.Reason = "netpol/no-rule"      // isolated, and no rule admits
	Self        verdict.Reason = "netpol/self"         // a pod and itself
	HostNetwork verdict.Reason = "netpol/host-network" // no rule admits, but a node reaches its own pods
	OwnNode     verdict.Reason = "netpol/own-node"     // no rule admits, but the node a pod runs on always may
	Accepted    verdict.Reason = "netpol/accepted"     // a rule of an ordered tier accepts; Origin is its peer, or the rule
	Denied      verdict.Reason = "netpol/denied"       // a rule of an ordered tier denies; likewise
	Conflict    verdict.Reason = "netpol/conflict"     // policies of equal priority disagree
	NotEnforced verdict.Reason = "netpol/not-enforced" // policies select the pod, and the CNI ignores them
	Unmodelled  verdict.Reason = "netpol/unmodelled"   // a dialect that nobody here decides may touch the pod
	Unreadable  verdict.Reason = "netpol/unreadable"   // a document that may matter could not be read
	Unsure      verdict.Reason = "netpol/unsure"       // the answer depends on a fact nobody wrote down
	Assumed     verdict.Reason = "assumption"          // strict: the answer holds only under an assumption
)

// Decide says what the policies of one direction make of the attempt: Egress asks
// those that select From, Ingress those that select To.
//
// Guards come first, from what no policy can change to what hides the policies
// from us. An object of another dialect outweighs every answer, since a dialect
// may add an allow to our Deny or a deny to our Allow.
func (e *Engine) Decide(dir netpol.Direction, a Attempt) verdict.Step {
	q := e.ask(dir, a)
	if step, done := q.guard(); done {
		return step
	}
	return q.policies()
}

// A query is one attempt seen from the side that policies of dir select.
type query struct {
	*Engine
	dir           netpol.Direction
	attempt       Attempt
	subject, peer Endpoint
	// doubt makes each assumption Unsure instead of assumed.
	doubt bool
	used  codes
	// traits are those of the network plugin that the answer asked for.
	traits []cni.Trait
	// ignoring and byPod are other readings of the world, to tell what rests on ours:
	// that ordered tiers are not enforced; that Baseline is asked by pod or by direction.
	ignoring bool
	byPod    bool
	family   Family
}

func (e *Engine) ask(dir netpol.Direction, a Attempt) *query {
	q := &query{Engine: e, dir: dir, attempt: a, subject: a.To, peer: a.From, family: a.Family}
	if dir == netpol.Egress {
		q.subject, q.peer = a.From, a.To
	}
	q.byPod = e.world.Facts.Profile.Has(cni.BaselineByPod)
	return q
}

// guard answers what does not depend on rules.
func (q *query) guard() (step verdict.Step, done bool) {
	switch {
	case samePod(q.subject, q.peer):
		return q.step(verdict.Allow, Self), true
	case q.subject.isOutside():
		step = q.step(verdict.Allow, NotIsolated)
		step.Facts = map[string]string{"subject": "outside"}
		return step, true
	}
	if us := q.unmodelled(q.subject); len(us) > 0 {
		step = q.step(verdict.Unknown, Unmodelled)
		step.Facts = map[string]string{"object": us[0].Ref.String()}
		step.Origin = us[0].Origin
		for _, u := range us[1:] {
			step.Also = append(step.Also, u.Origin)
		}
		return step, true
	}
	if q.world.Facts.Enforces == verdict.Deny {
		return q.notEnforced(), true
	}
	if q.subject.isHost() {
		step = q.step(verdict.Allow, NotIsolated)
		step.Facts = map[string]string{"subject": "hostNetwork"}
		return q.assuming(step, nil), true
	}
	return q.unreadable()
}

// notEnforced is the answer of a network plugin that ignores policies. It needs no
// assumption: what was not read is not in force either.
func (q *query) notEnforced() verdict.Step {
	s := q.selection()
	for _, tier := range q.Engine.ordered {
		for _, p := range tier {
			if len(p.Rules[q.dir]) > 0 && q.isSubject(p) != netpol.No {
				s.maybe = append(s.maybe, p)
			}
		}
	}
	if q.subject.isHost() || s.isEmpty() {
		return q.step(verdict.Allow, NotIsolated)
	}
	step := q.step(verdict.Allow, NotEnforced)
	step.Facts = map[string]string{"cni": q.world.Facts.CNI, "policies": s.names()}
	step.Origin = q.world.Facts.CNIOrigin
	step.Also = s.origins()
	return step
}

func (q *query) unreadable() (step verdict.Step, done bool) {
	problems := q.world.PoliciesInDoubt(q.namespaces()...)
	if len(problems) == 0 {
		return step, false
	}
	step = q.step(verdict.Unknown, Unreadable)
	step.Facts = map[string]string{"error": problems[0].Err}
	step.Origin = problems[0].Origin
	for _, p := range problems[1:] {
		step.Also = append(step.Also, p.Origin)
	}
	return step, true
}

// namespaces are those of the pods on both sides.
func (q *query) namespaces() []string {
	var out []string
	for _, end := range []Endpoint{q.subject, q.peer} {
		if !end.isOutside() {
			out = append(out, end.namespace())
		}
	}
	return out
}

// unmodelled returns the objects of other policy dialects that may touch the pod
// in this direction.
func (q *query) unmodelled(end Endpoint) []snapshot.Unmodelled {
	var out []snapshot.Unmodelled
	for _, u := range q.dialects[q.dir] {
		if u.MayTouch(end.asPod()) {
			out = append(out, u)
		}
	}
	return out
}

// policies answers from the tiers. A peer outside is asked for in the parts that rules
// tell apart; only where all parts agree is there an answer.
func (q *query) policies() verdict.Step {
	parts := q.answers()
	step := q.explained(parts)
	return q.assuming(step, q.needed(step.Verdict))
}

// answers asks for each part of the peer.
func (q *query) answers() []answer {
	var out []answer
	if !q.peer.isOutside() {
		family := q.family
		defer func() { q.family = family }()
		for _, q.family = range q.Families(q.attempt) {
			out = append(out, q.answer())
		}
		return out
	}
	whole := q.peer
	for _, part := range q.parts() {
		q.peer = OutsideEndpoint(part)
		out = append(out, q.answer())
	}
	q.peer = whole
	return out
}

func verdictOf(parts []answer) verdict.Verdict {
	v := parts[0].verdict()
	for _, a := range parts[1:] {
		if a.verdict() != v {
			return verdict.Unknown
		}
	}
	return v
}

// needed returns the assumptions without which the verdict would be another: each way
// of reading the world is tried.
func (q *query) needed(v verdict.Verdict) []string {
	if v == verdict.Unknown {
		return nil
	}
	var out []string
	if q.used != 0 {
		again := *q
		again.doubt, again.used = true, 0
		if verdictOf(again.answers()) != v {
			out = again.used.list()
		}
	}
	for _, r := range q.readings() {
		out = snapshot.Merge(out, q.restsOn(r, v, len(out) == 0))
	}
	if v == verdict.Deny && q.world.Facts.Enforces == verdict.Unknown {
		out = snapshot.Merge(out, []string{snapshot.AssumeCNIEnforces})
	}
	return out
}

// restsOn returns the assumption that the world is not as the reading has it, where the
// verdict needs it; with combined also where it needs it only together with others.
func (q *query) restsOn(r reading, v verdict.Verdict, combined bool) []string {
	for _, doubt := range []bool{q.world.Facts.Strict, true} {
		other := *q
		other.doubt, other.used = doubt, 0
		r.change(&other)
		switch {
		case doubt && !combined && !q.world.Facts.Strict:
		case verdictOf(other.answers()) == v:
		case doubt && !q.world.Facts.Strict:
			return append(other.used.list(), r.code)
		default:
			return []string{r.code}
		}
	}
	return nil
}

// A reading is another way the world may be, and the code of the assumption that it is
// not so.
type reading struct {
	code   string
	change func(*query)
}

// readings are those that no fact settles.
func (e *Engine) readings() []reading {
	var out []reading
	plugin := e.world.Facts.Profile
	if !e.clusterPoliciesEnforced() {
		out = append(out, reading{snapshot.AssumeClusterEnforces, func(q *query) { q.ignoring = true }})
	}
	if len(e.ordered[netpol.Baseline]) > 0 && !plugin.Has(cni.BaselineByPod) && !plugin.Has(cni.BaselineByDirection) {
		out = append(out, reading{snapshot.AssumeBaseline, func(q *query) { q.byPod = true }})
	}
	return out
}

// clusterPoliciesEnforced reports whether the ordered tiers are known to be in force.
func (e *Engine) clusterPoliciesEnforced() bool {
	for _, tier := range e.ordered {
		for _, p := range tier {
			if v, _ := e.world.Facts.Profile.Implements(p.Kind); v != verdict.Allow {
				return false
			}
		}
	}
	return true
}

// assuming adds the assumptions that the step used. Under Facts.Strict they leave
// nothing decided.
func (q *query) assuming(step verdict.Step, used []string) verdict.Step {
	step.Assumptions = snapshot.Merge(used, q.standing)
	if step.Verdict == verdict.Unknown || !q.world.Facts.Strict || len(step.Assumptions) == 0 {
		return step
	}
	facts := map[string]string{
		"assumptions": strings.Join(step.Assumptions, ", "),
		"would":       step.Verdict.String(),
		"because":     string(step.Reason),
	}
	step.Verdict, step.Reason, step.Facts = verdict.Unknown, Assumed, facts
	return step
}

func (q *query) step(v verdict.Verdict, r verdict.Reason) verdict.Step {
	return verdict.Step{Layer: q.dir.Layer(), Verdict: v, Reason: r}
}
