// Package intent is what people asked for: who may reach which server, as whom, and what
// must never become true. It says what is wanted; package engine/compile says how each
// layer writes it.
package intent

import (
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Intents are all that was asked, each list sorted by namespace and name.
type Intents struct {
	Perimeters []*Perimeter
	Accesses   []*Access
	Invariants []*Invariant
	// Problems are documents of ours that could not be read: what they ask for is not
	// known, so that nothing can be proven.
	Problems []snapshot.Problem
}

// A ServerRef names a server of a namespace. Kind is empty where the name alone tells.
type ServerRef struct {
	Namespace, Kind, Name string
	Origin                verdict.Origin
}

// Matches reports whether a server is the one that is meant.
func (r ServerRef) Matches(s snapshot.Ref) bool {
	return r.Namespace == s.Namespace && r.Name == s.Name && (r.Kind == "" || r.Kind == s.Kind)
}

// A Perimeter is the baseline around one server.
type Perimeter struct {
	Namespace, Name string
	Server          ServerRef
	// Enforce says that a controller may write; otherwise it only tells.
	Enforce bool
	// EgressIsolated says that the server's pods are closed outwards.
	EgressIsolated bool
	// ClientNamespaces are those in which policies for clients may be written, besides the
	// perimeter's own; nil for none.
	ClientNamespaces *netpol.Selector
	// AdminTier asks for a policy of the Admin tier at Priority; nil for none.
	AdminTier *AdminTier
	// Owned is what is done with the whole namespace; nil where it is not the server's.
	Owned *OwnedNamespace
	// PlainText lets sessions without TLS in where an access asks for them.
	PlainText bool
	// MinProtocol is the least version of TLS, as ssl_min_protocol_version has it.
	MinProtocol string
	// RemoteSuperuser lets the superuser log in over the network where pg_hba.conf does.
	RemoteSuperuser bool
	Monitoring      []Peer
	Backup, Egress  []Destination
	Origin          verdict.Origin
}

// An AdminTier is a place in the Admin tier of ClusterNetworkPolicy.
type AdminTier struct {
	Priority int
	Origin   verdict.Origin
}

// An OwnedNamespace is one that holds nothing but the perimeter's server.
type OwnedNamespace struct {
	DefaultDeny bool
	// PodSecurity is the level to enforce; empty leaves it as it is.
	PodSecurity string
	Origin      verdict.Origin
}

// An Access is clients, each of which gets each entry.
type Access struct {
	Namespace, Name string
	Server          ServerRef
	From            []Peer
	To              []Entry
	// Until is when it ends; zero for never. From then on it asks for nothing.
	Until  snapshot.Moment
	Client ClientEgress
	// Accept and Deny are attempts with their answers.
	Accept, Deny []Attempt
	Origin       verdict.Origin
}

// Expired reports whether the access asks for nothing any more. Where nobody knows the
// time it has not ended.
func (a *Access) Expired(now snapshot.Moment) bool { return a.Until != 0 && now != 0 && now >= a.Until }

// A Peer is one group of clients: pods, or addresses outside.
type Peer struct {
	// Namespaces are names, or NamespaceSelector labels; both empty where the peer is
	// addresses.
	Namespaces        []string
	NamespaceSelector *netpol.Selector
	// Pods select in the namespaces; nil only where the peer is addresses.
	Pods *netpol.Selector
	// ServiceAccounts narrow the pods to those that run as one of them; nil for any.
	ServiceAccounts []string
	// Addresses are those of CIDRs and of named ranges; Names are the words, in their order.
	Addresses flow.Addresses
	Names     []string
	Origin    verdict.Origin
}

// IsOutside reports whether the peer is addresses and not pods.
func (p *Peer) IsOutside() bool { return len(p.Names) > 0 }

// A Destination is where pods may connect to.
type Destination struct {
	Name   string
	To     Peer
	Ports  []Port
	Origin verdict.Origin
}

// A Port is a range of ports; both ends count.
type Port struct {
	Protocol flow.Protocol
	From, To uint16
}

// An Authentication is how a role shows who it is. The zero value is none that anything
// may be made of.
type Authentication uint8

// The authentications.
const (
	NoAuthentication Authentication = iota
	SCRAM
	Certificate
	SCRAMAndCertificate
)

// An Endpoint is the part of a server that is meant.
type Endpoint uint8

// The endpoints. The zero value is none.
const (
	NoEndpoint Endpoint = iota
	ReadWrite
	ReadOnly
	AnyEndpoint
)

// An Entry is databases that are reached as one role.
type Entry struct {
	Databases []string
	Role      string
	Endpoint  Endpoint
	// Pooler is the name of the pooler that clients go through; empty for straight.
	Pooler         string
	Authentication Authentication
	// PlainText admits sessions without TLS too.
	PlainText bool
	// Secret holds the role's credentials; empty where nobody says which.
	Secret     string
	Privileges []Privilege
	Origin     verdict.Origin
}

// A Privilege is what a role may do with objects of a schema; see the fields of the same
// names in the API.
type Privilege struct {
	Schema          string
	Tables, Columns []string
	Verbs           []string
	Origin          verdict.Origin
}

// An Isolation says what is done on the side of the clients. The zero value writes
// nothing.
type Isolation uint8

// The isolations.
const (
	NeverIsolate Isolation = iota
	WhereIsolated
	Isolate
)

// A ClientEgress is what is done on the side of the clients.
type ClientEgress struct {
	Isolation Isolation
	Needs     []Destination
	Origin    verdict.Origin
}

// An Attempt is one session that somebody tries to open, with names as commands take
// them; an empty database or role is any.
type Attempt struct {
	From, Database, Role string
	Plain                bool
	Why                  string
	Origin               verdict.Origin
}

// An Invariant is a statement that must stay true: one of Never and Only is set.
type Invariant struct {
	Name        string
	Never, Only *Sessions
	Message     string
	Origin      verdict.Origin
}

// Sessions are described by all that is said; what is not said is any.
type Sessions struct {
	From            []Peer
	To              ServerSelector
	As, Databases   []string
	Path            Path
	Methods         []string
	UnencryptedOnly bool
	Origin          verdict.Origin
}

// A Path is how sessions get to a server. The zero value is any.
type Path uint8

// The paths.
const (
	AnyPath Path = iota
	Direct
	ThroughPooler
	FromOutside
)

// A ServerSelector selects servers by all that is said of them.
type ServerSelector struct {
	Namespaces        []string
	NamespaceSelector *netpol.Selector
	Names             []string
}
