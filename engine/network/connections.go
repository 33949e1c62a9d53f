package network

import (
	"iter"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Connections is all that NetworkPolicy lets through in one estate: every ordered
// pair of workloads, and every workload with the world outside. Pairs are made
// while they are read, since an open estate has as many as workloads squared.
type Connections struct {
	Workloads   []snapshot.Ref
	Assumptions []snapshot.Assumption
	Warnings    []snapshot.Warning
	estate      *estate
}

// A Party is a workload, some of its members by name, or ranges outside.
type Party struct {
	snapshot.Ref
	// Pods are its members; nil for ranges outside.
	Pods []*snapshot.Pod
	// CIDR is the shortest list of disjoint prefixes; nil for a workload.
	CIDR []netip.Prefix
}

// A Connection says that From may open connections to To at Ports, and no others.
type Connection struct {
	From  Party            `json:"from"`
	To    Party            `json:"to"`
	Ports []flow.PortRange `json:"ports"` // empty when All; never nil
	// All says every port of every protocol.
	All bool `json:"all"`
}

// An UnknownConnection may be let through or not; Reason is that of the lowest port.
type UnknownConnection struct {
	Connection
	Reason verdict.Reason `json:"reason"`
	Origin verdict.Origin `json:"origin"`
}

// estate is a snapshot compiled for whole sets.
type estate struct {
	engine *Engine
	*matrix
	outside [2][]*outside // by direction and profile
	whole   []Party       // by workload
}

func compile(e *Engine) *estate {
	m := newMatrix(e)
	out := &estate{engine: e, matrix: m}
	o := &outsiders{ports: m.ports, memo: map[string]*outside{}}
	for dir, side := range m.base.sides {
		for _, p := range side.profiles {
			out.outside[dir] = append(out.outside[dir], o.of(p))
		}
	}
	for _, w := range m.workloads {
		out.whole = append(out.whole, Party{Ref: w.Ref, Pods: w.Pods})
	}
	return out
}

// Connections returns the whole sets. The snapshot is compiled at the first call.
func (e *Engine) Connections() Connections {
	est := e.compiled()
	c := Connections{
		Workloads:   []snapshot.Ref{},
		Assumptions: snapshot.Assumptions(est.assumptions()...),
		Warnings:    append([]snapshot.Warning{}, e.world.Warnings...),
		estate:      est,
	}
	for _, w := range est.workloads {
		c.Workloads = append(c.Workloads, w.Ref)
	}
	return c
}

func (e *estate) assumptions() []string {
	used := e.engine.standing
	for _, v := range e.all {
		used = snapshot.Merge(used, v.matcher.asked.list())
		for _, side := range v.sides {
			used = snapshot.Merge(used, side.assumptions())
		}
	}
	return used
}

// assumptions are those that some profile rests on beyond what matching needed.
func (p *profiler) assumptions() []string {
	var used []string
	readings := map[string]bool{snapshot.AssumeBaseline: p.asked.baseline, snapshot.AssumeClusterEnforces: p.asked.cluster}
	for _, r := range p.engine.readings() {
		if readings[r.code] {
			used = snapshot.Merge(used, []string{r.code})
		}
	}
	refuses := slices.ContainsFunc(p.profiles, func(p *profile) bool { return p.refuses })
	if refuses && p.engine.world.Facts.Enforces == verdict.Unknown {
		used = snapshot.Merge(used, []string{snapshot.AssumeCNIEnforces})
	}
	return used
}

// All visits what is surely let through, sorted by source and destination:
// workloads by namespace, kind and name, the outside after them.
func (c Connections) All() iter.Seq[Connection] {
	return func(yield func(Connection) bool) {
		c.estate.visit(sureOnly, func(t trip) bool { return yield(c.estate.connection(t)) })
	}
}

// Unknown visits what may be let through or not, in the same order.
func (c Connections) Unknown() iter.Seq[UnknownConnection] {
	return func(yield func(UnknownConnection) bool) {
		c.estate.visit(possible, func(t trip) bool { return yield(c.estate.unknownConnection(t)) })
	}
}

func (e *estate) connection(t trip) Connection {
	out := Connection{From: t.from, To: t.to, Ports: []flow.PortRange{}, All: t.ports == allPorts}
	if !out.All {
		out.Ports = append(out.Ports, e.ports.set(t.ports).Ranges()...)
	}
	return out
}

// unknownConnection asks for the reason: one example decided, at the lowest port.
func (e *estate) unknownConnection(t trip) UnknownConnection {
	out := UnknownConnection{Connection: e.connection(t)}
	lowest := e.ports.set(t.ports).Ranges()[0]
	a := Attempt{From: t.example[0], To: t.example[1], Protocol: lowest.Protocol, Port: lowest.From}
	for _, dir := range []netpol.Direction{netpol.Egress, netpol.Ingress} {
		if step := e.engine.Decide(dir, a); step.Verdict == verdict.Unknown {
			out.Reason, out.Origin = step.Reason, step.Origin
			return out
		}
	}
	return out
}
