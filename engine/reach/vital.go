package reach

import (
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
	d := VitalDecision{Flow: f, Verdict: verdict.Unknown}
	first := true
	for _, from := range endpoints(f.From) {
		for _, to := range endpoints(f.To) {
			if sameInstance(from.Pod, to.Pod) {
				continue
			}
			steps := e.vitalSteps(s, f, from, to)
			v := combined(steps)
			if first || worse(v, d.Verdict) {
				d.Verdict, d.Steps = v, steps
			}
			for _, step := range steps {
				d.Assumptions = snapshot.Merge(d.Assumptions, step.Assumptions)
			}
			first = false
		}
	}
	if first { // nobody to talk to, so nothing can be cut
		d.Verdict = verdict.Allow
	}
	return e.vitalAssumed(f, d)
}

// worse orders what a flow that must pass everywhere is told by: Deny, Unknown, Allow.
func worse(a, b verdict.Verdict) bool { return verdict.All(a, b) != b }

// vitalAssumed adds what had to be assumed about the peers.
func (e *Engine) vitalAssumed(f snapshot.VitalFlow, d VitalDecision) VitalDecision {
	for _, p := range []snapshot.VitalPeer{f.From, f.To} {
		switch {
		case p.OutsideUnknown && f.ID == "kube-apiserver":
			d.Assumptions = snapshot.Merge(d.Assumptions, []string{snapshot.AssumeAPIServer})
		case p.Namespace != "" && len(p.Pods) == 0 && f.ID == "dns":
			d.Assumptions = snapshot.Merge(d.Assumptions, []string{snapshot.AssumeClusterDNS})
		case p.Namespace != "" && len(p.Pods) == 0:
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
	if f.Role == "" || to.Pod == nil {
		return chosen
	}
	for _, port := range s.Ports {
		if len(f.Ports) > 0 && port.Port == f.Ports[0].From && isMember(s, to.Pod) {
			return append(chosen, e.vitalSession(s, f, from, port)...)
		}
	}
	return chosen
}

// vitalSession decides the session of a flow. Without a certificate the client
// prefers TLS and makes do without (libpq sslmode=prefer).
func (e *Engine) vitalSession(s *snapshot.Server, f snapshot.VitalFlow, from network.Endpoint, port snapshot.ServerPort) []verdict.Step {
	q := Question{From: from, To: Target{Server: s}, Session: Session{
		Database: f.Database, Role: f.Role, Replication: f.Replication, TLS: true, Cert: f.Cert}}
	tls, _ := e.atServer(s, e.client(q, port), port)
	if f.Cert != "" {
		return tls
	}
	q.Session.TLS = false
	plain, _ := e.atServer(s, e.client(q, port), port)
	if better(combined(plain), combined(tls)) {
		return plain
	}
	return tls
}

func (e *Engine) portSteps(from, to network.Endpoint, r flow.PortRange) []verdict.Step {
	a := network.Attempt{From: from, To: to, Protocol: r.Protocol, Port: r.From}
	return e.network(a, e.Network.Decide)
}
