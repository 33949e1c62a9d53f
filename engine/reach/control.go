package reach

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A ControlAccess says who reaches a port that gives control without SQL.
type ControlAccess struct {
	From   snapshot.Ref
	Server *snapshot.Server
	Port   snapshot.ControlPort
	// Through is what leads a client outside there, as Path.Through has it; empty for
	// clients in the cluster and for the pod's own address.
	Through string
	Verdict verdict.Verdict
	Step    verdict.Step // what decides
}

// A controlAnswer is what one client gets at a control port.
type controlAnswer struct {
	verdict verdict.Verdict
	step    verdict.Step
	through string
}

// Control lists the clients that reach, or may reach, the server's control ports.
func (e *Engine) Control(s *snapshot.Server) []ControlAccess {
	var out []ControlAccess
	b := &book{Engine: e, server: s}
	for _, port := range s.Control {
		asked, outside := e.controlOfPods(s, port), b.controlOfOutside(port)
		for _, want := range []verdict.Verdict{verdict.Allow, verdict.Unknown} {
			for _, w := range e.World.Workloads {
				if a, ok := controlBy(w, asked, want); ok {
					a.Server, a.Port = s, port
					out = append(out, a)
				}
			}
			out = append(out, b.controlByOutside(port, outside, want)...)
		}
	}
	return out
}

// controlOfPods asks for each pod; those that are refused are left out. What policies
// refuse to a class of pods is not asked for each of them.
func (e *Engine) controlOfPods(s *snapshot.Server, port snapshot.ControlPort) map[*snapshot.Pod]controlAnswer {
	out := map[*snapshot.Pod]controlAnswer{}
	pass, ways := e.controlPass(s, port), controlWays(s, port)
	for _, w := range e.World.Workloads {
		for _, p := range w.Pods {
			if class := e.lookup().Class(p); w != s.Workload && class >= 0 && pass[class] == verdict.Deny {
				continue
			}
			if a := e.controlFrom(network.PodEndpoint(p), ways); a.verdict != verdict.Deny {
				out[p] = a
			}
		}
	}
	return out
}

// controlPass is the best that policies say of each class of pods at any member.
func (e *Engine) controlPass(s *snapshot.Server, port snapshot.ControlPort) []verdict.Verdict {
	out := make([]verdict.Verdict, e.lookup().Classes())
	for i := range out {
		out[i] = verdict.Deny
	}
	for _, m := range s.Members() {
		into := e.lookup().Into(m, flow.TCP, port.Port)
		for i := range out {
			if into == nil { // nobody knows
				out[i] = verdict.Any(out[i], verdict.Unknown)
				continue
			}
			out[i] = verdict.Any(out[i], into[i])
		}
	}
	return out
}

// controlBy gathers the members of a workload that get the verdict.
func controlBy(w *snapshot.Workload, asked map[*snapshot.Pod]controlAnswer, want verdict.Verdict) (ControlAccess, bool) {
	a := ControlAccess{Verdict: want}
	var pods []*snapshot.Pod
	for _, p := range w.Pods {
		if got, ok := asked[p]; ok && got.verdict == want {
			pods, a.Step = append(pods, p), got.step
		}
	}
	if len(pods) == 0 {
		return a, false
	}
	a.From = network.GroupRef(w, pods)
	return a, true
}

// An outsideControl is what addresses outside get at a control port.
type outsideControl struct {
	controlAnswer
	addresses flow.Addresses
}

// controlOfOutside asks for each part of the outside, and joins those that get in alike.
func (b *book) controlOfOutside(port snapshot.ControlPort) []outsideControl {
	var out []outsideControl
	ways, cuts := b.controlWaysFromOutside(b.server, port), b.cuts()
	for _, w := range ways {
		if w.service != nil {
			cuts = append(cuts, b.doorCuts(w.service)...)
		}
	}
next:
	for _, atom := range b.atoms(cuts) {
		got := b.controlFrom(network.OutsideEndpoint(atom), ways)
		for i, known := range out {
			if known.verdict == got.verdict && known.through == got.through {
				out[i].addresses = known.addresses.Union(atom)
				continue next
			}
		}
		out = append(out, outsideControl{got, atom})
	}
	return out
}

func (b *book) controlByOutside(port snapshot.ControlPort, asked []outsideControl, want verdict.Verdict) []ControlAccess {
	var out []ControlAccess
	for _, o := range asked {
		if o.verdict == want {
			out = append(out, ControlAccess{From: b.OutsideRef(o.addresses), Server: b.server, Port: port,
				Through: o.through, Verdict: want, Step: o.step})
		}
	}
	return out
}

// controlWays lead straight to the port at each member.
func controlWays(s *snapshot.Server, port snapshot.ControlPort) []way {
	var out []way
	for _, m := range s.Members() {
		out = append(out, way{member: m, port: snapshot.ServerPort{Port: port.Port}})
	}
	return out
}

// controlWaysFromOutside are those and the ones by the doors and routes of every Service
// that leads to the port. Routes that speak HTTP are among them, since most such ports do.
func (e *Engine) controlWaysFromOutside(s *snapshot.Server, port snapshot.ControlPort) []way {
	var out []way
	for _, w := range controlWays(s, port) {
		out = append(out, e.toHost(w)...)
	}
	for _, svc := range e.servicesBefore(s) {
		for i, sp := range svc.Ports {
			for _, m := range e.Backends(svc) {
				if sp.Protocol != flow.TCP || !isMember(s, m) || sp.PodPort(m) != port.Port {
					continue
				}
				step := serviceStep(svc, sp, m)
				w := way{service: svc, step: &step, entry: &svc.Ports[i], member: m, port: snapshot.ServerPort{Port: port.Port}}
				out = append(out, e.throughDoors(w, e.serviceDoors(svc, sp))...)
				out = append(out, e.throughRoutes(w, anyRoute)...)
			}
		}
	}
	return out
}

// servicesBefore are the Services of the server's namespace, and its own.
func (e *Engine) servicesBefore(s *snapshot.Server) []*snapshot.Service {
	out := slices.Clone(s.Services)
	for _, svc := range e.World.Services {
		if svc.Namespace == s.Workload.Namespace && svc.Type != "ExternalName" && !slices.Contains(out, svc) {
			out = append(out, svc)
		}
	}
	return out
}

// controlFrom is the best that one client gets on any of the ways.
func (e *Engine) controlFrom(from network.Endpoint, ways []way) controlAnswer {
	best := controlAnswer{verdict: verdict.Deny}
	for _, w := range ways {
		w.service = nil // no name is asked for: a client knows the address
		steps, ok := e.approach(from, w)
		if v := combined(steps); ok && better(v, best.verdict) {
			best = controlAnswer{v, decisive(steps), w.through}
		}
	}
	return best
}

// decisive is the first step that is in doubt, else the last.
func decisive(steps []verdict.Step) verdict.Step {
	for _, s := range steps {
		if s.Verdict == verdict.Unknown {
			return s
		}
	}
	return steps[len(steps)-1]
}
