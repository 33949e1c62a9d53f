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
	// BlockSkipsPods: an ipBlock (or networks) never matches a pod of the cluster, on
	// whatever network, whatever its address.
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
	// NodeIngressPoliced: the node a pod runs on is under policy as any other peer.
	NodeIngressPoliced Trait = "node-ingress-policed"
	// NodeEgressPoliced: a pod's traffic to its own node is under policy, though
	// "traffic to and from the node where a Pod is running is always allowed".
	NodeEgressPoliced Trait = "node-egress-policed"
	// BlockSkipsNodes: an ipBlock never matches a node of the cluster, and so no
	// host-network pod, whatever its address.
	BlockSkipsNodes Trait = "ipblock-skips-nodes"
	// HostPodsAsPeers: a peer with a namespaceSelector and an empty podSelector also
	// means host-network pods.
	HostPodsAsPeers Trait = "host-pods-as-peers"
	// BarePodsOpen: policies are not enforced, or not reliably, on a pod that nothing
	// owns.
	BarePodsOpen Trait = "bare-pods-open"
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
	// NoNodePeers and NoDomainPeers: nodes and domainNames as peers of a
	// ClusterNetworkPolicy are not implemented.
	NoNodePeers   Trait = "no-node-peers"
	NoDomainPeers Trait = "no-domain-peers"
	// Note is worth knowing, and changes no answer.
	Note Trait = "note"
)

// A Difference is a trait of one plugin, with where it is documented.
type Difference struct {
	Trait Trait
	// Text is the fact in one sentence.
	Text string
	// Source is the address of the page that says so.
	Source string
	// Since and Until are the versions it holds for: from Since on, and before Until.
	// Empty is no limit; with a limit it holds only where the version is known.
	Since, Until string
	// When is a setting it needs: it holds only where the configuration was read and
	// says so. Unless is one that ends it, where the configuration was read.
	When, Unless Setting
}

// A Setting is a line of a plugin's configuration. The zero value is none.
type Setting struct {
	Key, Value string
	// Default is the value where the configuration does not name the key.
	Default string
}

// Settings are a plugin's configuration, as far as it was read; nil where it was not.
type Settings map[string]string

// A Profile is what is documented of one network plugin. The zero value is of a
// plugin nobody named.
type Profile struct {
	Name string
	// Version is that of the plugin in the cluster; empty where nobody knows.
	Version string
	// Enforces says whether the plugin enforces NetworkPolicy as it is usually
	// installed; Unknown where that depends on how.
	Enforces verdict.Verdict
	// Differences are those that hold; of a Catalogue's profile all that may.
	Differences []Difference
	// Stated are those of Differences that somebody stated of this very cluster.
	Stated []Difference
}

// opposites are the traits that say the contrary.
var opposites = map[Trait]Trait{
	ClusterPolicies: NoClusterPolicies, NoClusterPolicies: ClusterPolicies,
	AdminPolicies: NoAdminPolicies, NoAdminPolicies: AdminPolicies,
}

// State returns the profile with what somebody states of this very cluster, which
// takes the place of what is documented to the contrary.
func (p Profile) State(stated ...Difference) Profile {
	if len(stated) == 0 {
		return p
	}
	p.Stated = slices.Concat(p.Stated, stated)
	p.Differences = slices.DeleteFunc(slices.Clone(p.Differences), func(d Difference) bool {
		return slices.ContainsFunc(stated, func(s Difference) bool { return d.Trait == s.Trait || d.Trait == opposites[s.Trait] })
	})
	p.Differences = slices.Concat(stated, p.Differences)
	return p
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

// Implements reports whether the plugin enforces policies of the kind, with what says
// so; Unknown where nothing is documented for its version and settings. Of
// "NetworkPolicy" it is Enforces.
func (p Profile) Implements(kind string) (verdict.Verdict, Difference) {
	yes, no := AdminPolicies, NoAdminPolicies
	switch kind {
	case "NetworkPolicy":
		return p.Enforces, Difference{}
	case "ClusterNetworkPolicy":
		yes, no = ClusterPolicies, NoClusterPolicies
	}
	if d, ok := p.Lookup(no); ok {
		return verdict.Deny, d
	}
	if d, ok := p.Lookup(yes); ok {
		return verdict.Allow, d
	}
	return verdict.Unknown, Difference{}
}
