package object

// A Type is a kind with its API group, without the version: an object is the same
// in each version that serves it.
type Type struct{ Group, Kind string }

// String writes "Cluster.postgresql.cnpg.io", and "Service" for the core group;
// operator.World keys its objects by these words.
func (t Type) String() string {
	if t.Group == "" {
		return t.Kind
	}
	return t.Kind + "." + t.Group
}

// clusterScoped are the types without a namespace among those that any adapter
// asks for.
var clusterScoped = map[Type]bool{
	{"", "Namespace"}:        true,
	{"", "Node"}:             true,
	{"", "PersistentVolume"}: true,
	{"apiextensions.k8s.io", "CustomResourceDefinition"}:               true,
	{"cilium.io", "CiliumClusterwideNetworkPolicy"}:                    true,
	{"config.openshift.io", "Network"}:                                 true,
	{"operator.openshift.io", "Network"}:                               true,
	{"operator.tigera.io", "Installation"}:                             true,
	{"crd.antrea.io", "ClusterNetworkPolicy"}:                          true,
	{"crd.antrea.io", "TrafficControl"}:                                true,
	{"security.antrea.tanzu.vmware.com", "ClusterNetworkPolicy"}:       true,
	{"k8s.ovn.org", "ClusterUserDefinedNetwork"}:                       true,
	{"network.openshift.io", "ClusterNetwork"}:                         true,
	{"kubeovn.io", "Subnet"}:                                           true,
	{"kubeovn.io", "Vpc"}:                                              true,
	{"kubeovn.io", "SecurityGroup"}:                                    true,
	{"networking.k8s.aws", "ClusterNetworkPolicy"}:                     true,
	{"neuvector.com", "NvClusterSecurityRule"}:                         true,
	{"crd.projectcalico.org", "StagedGlobalNetworkPolicy"}:             true,
	{"projectcalico.org", "StagedGlobalNetworkPolicy"}:                 true,
	{"crd.projectcalico.org", "GlobalNetworkPolicy"}:                   true,
	{"crd.projectcalico.org", "IPPool"}:                                true,
	{"projectcalico.org", "IPPool"}:                                    true,
	{"projectcalico.org", "GlobalNetworkPolicy"}:                       true,
	{"policy.networking.k8s.io", "AdminNetworkPolicy"}:                 true,
	{"policy.networking.k8s.io", "BaselineAdminNetworkPolicy"}:         true,
	{"policy.networking.k8s.io", "ClusterNetworkPolicy"}:               true,
	{"rbac.authorization.k8s.io", "ClusterRole"}:                       true,
	{"rbac.authorization.k8s.io", "ClusterRoleBinding"}:                true,
	{"pgmoat.dev", "AccessInvariant"}:                                  true,
	{"admissionregistration.k8s.io", "ValidatingWebhookConfiguration"}: true,
	{"admissionregistration.k8s.io", "MutatingWebhookConfiguration"}:   true,
}

// Namespaced reports whether objects of the type live in a namespace; a type that
// nobody here knows is taken to.
func (t Type) Namespaced() bool { return !clusterScoped[t] }
