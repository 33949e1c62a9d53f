package compile

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// opened reports whether policies of others open all ways to the server for all clients of
// the group that a selector selects. Where the estate has no such client nobody knows.
func (g *clientGroup) opened(sel netpol.Selector, wire *network.Engine) bool {
	pods := matched(sel, g.pods)
	return len(pods) > 0 && !slices.ContainsFunc(pods, func(p *snapshot.Pod) bool {
		return !g.getsOut(network.PodEndpoint(p), wire)
	})
}

// opensLater reports whether those policies do so for a client to come, which has the labels
// that it has to have and no others.
func (g *clientGroup) opensLater(sel netpol.Selector, wire *network.Engine) bool {
	labels := netpol.Labels{Set: map[string]string{}}
	for _, r := range sel {
		if r.Op == netpol.In {
			labels.Set[r.Key] = r.Values[0]
		}
	}
	return g.getsOut(network.Endpoint{Virtual: &network.Virtual{Name: "a client to come", Namespace: g.namespace, Labels: labels}}, wire)
}

// getsOut reports whether a client is let out to each pod and port that an entry leads to.
func (g *clientGroup) getsOut(from network.Endpoint, wire *network.Engine) bool {
	ends := g.doors()
	return len(ends) > 0 && !slices.ContainsFunc(ends, func(a network.Attempt) bool {
		a.From = from
		return !passes(wire.Decide(netpol.Egress, a))
	})
}

// passes reports whether a policy lets something out. That no policy is about it is not
// enough: one that is being written is.
func passes(s verdict.Step) bool {
	return s.Verdict == verdict.Allow && s.Reason != network.NotIsolated
}

// doors are the attempts to reach the server by each entry, at each pod and port that it
// leads to, without who makes them.
func (g *clientGroup) doors() []network.Attempt {
	var out []network.Attempt
	for _, e := range g.access.To {
		sub, ports := g.door(e)
		if sub == nil {
			continue
		}
		for _, p := range sub.pods {
			for _, port := range numbers(ports) {
				out = append(out, network.Attempt{To: network.PodEndpoint(p), Protocol: flow.TCP, Port: port})
			}
		}
	}
	return out
}

// numbers are the ports one by one: those of a server are few.
func numbers(ports flow.Ports) []uint16 {
	var out []uint16
	for _, r := range ports.Ranges() {
		for n := int(r.From); n <= int(r.To); n++ {
			out = append(out, uint16(n)) //nolint:gosec // between two ports
		}
	}
	return out
}
