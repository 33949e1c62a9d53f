package roundtrip

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// strange is a port that nobody asks for and that no server needs.
const strange = 8123

// shut finds pods whose way out was to be closed, and is not: clients that an access
// isolates, and the pods of a server whose perimeter closes it outwards.
func (t *trip) shut(note func(string)) (faults []fault) {
	for _, w := range t.after.World.Workloads {
		for _, p := range w.Pods {
			why := t.closedOutwards(p)
			if why == "" || p.HostNetwork {
				continue
			}
			note("shut: " + why)
			for _, to := range t.elsewhere(p) {
				step := t.after.Network.Decide(netpol.Egress, network.Attempt{From: network.PodEndpoint(p), To: to, Protocol: flow.TCP, Port: strange})
				theirs := step.Reason == network.Allowed && !t.ours(step) || step.Reason == network.Accepted
				if step.Verdict == verdict.Allow && !theirs {
					faults = append(faults, fault{class: "shut", text: fmt.Sprintf("%s (%s) gets out to %s port %d: %s %s", p.Ref(), why,
						endText(to, snapshot.Ref{Name: to.Outside.Text()}), strange, step.Reason, t.after.World.Locate(step.Origin))})
				}
			}
		}
	}
	return faults
}

// closedOutwards says why the way out of a pod is closed; empty where it is not.
func (t *trip) closedOutwards(p *snapshot.Pod) string {
	for _, s := range t.after.World.Servers {
		w := t.wall(s)
		if w == nil {
			continue
		}
		own := p.Workload == s.Workload || poolerOf(s, p) != nil
		if own && (w.Spec.Network.Egress == "Isolated" || w.Spec.Namespace != nil && w.Spec.Namespace.DefaultDeny) && !t.gap(s, "networkpolicy/no-labels", "networkpolicy/no-pods") {
			return "its perimeter isolates it"
		}
		for _, a := range t.accesses(s) {
			if a.Spec.ClientEgress.Isolation == "Isolate" && t.client(a, network.PodEndpoint(p)) && !t.gap(s, "networkpolicy/service-account") {
				return "an access isolates it"
			}
		}
	}
	return ""
}

// elsewhere are other pods, and a place outside.
func (t *trip) elsewhere(p *snapshot.Pod) []network.Endpoint {
	out := []network.Endpoint{network.OutsideEndpoint(flow.AddressesOf(netip.MustParsePrefix("8.8.8.8/32")))}
	for _, w := range t.after.World.Workloads {
		if w == p.Workload {
			continue
		}
		for _, q := range w.Pods {
			if !q.HostNetwork {
				out = append(out, network.PodEndpoint(q))
			}
		}
	}
	return out
}

// doors finds who is let by an artefact to a port of a server that gives control, or tells
// about it, and is neither in a vital flow nor among those who monitor.
func (t *trip) doors(note func(string)) (faults []fault) {
	for _, s := range t.after.World.Servers {
		if t.wall(s) == nil {
			continue
		}
		for _, port := range s.Control {
			reaches := t.after.ControlPods(s, port)
			for i, p := range t.after.Pods() {
				if reaches[i] != verdict.Allow || p.Workload == s.Workload {
					continue
				}
				step := t.after.ControlStep(s, port, p)
				switch {
				case !t.ours(step):
				case t.mayKnock(s, port, network.PodEndpoint(p)):
					note("doors: needed")
				default:
					faults = append(faults, fault{class: "doors", server: s, text: fmt.Sprintf("%s reaches %s (%d) of %s: %s %s", endText(network.PodEndpoint(p), p.Ref()),
						port.Name, port.Port, s.Ref(), step.Reason, t.after.World.Locate(step.Origin))})
				}
			}
		}
	}
	return faults
}

func (t *trip) mayKnock(s *snapshot.Server, port snapshot.ControlPort, from network.Endpoint) bool {
	if slices.ContainsFunc(t.wall(s).Spec.Monitoring, func(p peer) bool { return t.is(from, p, s.Ref().Namespace) }) {
		return true
	}
	return slices.ContainsFunc(s.Vital, func(f snapshot.VitalFlow) bool {
		return !f.Optional && t.stands(from, f.From) && hasPort(f.Ports, port.Port)
	})
}
