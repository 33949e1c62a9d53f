package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PostgresAccess says who may reach a server, which databases, as which roles, and how
// they show who they are. It stands in the namespace of the database, whose owner it is
// that gives access. Nobody else gets in by it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,shortName=pga,categories=pgmoat
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Server",type=string,JSONPath=`.spec.server.name`
// +kubebuilder:printcolumn:name="Roles",type=string,JSONPath=`.spec.to[*].role`
// +kubebuilder:printcolumn:name="Until",type=string,JSONPath=`.spec.until`
// +kubebuilder:printcolumn:name="Proven",type=string,JSONPath=`.status.conditions[?(@.type=="Proven")].status`
type PostgresAccess struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is wanted.
	Spec PostgresAccessSpec `json:"spec"`

	// Status is what was found; a controller writes it.
	// +optional
	Status Status `json:"status,omitempty"`
}

// PostgresAccessSpec is who may reach what. Each peer of from gets each entry of to.
type PostgresAccessSpec struct {
	// Server is the one that is reached.
	Server ServerReference `json:"server"`

	// From are the clients. Each of them gets each entry of to.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	From []Peer `json:"from"`

	// To are the databases that they get, each as one role.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	To []Entry `json:"to"`

	// Until is when the access ends, such as 2026-12-31T18:00:00Z or
	// 2026-12-31T18:00:00+01:00: from then on it compiles to nothing. Without it the access
	// does not end.
	// +optional
	Until *metav1.Time `json:"until,omitempty"`

	// ClientEgress says what is done on the side of the clients.
	// +kubebuilder:default={}
	// +optional
	ClientEgress ClientEgress `json:"clientEgress,omitempty"`

	// Tests are single attempts with their answers; pgmoat prove asks them.
	// +optional
	Tests Tests `json:"tests,omitempty"`
}

// Entry is databases that are reached as one role.
// +kubebuilder:validation:XValidation:rule="!has(self.tls) || self.tls != 'Optional' || !has(self.authentication) || self.authentication == 'SCRAM'",fieldPath=".tls",message="a client certificate is shown inside TLS: leave tls Required"
type Entry struct {
	// Databases are those that may be connected to, by their names: "all" is a database of
	// that name.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	Databases []Identifier `json:"databases"`

	// Role is the one that logs in, by its name; groups and patterns cannot be written.
	Role Identifier `json:"role"`

	// Endpoint is the part of the server that is meant: the primary (ReadWrite), the replicas
	// (ReadOnly), or both (Any). Policies and pg_hba.conf cannot
	// tell members apart that change places at a failover: they open all of them, and the
	// Service that is used decides.
	// +kubebuilder:validation:Enum=ReadWrite;ReadOnly;Any
	// +kubebuilder:default=ReadWrite
	// +optional
	Endpoint string `json:"endpoint,omitempty"`

	// Pooler is the name of the pooler that the clients go through, and then only through
	// it; without one they go straight to the server. Where the pooler is in the server's
	// own pods (StackGres) its name is the server's.
	// +optional
	Pooler ObjectName `json:"pooler,omitempty"`

	// Authentication is how the role shows who it is: by a password (SCRAM), by a client
	// certificate with the role's name, or by both.
	// +kubebuilder:validation:Enum=SCRAM;Certificate;SCRAMAndCertificate
	// +kubebuilder:default=SCRAM
	// +optional
	Authentication string `json:"authentication,omitempty"`

	// TLS says whether sessions without TLS are refused. The perimeter may require it of
	// all; it cannot be made optional here where the perimeter does.
	// +kubebuilder:validation:Enum=Required;Optional
	// +kubebuilder:default=Required
	// +optional
	TLS string `json:"tls,omitempty"`

	// Secret is the one Secret, in the namespace of the access, that holds the role's
	// credentials. The service accounts of the clients in that namespace may read it, and
	// by this nothing else.
	// +optional
	Secret ObjectName `json:"secret,omitempty"`

	// Privileges are what the role may do in the databases. They are carried for the layer
	// of SQL grants.
	// +kubebuilder:validation:MaxItems=32
	// +listType=atomic
	// +optional
	Privileges []Privilege `json:"privileges,omitempty"`
}

