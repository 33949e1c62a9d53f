package change

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func textOf(causes []Cause) string { return fmt.Sprint(causes) }

// flows compares what the server needs to live, by what a flow is for.
func (c *comparer) flows(pair serverPair) {
	if pair[after] == nil {
		return
	}
	var decided [2][]reach.VitalDecision
	for v, s := range pair {
		if s != nil {
			decided[v] = c.engines[v].Vital(s)
		}
	}
	old := map[string]reach.VitalDecision{}
	for _, d := range decided[before] {
		old[flowKey(d.Flow)] = d
	}
	for _, d := range decided[after] {
		was, known := old[flowKey(d.Flow)]
		f := Flow{Server: pair.ref(), Flow: d.Flow, Now: d.Verdict, New: d.Steps, Needed: !known}
		f.Was, f.Old = verdict.Allow, nil
		if known {
			f.Was, f.Old = was.Verdict, was.Steps
		}
		if f.Kind = kindOf(f.Was, f.Now); f.Kind == Unchanged || f.Kind == Changed || f.Kind == InDoubt {
			continue
		}
		f.Causes, f.Proof = c.flowCauses(pair, f)
		c.out.Flows = append(c.out.Flows, f)
	}
}

func flowKey(f snapshot.VitalFlow) string {
	return fmt.Sprint(f.ID, "|", f.Phase, "|", f.What, "|", f.From.Name, "|", f.To.Name)
}

// flowCauses finds what cut or restored a flow.
func (c *comparer) flowCauses(pair serverPair, f Flow) ([]Cause, network.Proof) {
	switch {
	case !pair.both():
		return c.edits.servers[pair.ref()], network.ProofEach
	case f.Needed:
		return []Cause{{Kind: "server", Change: network.ChangeMoved, Object: pair.ref().String(), Field: f.Flow.Origin.Field, New: f.Flow.Origin}}, network.ProofEach
	}
	x := &trial{comparer: c, pair: pair, target: outcomeOf(combined(f.Old), ""), steps: [2][]verdict.Step{f.Old, f.New}}
	x.packets = func(p stepPair) ([]Cause, network.Proof) { return c.flowPackets(f.Flow) }
	x.again = func(m *mixture) []tried {
		engine := *c.engines[after]
		engine.World, m.server.Vital = &m.world, []snapshot.VitalFlow{f.Flow}
		return []tried{{engine.Vital(&m.server)[0].Steps, ""}}
	}
	x.suspectAll()
	if causes, proof := x.causes(); len(causes) > 0 {
		return causes, proof
	}
	return c.edits.ofServer(pair.ref()) // the flow itself is another
}

// flowPackets finds the edits of what policies see of a flow, between the first of its
// peers where there are some.
func (c *comparer) flowPackets(f snapshot.VitalFlow) ([]Cause, network.Proof) {
	for _, r := range f.Ports {
		for _, from := range reach.Endpoints(f.From) {
			for _, to := range reach.Endpoints(f.To) {
				edits, proof := c.network.Causes(network.Attempt{From: from, To: to, Protocol: r.Protocol, Port: r.From})
				if len(edits) > 0 {
					return causesOf(edits), proof
				}
			}
		}
	}
	return c.virtualPackets(f)
}

// virtualPackets are the policies that may have a say about a peer of which no estate
// holds a pod.
func (c *comparer) virtualPackets(f snapshot.VitalFlow) ([]Cause, network.Proof) {
	may := map[string]bool{}
	for dir, peer := range map[netpol.Direction]snapshot.VitalPeer{netpol.Egress: f.From, netpol.Ingress: f.To} {
		for _, e := range c.engines {
			for _, p := range slices.Concat(e.World.Policies, e.World.ClusterPolicies) {
				if len(peer.Pods) == 0 && (p.Tier.IsOrdered() || p.Namespace == peer.Namespace && p.Isolates[dir]) && p.Pods.Match(peer.Labels) != netpol.No {
					may[p.Origin.Object] = true
				}
			}
		}
	}
	var out []Cause
	for _, e := range c.network.Edits() {
		if may[e.Object] {
			out = append(out, ofNetwork(e))
		}
	}
	if len(out) == 1 {
		return out, network.ProofEach
	}
	return out, network.ProofAmong
}
