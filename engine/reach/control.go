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
	From snapshot.Ref
	// Outside are the addresses of clients outside; empty for pods.
	Outside flow.Addresses
	Server  *snapshot.Server
	Port    snapshot.ControlPort
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
	for _, port := range s.Control {
		asked, outside := e.ControlPods(s, port), e.ControlOutside(s, port)
		for _, want := range []verdict.Verdict{verdict.Allow, verdict.Unknown} {
			at := 0
			for _, w := range e.World.Workloads {
				if a, ok := e.controlBy(s, port, w, asked[at:at+len(w.Pods)], want); ok {
					out = append(out, a)
				}
				at += len(w.Pods)
			}
			for _, a := range outside {
				if a.Verdict == want {
					out = append(out, a)
				}
			}
		}
	}
	return out
}

// ControlStep is what decides whether a pod reaches a control port.
func (e *Engine) ControlStep(s *snapshot.Server, port snapshot.ControlPort, p *snapshot.Pod) verdict.Step {
	return e.controlFrom(network.PodEndpoint(p), controlWays(s, port), verdict.Allow).step
}

// ControlPods says of each pod, in the order of Pods, whether it reaches a control port:
// the best at any member of the server. It asks for each class of pods, and one by one
// for the server's own, which may meet themselves, and where mesh objects decide too.
func (e *Engine) ControlPods(s *snapshot.Server, port snapshot.ControlPort) []verdict.Verdict {
	var out []verdict.Verdict
	pass, ways, kinds := e.controlPass(s, port), controlWays(s, port), e.kinds()
	for _, w := range e.World.Workloads {
		for _, p := range w.Pods {
			class := kinds[len(out)].class
			switch {
			case w == s.Workload, class < 0, e.meshed && pass[class] != verdict.Deny:
				out = append(out, e.controlFrom(network.PodEndpoint(p), ways, verdict.Allow).verdict)
			default:
				out = append(out, pass[class])
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
			v := verdict.Unknown // nobody knows
			if into != nil {
				v = into[i]
			}
			if v != verdict.Deny && out[i] != verdict.Allow {
				out[i] = v
			}
		}
	}
	return out
}

// controlBy gathers the members of a workload that get the verdict, with what decides for
// the first of them.
func (e *Engine) controlBy(s *snapshot.Server, port snapshot.ControlPort, w *snapshot.Workload, asked []verdict.Verdict, want verdict.Verdict) (ControlAccess, bool) {
	var pods []*snapshot.Pod
	for i, p := range w.Pods {
		if asked[i] == want {
			pods = append(pods, p)
		}
	}
	if len(pods) == 0 {
		return ControlAccess{}, false
	}
	step := e.controlFrom(network.PodEndpoint(pods[0]), controlWays(s, port), want).step
	return ControlAccess{From: network.GroupRef(w, pods), Server: s, Port: port, Verdict: want, Step: step}, true
}

// ControlOutside lists the parts of the outside that reach a control port, or may, each
// with what leads there.
func (e *Engine) ControlOutside(s *snapshot.Server, port snapshot.ControlPort) []ControlAccess {
	b := &book{Engine: e, server: s}
	ways, cuts := e.controlWaysFromOutside(s, port), b.cuts()
	for _, w := range ways {
		if w.service != nil {
			cuts = append(cuts, e.doorCuts(w.service)...)
		}
	}
	var parts []flow.Addresses
	var answers []controlAnswer
	for _, atom := range b.atoms(cuts) {
		got := e.controlFrom(network.OutsideEndpoint(atom), ways, verdict.Allow)
		i := slices.IndexFunc(answers, func(a controlAnswer) bool { return a.verdict == got.verdict && a.through == got.through })
		switch {
		case got.verdict == verdict.Deny:
		case i >= 0:
			parts[i] = parts[i].Union(atom)
		default:
			parts, answers = append(parts, atom), append(answers, got)
		}
	}
	var out []ControlAccess
	for i, a := range answers {
		out = append(out, ControlAccess{From: e.OutsideRef(parts[i]), Outside: parts[i], Server: s, Port: port,
			Through: a.through, Verdict: a.verdict, Step: a.step})
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
	for _, svc := range e.ServicesBefore(s) {
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

// ServicesBefore are the Services of the server's namespace, and its own.
func (e *Engine) ServicesBefore(s *snapshot.Server) []*snapshot.Service {
	out := slices.Clone(s.Services)
	for _, svc := range e.World.Services {
		if svc.Namespace == s.Workload.Namespace && svc.Type != "ExternalName" && !slices.Contains(out, svc) {
			out = append(out, svc)
		}
	}
	return out
}

// controlFrom is the best that one client gets on any of the ways. It looks no further
// when it has what is enough.
func (e *Engine) controlFrom(from network.Endpoint, ways []way, enough verdict.Verdict) controlAnswer {
	best := controlAnswer{verdict: verdict.Deny}
	for _, w := range ways {
		w.service = nil // no name is asked for: a client knows the address
		steps, ok := e.approach(from, w)
		if v := combined(steps); ok && (better(v, best.verdict) || len(best.step.Layer) == 0 && len(steps) > 0) {
			best = controlAnswer{v, decisive(steps), w.through}
		}
		if best.verdict == enough {
			break
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
