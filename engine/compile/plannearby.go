package compile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/spelling"
)

// nearby says which part of a peer it is that nobody is, and what may have been meant.
func (p *planner) nearby(peer intent.Peer, own string) string {
	for _, ns := range peer.Namespaces {
		if _, known := p.job.World.Namespaces[ns]; !known {
			return fmt.Sprintf("namespace %s is not in the estate; the nearest is %s", ns, nearestOf(ns, sortedKeys(p.job.World.Namespaces)))
		}
	}
	wider := peer
	wider.ServiceAccounts = nil
	if pods := peerPods(p.job.World, p.podsIn, wider, own); len(pods) > 0 {
		return fmt.Sprintf("these pods run as %s", strings.Join(accountsOf(pods), ", "))
	}
	wider = peer
	wider.Pods = nil
	pods := peerPods(p.job.World, p.podsIn, wider, own)
	if len(pods) > 0 {
		if near := nearLabel(peer.Pods, pods); near != "" {
			return near
		}
	}
	if ns := p.elsewhere(peer, own); ns != "" {
		return fmt.Sprintf("such pods are in namespace %s: did you mean namespaces: [%s]?", ns, ns)
	}
	switch {
	case len(pods) > 0:
		return "the namespaces have pods, but none with these labels"
	case peer.NamespaceSelector != nil && !p.isSelected(peer.NamespaceSelector):
		return "no namespace of the estate has these labels"
	}
	return "the namespaces have no pods"
}

func accountsOf(pods []*snapshot.Pod) []string {
	found := map[string]bool{}
	for _, pod := range pods {
		found[pod.ServiceAccount] = true
	}
	delete(found, "")
	if len(found) == 0 {
		return []string{"the service account default"}
	}
	return slices.Sorted(maps.Keys(found))
}

func (p *planner) isSelected(selector *netpol.Selector) bool {
	for _, ns := range p.job.World.Namespaces {
		if selector.Match(ns.Labels) != netpol.No {
			return true
		}
	}
	return false
}

// elsewhere is the first namespace that has the pods, where a peer names a namespace that
// has none of them; empty for none.
func (p *planner) elsewhere(peer intent.Peer, own string) string {
	if peer.Pods == nil || len(*peer.Pods) == 0 {
		return ""
	}
	for _, ns := range sortedKeys(p.job.World.Namespaces) {
		there := peer
		there.NamespaceSelector, there.Namespaces = nil, []string{ns}
		if len(peerPods(p.job.World, p.podsIn, there, own)) > 0 {
			return ns
		}
	}
	return ""
}

// nearLabel is the label of some of the pods that one of the selector is nearly: another
// value of its key, or another key with its value; empty for none.
func nearLabel(selector *netpol.Selector, pods []*snapshot.Pod) string {
	if selector == nil {
		return ""
	}
	best, distance := "", 1<<30
	for _, r := range *selector {
		if r.Op != netpol.In || len(r.Values) != 1 {
			continue
		}
		for _, pod := range pods {
			for _, key := range sortedKeys(pod.Labels.Set) {
				value := pod.Labels.Set[key]
				d := spelling.Distance(r.Key, key) + spelling.Distance(r.Values[0], value)
				if d > 0 && d < distance && d <= max(1, len(r.Key+r.Values[0])/3) {
					best, distance = key+": "+value, d
				}
			}
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// invariant warns of a statement about a server that is not there: what nobody is, nobody
// reaches, so that it would hold whatever anybody writes.
func (p *planner) invariant(v *intent.Invariant) {
	for _, s := range []*intent.Sessions{v.Never, v.Only} {
		if s == nil {
			continue
		}
		for i, name := range s.To.Names {
			if p.isServer(s.To, name) {
				continue
			}
			at := s.Origin.At("%s", field(s.Origin, fmt.Sprintf("to.names[%d]", i)))
			p.warn(at, p.nearest(intent.ServerRef{Name: name}), "server %s is not in the estate: a statement about it holds whatever anybody writes", name)
		}
	}
}

func (p *planner) isServer(to intent.ServerSelector, name string) bool {
	return slices.ContainsFunc(p.job.World.Servers, func(s *snapshot.Server) bool {
		r := s.Ref()
		return r.Name == name && (len(to.Namespaces) == 0 || slices.Contains(to.Namespaces, r.Namespace)) &&
			(to.NamespaceSelector == nil || to.NamespaceSelector.Match(p.job.World.NamespaceOf(r.Namespace).Labels) != netpol.No)
	})
}

// nearestOf is the name that takes the fewest edits to become another.
func nearestOf(name string, names []string) string {
	best := ""
	for _, n := range names {
		if best == "" || spelling.Distance(name, n) < spelling.Distance(name, best) {
			best = n
		}
	}
	return best
}
