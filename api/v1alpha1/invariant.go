package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AccessInvariant is a statement that must stay true, whatever anybody asks for: nobody
// of a kind ever gets in (never), or nobody but a kind does (only).
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName=pgi,categories=pgmoat
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.spec.message`
// +kubebuilder:printcolumn:name="Holds",type=string,JSONPath=`.status.conditions[?(@.type=="Holds")].status`
type AccessInvariant struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is the statement.
	Spec AccessInvariantSpec `json:"spec"`

	// Status is what was found; a controller writes it.
	// +optional
	Status Status `json:"status,omitempty"`
}

// AccessInvariantSpec is the statement.
// +kubebuilder:validation:XValidation:rule="has(self.never) != has(self.only)",message="write one of never and only"
// +kubebuilder:validation:XValidation:rule="!has(self.only) || has(self.only.from) || has(self.only.as) || has(self.only.databases) || has(self.only.path) || has(self.only.methods) || has(self.only.unencrypted)",message="only says nothing yet: describe the sessions that are allowed by from, as, databases, path or methods"
type AccessInvariantSpec struct {
	// Never describes sessions of which none may be possible.
	// +optional
	Never *Sessions `json:"never,omitempty"`

	// Only describes sessions: whatever is possible at the servers of to has to be among
	// them, but for what a server itself needs to stay alive.
	// +optional
	Only *Sessions `json:"only,omitempty"`

	// Message says why, to whoever breaks it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message"`
}

// Sessions describes sessions by all that is said of them; what is not said is any.
// +kubebuilder:validation:MinProperties=1
type Sessions struct {
	// From are the clients; without it anybody.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	From []InvariantPeer `json:"from,omitempty"`

	// To are the servers; without it all of them.
	// +optional
	To ServerSelector `json:"to,omitempty"`

	// As are the roles that log in; without it any.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	// +optional
	As []Identifier `json:"as,omitempty"`

	// Databases are those that are connected to; without it any.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	// +optional
	Databases []Identifier `json:"databases,omitempty"`

	// Path is how they get there: straight to a server's pod (Direct), through a pooler
	// (Pooler), or from outside the cluster (Outside); without it any way.
	// +kubebuilder:validation:Enum=Direct;Pooler;Outside
	// +optional
	Path string `json:"path,omitempty"`

	// Methods are the authentication methods of the line in pg_hba.conf that lets them in;
	// without it any.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:Enum=trust;password;md5;scram-sha-256;gss;sspi;ident;peer;ldap;radius;cert;pam;bsd;oauth
	// +listType=set
	// +optional
	Methods []string `json:"methods,omitempty"`

	// Unencrypted means sessions without TLS where it is true, and any where it is not.
	// +optional
	Unencrypted bool `json:"unencrypted,omitempty"`
}

// InvariantPeer is clients of the whole cluster, or addresses outside it. Pods are named by
// all that is said of them, and {} is all pods.
// +kubebuilder:validation:XValidation:rule="!((has(self.cidrs) || has(self.outside)) && (has(self.podSelector) || has(self.serviceAccounts) || has(self.namespaces) || has(self.namespaceSelector)))",message="pods and addresses are two peers: write them as two items"
// +kubebuilder:validation:XValidation:rule="!(has(self.namespaces) && has(self.namespaceSelector))",message="name namespaces, or select them by label, not both"
type InvariantPeer struct {
	// Namespaces are the names of the pods' namespaces; none of this and the next is all.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	// +optional
	Namespaces []NamespaceName `json:"namespaces,omitempty"`

	// NamespaceSelector selects the pods' namespaces by label; {} selects all of them.
	// +optional
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`

	// PodSelector selects the pods by label; {}, and nothing, select all of the namespaces.
	// +optional
	PodSelector *metav1.LabelSelector `json:"podSelector,omitempty"`

	// ServiceAccounts are the names of those that the pods run as.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	// +optional
	ServiceAccounts []ObjectName `json:"serviceAccounts,omitempty"`

	// CIDRs are addresses outside the cluster, such as 10.20.0.0/16 or 2001:db8::/48.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	// +optional
	CIDRs []CIDR `json:"cidrs,omitempty"`

	// Outside are names of ranges that the facts file explains; "*" is all of the outside.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=set
	// +optional
	Outside []OutsideName `json:"outside,omitempty"`
}

// ServerSelector selects servers by all that is said of them.
type ServerSelector struct {
	// NamespaceSelector selects the servers' namespaces by label.
	// +optional
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`

	// Namespaces are the names of the servers' namespaces.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	// +optional
	Namespaces []NamespaceName `json:"namespaces,omitempty"`

	// Names are the names of the operators' objects, or of the workloads that run PostgreSQL.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	// +optional
	Names []ObjectName `json:"names,omitempty"`
}

// AccessInvariantList is a list of them.
//
// +kubebuilder:object:root=true
type AccessInvariantList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []AccessInvariant `json:"items"`
}