// Privilege is what a role may do with objects of a schema.
// +kubebuilder:validation:XValidation:rule="!has(self.tables) || has(self.schema)",fieldPath=".tables",message="tables are of a schema: name it"
// +kubebuilder:validation:XValidation:rule="!has(self.columns) || (has(self.tables) && size(self.tables) == 1)",fieldPath=".columns",message="columns are of one table: name that one in tables"
// +kubebuilder:validation:XValidation:rule="!has(self.columns) || self.verbs.all(v, v in ['SELECT', 'INSERT', 'UPDATE', 'REFERENCES'])",fieldPath=".columns",message="only SELECT, INSERT, UPDATE and REFERENCES can be of columns"
type Privilege struct {
	// Schema is where the objects are; without one the verbs are of the database itself.
	// +optional
	Schema Identifier `json:"schema,omitempty"`

	// Tables are those of the schema; without one all of them, also later ones.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	// +listType=set
	// +optional
	Tables []Identifier `json:"tables,omitempty"`

	// Columns narrow SELECT, INSERT, UPDATE and REFERENCES to some columns of a single table.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	// +listType=set
	// +optional
	Columns []Identifier `json:"columns,omitempty"`

	// Verbs are the privileges by their SQL names, in capitals.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:Enum=SELECT;INSERT;UPDATE;DELETE;TRUNCATE;REFERENCES;TRIGGER;USAGE;EXECUTE;CREATE;TEMPORARY
	// +listType=set
	Verbs []string `json:"verbs"`
}

// ClientEgress says what is done on the side of the clients.
// +kubebuilder:validation:XValidation:rule="!has(self.needs) || (has(self.isolation) && self.isolation == 'Isolate')",fieldPath=".needs",message="needs are what isolated clients keep: write isolation: Isolate"
type ClientEgress struct {
	// Isolation says whose way out is written. WhereIsolated adds the way to the server for
	// clients whose egress a policy closes already, and writes nothing for others. Isolate
	// closes the clients' egress but for the server, DNS and needs.
	// +kubebuilder:validation:Enum=WhereIsolated;Isolate;Never
	// +kubebuilder:default=WhereIsolated
	// +optional
	Isolation string `json:"isolation,omitempty"`

	// Needs are all other destinations of clients that are isolated.
	// +kubebuilder:validation:MaxItems=64
	// +listType=map
	// +listMapKey=name
	// +optional
	Needs []Destination `json:"needs,omitempty"`
}

// Tests are attempts with their answers.
type Tests struct {
	// Accept are attempts that have to get in.
	// +kubebuilder:validation:MaxItems=256
	// +listType=atomic
	// +optional
	Accept []Attempt `json:"accept,omitempty"`

	// Deny are attempts that must not get in.
	// +kubebuilder:validation:MaxItems=256
	// +listType=atomic
	// +optional
	Deny []Attempt `json:"deny,omitempty"`
}

// Attempt is one session that somebody tries to open.
type Attempt struct {
	// From is who tries: NAMESPACE/WORKLOAD or NAMESPACE/KIND/NAME, an address, or a name
	// from the facts file, as the commands of pgmoat take it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	From string `json:"from"`

	// Database is the database that is asked for; without one any.
	// +optional
	Database Identifier `json:"database,omitempty"`

	// Role is the role that is asked for; without one any.
	// +optional
	Role Identifier `json:"role,omitempty"`

	// Plain makes the attempt without TLS.
	// +optional
	Plain bool `json:"plain,omitempty"`

	// Why is for people, beside the answer.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Why string `json:"why,omitempty"`
}

// PostgresAccessList is a list of them.
//
// +kubebuilder:object:root=true
type PostgresAccessList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []PostgresAccess `json:"items"`
}
