package cni

import "github.com/pgmoat/pgmoat/model/verdict"

// calicos are Calico, and what enforces with it.
var calicos = []Profile{
	{Name: "calico", Enforces: verdict.Allow, Differences: calicoDifferences},
	{Name: "canal", Enforces: verdict.Allow, Differences: append([]Difference{{
		Trait:  Note,
		Text:   "Flannel connects the pods, Calico enforces the policies: what is said of Calico holds",
		Source: "https://docs.tigera.io/calico/latest/getting-started/kubernetes/flannel/install-for-flannel.md",
	}}, calicoDifferences...)},
}

var calicoDifferences = []Difference{
	{
		Trait:  NodeIngressOpen,
		Text:   "no policy keeps the host from the pods that run on it",
		Source: "https://github.com/projectcalico/calico/issues/1683",
	},
	{
		Trait:  NoAdminPolicies,
		Text:   "AdminNetworkPolicy came with v3.29",
		Source: "https://github.com/projectcalico/calico/pull/9404",
		Until:  "3.29",
	},
	{
		Trait:  AdminPolicies,
		Text:   "AdminNetworkPolicy since v3.29 and BaselineAdminNetworkPolicy since v3.30, both up to v3.31",
		Source: "https://newreleases.io/project/github/tigera/operator/release/v1.38.0",
		Since:  "3.30", Until: "3.32",
	},
	{
		Trait:  NoAdminPolicies,
		Text:   "v3.32 puts ClusterNetworkPolicy in the place of AdminNetworkPolicy, which is gone",
		Source: "https://github.com/projectcalico/calico/issues/10745",
		Since:  "3.32",
	},
	{
		Trait:  NoClusterPolicies,
		Text:   "ClusterNetworkPolicy came with v3.32",
		Source: "https://github.com/kubernetes-sigs/network-policy-api/pull/376",
		Until:  "3.32",
	},
	{
		Trait:  ClusterPolicies,
		Text:   "ClusterNetworkPolicy since v3.32",
		Source: "https://github.com/kubernetes-sigs/network-policy-api/pull/376",
		Since:  "3.32",
	},
	{
		Trait:  NoNodePeers,
		Text:   "of the experimental fields of ClusterNetworkPolicy only networks and named ports are implemented: nodes are not",
		Source: "https://github.com/kubernetes-sigs/network-policy-api/pull/376",
		Since:  "3.32", Until: "3.33",
	},
	{
		Trait:  NoDomainPeers,
		Text:   "of the experimental fields of ClusterNetworkPolicy only networks and named ports are implemented: domainNames are not",
		Source: "https://github.com/kubernetes-sigs/network-policy-api/pull/376",
		Since:  "3.32", Until: "3.33",
	},
	{
		Trait:  Note,
		Text:   "what a pod may send to its own host is also subject to defaultEndpointToHostAction, which drops by default and which most installers set to Accept or Return",
		Source: "https://github.com/kubernetes-sigs/kubespray/pull/1090",
	},
}
