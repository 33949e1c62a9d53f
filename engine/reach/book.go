package reach

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A book keeps what conversations came to: they depend on little of the client, so
// that a thousand clients have the same few.
type book struct {
	*Engine
	server   *snapshot.Server
	sessions []Session
	talks    map[talk]spoken
	clients  map[string][]Access // by kin
	from     string              // the addresses of the outside client being asked about
}

// A talk is all that a conversation depends on.
type talk struct {
	pooler      *snapshot.Pooler
	hop, member *snapshot.Pod
	port        uint16
	client      *snapshot.Pod // only where its address is known or a file asks for its labels
	host        bool          // on its node's network: it has none of the pods' addresses
	outside     string
	session     Session
}

type spoken struct {
	verdict     verdict.Verdict
	method      string
	step        verdict.Step
	assumptions []string
}

// An arrival is a way whose packets get through, or may.
type arrival struct {
	way
	verdict     verdict.Verdict
	step        verdict.Step // what leaves it in doubt
	assumptions []string
}

// pod answers for a pod, once for all pods that nothing tells apart.
func (b *book) pod(p *snapshot.Pod) []Access {
	kin, ok := b.kin(p)
	if !ok {
		return b.client(network.PodEndpoint(p))
	}
	list, known := b.clients[kin]
	if !known {
		list = b.client(network.PodEndpoint(p))
		b.clients[kin] = list
	}
	return list
}

// kin is all of a pod that an answer about this server may depend on; false where
// the pod itself matters: it may meet itself, a mesh object may select it, or a
// record asks for its labels.
func (b *book) kin(p *snapshot.Pod) (string, bool) {
	meshed := slices.ContainsFunc(b.World.Unmodelled, func(u snapshot.Unmodelled) bool { return u.Layer == verdict.Mesh })
	own := p.Workload == b.server.Workload || poolerOf(b.server, p) != nil
	if meshed || own || b.server.HBA.AsksForPods() {
		return "", false
	}
	return fmt.Sprint(p.HostNetwork, p.Addresses, b.Network.ClassOf(p)), true
}

// client answers every database and role for one endpoint.
func (b *book) client(from network.Endpoint) []Access {
	arrivals := b.arrivals(from)
	doubt, unread := b.unread(from, Target{Server: b.server})
	if len(arrivals) == 0 && !unread {
		return nil
	}
	var out []Access
	cells := map[[2]string]int{}
	for _, s := range b.sessions {
		cell := [2]string{s.Database, s.Role}
		i, known := cells[cell]
		if !known {
			i = len(out)
			cells[cell] = i
			out = append(out, Access{Server: b.server, Database: s.Database, Role: s.Role, Verdict: verdict.Deny})
		}
		for _, a := range arrivals {
			b.enter(&out[i], from, a, s)
		}
	}
	for i := range out {
		if unread {
			out[i].inDoubt(doubt)
		}
		slices.SortStableFunc(out[i].Logins, func(a, b Login) int { return rank(a.Verdict) - rank(b.Verdict) })
	}
	return slices.DeleteFunc(out, func(a Access) bool { return a.Verdict == verdict.Deny })
}

// arrivals are the ways on which packets get through or may.
func (b *book) arrivals(from network.Endpoint) []arrival {
	var out []arrival
	for _, w := range b.ways(Question{From: from, To: Target{Server: b.server}}) {
		steps, ok := b.approach(from, w)
		if v := combined(steps); ok && v != verdict.Deny && !w.refused {
			a := arrival{way: w, verdict: v}
			for _, s := range steps {
				a.assumptions = snapshot.Merge(a.assumptions, s.Assumptions)
				if s.Verdict == verdict.Unknown && a.step.Layer == "" {
					a.step = s
				}
			}
			if !slices.ContainsFunc(out, a.same) {
				out = append(out, a)
			}
		}
	}
	return out
}

// same reports whether another arrival leads to the same conversation by the same
// route, as those at the instances of one part do.
func (a arrival) same(o arrival) bool {
	return a.pooler == nil && o.pooler == nil && a.verdict == o.verdict && a.port == o.port &&
		routeOf(a.way) == routeOf(o.way)
}

// enter adds to a cell what a session comes to on an arrival.
func (b *book) enter(cell *Access, from network.Endpoint, a arrival, s Session) {
	said := b.speak(from, a.way, s)
	v := verdict.All(a.verdict, said.verdict)
	if v == verdict.Deny {
		return
	}
	cell.Verdict = verdict.Any(cell.Verdict, v)
	cell.Assumptions = snapshot.Merge(cell.Assumptions, a.assumptions, said.assumptions)
	login := Login{Verdict: v, Method: said.method, TLS: s.TLS, Cert: s.Cert != ""}
	if v == verdict.Unknown {
		login.Step = said.step
		if a.verdict == verdict.Unknown {
			login.Step = a.step
		}
	}
	route := routeOf(a.way)
	for i, known := range cell.Logins {
		if known.Verdict == login.Verdict && known.Method == login.Method && known.TLS == login.TLS && known.Cert == login.Cert {
			if !slices.Contains(known.Routes, route) {
				cell.Logins[i].Routes = append(known.Routes, route)
			}
			return
		}
	}
	login.Routes = []Route{route}
	cell.Logins = append(cell.Logins, login)
}

func routeOf(w way) Route {
	r := Route{Port: w.firstPort()}
	if w.service != nil {
		r.Service = w.service.Namespace + "/" + w.service.Name
	}
	if w.pooler != nil {
		r.Pooler = w.pooler.Ref().Namespace + "/" + w.pooler.Ref().Name
	}
	if w.member != nil {
		r.Member = w.member.Ref().Name
	}
	return r
}

// speak is converse, remembered.
func (b *book) speak(from network.Endpoint, w way, s Session) spoken {
	key := talk{pooler: w.pooler, port: w.port.Port, session: s}
	if w.pooler != nil {
		key.hop, key.member = w.hop, w.member
	}
	switch {
	case from.Pod == nil:
		key.outside = b.from
	case len(from.Pod.Addresses) > 0 || b.server.HBA.AsksForPods():
		key.client = from.Pod
	default:
		key.host = from.Pod.HostNetwork
	}
	said, known := b.talks[key]
	if !known {
		steps, method := b.converse(Question{From: from, To: Target{Server: b.server}, Session: s}, w)
		said = spoken{verdict: combined(steps), method: method}
		for _, step := range steps {
			said.assumptions = snapshot.Merge(said.assumptions, step.Assumptions)
			if step.Verdict == verdict.Unknown && said.step.Layer == "" {
				said.step = step
			}
		}
		b.talks[key] = said
	}
	return said
}
