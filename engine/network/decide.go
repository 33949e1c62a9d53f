package network

import (
	"slices"
	"strings"

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
}

func (e *Engine) ask(dir netpol.Direction, a Attempt) *query {
	q := &query{Engine: e, dir: dir, attempt: a, subject: a.To, peer: a.From}
	if dir == netpol.Egress {
		q.subject, q.peer = a.From, a.To
	}
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

// notEnforced is the answer of a network plugin that ignores NetworkPolicy. It
// needs no assumption: what was not read is not in force either.
func (q *query) notEnforced() verdict.Step {
	s := q.selection()
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
	problems := q.world.InDoubt(q.namespaces()...)
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

// policies answers from the rules of the policies that select the subject.
func (q *query) policies() verdict.Step {
	o := q.outcome()
	var step verdict.Step
	switch o.verdict() {
	case verdict.Allow:
		step = q.allowed(o)
	case verdict.Deny:
		step = q.refused(o)
	default:
		return q.assuming(q.unsure(o), nil)
	}
	return q.assuming(step, q.needed(step.Verdict))
}

// needed returns the assumptions without which the verdict would be Unknown.
func (q *query) needed(v verdict.Verdict) []string {
	again := *q
	again.doubt, again.used = true, 0
	o := again.outcome()
	var out []string
	if o.verdict() != v {
		out = again.used.list()
	}
	if v == verdict.Deny && q.world.Facts.Enforces == verdict.Unknown {
		out = snapshot.Merge(out, []string{snapshot.AssumeCNIEnforces})
	}
	return out
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

// allowed explains an Allow: nothing isolates the pod, or these rules admit.
func (q *query) allowed(o outcome) verdict.Step {
	if o.isEmpty() {
		return q.step(verdict.Allow, NotIsolated)
	}
	step := q.step(verdict.Allow, Allowed)
	deciding := o.sure
	if len(deciding) == 0 {
		deciding = o.maybe
	}
	var origins []verdict.Origin
	for _, a := range deciding {
		origins = append(origins, a.admitting()...)
	}
	step.Facts = map[string]string{"policies": o.names()}
	if len(origins) > 0 {
		step.Origin, step.Also = origins[0], origins[1:]
	}
	return step
}

// refused explains a Deny by the rule that came nearest to admitting. A node
// reaches the pods it runs, whatever policies say ("traffic to and from the node
// where a Pod is running is always allowed"), so there it is Unknown.
func (q *query) refused(o outcome) verdict.Step {
	step := q.step(verdict.Deny, NoRule)
	if o.node {
		step = q.step(verdict.Unknown, HostNetwork)
	}
	miss := q.nearest(o.selection)
	step.Facts = miss.facts()
	step.Facts["policies"] = o.names()
	step.Origin = miss.Origin
	for _, p := range o.selection.sure {
		if p != miss.Policy {
			step.Also = append(step.Also, p.Origin)
		}
	}
	return step
}

// unsure explains an Unknown by the policies and peers it depends on.
func (q *query) unsure(o outcome) verdict.Step {
	if o.node && o.refuses() {
		return q.refused(o)
	}
	step := q.step(verdict.Unknown, Unsure)
	step.Facts = map[string]string{"policies": o.names()}
	var origins []verdict.Origin
	for _, a := range o.sure {
		origins = append(origins, a.doubtful()...)
	}
	if len(origins) > 0 {
		step.Facts["depends"] = "peer"
	} else {
		step.Facts["depends"] = "selector"
	}
	for _, p := range o.selection.maybe {
		origins = append(origins, p.Origin.At("spec.podSelector"))
	}
	if q.peer.isOutside() && !q.peer.addressUnknown() {
		step.Facts["outside"] = prefixes(q.peer.Outside)
		step.Facts["admitted"] = prefixes(o.admitted(q.peer))
	}
	if q.peer.isOutside() && q.peer.addressUnknown() {
		step.Facts["address"] = "unknown"
	}
	if keys := q.unknownKeys(o.selection); keys != "" {
		step.Facts["unknownLabels"] = keys
	}
	if len(origins) > 0 {
		step.Origin, step.Also = origins[0], origins[1:]
	}
	return step
}

// unknownKeys names the labels of both sides that the policies ask for and whose
// values nobody wrote down.
func (q *query) unknownKeys(s selection) string {
	asked := vision{values: map[label]bool{}}
	for _, p := range slices.Concat(s.sure, s.maybe) {
		asked.selector(&p.Pods)
		for _, r := range p.Rules[q.dir] {
			asked.rule(r)
		}
	}
	var keys []string
	for _, end := range []Endpoint{q.subject, q.peer} {
		if end.isOutside() {
			continue
		}
		for _, key := range end.labels().Unknown {
			if slices.Contains(asked.keys, key) {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return strings.Join(slices.Compact(keys), ", ")
}
