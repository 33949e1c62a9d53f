package reach

import (
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A ControlAccess says who reaches a port that gives control without SQL.
type ControlAccess struct {
	From    snapshot.Ref
	Server  *snapshot.Server
	Port    snapshot.ControlPort
	Verdict verdict.Verdict
	Step    verdict.Step // what decides
}

// Control lists the clients that reach, or may reach, the server's control ports.
func (e *Engine) Control(s *snapshot.Server) []ControlAccess {
	var out []ControlAccess
	b := &book{Engine: e, server: s}
	for _, port := range s.Control {
		for _, v := range []verdict.Verdict{verdict.Allow, verdict.Unknown} {
			for _, w := range e.World.Workloads {
				if a, ok := e.control(s, port, w, v); ok {
					out = append(out, a)
				}
			}
			if a, ok := b.controlOutside(port, v); ok {
				out = append(out, a)
			}
		}
	}
	return out
}

// controlOutside gathers the addresses outside that get the verdict at a port.
func (b *book) controlOutside(port snapshot.ControlPort, want verdict.Verdict) (ControlAccess, bool) {
	a := ControlAccess{Server: b.server, Port: port, Verdict: want}
	var all flow.Addresses
	for _, atom := range b.atoms() {
		if v, step := b.controlFrom(b.server, port, network.OutsideEndpoint(atom)); v == want {
			all, a.Step = all.Union(atom), step
		}
	}
	a.From = b.outsideRef(all)
	return a, !all.IsEmpty()
}

// control gathers the members of a workload that get the verdict at a port.
func (e *Engine) control(s *snapshot.Server, port snapshot.ControlPort, w *snapshot.Workload, want verdict.Verdict) (ControlAccess, bool) {
	a := ControlAccess{Server: s, Port: port, Verdict: want}
	var pods []*snapshot.Pod
	for _, p := range w.Pods {
		if v, step := e.controlFrom(s, port, network.PodEndpoint(p)); v == want {
			pods, a.Step = append(pods, p), step
		}
	}
	if len(pods) == 0 {
		return a, false
	}
	a.From = network.GroupRef(w, pods)
	return a, true
}

// controlFrom is the best that one client gets at any member.
func (e *Engine) controlFrom(s *snapshot.Server, port snapshot.ControlPort, from network.Endpoint) (verdict.Verdict, verdict.Step) {
	best, decisive := verdict.Deny, verdict.Step{}
	for _, m := range s.Members() {
		if sameInstance(from.Pod, m) {
			continue
		}
		steps := e.packets(from, m, port.Port)
		if v := combined(steps); better(v, best) {
			best, decisive = v, steps[len(steps)-1]
		}
	}
	return best, decisive
}
