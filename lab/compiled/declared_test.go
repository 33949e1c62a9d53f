//go:build linux

package compiled

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// An end is one side of an attempt, at one address: a pod, or somebody outside.
type end struct {
	*runner
	at netip.Addr
}

func (e end) String() string {
	if e.runner == nil {
		return "outside"
	}
	return e.name()
}

// model is the pod of the estate before; nil outside.
func (e end) pod() *snapshot.Pod {
	if e.runner == nil {
		return nil
	}
	return e.model
}

// isPeer reports whether an intent's peer is about somebody. Nobody calls pods on the host
// network by their labels.
func isPeer(world *snapshot.Snapshot, p intent.Peer, own string, e end) bool {
	if !p.Addresses.IsEmpty() {
		return p.Addresses.Has(e.at)
	}
	pod := e.pod()
	if pod == nil || pod.HostNetwork || p.Pods == nil && p.ServiceAccounts == nil {
		return false
	}
	switch {
	case p.NamespaceSelector != nil:
		if p.NamespaceSelector.Match(world.NamespaceOf(pod.Namespace).Labels) != netpol.Yes {
			return false
		}
	case len(p.Namespaces) > 0:
		if !slices.Contains(p.Namespaces, pod.Namespace) {
			return false
		}
	case pod.Namespace != own:
		return false
	}
	if p.Pods != nil && p.Pods.Match(e.is.Labels) != netpol.Yes {
		return false
	}
	return p.ServiceAccounts == nil || slices.Contains(p.ServiceAccounts, cmp.Or(pod.ServiceAccount, "default"))
}

func anyPeer(world *snapshot.Snapshot, peers []intent.Peer, own string, e end) bool {
	return slices.ContainsFunc(peers, func(p intent.Peer) bool { return isPeer(world, p, own, e) })
}

// excused reports whether a backend has said of the peer that somebody is that it could not
// name all of its pods, and leaves them out.
func excused(gaps []gap, backend string, world *snapshot.Snapshot, a *intent.Access, e end) bool {
	return slices.ContainsFunc(a.From, func(p intent.Peer) bool {
		return isPeer(world, p, a.Namespace, e) && slices.ContainsFunc(gaps, func(g gap) bool {
			return g.Code == backend+"/service-account" && g.Origin == p.Origin
		})
	})
}

// A ward is a site with what belongs to it.
type ward struct {
	*compile.Site
	world *snapshot.Snapshot
}

// holds reports whether a pod is one of the server's or of its poolers.
func (w ward) holds(p *snapshot.Pod) bool {
	return p != nil && (p.Workload == w.Server.Workload || w.pooler(p) != nil)
}

func (w ward) pooler(p *snapshot.Pod) *snapshot.Pooler {
	for _, q := range w.Server.Poolers {
		if q.Workload == p.Workload {
			return q
		}
	}
	return nil
}

// asks is the first access by which somebody may connect to a pod of the site; nil for none.
func (w ward) asks(from, to end, port uint16) *intent.Access {
	for _, a := range w.Accesses {
		for _, e := range a.To {
			if w.leads(e, to.pod(), port) && anyPeer(w.world, a.From, a.Namespace, from) {
				return a
			}
		}
	}
	return nil
}

// leads reports whether clients of an entry connect to the pod at the port.
func (w ward) leads(e intent.Entry, to *snapshot.Pod, port uint16) bool {
	if p := w.pooler(to); p != nil {
		return e.Pooler == p.Ref().Name && port == p.Port
	}
	if slices.ContainsFunc(w.Server.Poolers, func(p *snapshot.Pooler) bool { return p.Ref().Name == e.Pooler }) || !slices.Contains(w.Server.Members(), to) {
		return false
	}
	return slices.ContainsFunc(w.Server.Ports, func(p snapshot.ServerPort) bool {
		return p.Port == port && (p.Pooler != nil) == (e.Pooler != "")
	})
}

// lives reports whether the server needs the connection to stay alive. What is only of use
// counts where it stays among the site's own pods.
func (w ward) lives(from, to end, port uint16) bool {
	return slices.ContainsFunc(w.Server.Vital, func(f snapshot.VitalFlow) bool {
		if f.Optional && (!w.holds(from.pod()) || !w.holds(to.pod())) {
			return false
		}
		return flow.PortsOf(f.Ports...).Has(flow.TCP, port) && w.isVital(f.From, from) && w.isVital(f.To, to)
	})
}

