package cni

import "github.com/pgmoat/pgmoat/model/verdict"

const (
	awsGuide = "https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy.html"
	npmRange = "https://github.com/Azure/AKS/issues/2857"
)

// clouds are the plugins of one cloud each that are not Cilium.
var clouds = []Profile{
	// Whether it enforces depends on two switches, which are off by default.
	{Name: "aws-vpc-cni", Enforces: verdict.Unknown, Differences: []Difference{
		{
			Trait:  NodeIngressOpen,
			Text:   "all traffic to and from the node's own address is let through",
			Source: "https://github.com/aws/aws-network-policy-agent/pull/65",
		},
		{
			Trait:  BarePodsOpen,
			Text:   "policies cannot be relied on for a pod without ownerReferences",
			Source: "https://github.com/aws/aws-network-policy-agent/issues/327",
		},
		{
			Trait:  Note,
			Text:   "NetworkPolicy since v1.14, and only where it was switched on",
			Source: awsGuide,
		},
		{
			Trait:  Note,
			Text:   "a Service must have the port of its pods, and by the same name, for policies to be right",
			Source: awsGuide,
		},
		{
			Trait:  Note,
			Text:   "a new pod is open until the controller has found its policies, unless the mode is strict",
			Source: "https://pkg.go.dev/github.com/aws/amazon-network-policy-controller-k8s@v1.0.0",
		},
		{
			Trait:  Note,
			Text:   "its own ClusterNetworkPolicy is of the group networking.k8s.aws, another object than that of policy.networking.k8s.io",
			Source: "https://github.com/aws/aws-network-policy-agent/issues/635",
		},
	}},
	{Name: "azure-npm", Enforces: verdict.Allow, Differences: []Difference{{
		Trait:  Note,
		Text:   "in 2022 endPort was ignored, and only the first port of a range admitted",
		Source: npmRange,
	}}},
}
