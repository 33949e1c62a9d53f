package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PostgresPerimeter is the baseline that a platform keeps around one server: nobody gets
// in but whom a PostgresAccess names, and nothing that the database needs to live is cut.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,shortName=pgp,categories=pgmoat
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Server",type=string,JSONPath=`.spec.server.name`
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`
// +kubebuilder:printcolumn:name="Proven",type=string,JSONPath=`.status.conditions[?(@.type=="Proven")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type PostgresPerimeter struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is wanted.
	Spec PostgresPerimeterSpec `json:"spec"`

	// Status is what was found; a controller writes it.
	// +optional
	Status Status `json:"status,omitempty"`
}

// PostgresPerimeterSpec is what is wanted around a server.
type PostgresPerimeterSpec struct {
	// Server is the one that the perimeter is around. A server has one perimeter.
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a perimeter stays around its server: delete it and make another"
	Server ServerReference `json:"server"`

	// Mode says whether a controller only tells what it would change (Observe), or changes
	// it (Enforce).
	// +kubebuilder:validation:Enum=Observe;Enforce
	// +kubebuilder:default=Observe
	// +optional
	Mode string `json:"mode,omitempty"`

	// Network is what policies do around the pods of the server.
	// +kubebuilder:default={}
	// +optional
	Network NetworkBaseline `json:"network,omitempty"`

	// Namespace is what is done with the whole namespace, where it holds nothing but this
	// server; leave it out where others live there.
	// +optional
	Namespace *NamespaceBaseline `json:"namespace,omitempty"`

	// TLS is what connections have to be.
	// +kubebuilder:default={}
	// +optional
	TLS TLSBaseline `json:"tls,omitempty"`

	// Superuser says whether the superuser may log in over the network. What the operator
	// itself needs is always kept.
	// +kubebuilder:validation:Enum=LocalOnly;Remote
	// +kubebuilder:default=LocalOnly
	// +optional
	Superuser string `json:"superuser,omitempty"`

	// Monitoring is who scrapes the metrics of the server and its poolers.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Monitoring []Peer `json:"monitoring,omitempty"`

	// Backup are the stores that the server's pods, its jobs and restores of it talk to.
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	// +optional
	Backup []Destination `json:"backup,omitempty"`

	// Egress is what else the server's pods, and its jobs, talk to: another server, LDAP.
	// +kubebuilder:validation:MaxItems=64
	// +listType=map
	// +listMapKey=name
	// +optional
	Egress []Destination `json:"egress,omitempty"`
}

// NetworkBaseline is what policies do around the pods of a server. Its pods, its poolers
// and its jobs are always closed to whoever no PostgresAccess names.
type NetworkBaseline struct {
	// Egress says whether the server's pods are closed outwards too. Isolated leaves them
	// what the operator needs, DNS, the API server, and the backup and egress
	// destinations of the perimeter.
	// +kubebuilder:validation:Enum=Open;Isolated
	// +kubebuilder:default=Open
	// +optional
	Egress string `json:"egress,omitempty"`

	// ClientNamespaces consents to policies in other namespaces, which open the way out for
	// clients whose egress is closed. Nothing is written where neither this nor the
	// namespace of an access says so.
	// +optional
	ClientNamespaces *metav1.LabelSelector `json:"clientNamespaces,omitempty"`

	// AdminTier closes by a ClusterNetworkPolicy of the Admin tier what NetworkPolicies of
	// others leave open. It needs the kind in the cluster and a priority that nobody else
	// has.
	// +optional
	AdminTier *AdminTier `json:"adminTier,omitempty"`
}

// AdminTier is a place in the Admin tier of ClusterNetworkPolicy.
type AdminTier struct {
	// Priority is that of the policy; lower numbers decide first.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	Priority int32 `json:"priority"`
}

// NamespaceBaseline is what is done with a namespace that belongs to the server.
type NamespaceBaseline struct {
	// DefaultDeny closes all pods of the namespace in both directions.
	// +kubebuilder:default=true
	// +optional
	DefaultDeny *bool `json:"defaultDeny,omitempty"`

	// PodSecurity is the level that Pod Security Admission enforces; the server's pods must
	// fit it.
	// +kubebuilder:validation:Enum=privileged;baseline;restricted
	// +optional
	PodSecurity string `json:"podSecurity,omitempty"`
}

// TLSBaseline is what connections have to be.
type TLSBaseline struct {
	// Required refuses sessions without TLS, from wherever.
	// +kubebuilder:default=true
	// +optional
	Required *bool `json:"required,omitempty"`

	// MinProtocol is the least version that the server takes.
	// +kubebuilder:validation:Enum=TLSv1.2;TLSv1.3
	// +kubebuilder:default=TLSv1.2
	// +optional
	MinProtocol string `json:"minProtocol,omitempty"`
}

// Status is what was found of an object.
type Status struct {
	// ObservedGeneration is that of the spec which was looked at.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions are Compiled, Proven and, where a controller writes, Applied.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// PostgresPerimeterList is a list of them.
//
// +kubebuilder:object:root=true
type PostgresPerimeterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []PostgresPerimeter `json:"items"`
}
