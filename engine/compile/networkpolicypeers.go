package compile

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// peersOf are what policies call a peer of an intent. One that they cannot call anything
// is a gap, and is left out.
func (n *networks) peersOf(p intent.Peer, own string) []netpol.Peer {
	if p.IsOutside() {
		if p.Addresses.IsEmpty() {
			n.gap("no-address", p.Origin, "the addresses of "+strings.Join(p.Names, ", ")+" are not known", "they are not let through")
			return nil
		}
		return []netpol.Peer{{Block: &netpol.Block{Addresses: p.Addresses}}}
	}
	for _, pod := range peerPods(n.job.World, n.podsIn, p, own) {
		if pod.HostNetwork {
			n.gap("host-network-peer", p.Origin, pod.Ref().String()+" shares the network of its nodes, and no policy can call it by its labels",
				"it is not let through; name the addresses of its nodes as a peer of their own")
		}
	}
	namespaces, pods := peerNamespaces(p, own), podSelector(p)
	if len(p.ServiceAccounts) == 0 {
		return []netpol.Peer{{Namespaces: &namespaces, Pods: &pods}}
	}
	return n.byAccount(p, own)
}

func podSelector(p intent.Peer) netpol.Selector {
	if p.Pods == nil {
		return netpol.Selector{}
	}
	return sortedSelector(slices.Clone(*p.Pods))
}

// peerNamespaces selects the namespaces of a peer that is pods.
func peerNamespaces(p intent.Peer, own string) netpol.Selector {
	switch {
	case p.NamespaceSelector != nil:
		return sortedSelector(slices.Clone(*p.NamespaceSelector))
	case len(p.Namespaces) > 0:
		return namespaceNamed(p.Namespaces...)
	}
	return namespaceNamed(own)
}

// peerPods are the pods of the estate that a peer is, or may be, about, by namespace.
func peerPods(world *snapshot.Snapshot, podsIn map[string][]*snapshot.Pod, p intent.Peer, own string) []*snapshot.Pod {
	if p.IsOutside() {
		return nil
	}
	var out []*snapshot.Pod
	namespaces, pods := peerNamespaces(p, own), podSelector(p)
	candidates := slices.Compact(slices.Sorted(slices.Values(p.Namespaces)))
	switch {
	case p.NamespaceSelector != nil:
		candidates = sortedKeys(podsIn)
	case len(candidates) == 0:
		candidates = []string{own}
	}
	for _, name := range candidates {
		if namespaces.Match(world.NamespaceOf(name).Labels) == netpol.No {
			continue
		}
		for _, pod := range podsIn[name] {
			if pods.Match(pod.Labels) != netpol.No && (len(p.ServiceAccounts) == 0 || slices.Contains(p.ServiceAccounts, pod.RunsAs())) {
				out = append(out, pod)
			}
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// byAccount calls pods that run as a service account by the labels of those that are known
// to: policies cannot ask for the account.
func (n *networks) byAccount(p intent.Peer, own string) []netpol.Peer {
	pods := peerPods(n.job.World, n.podsIn, p, own)
	accounts := strings.Join(p.ServiceAccounts, ", ")
	if len(pods) == 0 {
		n.gap("service-account", p.Origin, "no workload of the estate is known to run as service account "+accounts,
			"policies cannot ask for an account, and no labels are known to ask for in its place: the clients are not let through")
	}
	var out []netpol.Peer
	var seen []*snapshot.Workload
	for _, pod := range pods {
		if slices.Contains(seen, pod.Workload) || pod.HostNetwork {
			continue
		}
		seen = append(seen, pod.Workload)
		sel, ok := n.accountPods(pod, p)
		if !ok {
			n.gap("service-account", p.Origin, "no labels tell the pods of "+pod.Workload.Ref.String()+" from pods that run as another account",
				"they are not let through")
			continue
		}
		n.note("by-labels", p.Origin, "pods that run as service account %s are called by their labels, %s in namespace %s: "+
			"whoever may make pods with these labels there is let through too", accounts, sel, pod.Namespace)
		namespaces := namespaceNamed(pod.Namespace)
		out = append(out, netpol.Peer{Namespaces: &namespaces, Pods: &sel})
	}
	return out
}

// accountPods describes the pods of a workload that run as an account of the peer.
func (n *networks) accountPods(pod *snapshot.Pod, p intent.Peer) (netpol.Selector, bool) {
	var pods, strangers []*snapshot.Pod
	for _, q := range n.podsIn[pod.Namespace] {
		meant := podSelector(p).Match(q.Labels) != netpol.No && slices.Contains(p.ServiceAccounts, q.RunsAs())
		switch {
		case meant && q.Workload == pod.Workload:
			pods = append(pods, q)
		case !meant && !q.HostNetwork:
			strangers = append(strangers, q)
		}
	}
	sel, _ := describedByAll(pods, strangers)
	if sel == nil {
		return nil, false
	}
	sel = both(sel, podSelector(p))
	return sel, len(matched(sel, strangers)) == 0
}
