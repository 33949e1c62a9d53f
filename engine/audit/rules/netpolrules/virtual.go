package netpolrules

import (
	"cmp"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// virtual are pods that the estate does not hold but that are known to exist: the
// cluster's DNS, operators, and others that a server needs.
func virtual(p *audit.Pass) []snapshot.VitalPeer {
	dns := cmp.Or(p.World.Facts.DNS, reach.DefaultDNS)
	out := []snapshot.VitalPeer{{Name: "cluster DNS", Namespace: dns.Namespace, Labels: dns.Labels}}
	for _, s := range p.World.Servers {
		for _, f := range s.Vital {
			for _, peer := range []snapshot.VitalPeer{f.From, f.To} {
				if peer.Namespace != "" {
					out = append(out, peer)
				}
			}
		}
	}
	return out
}

// meansOne reports whether a peer of a policy may mean one of those pods.
func meansOne(world *snapshot.Snapshot, own string, peer netpol.Peer, known []snapshot.VitalPeer) bool {
	for _, v := range known {
		in := v.Namespace == own
		if peer.Namespaces != nil {
			in = peer.Namespaces.Match(world.NamespaceOf(v.Namespace).Labels) != netpol.No
		}
		if in && (peer.Pods == nil || peer.Pods.Match(v.Labels) != netpol.No) {
			return true
		}
	}
	return false
}

// resolvers are where names are resolved, and whether that is assumed.
func resolvers(p *audit.Pass) (to []network.Endpoint, port uint16, assumptions []string) {
	dns := p.World.Facts.DNS
	if dns == nil {
		dns, assumptions = reach.DefaultDNS, []string{snapshot.AssumeClusterDNS}
	}
	if !dns.Addresses.IsEmpty() {
		to = append(to, network.OutsideEndpoint(dns.Addresses))
	}
	if dns.Namespace == "" {
		return to, dns.Port, assumptions
	}
	for _, pod := range p.PodsIn(dns.Namespace) {
		if has(pod.Labels, dns.Labels) {
			return append(to, network.PodEndpoint(pod)), dns.Port, assumptions
		}
	}
	return append(to, network.Endpoint{Virtual: &network.Virtual{
		Name: "cluster DNS", Namespace: dns.Namespace, Labels: dns.Labels}}), dns.Port, assumptions
}

func has(l, wanted netpol.Labels) bool {
	for k, v := range wanted.Set {
		if l.Set[k] != v {
			return false
		}
	}
	return true
}
