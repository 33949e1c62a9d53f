package reach

import (
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Outcomes are the closed list of a server as numbers, for whoever compares many of
// them: clients with the same list have the same number. Lists have no clients, no
// assumptions and no reasons of a doubt; those are asked for one by one.
type Outcomes struct {
	// Lists are the cells by number; the first is nothing.
	Lists [][]Access
	// Pods is the number of each pod, in the order of Engine.Pods.
	Pods []int32
	// Atoms are disjoint parts of the addresses outside, Outside their numbers.
	Atoms   []flow.Addresses
	Outside []int32
	// Inside are those of Insiders.
	Inside []int32
}

// Pods are all of the snapshot, in the order of its workloads.
func (e *Engine) Pods() []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, w := range e.World.Workloads {
		out = append(out, w.Pods...)
	}
	return out
}

// Cuts are the addresses at which an answer about the outside may change.
func (e *Engine) Cuts(s *snapshot.Server) []flow.Addresses {
	return (&book{Engine: e, server: s}).cuts()
}

// Outcomes makes the closed list of a server that tells the names and addresses apart.
// Lists of two snapshots compare only where both are told the same ones.
func (e *Engine) Outcomes(s *snapshot.Server, names Names, cuts []flow.Addresses) *Outcomes {
	b := newBook(e, s, names)
	b.quick = true
	o := &Outcomes{Lists: [][]Access{nil}}
	numbers := map[*Access]int32{}
	number := func(list []Access) int32 {
		if len(list) == 0 {
			return 0
		}
		n, known := numbers[&list[0]]
		if !known {
			n = int32(len(o.Lists)) //nolint:gosec // far below 2^31
			numbers[&list[0]], o.Lists = n, append(o.Lists, list)
		}
		return n
	}
	for _, w := range e.World.Workloads {
		for _, p := range w.Pods {
			o.Pods = append(o.Pods, number(b.briefly(p)))
		}
	}
	o.Atoms = b.atoms(cuts)
	for _, atom := range o.Atoms {
		o.Outside = append(o.Outside, number(b.from(atom)))
	}
	for _, in := range Insiders() {
		o.Inside = append(o.Inside, number(b.insider(in.Inside)))
	}
	return o
}

// briefly answers for a pod by the verdicts alone.
func (b *book) briefly(p *snapshot.Pod) []Access {
	class := b.lookup().Class(p)
	if class < 0 || p.Workload == b.server.Workload || poolerOf(b.server, p) != nil || b.meshed() {
		return b.pod(p)
	}
	arrivals, known := b.arrived[class]
	if !known {
		arrivals = b.passing(class, p)
		b.arrived[class] = arrivals
	}
	return b.client(network.PodEndpoint(p), arrivals)
}

// passing are the arrivals of a class, from the verdicts of its ways.
func (b *book) passing(class int, p *snapshot.Pod) []arrival {
	key := make([]byte, 0, len(b.ways)+1)
	for _, w := range b.ways {
		key = append(key, byte(b.reaches(class, p, w)))
	}
	shared, known := b.shared[string(key)]
	if known {
		return shared
	}
	for i, w := range b.ways {
		if v := verdict.Verdict(key[i]); v != verdict.Deny && !w.refused {
			shared = b.arrive(shared, w, v, nil)
		}
	}
	b.shared[string(key)] = shared
	return shared
}

// reaches is what the layers before the conversation say of a class on a way.
func (b *book) reaches(class int, p *snapshot.Pod, w way) verdict.Verdict {
	v := b.pass(class, w)
	if v == verdict.Deny {
		return v
	}
	if w.step != nil {
		v = verdict.All(v, w.step.Verdict)
	}
	if w.service != nil {
		v = verdict.All(v, b.resolves(class, p))
	}
	return v
}

// resolves is what dnsStep says of a class, once for all servers.
func (b *book) resolves(class int, p *snapshot.Pod) verdict.Verdict {
	l := b.lazy
	l.lock.Lock()
	defer l.lock.Unlock()
	v, known := l.resolves[class]
	if !known {
		v = b.dnsStep(network.PodEndpoint(p)).Verdict
		l.resolves[class] = v
	}
	return v
}

// Endpoints are all who may stand on one side of a vital flow.
func Endpoints(p snapshot.VitalPeer) []network.Endpoint { return endpoints(p) }
