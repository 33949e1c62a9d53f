package kube

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/model/netpol"
)

// tellOdd warns of what the API takes and that does nothing, or not what it seems to.
func (b *clusterBuilder) tellOdd(p *netpol.Policy) {
	if len(p.Rules[netpol.Ingress])+len(p.Rules[netpol.Egress]) == 0 {
		b.warn("clusterpolicy-no-rules", p.Origin.At("spec"), "the policy has no rules, so it does nothing")
	}
	for _, r := range p.Rules[netpol.Egress] {
		for _, peer := range r.Peers {
			if len(peer.Domains) > 0 && r.Action != netpol.Accept {
				b.warn("clusterpolicy-domain-names", peer.Origin.At("%s.domainNames", peer.Origin.Field), fmt.Sprintf(
					"domainNames are only supported for rules that accept; what a plugin makes of %s is not said", r.Action))
			}
		}
	}
}

// tellSamePriority warns of policies of one tier that share a priority: "there is no
// way for the user to reliably determine which one it will choose".
func (c *converter) tellSamePriority() {
	type place struct {
		netpol.Tier
		priority int32
	}
	first := map[place]*netpol.Policy{}
	for _, p := range slices.SortedFunc(slices.Values(c.world.ClusterPolicies), byName) {
		at := place{p.Tier, p.Priority}
		other := first[at]
		if other == nil {
			first[at] = p
			continue
		}
		c.warn("clusterpolicy-same-priority", p.Origin.At("spec.priority"), fmt.Sprintf(
			"%s %s has the same priority %d in the %s tier: where both match, either may act", other.Kind, other.Name, p.Priority, p.Tier))
	}
}

func byName(a, b *netpol.Policy) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}
