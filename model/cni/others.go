package cni

import "github.com/pgmoat/pgmoat/model/verdict"

const (
	policiesReadme  = "https://github.com/kubernetes-sigs/kube-network-policies/blob/07b74510c4a0ff1b2691e842c94c544b3817c3bf/README.md"
	policiesCluster = "https://github.com/kubernetes-sigs/kube-network-policies/blob/024c653ed570a4cd36103b39f7e7aac4585d84ce/install-cnp.yaml"
	policiesBlocks  = "https://github.com/kubernetes-sigs/kube-network-policies/blob/9e39233975901d714ae5e18d1d975d4995a1e49c/pkg/networkpolicy/networkpolicy.go"
	policiesTiers   = "https://github.com/kubernetes-sigs/kube-network-policies/blob/00dcebe7178173c721ce97cf4eac18b3fbf19c8d/plugins/iptracker/iptracker_networkpolicy.go"
	policiesHost    = "https://github.com/kubernetes-sigs/kube-network-policies/blob/0348c17448a6f405fb78c39da7145672f7418baa/pkg/dataplane/controller.go"
)

// Variant is the key under which the settings of kube-network-policies say which of
// its programs runs, as the tag of its image does behind the version.
const (
	Variant         = "variant"
	VariantStandard = "standard" // no such word in the tag: NetworkPolicy alone
	VariantAdmin    = "npa-v1alpha1"
	VariantCluster  = "npa-v1alpha2"
)

// others are the remaining plugins.
var others = []Profile{
	{Name: "flannel", Enforces: verdict.Deny, Differences: []Difference{{
		Trait:  Note,
		Text:   "connects pods and enforces nothing; Calico or kube-network-policies beside it does",
		Source: "https://www.github.com/coreos/flannel/issues/558",
	}}},
	// kind enforces since v0.24, with images of August 2024; kindnet itself since v1.3.
	{Name: "kindnet", Enforces: verdict.Unknown, Differences: []Difference{
		{
			Trait:  Note,
			Text:   "enforces NetworkPolicy since kind v0.24",
			Source: "https://github.com/kubernetes-sigs/kind/issues/842",
		},
		{
			Trait:  Note,
			Text:   "released by itself it enforces NetworkPolicy since v1.3.0",
			Source: "https://github.com/kubernetes/minikube/issues/19871",
		},
	}},
	{Name: "kube-network-policies", Enforces: verdict.Allow, Differences: policiesDifferences},
	{Name: "kube-router", Enforces: verdict.Allow, Differences: []Difference{
		{
			Trait:  NodeIngressOpen,
			Text:   "the node reaches the pods that run on it past every policy",
			Source: "https://github.com/cloudnativelabs/kube-router/pull/195",
		},
		{
			Trait:  Note,
			Text:   "SCTP in policies was asked for in 2021, and nobody has said that it is there",
			Source: "https://github.com/cloudnativelabs/kube-router/issues/1019",
		},
	}},
	{Name: None, Enforces: verdict.Deny},
	{Name: "weave", Enforces: verdict.Allow, Differences: []Difference{{
		Trait:  Note,
		Text:   "a named port in a policy made the controller fail; the report is open",
		Source: "https://github.com/weaveworks/weave/issues/3032",
	}}},
}

var policiesDifferences = []Difference{
	{
		Trait:  BlockMatchesPods,
		Text:   "an ipBlock is compared with the address of the packet, whoever has it",
		Source: policiesBlocks,
	},
	{
		Trait:  BaselineByPod,
		Text:   "the evaluator of NetworkPolicy accepts for good where some policy selects the pod and none is about the direction, so the Baseline tier is not asked",
		Source: policiesTiers,
	},
	{
		Trait:  ClusterPolicies,
		Text:   "the variant npa-v1alpha2 enforces ClusterNetworkPolicy",
		Source: policiesCluster,
		When:   Setting{Key: Variant, Value: VariantCluster},
	},
	{
		Trait:  NoAdminPolicies,
		Text:   "the variant npa-v1alpha2 knows ClusterNetworkPolicy, and not its older forms",
		Source: policiesCluster,
		When:   Setting{Key: Variant, Value: VariantCluster},
	},
	{
		Trait:  AdminPolicies,
		Text:   "the older forms are enforced where their flags are set, or by the variant npa-v1alpha1",
		Source: policiesReadme,
		When:   Setting{Key: Variant, Value: VariantAdmin},
	},
	{
		Trait:  NoClusterPolicies,
		Text:   "the variant npa-v1alpha1 knows the older forms, and not ClusterNetworkPolicy",
		Source: policiesReadme,
		When:   Setting{Key: Variant, Value: VariantAdmin},
	},
	{
		Trait:  NoClusterPolicies,
		Text:   "as it is installed without further words it enforces NetworkPolicy alone",
		Source: policiesReadme,
		When:   Setting{Key: Variant, Value: VariantStandard},
	},
	{
		Trait:  NoAdminPolicies,
		Text:   "as it is installed without further words it enforces NetworkPolicy alone",
		Source: policiesReadme,
		When:   Setting{Key: Variant, Value: VariantStandard},
	},
	{
		Trait:  Note,
		Text:   "what a process of root on the node sends is let through; what others there send is judged",
		Source: policiesHost,
	},
	{
		Trait:  Note,
		Text:   "what a pod sends to its own node is judged since April 2026, and was let through before",
		Source: "https://github.com/kubernetes-sigs/kube-network-policies/pull/339",
	},
}
