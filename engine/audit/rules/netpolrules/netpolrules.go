// Package netpolrules holds the rules about NetworkPolicies that do not say what
// their author meant: they select nobody, admit nobody, or forget what a pod needs.
package netpolrules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Rules are the family's, in the order of their numbers.
var Rules = []*audit.Rule{NET1001, NET1002, NET1003, NET1004, NET1005, NET1006, NET1007, NET1008, NET1009, NET1010,
	NET1011, NET1012, NET1013, NET1014, NET1015, NET1016, NET1017, NET1018, NET1019, NET1020, NET1021, NET1022, NET1023, NET1024, NET1025}

func ref(p *netpol.Policy) snapshot.Ref {
	return snapshot.Ref{Kind: "NetworkPolicy", Namespace: p.Namespace, Name: p.Name}
}

// matching returns the pods that the selector matches, or may match.
func matching(s netpol.Selector, pods []*snapshot.Pod) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, p := range pods {
		if s.Match(p.Labels) != netpol.No {
			out = append(out, p)
		}
	}
	return out
}

// namespacesOf returns the names of the namespaces that a peer of a policy means.
func namespacesOf(p *audit.Pass, own string, peer netpol.Peer) []string {
	if peer.Namespaces == nil {
		return []string{own}
	}
	var out []string
	for _, name := range p.Namespaces() {
		if peer.Namespaces.Match(p.World.Namespaces[name].Labels) != netpol.No {
			out = append(out, name)
		}
	}
	return out
}

// peerPods returns the pods that a peer selects, or may select.
func peerPods(p *audit.Pass, own string, peer netpol.Peer) []*snapshot.Pod {
	if peer.Block != nil {
		return nil
	}
	var out []*snapshot.Pod
	for _, ns := range namespacesOf(p, own, peer) {
		for _, pod := range p.PodsIn(ns) {
			if peer.Pods == nil || peer.Pods.Match(pod.Labels) != netpol.No {
				out = append(out, pod)
			}
		}
	}
	return out
}

// peerField is how the API calls the peers of a direction.
func peerField(d netpol.Direction) string {
	if d == netpol.Egress {
		return "to"
	}
	return "from"
}

// admits reports whether a rule speaks of a numbered port.
func admits(r netpol.Rule, proto flow.Protocol, port uint16, pod *snapshot.Pod) bool {
	if r.AnyPort {
		return true
	}
	for _, p := range r.Ports {
		switch {
		case p.Protocol != proto:
		case p.Name != "" && pod != nil && pod.NamedPort(p.Name, proto) == port:
			return true
		case p.Name == "" && p.From <= port && port <= p.To:
			return true
		}
	}
	return false
}
