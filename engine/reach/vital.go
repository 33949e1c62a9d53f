package reach

import (
	"cmp"
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Vital decides every flow that the server needs to stay alive. A flow passes only
// if it passes between every pair of its pods: one replica cut off is an outage
// that waits for its failover.
func (e *Engine) Vital(s *snapshot.Server) []VitalDecision {
	out := make([]VitalDecision, 0, len(s.Vital))
	for _, f := range s.Vital {
		out = append(out, e.vital(s, f))
	}
	return out
}

func (e *Engine) vital(s *snapshot.Server, f snapshot.VitalFlow) VitalDecision {
	d := VitalDecision{Flow: f, Verdict: verdict.Allow} // with nobody to talk to, nothing can be cut
	for _, from := range endpoints(f.From) {
		one, asked := e.vitalFrom(s, f, from)
		if asked && (d.Steps == nil || worse(one.Verdict, d.Verdict)) {
			d.Verdict, d.Steps = one.Verdict, one.Steps
		}
		d.Assumptions = snapshot.Merge(d.Assumptions, one.Assumptions)
	}
	return e.named(f, e.vitalAssumed(f, d))
}

// named adds what becomes of the name by which the flow's destination is known: one that
// leads to nobody cuts it, whatever the network lets through, and one of a Service that
// was not read is no better than the assumption that it exists.
func (e *Engine) named(f snapshot.VitalFlow, d VitalDecision) VitalDecision {
	step := f.To.Lost
	if step == nil {
		step = e.unreadService(f)
	}
	if step == nil {
		return d
	}
	d.Assumptions = snapshot.Merge(d.Assumptions, step.Assumptions)
	if step.Verdict != verdict.Allow {
		d.Verdict = verdict.All(d.Verdict, step.Verdict)
		d.Steps = append([]verdict.Step{*step}, d.Steps...)
	}
	return d
}

// unreadService is the doubt about a Service that nobody read; nil where there is none.
// Even where it surely is not there a short name may be found under another search domain.
func (e *Engine) unreadService(f snapshot.VitalFlow) *verdict.Step {
	ref := f.To.Unread
	if ref == (snapshot.Ref{}) || e.services[[2]string{ref.Namespace, ref.Name}] != nil {
		return nil
	}
	step := verdict.Step{Layer: verdict.Service, Verdict: verdict.Unknown, Reason: "service/not-read", Origin: f.Origin,
		Facts: map[string]string{"service": ref.Namespace + "/" + ref.Name}}
	if !e.World.Holds(ref.Kind, ref.Namespace) {
		step.Verdict = verdict.Allow
		step = e.assume(step, snapshot.AssumeServiceUnread)
	}
	return &step
}

// vitalFrom decides a flow for one of the pods that need it; false where it has nobody
// to talk to.
func (e *Engine) vitalFrom(s *snapshot.Server, f snapshot.VitalFlow, from network.Endpoint) (VitalDecision, bool) {
	d := VitalDecision{Flow: f}
	asked, passes := false, false
	for _, to := range endpoints(f.To) {
		if sameInstance(from.Pod, to.Pod) {
			continue
		}
		steps := e.vitalSteps(s, f, from, to)
		v := combined(steps)
		if !asked || worse(v, d.Verdict) {
			d.Verdict, d.Steps = v, steps
		}
		for _, step := range steps {
			d.Assumptions = snapshot.Merge(d.Assumptions, step.Assumptions)
		}
		asked, passes = true, passes || v == verdict.Allow
	}
	if passes && d.Verdict == verdict.Deny && alternatives(f) {
		d.Verdict = verdict.Unknown
	}
	return d, asked
}

// alternatives reports whether the pods of a flow do with one of its destinations, and
// nobody here knows with which: a resolver on the node or the one behind the Service,
// one of several API servers that a Service picks.
func alternatives(f snapshot.VitalFlow) bool { return f.ID == "dns" || f.ID == "kube-apiserver" }

// worse orders what a flow that must pass everywhere is told by: Deny, Unknown, Allow.
func worse(a, b verdict.Verdict) bool { return verdict.All(a, b) != b }

// vitalAssumed adds what had to be assumed about the peers: where facts tell of the
// resolver nothing is, and of a peer without labels nothing is said that could be.
func (e *Engine) vitalAssumed(f snapshot.VitalFlow, d VitalDecision) VitalDecision {
	for _, p := range []snapshot.VitalPeer{f.From, f.To} {
		switch {
		case p.OutsideUnknown && p.Name == snapshot.KubeAPIServer:
			d.Assumptions = snapshot.Merge(d.Assumptions, []string{snapshot.AssumeAPIServer})
		case p.Namespace == "" || len(p.Pods) > 0 || len(p.Labels.Set) == 0 || p.Later:
		case f.ID == "dns":
			if e.World.Facts.DNS == nil {
				d.Assumptions = snapshot.Merge(d.Assumptions, []string{snapshot.AssumeClusterDNS})
			}
		default:
			d.Assumptions = snapshot.Merge(d.Assumptions, []string{snapshot.AssumeOperator})
		}
	}
	return d
}

// endpoints are all who may stand on one side of a vital flow.
func endpoints(p snapshot.VitalPeer) []network.Endpoint {
	var out []network.Endpoint
	for _, pod := range p.Pods {
		out = append(out, network.PodEndpoint(pod))
	}
	if len(out) == 0 && p.Namespace != "" {
		out = append(out, network.Endpoint{Virtual: &network.Virtual{Name: p.Name, Namespace: p.Namespace, Labels: p.Labels}})
	}
	if p.OutsideUnknown || !p.Outside.IsEmpty() {
		out = append(out, network.Endpoint{Outside: p.Outside, OutsideUnknown: p.OutsideUnknown})
	}
	return out
}

// vitalSteps asks the layers for one pair; of alternative ports the best counts,
// of required ones the worst.
func (e *Engine) vitalSteps(s *snapshot.Server, f snapshot.VitalFlow, from, to network.Endpoint) []verdict.Step {
	var chosen []verdict.Step
	for _, r := range f.Ports {
		steps := e.portSteps(from, to, r)
		if chosen == nil {
			chosen = steps
			continue
		}
		a, b := combined(steps), combined(chosen)
		if f.AnyOf && better(a, b) || !f.AnyOf && worse(a, b) {
			chosen = steps
		}
	}
	if f.Role == "" || to.Pod == nil || len(f.Ports) == 0 {
		return chosen
	}
	var session []verdict.Step
	for i, w := range e.listening(Target{Server: s}, to.Pod, f.Ports[0].From) {
		steps := e.vitalSession(s, f, from, w)
		if w.pooler != nil {
			steps = sentOn(steps, f)
		}
		if i == 0 || worse(combined(steps), combined(session)) {
			session = steps
		}
	}
	return append(chosen, session...)
}

// sentOn leaves of a session at a pooler what the pooler itself decides, where it
// answers itself: its console is a database that no server has (PgBouncer documentation,
// "Admin console").
func sentOn(steps []verdict.Step, f snapshot.VitalFlow) []verdict.Step {
	if f.Database != pgBouncerConsole {
		return steps
	}
	return slices.DeleteFunc(steps, func(s verdict.Step) bool { return s.Layer != verdict.Pooler })
}

const pgBouncerConsole = "pgbouncer"

// vitalSession decides the session of a flow, on any database where it names none. Without a certificate the client
// prefers TLS and makes do without (libpq sslmode=prefer).
func (e *Engine) vitalSession(s *snapshot.Server, f snapshot.VitalFlow, from network.Endpoint, w way) []verdict.Step {
	q := Question{From: from, To: Target{Server: s}, Session: Session{
		Database: cmp.Or(f.Database, AnyOther), Role: f.Role, Replication: f.Replication, TLS: true, Cert: f.Cert}}
	tls, _ := e.converse(q, w)
	if f.Cert != "" {
		return tls
	}
	q.Session.TLS = false
	plain, _ := e.converse(q, w)
	if better(combined(plain), combined(tls)) {
		return plain
	}
	return tls
}

func (e *Engine) portSteps(from, to network.Endpoint, r flow.PortRange) []verdict.Step {
	a := network.Attempt{From: from, To: to, Protocol: r.Protocol, Port: r.From}
	return e.network(a, e.Network.Decide)
}
