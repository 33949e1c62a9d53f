package snapshot

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/role"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The operators, as Server.Operator has them.
const (
	CloudNativePG = "cloudnative-pg"
	StackGres     = "stackgres"
	Zalando       = "zalando"
	Crunchy       = "crunchy"
	Percona       = "percona"
	// Plain is a server that no operator made.
	Plain = "plain"
	// BareFile is one of which there is only a pg_hba.conf.
	BareFile = "file"
)

// A Server is one PostgreSQL cluster: a primary and its replicas under one
// pg_hba.conf.
type Server struct {
	// Operator is one of CloudNativePG, StackGres, Zalando, Crunchy, Percona, Plain and
	// BareFile.
	Operator string
	// OperatorVersion is the operator's release, "1.30.0"; empty when nothing tells.
	OperatorVersion string
	// Parent is the object that this server is a part of, a sharded cluster; Duty is
	// which part, "coordinator" or "shard 0". Zero for most.
	Parent Ref
	Duty   string
	// Workload has the members that run PostgreSQL, with Part "primary" or
	// "replica", and other pods of the same object, such as join jobs. Its Ref is
	// the server's.
	Workload *Workload
	// Selector are labels that its operator gives every member, whoever of them leads, and
	// finds them by; nil where no operator keeps such. By the operator's settings its
	// poolers and jobs may have them too.
	Selector netpol.Selector
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
	// SystemUser is the operating system's user of a process that is started in a
	// member's database container, as kubectl exec does; empty when not known.
	SystemUser string
	// Secrets hold the credentials of roles and the keys of certificates, whether read
	// or to be created by an operator.
	Secrets []ServerSecret
	// Settings are what the custom resource says that rules ask for, by field path.
	Settings []Setting
	// Disagreements are where live objects are not what the manifests make of them;
	// everything else in the server is as the live objects have it.
	Disagreements []Disagreement
	// Unsettled are facts that no source holds and that the server depends on.
	Unsettled []Unsettled
	// Unheeded are fields that somebody wrote and that do not come to what they say.
	Unheeded []Unheeded
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
	// Stopped is what says that no member is to run now; zero where they run. All else is
	// as it will be when they do.
	Stopped verdict.Origin
	Origin  verdict.Origin
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
	// Maybe says what would settle whether anything listens there; empty where something
	// does. The rest is what would. Its Pooler is then a file of which nothing is known, so
	// that no answer is sure.
	Maybe  string
	Origin verdict.Origin
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
	// Gives is what it gives to somebody without credentials; Fix is what closes it
	// beside a policy, "update the operator to 1.30"; empty for nothing.
	Gives Power
	Fix   string
	// Source is the document the fact was taken from.
	Source string
}

// Power is what a port gives to whoever reaches it. The zero value is not known: it
// depends on a release that nobody told, or on what listens there.
type Power uint8

// The powers.
const (
	PowerUnknown Power = iota
	Tells              // it answers everybody and obeys nobody: metrics, health
	Guarded            // it obeys, and asks for credentials first
	Obeys              // it obeys everybody
)

// TLS says what the server and its poolers offer. Verdict Unknown means that no
// manifest tells.
type TLS struct {
	// Enabled: Allow when the server accepts TLS, Deny when ssl is off.
	Enabled verdict.Verdict
	// ClientCA: Allow when a CA for client certificates is configured.
	ClientCA verdict.Verdict
	// MinProtocol is ssl_min_protocol_version, "TLSv1.2"; empty when not known.
	MinProtocol       string
	MinProtocolOrigin verdict.Origin
	// Names are those that the server's certificate is valid for, as its subject
	// alternative names have them. NamesKnown says that there are no others; a client
	// with sslmode=verify-full gets through only under one of them.
	Names      []string
	NamesKnown bool
	// Certificates are all that take part, the CAs' among them.
	Certificates []Certificate
	Origin       verdict.Origin
}

// A Certificate is one that a server, a pooler or their clients use.
type Certificate struct {
	// Use is "server", "server CA", "client CA", "replication", "pooler" or a role.
	Use string
	// Secret is namespace/name; Key the file in it.
	Secret, Key string
	// Subject is the common name; Names are the alternative ones.
	Subject string
	Names   []string
	// NotAfter is when it ends; zero when not visible. Lifetime and RenewBefore are in
	// hours what the operator issues; zero when somebody else does.
	NotAfter              Moment
	Lifetime, RenewBefore int
	// CanSign says of a CA whether its private key is in the cluster: Allow when it is,
	// so that whoever reads the Secret can issue certificates for any role. Readers
	// are who reads it by what the operator grants: "ServiceAccount payments/ledger".
	CanSign verdict.Verdict
	Readers []string
	Origin  verdict.Origin
}

// A ServerSecret holds credentials that lead to a server.
type ServerSecret struct {
	// Secret is namespace/name.
	Secret string
	// What says what for: "application", "superuser", "replication", "pooler", "TLS",
	// "CA".
	What string
	// Role is the role whose password or certificate it holds; empty for none.
	Role string
	// Read says that the Secret was read, not only expected.
	Read   bool
	Origin verdict.Origin
}

// A Setting is a field of a custom resource as it is written, or its default.
type Setting struct {
	// Key is the path of the field, as in "spec.enableSuperuserAccess"; of parameters
	// of PostgreSQL it is "postgresql." and the parameter, of the pooler "pgbouncer."
	// and the parameter, of annotations "annotation." and the key.
	Key   string
	Value string
	// Default says that nobody wrote it.
	Default bool
	Origin  verdict.Origin
}

