package reach

import (
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A way is a path before anything is decided: where the client's first packet
// ends, and what stands between there and the member.
type way struct {
	service *snapshot.Service
	step    *verdict.Step // the service layer's answer; nil for straight to the pod
	pooler  *snapshot.Pooler
	hop     *snapshot.Pod // the pooler's pod; nil where no pooler workload stands between
	member  *snapshot.Pod // nil where the Service leads nowhere
	port    snapshot.ServerPort
	refused bool // nothing that speaks PostgreSQL listens at port
	// through and seen are Path.Through and Path.Sees; as is who the first pod sees
	// where that is not the client.
	through string
	seen    Seen
	as      *network.Endpoint
	// door is where an outside client comes in; nil for clients of the cluster, for a
	// pod's own address, and where nothing leads in from outside.
	door *door
	// inside says that the connection begins in the pod itself.
	inside Inside
	// entry is the Service's port; nil without a Service.
	entry *snapshot.ServicePort
}

// sender is who the first pod sees: the client, unless something on the way puts its
// own address in place.
func (w way) sender(from network.Endpoint) network.Endpoint {
	if w.as != nil {
		return *w.as
	}
	return from
}

// serverSees is what PostgreSQL sees of a client, and whose address that is.
func (w way) serverSees(from network.Endpoint) (Seen, network.Endpoint) {
	switch {
	case w.pooler != nil:
		return SeenPooler, network.PodEndpoint(w.hop)
	case w.refused:
		return w.seen, w.sender(from)
	}
	switch w.port.Sees {
	case snapshot.SeesSocket:
		return SeenSocket, network.Endpoint{}
	case snapshot.SeesLoopback:
		return SeenLoopback, network.Endpoint{}
	case snapshot.SeesUnknown:
		return SeenUnknown, network.Endpoint{}
	}
	return w.seen, w.sender(from)
}

// ways lists every path of the question. A client outside comes in by what exposes the
// pods; one that is in a pod already needs no path to it.
func (e *Engine) ways(q Question) []way {
	switch {
	case q.Inside != OverNetwork:
		return e.waysInside(q)
	case isOutside(q.From):
		return e.waysFromOutside(q)
	}
	return e.waysInCluster(q)
}

// waysInCluster are those through each Service, through each pooler, and straight to
// each pod's address, because a Service that is broken or narrow never counts as
// protection.
func (e *Engine) waysInCluster(q Question) []way {
	var out []way
	for _, svc := range servicesOf(q.To) {
		out = append(out, e.throughService(q, svc)...)
	}
	if q.To.Service != nil {
		return out
	}
	return append(out, e.straight(q)...)
}

// servicesOf returns the Services that the question asks through.
func servicesOf(t Target) []*snapshot.Service {
	switch {
	case t.Service != nil:
		return []*snapshot.Service{t.Service}
	case t.Members != nil:
		return nil
	case t.Pooler != nil:
		return t.Pooler.Services
	}
	all := append([]*snapshot.Service(nil), t.Server.Services...)
	for _, p := range t.Server.Poolers {
		all = append(all, p.Services...)
	}
	return all
}

// throughService follows each port of a Service to the pods behind it; an alias
// has the ports of the Service it stands for.
func (e *Engine) throughService(q Question, svc *snapshot.Service) []way {
	var out []way
	end, backends := e.alias(svc), e.Backends(svc)
	for i, sp := range end.Ports {
		if sp.Protocol != flow.TCP {
			continue
		}
		for _, pod := range backends {
			if q.Port == 0 || q.Port == asked(q.To, sp, pod) {
				out = append(out, e.behind(q, end, &end.Ports[i], pod)...)
			}
		}
	}
	if len(out) == 0 && q.To.Service != nil {
		step := e.leadsNowhere(end, backends, q.Port)
		out = append(out, way{step: &step})
	}
	for i := range out {
		out[i].service = svc
	}
	return out
}

// asked is the port that a question means: the Service's where it names a Service,
// else the pod's, whatever the Services before it call it.
func asked(t Target, sp snapshot.ServicePort, pod *snapshot.Pod) uint16 {
	if t.Service != nil {
		return sp.Port
	}
	return sp.PodPort(pod)
}

// behind lists the ways that go on from one pod behind a Service port. A port that
// no PostgreSQL answers is a way only when the user asked for that very Service.
func (e *Engine) behind(q Question, svc *snapshot.Service, sp *snapshot.ServicePort, pod *snapshot.Pod) []way {
	step := serviceStep(svc, *sp, pod)
	number := sp.PodPort(pod)
	var out []way
	for _, w := range e.listening(q.To, pod, number) {
		w.step, w.entry = &step, sp
		out = append(out, w)
	}
	if len(out) == 0 && q.To.Service != nil && (q.Port != 0 || len(svc.Ports) == 1) {
		out = append(out, way{step: &step, entry: sp, member: pod, refused: true,
			port: snapshot.ServerPort{Port: number}})
	}
	return out
}

// straight lists the ways to the addresses of the pods themselves.
func (e *Engine) straight(q Question) []way {
	var out []way
	for _, pod := range podsOf(q.To) {
		for _, number := range e.numbers(q, pod) {
			ws := e.listening(q.To, pod, number)
			if len(ws) == 0 {
				ws = []way{{member: pod, port: snapshot.ServerPort{Port: number}, refused: true}}
			}
			out = append(out, ws...)
		}
	}
	return out
}

// podsOf returns the pods that a client can address directly.
func podsOf(t Target) []*snapshot.Pod {
	switch {
	case t.Members != nil:
		return t.Members
	case t.Pooler != nil:
		return t.Pooler.Workload.Pods
	}
	out := t.Server.Members()
	for _, p := range t.Server.Poolers {
		out = append(out, p.Workload.Pods...)
	}
	return out
}

// numbers returns the ports of a pod that the question asks.
func (e *Engine) numbers(q Question, pod *snapshot.Pod) []uint16 {
	if q.Port != 0 {
		return []uint16{q.Port}
	}
	if p := q.To.Server.PoolerOf(pod.Workload); p != nil {
		return []uint16{p.Port}
	}
	var out []uint16
	for _, sp := range q.To.Server.Ports {
		out = append(out, sp.Port)
	}
	return out
}

// listening returns the ways that begin at a pod's port: one to PostgreSQL itself,
// or one for each member that a pooler may hand the session to.
func (e *Engine) listening(t Target, pod *snapshot.Pod, number uint16) []way {
	if p := t.Server.PoolerOf(pod.Workload); p != nil {
		if number != p.Port {
			return nil
		}
		var out []way
		for _, m := range t.Server.Members() {
			if p.Part == "" || p.Part == m.Part {
				out = append(out, way{pooler: p, hop: pod, member: m, port: t.Server.Ports[0]})
			}
		}
		return out
	}
	for _, sp := range t.Server.Ports {
		if sp.Port == number && isMember(t.Server, pod) {
			return []way{{member: pod, port: sp}}
		}
	}
	return nil
}

func isMember(s *snapshot.Server, pod *snapshot.Pod) bool {
	return pod.Workload == s.Workload && (pod.Part == snapshot.Primary || pod.Part == snapshot.Replica)
}

// firstPort is the pod port that the client's first packet goes to.
func (w way) firstPort() uint16 {
	if w.pooler != nil {
		return w.pooler.Port
	}
	return w.port.Port
}

// firstPod is the pod that the client's first packet goes to.
func (w way) firstPod() *snapshot.Pod {
	if w.hop != nil {
		return w.hop
	}
	return w.member
}

// packets asks the network layers whether from reaches a pod's port.
func (e *Engine) packets(from network.Endpoint, pod *snapshot.Pod, port uint16) []verdict.Step {
	return e.network(network.Attempt{From: from, To: network.PodEndpoint(pod), Protocol: flow.TCP, Port: port}, e.decide)
}

// network asks both ends, where they are pods, also ones that were not read but are known by
// their labels. Each IP family that they have
// in common is a way of its own, of which the best counts.
func (e *Engine) network(a network.Attempt, decide func(netpol.Direction, network.Attempt) verdict.Step) []verdict.Step {
	var best []verdict.Step
	for i, f := range e.Network.Families(a) {
		a.Family = f
		steps := []verdict.Step{}
		if a.From.Pod != nil || a.From.Virtual != nil { // nothing outside has an egress of ours
			steps = append(steps, decide(netpol.Egress, a))
		}
		if a.To.Pod != nil || a.To.Virtual != nil {
			steps = append(steps, decide(netpol.Ingress, a))
		}
		if i == 0 || better(combined(steps), combined(best)) {
			best = steps
		}
	}
	return best
}

// A hop is all that a verdict between two pods depends on.
type hop struct {
	from, to int // classes of network.Lookup
	protocol flow.Protocol
	port     uint16
	family   network.Family
	dir      netpol.Direction
}

// decide asks the network engine, and where a whole list is made remembers the
// answer for all pods of a class. Only their verdicts are the same, so that a
// single question, which explains, never shares a step.
func (e *Engine) decide(dir netpol.Direction, a network.Attempt) verdict.Step {
	if e.listing == nil || a.From.Pod == nil || a.To.Pod == nil || a.From.Pod.Workload == a.To.Pod.Workload {
		return e.Network.Decide(dir, a)
	}
	key := hop{e.lookup().Class(a.From.Pod), e.lookup().Class(a.To.Pod), a.Protocol, a.Port, a.Family, dir}
	if key.from < 0 || key.to < 0 {
		return e.Network.Decide(dir, a)
	}
	step, known := e.listing.decided[key]
	if !known {
		step = e.Network.Decide(dir, a)
		e.listing.decided[key] = step
	}
	return step
}
