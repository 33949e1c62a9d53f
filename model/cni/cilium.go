package cni

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// ciliums are Cilium and what clouds make of it.
var ciliums = []Profile{
	{Name: "cilium", Enforces: verdict.Allow, Differences: slices.Concat(ciliumPeers, ciliumOwn)},
	{Name: "azure-cni-cilium", Enforces: verdict.Allow, Differences: []Difference{
		{
			Trait:  BlockSkipsPods,
			Text:   "an ipBlock cannot give access to pods",
			Source: azureCilium,
		},
		{
			Trait:  BlockSkipsNodes,
			Text:   "an ipBlock cannot give access to nodes",
			Source: azureCilium,
		},
		{
			Trait:  Note,
			Text:   "policies may be enforced on the replies where a pod connects to itself through the address of its Service",
			Source: azureCilium,
		},
	}},
	{Name: "gke-dataplane-v2", Enforces: verdict.Allow, Differences: []Difference{{
		Trait:  Note,
		Text:   "made with Cilium, and always enforces; which of Cilium's differences it has no source known here says",
		Source: "https://cloud.google.com/kubernetes-engine/docs/concepts/dataplane-v2?hl=ja",
	}}},
}

const (
	azureCilium = "https://learn.microsoft.com/mt-mt/azure/aks/azure-cni-powered-by-cilium"
	ciliumRules = "https://github.com/cilium/cilium/blob/012a3bf2928a03344812e18cb799eee4e04676a4/Documentation/security/policy/language.rst"
	ciliumKCNP  = "https://github.com/cilium/cilium/pull/47227"
)

// The keys of the ConfigMap cilium-config.
const (
	ciliumCIDRMatch       = "policy-cidr-match-mode"
	ciliumClusterPolicies = "enable-k8s-cluster-network-policy"
	ciliumLocalhost       = "allow-localhost"
)

// ciliumPeers say which peers Cilium sees: identities before addresses.
var ciliumPeers = []Difference{
	{
		Trait:  BlockSkipsPods,
		Text:   "an ipBlock never selects a pod that Cilium manages, unless policy-cidr-match-mode has pods",
		Source: ciliumRules,
		Unless: Setting{Key: ciliumCIDRMatch, Value: "pods"},
	},
	{
		Trait:  BlockSkipsNodes,
		Text:   "an ipBlock never selects a node, nor the host-network pods on it, unless policy-cidr-match-mode has nodes (since v1.15)",
		Source: ciliumRules,
		Unless: Setting{Key: ciliumCIDRMatch, Value: "nodes"},
	},
	{
		Trait:  NodeIngressOpen,
		Text:   "the host reaches the pods that run on it past every policy, unless allow-localhost is policy",
		Source: ciliumRules,
		Unless: Setting{Key: ciliumLocalhost, Value: "policy"},
	},
	{
		Trait:  NodeIngressPoliced,
		Text:   "with allow-localhost: policy the host is a peer as any other",
		Source: ciliumRules,
		When:   Setting{Key: ciliumLocalhost, Value: "policy"},
	},
	{
		Trait:  NodeEgressPoliced,
		Text:   "what a pod sends to its own host is under its egress policies, and an ipBlock with the host's address does not admit it",
		Source: "https://github.com/cilium/cilium/issues/46571",
	},
}

// ciliumOwn are what came with versions of Cilium.
var ciliumOwn = []Difference{
	{
		Trait:  NoEndPort,
		Text:   "before v1.16 endPort is ignored without a word: only the first port counts",
		Source: "https://github.com/cilium/cilium/issues/28684",
		Until:  "1.16",
	},
	{
		Trait:  NoSCTP,
		Text:   "SCTP is a beta feature that is off unless enable-sctp is true",
		Source: "https://docs.cilium.io/en/stable/configuration/sctp/",
		When:   Setting{Key: "enable-sctp", Value: "false", Default: "false"},
	},
	{
		Trait:  NoClusterPolicies,
		Text:   "ClusterNetworkPolicy came with v1.20",
		Source: ciliumKCNP,
		Until:  "1.20",
	},
	{
		Trait:  NoClusterPolicies,
		Text:   "since v1.20 ClusterNetworkPolicy is there, and off unless enable-k8s-cluster-network-policy is true",
		Source: ciliumKCNP,
		Since:  "1.20",
		When:   Setting{Key: ciliumClusterPolicies, Value: "false", Default: "false"},
	},
	{
		Trait:  ClusterPolicies,
		Text:   "since v1.20 ClusterNetworkPolicy is enforced where enable-k8s-cluster-network-policy is true",
		Source: ciliumKCNP,
		Since:  "1.20",
		When:   Setting{Key: ciliumClusterPolicies, Value: "true", Default: "false"},
	},
	{
		Trait:  NoAdminPolicies,
		Text:   "AdminNetworkPolicy was asked for in 2023; what came, with v1.20, is ClusterNetworkPolicy",
		Source: "https://github.com/cilium/cilium/issues/23380",
		Until:  "1.20",
	},
	{
		Trait:  Note,
		Text:   "enable-policy: never and enable-k8s-networkpolicy: false switch NetworkPolicy off",
		Source: "https://github.com/cilium/cilium/pull/23127",
	},
}
