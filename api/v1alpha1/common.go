package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ServerReference names one PostgreSQL server in the namespace of the object that refers
// to it.
type ServerReference struct {
	// Name is the name of the operator's object, or of the workload that runs PostgreSQL.
	Name ObjectName `json:"name"`

	// Kind tells servers of one name apart; it may be left out where only one has it.
	// +kubebuilder:validation:Enum=Cluster;SGCluster;SGShardedCluster;postgresql;PostgresCluster;PerconaPGCluster;StatefulSet;Deployment
	// +optional
	Kind string `json:"kind,omitempty"`
}

// CIDR is a range of addresses, such as 10.20.0.0/16 or 2001:db8::/48. Bits of a host are
// refused: who writes 10.20.1.7/16 may have meant the one address.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=43
// +kubebuilder:validation:XValidation:rule="isCIDR(self)",message="want a range such as 10.20.0.0/16 or 2001:db8::/48"
// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || cidr(self).masked() == cidr(self)",message="bits of the host are set: write the range without them"
type CIDR string

// NamespaceName is the name of a namespace.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
type NamespaceName string

// ObjectName is the name of a Kubernetes object.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
type ObjectName string

// Identifier is a name in PostgreSQL as the catalogue has it: without quotes, and in the
// case it was made with. PostgreSQL cuts names at 63 bytes, of which a letter may take up
// to four. Control characters and those that nobody sees are refused: they end lines of
// pg_hba.conf, or make two names look like one.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^[^\p{C}\p{Zl}\p{Zp}]+$`
// +kubebuilder:validation:XValidation:rule="size(bytes(self)) <= 63",message="PostgreSQL cuts names at 63 bytes, and this one is longer"
type Identifier string

// OutsideName is the name of a range of addresses outside the cluster.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
type OutsideName string

// Peer is one group of clients: pods of the cluster, or addresses outside it.
//
// Pods are named by any of namespaces, namespaceSelector, podSelector and
// serviceAccounts, all of which have to hold; without a namespace it is the one of the
// object. Addresses are named by cidrs and outside.
// +kubebuilder:validation:XValidation:rule="has(self.podSelector) || has(self.serviceAccounts) || has(self.cidrs) || has(self.outside)",message="name pods (podSelector, {} for all of a namespace), serviceAccounts, cidrs or outside"
// +kubebuilder:validation:XValidation:rule="!((has(self.cidrs) || has(self.outside)) && (has(self.podSelector) || has(self.serviceAccounts) || has(self.namespaces) || has(self.namespaceSelector)))",message="pods and addresses are two peers: write them as two items"
// +kubebuilder:validation:XValidation:rule="!(has(self.namespaces) && has(self.namespaceSelector))",message="name namespaces, or select them by label, not both"
type Peer struct {
	// Namespaces are the names of the pods' namespaces.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	// +optional
	Namespaces []NamespaceName `json:"namespaces,omitempty"`

	// NamespaceSelector selects the pods' namespaces by label; {} selects all of them.
	// +optional
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`

	// PodSelector selects the pods by label; {} selects all of the namespaces.
	// +optional
	PodSelector *metav1.LabelSelector `json:"podSelector,omitempty"`

	// ServiceAccounts are the names of those that the pods run as, in the pods' namespaces.
	// Layers that cannot ask for them (NetworkPolicy, pg_hba.conf) carry the labels of the
	// pods that are known to run as them.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	// +optional
	ServiceAccounts []ObjectName `json:"serviceAccounts,omitempty"`

	// CIDRs are addresses outside the cluster, such as 10.20.0.0/16 or 2001:db8::/48, as the
	// server's first hop sees them.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	// +optional
	CIDRs []CIDR `json:"cidrs,omitempty"`

	// Outside are names of ranges outside the cluster that the facts file explains: a
	// bastion, a VPN.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=set
	// +optional
	Outside []OutsideName `json:"outside,omitempty"`
}

// Port is one port, or a range of them, of a protocol.
// +kubebuilder:validation:XValidation:rule="!has(self.endPort) || self.endPort >= self.port",fieldPath=".endPort",message="endPort comes before port"
type Port struct {
	// Protocol is TCP where nothing is said.
	// +kubebuilder:validation:Enum=TCP;UDP
	// +kubebuilder:default=TCP
	// +optional
	Protocol string `json:"protocol,omitempty"`

	// Port is the number of the port on the pod, or outside; not the one of a Service.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`

	// EndPort is the last port of a range that begins with port.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +optional
	EndPort int32 `json:"endPort,omitempty"`
}

// Destination is where pods may connect to, by which ports.
type Destination struct {
	// Name is for people, and for the comment beside what is made of it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[^\p{C}\p{Zl}\p{Zp}]+$`
	Name string `json:"name"`

	// To is who is connected to.
	To Peer `json:"to"`

	// Ports are the ports there; there is no word for all of them.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +listType=atomic
	Ports []Port `json:"ports"`
}