// isVital reports whether somebody is on a side of a flow. Members change places, so that
// what one of them needs all may do.
func (w ward) isVital(v snapshot.VitalPeer, e end) bool {
	p := e.pod()
	if p == nil || p.HostNetwork {
		return v.Outside.Has(e.at) || v.OutsideUnknown
	}
	isMember := func(q *snapshot.Pod) bool { return slices.Contains(w.Server.Members(), q) }
	if isMember(p) && slices.ContainsFunc(v.Pods, isMember) {
		return true
	}
	return slices.Contains(v.Pods, p) || len(v.Labels.Set) > 0 && p.Namespace == v.Namespace && netpolEquals(v.Labels.Set, p.Labels.Set)
}

// netpolEquals reports whether all of the labels are among those of a pod.
func netpolEquals(want, have map[string]string) bool {
	for k, v := range want {
		if have[k] != v {
			return false
		}
	}
	return true
}

// scrapes reports whether the perimeter lets somebody read metrics at the port.
func (w ward) scrapes(from, to end, port uint16) bool {
	if !anyPeer(w.world, w.Perimeter.Monitoring, w.Perimeter.Namespace, from) {
		return false
	}
	for _, c := range to.model.Ports {
		if c.Port == port && (strings.Contains(c.Name, "metrics") || strings.Contains(c.Name, "exporter")) {
			return true
		}
	}
	for _, c := range w.Server.Control {
		if c.Port == port && strings.Contains(c.Name, "exporter") && slices.Contains(w.Server.Members(), to.model) {
			return true
		}
	}
	return slices.ContainsFunc(w.Server.Vital, func(f snapshot.VitalFlow) bool {
		return f.ID == "metrics" && flow.PortsOf(f.Ports...).Has(flow.TCP, port) && slices.Contains(f.To.Pods, to.model)
	})
}

// foreign reports whether a policy that was there before says of somebody that he may. It
// also reports whether one closes the pod in the direction.
func foreign(world *snapshot.Snapshot, dir netpol.Direction, of, other end, port uint16) (says, closes bool) {
	for _, p := range world.Policies {
		if p.Namespace != of.was.Namespace || !p.Isolates[dir] || of.was.HostNetwork || p.Pods.Match(of.was.Labels) != netpol.Yes {
			continue
		}
		closes = true
		for _, r := range p.Rules[dir] {
			named := of
			if dir == netpol.Egress {
				named = other
			}
			says = says || peerSays(world, p, r, other) && portSays(r, named, port)
		}
	}
	return says, closes
}

// clusterSays reports whether a rule of the cluster that was there before has the action for
// the connection, whatever other rules say.
func clusterSays(world *snapshot.Snapshot, action netpol.Action, a trial) bool {
	for _, p := range world.ClusterPolicies {
		for dir, side := range map[netpol.Direction][2]end{netpol.Ingress: {a.to, a.from}, netpol.Egress: {a.from, a.to}} {
			of, other := side[0], side[1]
			if of.runner == nil || p.Namespaces.Match(world.NamespaceOf(of.was.Namespace).Labels) != netpol.Yes || p.Pods.Match(of.was.Labels) != netpol.Yes {
				continue
			}
			for _, r := range p.Rules[dir] {
				if r.Action == action && peerSays(world, p, r, other) && portSays(r, a.to, a.port) {
					return true
				}
			}
		}
	}
	return false
}

func peerSays(world *snapshot.Snapshot, p *netpol.Policy, r netpol.Rule, e end) bool {
	return r.AnyPeer || slices.ContainsFunc(r.Peers, func(q netpol.Peer) bool {
		if q.Block != nil {
			return q.Block.Addresses.Has(e.at)
		}
		if e.runner == nil || e.was.HostNetwork {
			return false
		}
		inside := e.was.Namespace == p.Namespace
		if q.Namespaces != nil {
			inside = q.Namespaces.Match(world.NamespaceOf(e.was.Namespace).Labels) == netpol.Yes
		}
		return inside && (q.Pods == nil || q.Pods.Match(e.was.Labels) == netpol.Yes)
	})
}

func portSays(r netpol.Rule, at end, port uint16) bool {
	return r.AnyPort || slices.ContainsFunc(r.Ports, func(q netpol.Port) bool {
		if q.Protocol != flow.TCP {
			return false
		}
		if q.Name != "" {
			return at.runner != nil && at.was.NamedPort(q.Name, flow.TCP) == port
		}
		return q.From <= port && port <= q.To
	})
}
