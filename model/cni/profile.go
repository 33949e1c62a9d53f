// Package cni holds what is documented of network plugins where they differ from the
// text of the policy APIs, as data with sources.
package cni

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Trait is one way in which a network plugin can differ from the API's text, or
// settles what the text leaves open.
type Trait string

// The traits; they are stable.
const (
	// BlockSkipsPods: an ipBlock (or networks) never matches a pod of the cluster,
	// whatever its address.
	BlockSkipsPods Trait = "ipblock-skips-pods"
	// BlockMatchesPods: an ipBlock matches a pod by its address, as the text says;
	// known, so that it need not be assumed.
	BlockMatchesPods Trait = "ipblock-matches-pods"
	// BaselineByPod: the Baseline tier is not asked at all of a pod that any
	// NetworkPolicy selects, whatever its direction.
	BaselineByPod Trait = "baseline-by-pod"
	// BaselineByDirection: it is asked in a direction that none isolates.
	BaselineByDirection Trait = "baseline-by-direction"
	// NodeIngressOpen: the node a pod runs on reaches it past every policy.
	NodeIngressOpen Trait = "node-ingress-open"
	// NodeEgressPoliced: a pod's traffic to its own node is under policy, though
	// "traffic to and from the node where a Pod is running is always allowed".
	NodeEgressPoliced Trait = "node-egress-policed"
	// NoEndPort: endPort is ignored, and only the first port of the range counts.
	NoEndPort Trait = "no-endport"
	// NoSCTP: rules for SCTP are ignored.
	NoSCTP Trait = "no-sctp"
	// ClusterPolicies and NoClusterPolicies: whether ClusterNetworkPolicy is enforced.
	ClusterPolicies   Trait = "cluster-network-policy"
	NoClusterPolicies Trait = "no-cluster-network-policy"
	// AdminPolicies and NoAdminPolicies: whether AdminNetworkPolicy and
	// BaselineAdminNetworkPolicy are.
	AdminPolicies   Trait = "admin-network-policy"
	NoAdminPolicies Trait = "no-admin-network-policy"
)

// A Difference is a trait of one plugin, with where it is documented.
type Difference struct {
	Trait Trait
	// Text is the fact in one sentence, with the versions it holds for.
	Text string
	// Source is the address of the page that says so.
	Source string
}

// A Profile is what is documented of one network plugin. The zero value is of a
// plugin nobody named.
type Profile struct {
	Name string
	// Enforces says whether the plugin enforces NetworkPolicy as it is usually
	// installed; Unknown where that depends on how.
	Enforces    verdict.Verdict
	Differences []Difference
}

// Has reports whether the trait is documented of the plugin.
func (p Profile) Has(t Trait) bool {
	return slices.ContainsFunc(p.Differences, func(d Difference) bool { return d.Trait == t })
}

// Lookup returns the difference with this trait; ok is false when there is none.
func (p Profile) Lookup(t Trait) (d Difference, ok bool) {
	i := slices.IndexFunc(p.Differences, func(d Difference) bool { return d.Trait == t })
	if i < 0 {
		return d, false
	}
	return p.Differences[i], true
}