// Hidden is the Value of a Setting in whose place somebody wrote a secret.
const Hidden = "***"

// Setting returns the first setting of the key.
func (s *Server) Setting(key string) (Setting, bool) {
	for _, set := range s.Settings {
		if set.Key == key {
			return set, true
		}
	}
	return Setting{}, false
}

// A Disagreement is a live object that is not what its manifest makes of it.
type Disagreement struct {
	// What names what differs: "port of Service payments/ledger".
	What string
	// Declared and Live are the two values, short.
	Declared, Live string
	// Origin is of the declaration, At of the live object.
	Origin, At verdict.Origin
}

// An Unsettled fact is one that something depends on and that no source holds.
type Unsettled struct {
	// What depends on it: "whether line 6 of pg_hba.conf is there".
	What string
	// About is the object whose form depends on it, a Service; zero for what is in the
	// server alone.
	About Ref
	// Fact is what would settle it, with where to state it: "the operator's version;
	// state operators.cloudnative-pg.version in the facts file".
	Fact   string
	Origin verdict.Origin
}

// InDoubt reports whether a fact that no source holds decides what the object is.
func (s *Server) InDoubt(about Ref) bool {
	return slices.ContainsFunc(s.Unsettled, func(u Unsettled) bool { return u.About == about })
}

// An Unheeded field is written in a custom resource, and what it says does not happen.
type Unheeded struct {
	How Heed
	// Field names it for people: "unix_socket_permissions", "spec.podSelectorRefs".
	Field string
	// Why says who does not take it, and for which reason; Effect what is there in its
	// place, empty for nothing worth a word.
	Why, Effect string
	// Fact is what would settle whether it is so; empty where it surely is.
	Fact string
	// Fix is what to write; empty for: take the field away.
	Fix    string
	Origin verdict.Origin
}

// Heed is what becomes of a field. The zero value is none of them.
type Heed uint8

// What becomes of a field that is not taken as it is written.
const (
	NoHeed    Heed = iota
	Pruned         // the installed definition does not know the field: it is dropped silently
	Refused        // the object is not accepted, so that nothing else of it is either
	Overruled      // the operator puts something of its own in its place, or leaves it out
	Contested      // the operator wants another value of what both set
)

// A Role is one that a manifest names.
type Role struct {
	Name        string
	Superuser   bool
	Replication bool
	// BypassRLS roles see every row, CreateRole roles make and alter others.
	BypassRLS, CreateRole bool
	// ValidUntil is when its password ends; zero for never.
	ValidUntil Moment
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
	// Becomes is the role that every session has at the server, whoever the client is;
	// empty where a client keeps the role it asked for.
	Becomes string
	// ServerTLS is server_tls_sslmode, "verify-ca"; empty when not known, so that the
	// pooler may come with TLS or without.
	ServerTLS string
	// AuthUser is the role the pooler itself logs in as, with a client certificate,
	// to look up passwords in AuthDatabase, in the client's where that is empty; empty
	// when it does not.
	AuthUser     string
	AuthDatabase string
	// Stopped is what says that the pooler passes nothing on now; zero where it does.
	Stopped verdict.Origin
	Origin  verdict.Origin
}

// Ref names the pooler.
func (p *Pooler) Ref() Ref { return p.Workload.Ref }

// A VitalFlow is one that the database needs to stay alive.
type VitalFlow struct {
	// ID is stable: "replication", "operator-status", "kube-apiserver", "dns",
	// "patroni", "pooler", "backup", "join", "metrics".
	ID   string
	What string // for people: "the operator reads the instances' status"
	// Phase is when it is needed; never empty.
	Phase Phase
	// Releases say which of the operator's need it: "from 1.24"; empty for all known.
	Releases string
	From     VitalPeer
	To       VitalPeer
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

// A Phase is a time in a server's life at which flows are needed.
type Phase string

// The phases; they are stable.
const (
	Steady     Phase = "steady"
	Bootstrap  Phase = "bootstrap"
	Join       Phase = "join"
	Failover   Phase = "failover"
	Backup     Phase = "backup"
	Restore    Phase = "restore"
	Upgrade    Phase = "upgrade"
	Monitoring Phase = "monitoring"
)

// KubeAPIServer is the Name of a VitalPeer that is the kube-apiserver.
const KubeAPIServer = "kube-apiserver"

// A VitalPeer is one side of a vital flow: pods of the snapshot, or pods that it
// does not hold but that are known by namespace and labels, or addresses.
type VitalPeer struct {
	Name string // for people: "the operator", "kube-apiserver", "cluster DNS"
	Pods []*Pod
	// Labels and Namespace describe pods outside the snapshot. Namespace is empty
	// when there are none.
	Namespace string
	Labels    netpol.Labels
	// Later says that they are pods that the operator makes when somebody asks for them:
	// that none is there says nothing, and where they will be is known.
	Later bool
	// Outside are addresses; empty with OutsideUnknown where they are not known.
	Outside        flow.Addresses
	OutsideUnknown bool
	// Lost says why the name that the peer is known by leads to nobody; nil where it leads
	// somewhere. Unread is the Service of that name where none was read; zero otherwise.
	Lost   *verdict.Step
	Unread Ref
}
