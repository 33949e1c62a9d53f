package reach

import (
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
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
	// Strangers are those of the strangers that were asked about, in their order.
	Strangers []int32
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

// Outcomes makes the closed list of a server that tells the names and addresses apart, also
// for strangers: pods that the snapshot does not hold. Lists of two snapshots compare only
// where both are told the same ones.
func (e *Engine) Outcomes(s *snapshot.Server, names Names, cuts []flow.Addresses, strangers ...network.Virtual) *Outcomes {
	b := newBook(e, s, names)
	b.listing.terse = true
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
	kinds := e.kinds()
	for _, w := range e.World.Workloads {
		own := s.Owns(w)
		for _, p := range w.Pods {
			if kind := kinds[len(o.Pods)]; kind.class < 0 || own || b.meshed {
				o.Pods = append(o.Pods, number(b.pod(p)))
			} else {
				o.Pods = append(o.Pods, number(b.briefly(p, kind)))
			}
		}
	}
	o.Atoms = b.atoms(cuts)
	for _, atom := range o.Atoms {
		o.Outside = append(o.Outside, number(b.from(atom)))
	}
	for _, in := range Insiders() {
		o.Inside = append(o.Inside, number(b.insider(in.Inside)))
	}
	for i := range strangers {
		from := network.Endpoint{Virtual: &strangers[i]}
		o.Strangers = append(o.Strangers, number(b.client(from, b.arrivals(from, b.ways, nil))))
	}
	return o
}

// Endpoints are all who may stand on one side of a vital flow.
func Endpoints(p snapshot.VitalPeer) []network.Endpoint { return endpoints(p) }
