package snapshot

import (
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/role"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// BareFile is the Operator of a server of which there is only a pg_hba.conf.
const BareFile = "file"

// A Server is one PostgreSQL cluster: a primary and its replicas under one
// pg_hba.conf.
type Server struct {
	// Operator is "cloudnative-pg", "stackgres", "plain" or BareFile.
	Operator string
	// Workload has the members that run PostgreSQL, with Part "primary" or
	// "replica", and other pods of the same object, such as join jobs. Its Ref is
	// the server's.
	Workload *Workload
	// Version is the major version; zero when no manifest tells.
	Version int
	// Ports are the pod ports that speak the PostgreSQL protocol. Never empty.
	Ports []ServerPort
	// Control are other ports of the members that give control or information.
	Control []ControlPort
	// HBA is the complete rendered pg_hba.conf.
	HBA hba.File
	// Maps is the rendered pg_ident.conf.
	Maps ident.File
	TLS  TLS
	// Databases and Roles are those that the server's own object names; the
	// estate may name more elsewhere.
	Databases []string
	Roles     []Role
	// RoleSet are all roles with their memberships, where somebody listed them; nil
	// where only manifests tell of roles.
	RoleSet *role.Set
	// Source is what HBA was read from, so that it can be read as another version would;
	// nil where that was not kept.
	Source *hba.Input
	// Target is the major version that the server is to be upgraded to; zero: any newer.
	Target  int
	Poolers []*Pooler
	// Services lead to its members, whether read or to be created by an operator.
	Services []*Service
	Vital    []VitalFlow
	Origin   verdict.Origin
}

// Ref names the server.
func (s *Server) Ref() Ref { return s.Workload.Ref }

// Members returns the pods that run PostgreSQL.
func (s *Server) Members() []*Pod {
	var out []*Pod
	for _, p := range s.Workload.Pods {
		if p.Part == Primary || p.Part == Replica {
			out = append(out, p)
		}
	}
	return out
}

// The parts of a member that runs PostgreSQL.
const (
	Primary = "primary"
	Replica = "replica"
)

// A ServerPort is a pod port that speaks the PostgreSQL protocol.
type ServerPort struct {
	Name string // "postgres", "pooled", "envoy"
	Port uint16
	// Sees says what pg_hba.conf sees of a client that comes through this port.
	Sees Sees
	// Pooler is the hba of a pooler inside the pod, which decides first; nil where
	// none stands before PostgreSQL.
	Pooler *hba.File
	// NoTLS says that what listens there refuses TLS; Terminates that TLS ends
	// before PostgreSQL, which then sees a session without it.
	NoTLS      bool
	Terminates bool
	Origin     verdict.Origin
}

// Sees is the client address that pg_hba.conf sees. The zero value is not known.
type Sees uint8

// What the server can see of a client.
const (
	SeesUnknown  Sees = iota
	SeesClient        // the client's own address
	SeesSocket        // a Unix socket: only local lines match
	SeesLoopback      // 127.0.0.1
)

// A ControlPort gives control of a member, or tells about it, without SQL.
type ControlPort struct {
	Name string // "patroni", "cnpg status", "envoy admin", "exporter"
	Port uint16
	// Why says what whoever reaches it can do.
	Why string
	// Source is the document the fact was taken from.
	Source string
}

// TLS says what the server and its poolers offer. Verdict Unknown means that no
// manifest tells.
type TLS struct {
	// Enabled: Allow when the server accepts TLS, Deny when ssl is off.
	Enabled verdict.Verdict
	// ClientCA: Allow when a CA for client certificates is configured.
	ClientCA verdict.Verdict
	Origin   verdict.Origin
}

// A Role is one that a manifest names.
type Role struct {
	Name        string
	Superuser   bool
	Replication bool
	// NoLogin says that the role may not log in.
	NoLogin  bool
	MemberOf []string
	Origin   verdict.Origin
}

// A Pooler is a separate workload that clients connect to and that connects on.
type Pooler struct {
	Workload *Workload
	Port     uint16
	// HBA is what the pooler decides clients with.
	HBA hba.File
	// TLS is what the pooler offers its clients.
	TLS TLS
	// Services lead to the pooler's pods.
	Services []*Service
	// Target is the Service, of the server, that the pooler connects to.
	Target string
	// Part is the part of the members it connects to; empty for any.
	Part string
	// AuthUser is the role the pooler itself logs in as, with a client certificate,
	// to look up passwords in AuthDatabase; empty when it does not.
	AuthUser     string
	AuthDatabase string
	Origin       verdict.Origin
}

// Ref names the pooler.
func (p *Pooler) Ref() Ref { return p.Workload.Ref }

// A VitalFlow is one that the database needs to stay alive.
type VitalFlow struct {
	// ID is stable: "replication", "operator-status", "kube-apiserver", "dns",
	// "patroni", "pooler", "backup", "join", "metrics".
	ID   string
	What string // for people: "the operator reads the instances' status"
	From VitalPeer
	To   VitalPeer
	// Ports are alternatives where a fact is not known (443 or 6443); each entry is
	// needed unless AnyOf.
	Ports []flow.PortRange
	AnyOf bool
	// Role and Database are set where the flow is a PostgreSQL session; Replication
	// says that it is physical replication. Cert is the role of the client
	// certificate it presents.
	Role, Database string
	Replication    bool
	Cert           string
	// Optional flows are useful (metrics) but nothing dies without them.
	Optional bool
	Source   string
	Origin   verdict.Origin // the field that makes it necessary; zero for always
}

// A VitalPeer is one side of a vital flow: pods of the snapshot, or pods that it
// does not hold but that are known by namespace and labels, or addresses.
type VitalPeer struct {
	Name string // for people: "the operator", "kube-apiserver", "cluster DNS"
	Pods []*Pod
	// Labels and Namespace describe pods outside the snapshot. Namespace is empty
	// when there are none.
	Namespace string
	Labels    netpol.Labels
	// Outside are addresses; empty with OutsideUnknown where they are not known.
	Outside        flow.Addresses
	OutsideUnknown bool
}
