package prove

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// unchanged decides whether connections differ that nobody asked to: all but those to pods
// of a perimeter, from them where it closes their way out, and from clients that an access
// isolates.
func (p *prover) unchanged() Statement {
	out := Statement{Kind: Unchanged, Asked: len(p.After.World.Workloads) * len(p.After.World.Workloads)}
	if !p.applied {
		return out
	}
	out.Assumptions = p.After.World.Standing() // somebody who was not read may be shut out
	x := p.meantToChange()
	d := network.DiffBeside(p.Before.Network, p.After.Network, network.Aside{
		To: func(p *snapshot.Pod) bool { return x.to[keyOf(p)] }, From: func(p *snapshot.Pod) bool { return x.from[keyOf(p)] }})
	for i := range d.Effects {
		c, any := p.changed(&d.Effects[i], x)
		switch {
		case !any:
		case d.Effects[i].Now == verdict.Unknown || d.Effects[i].Was == verdict.Unknown:
			out.Doubts = append(out.Doubts, Doubt{Reason: c.Decides.Reason, From: c.From, Step: c.Decides, Origin: c.Decides.Origin})
		default:
			out.Against = append(out.Against, c)
		}
	}
	if u := d.Undecided; u != nil {
		out.Doubts = append(out.Doubts, Doubt{Reason: network.Unsure, From: []snapshot.Ref{p.partyRef(u.From)}})
	}
	return out
}

// podSet are pods of either estate.
type podSet map[podKey]bool

type podKey struct {
	workload   snapshot.Ref
	name, part string
}

func keyOf(p *snapshot.Pod) podKey { return podKey{p.Workload.Ref, p.Name, p.Part} }

func (s podSet) add(pods []*snapshot.Pod) {
	for _, p := range pods {
		s[keyOf(p)] = true
	}
}

// expected are the connections that are to differ.
type expected struct {
	to, from podSet
	// opened are the ports at which pods of a server may come to reach what they need.
	opened map[podKey]flow.Ports
}

// holds reports whether a connection that is not left out is among them.
func (x *expected) holds(b network.Between, e *network.Effect) bool {
	return e.Now == verdict.Allow && len(b.From.Pods) > 0 && !slices.ContainsFunc(b.From.Pods, func(p *snapshot.Pod) bool {
		return !e.Ports.Minus(x.opened[keyOf(p)]).IsEmpty()
	})
}

// meantToChange are connections to pods of a perimeter, from them where it closes their way
// out, and from clients that an access isolates. Where others close the way out of the
// perimeter's pods it opens what they need to stay alive.
func (p *prover) meantToChange() *expected {
	x := &expected{to: podSet{}, from: podSet{}, opened: map[podKey]flow.Ports{}}
	for _, s := range p.sites {
		if s.asked == nil {
			continue
		}
		x.to.add(s.ownPods())
		perimeter := s.asked.Perimeter
		if perimeter.EgressIsolated || perimeter.Owned != nil && perimeter.Owned.DefaultDeny {
			x.from.add(s.ownPods())
		}
		for _, pod := range s.ownPods() {
			x.opened[keyOf(pod)] = s.needed()
		}
		for _, a := range s.accesses() {
			if a.Client.Isolation == intent.Isolate {
				x.from.add(s.isolated(a))
			}
		}
	}
	return x
}

// isolated are the pods of the estate that an access names.
func (s *site) isolated(a *intent.Access) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, m := range s.clients(a) {
		if m.pod != nil {
			out = append(out, m.pod)
		}
	}
	return out
}

// needed are the ports at which the server's pods reach what they need, DNS among it.
func (s *site) needed() flow.Ports {
	out := flow.PortsOf(flow.PortRange{Protocol: flow.TCP, From: 53, To: 53}, flow.PortRange{Protocol: flow.UDP, From: 53, To: 53})
	if dns := s.After.World.Facts.DNS; dns != nil && dns.Port != 0 {
		out = out.Union(flow.PortsOf(flow.PortRange{Protocol: flow.TCP, From: dns.Port, To: dns.Port}, flow.PortRange{Protocol: flow.UDP, From: dns.Port, To: dns.Port}))
	}
	for _, f := range s.server.Vital {
		out = out.Union(flow.PortsOf(f.Ports...))
	}
	for _, d := range slices.Concat(s.asked.Perimeter.Backup, s.asked.Perimeter.Egress) {
		for _, port := range d.Ports {
			out = out.Union(flow.PortsOf(flow.PortRange{Protocol: port.Protocol, From: port.From, To: max(port.From, port.To)}))
		}
	}
	return out
}

// changed tells the connections of an effect that were not to differ; false where there are
// none.
func (p *prover) changed(e *network.Effect, x *expected) (Counterexample, bool) {
	c := Counterexample{Ports: e.Ports, Change: e.Kind, Witness: Witness{Was: e.Was, Now: e.Now}}
	for _, b := range e.Between {
		if !x.holds(b, e) {
			c.From, c.To = appendNew(c.From, p.partyRef(b.From)), appendNew(c.To, p.partyRef(b.To))
		}
	}
	for _, side := range e.Witness.NewSteps {
		if side.Verdict == e.Now && c.Decides.Layer == "" {
			c.Decides = side
		}
	}
	for _, cause := range e.Causes {
		c.Ours = c.Ours || p.After.World.Locate(cause.New).File == artefact.Compiled
	}
	if c.Decides.Layer == "" {
		c.Decides = verdict.Step{Verdict: e.Now}
	}
	return c, len(c.From) > 0
}

// partyRef names a party, also where it is a part of the outside.
func (p *prover) partyRef(party network.Party) snapshot.Ref {
	if len(party.CIDR) > 0 {
		return p.After.OutsideRef(flow.AddressesOf(party.CIDR...))
	}
	return party.Ref
}

func appendNew(list []snapshot.Ref, ref snapshot.Ref) []snapshot.Ref {
	if slices.Contains(list, ref) {
		return list
	}
	return append(list, ref)
}
