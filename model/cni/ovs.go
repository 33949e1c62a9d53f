package cni

import "github.com/pgmoat/pgmoat/model/verdict"

// ovs are the plugins that are made with Open vSwitch.
var ovs = []Profile{
	{Name: "antrea", Enforces: verdict.Allow, Differences: antreaDifferences},
	{Name: "kube-ovn", Enforces: verdict.Allow, Differences: []Difference{
		{
			Trait:  NoClusterPolicies,
			Text:   "ClusterNetworkPolicy came with v1.15.0, experimental",
			Source: kubeOVN,
			Until:  "1.15",
		},
		{
			Trait:  Note,
			Text:   "since v1.15.0 ClusterNetworkPolicy is there, experimental and not documented",
			Source: kubeOVN,
			Since:  "1.15",
		},
	}},
	{Name: "ovn-kubernetes", Enforces: verdict.Allow, Differences: []Difference{
		{
			Trait:  NodeIngressOpen,
			Text:   "no policy keeps the node from the pods that run on it",
			Source: openShift,
		},
		{
			Trait:  HostPodsAsPeers,
			Text:   "a namespaceSelector beside an empty podSelector also means host-network pods; alone it does not",
			Source: openShift,
		},
		{
			Trait:  AdminPolicies,
			Text:   "AdminNetworkPolicy and BaselineAdminNetworkPolicy are enforced unless enable-admin-network-policy is switched off; where two of the same priority match, which one counts is not defined, and priorities above 99 are not enforced",
			Source: "https://github.com/ovn-kubernetes/ovn-kubernetes/blob/2c48a605cbd49607e4246f67d4dc3235c7415b6f/docs/features/network-security-controls/admin-network-policy.md",
		},
		{
			Trait:  Note,
			Text:   "the peers namespaces and pods of an AdminNetworkPolicy do not include host-network pods",
			Source: "https://github.com/ovn-kubernetes/ovn-kubernetes/pull/4431",
		},
	}},
}

const (
	kubeOVN       = "https://github.com/kubernetes-sigs/network-policy-api/pull/354"
	openShift     = "https://docs.okd.io/latest/networking/network_security/network_policy/about-network-policy.html"
	antreaCluster = "https://github.com/antrea-io/antrea/blob/676747be32a7fcfe0ebf6f04e508f7c9d53bffd2/docs/cluster-network-policy.md"
	antreaAdmin   = "https://antrea.io/docs/main/docs/admin-network-policy/"
)

// The feature gates of antrea-controller.conf in the ConfigMap antrea-config.
const (
	antreaClusterGate = "ClusterNetworkPolicy"
	antreaAdminGate   = "AdminNetworkPolicy"
)

var antreaDifferences = []Difference{
	{
		Trait:  NodeIngressOpen,
		Text:   "what the node itself sends to its pods goes past every policy, for the kubelet's probes; what it only forwards does not",
		Source: "https://github.com/antrea-io/antrea/pull/1816",
	},
	{
		Trait:  NoClusterPolicies,
		Text:   "ClusterNetworkPolicy came with v2.7",
		Source: antreaCluster,
		Until:  "2.7",
	},
	{
		Trait:  NoClusterPolicies,
		Text:   "since v2.7 ClusterNetworkPolicy is there, and off unless its feature gate is on",
		Source: antreaCluster,
		Since:  "2.7",
		When:   Setting{Key: antreaClusterGate, Value: "false", Default: "false"},
	},
	{
		Trait:  ClusterPolicies,
		Text:   "since v2.7 ClusterNetworkPolicy is enforced where its feature gate is on",
		Source: antreaCluster,
		Since:  "2.7",
		When:   Setting{Key: antreaClusterGate, Value: "true", Default: "false"},
	},
	{
		Trait:  NoAdminPolicies,
		Text:   "AdminNetworkPolicy came with v1.13",
		Source: antreaAdmin,
		Until:  "1.13",
	},
	{
		Trait:  NoAdminPolicies,
		Text:   "since v1.13 AdminNetworkPolicy is there, and off unless its feature gate is on",
		Source: antreaAdmin,
		Since:  "1.13",
		When:   Setting{Key: antreaAdminGate, Value: "false", Default: "false"},
	},
	{
		Trait:  AdminPolicies,
		Text:   "since v1.13 AdminNetworkPolicy and BaselineAdminNetworkPolicy are enforced where their feature gate is on",
		Source: antreaAdmin,
		Since:  "1.13",
		When:   Setting{Key: antreaAdminGate, Value: "true", Default: "false"},
	},
}
