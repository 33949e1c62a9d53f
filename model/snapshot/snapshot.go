// Package snapshot holds one estate at one moment: what was read, what a reader
// had to leave out, and what must be assumed. Engines see nothing else.
package snapshot

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Snapshot is read once and then not changed. Its lists are sorted by
// namespace, kind and name.
type Snapshot struct {
	// Namespaces holds each namespace that is declared or that an object lives in.
	Namespaces map[string]*Namespace
	Workloads  []*Workload
	Services   []*Service
	// Policies are those of the NetworkPolicy tier.
	Policies []*netpol.Policy
	// ClusterPolicies are those of the ordered tiers, Admin and Baseline.
	ClusterPolicies []*netpol.Policy
	Nodes           []*Node
	Servers         []*Server
	// Routes lead from outside through a proxy to Services: Ingress, Gateway API,
	// OpenShift Route.
	Routes []*Route
	// Secrets are those that were read, without what they hold.
	Secrets []*Secret
	// Unmodelled are objects of a layer or dialect that no engine decides yet.
	Unmodelled []Unmodelled
	// CiliumRules and CalicoPolicies say more of some of these.
	CiliumRules    []CiliumRule
	CalicoPolicies []CalicoPolicy
	// Problems are documents that could not be read; they make answers Unknown.
	Problems []Problem
	// Skipped names what the user excluded from reading.
	Skipped []string
	// Ignored counts documents without apiVersion and kind.
	Ignored int
	// Coverage says what of a cluster was looked at; nil where only manifests were read.
	Coverage *Coverage
	// Missing is what is deployed and is in no source.
	Missing []Missing
	// Warnings are for people: read, understood, but probably not what was meant.
	Warnings []Warning
	Facts    Facts
	// Locator narrows an origin to the line of its field; nil where lines are unknown.
	Locator func(verdict.Origin) verdict.Origin
}

// Locate returns the origin with the line of its field, where that is known.
func (s *Snapshot) Locate(o verdict.Origin) verdict.Origin {
	if s.Locator == nil {
		return o
	}
	return s.Locator(o)
}

// A Namespace has the labels that namespaceSelectors ask for.
type Namespace struct {
	Name   string
	Labels netpol.Labels
	// Declared says that a Namespace object was read. Otherwise the labels are
	// only kubernetes.io/metadata.name, which the API server sets, and using
	// others is the assumption NamespaceLabels.
	Declared bool
	Origin   verdict.Origin
}

// A Route takes what arrives at a proxy on to Services.
type Route struct {
	Ref
	// Gateways are the Gateways a route of the Gateway API hangs on; Class is the class
	// of an Ingress.
	Gateways []Ref
	Class    string
	// Hosts are the names it answers to; empty for all.
	Hosts []string
	// TCP says that connections are passed on as they are (TCPRoute, TLSRoute, a Route
	// with passthrough); otherwise it speaks HTTP.
	TCP bool
	// Port is the port of the listener; zero when not known.
	Port uint16
	// TLS: Allow when the client's side is TLS, Deny when it is not.
	TLS verdict.Verdict
	// Auth says what asks the client for credentials, by an annotation or filter:
	// "nginx.ingress.kubernetes.io/auth-url"; empty for nothing that is known.
	Auth string
	// Sources are the clients that the proxy lets through, by an annotation; nil for all.
	Sources  []netip.Prefix
	Backends []RouteBackend
	Origin   verdict.Origin
}

// A RouteBackend is a port of a Service.
type RouteBackend struct {
	Namespace, Service string
	// Port is the Service's; zero with PortName where it is named.
	Port     uint16
	PortName string
	Origin   verdict.Origin
}

// A Secret is what may be known of one: never what it holds.
type Secret struct {
	Namespace, Name string
	// Type is empty where it is not known.
	Type   string
	Labels map[string]string
	// Keys are the names of its entries, sorted.
	Keys []string
	// Partial says that not all of it was read, as where a cluster told the metadata alone:
	// there may be more Keys than these, and Certificates in them.
	Partial bool
	// Sealed says that values are encrypted, or somewhere else: what the Keys hold is not
	// known, and may be Certificates.
	Sealed bool
	// Certificates are those of its entries that are certificates, in PEM.
	Certificates []SecretCertificate
	Origin       verdict.Origin
}

// Has says whether the Secret has an entry: Unknown where only a part of it was read.
func (s *Secret) Has(key string) verdict.Verdict {
	switch {
	case slices.Contains(s.Keys, key):
		return verdict.Allow
	case s.Partial:
		return verdict.Unknown
	}
	return verdict.Deny
}

// Certificate returns the certificate of an entry, nil for none. Unread says that there may
// be one all the same.
func (s *Secret) Certificate(key string) (held *SecretCertificate, unread bool) {
	for i := range s.Certificates {
		if s.Certificates[i].Key == key {
			return &s.Certificates[i], false
		}
	}
	return nil, s.Has(key) == verdict.Unknown || s.Sealed && s.Has(key) == verdict.Allow
}

// A SecretCertificate is the first certificate of an entry of a Secret.
type SecretCertificate struct {
	Key     string
	Subject string
	// Names are DNS names and addresses.
	Names    []string
	CA       bool
	NotAfter Moment
	// Chain are all certificates of the entry in their order, this one first; nil where
	// one of them cannot be read.
	Chain []ChainLink
}

// A ChainLink says of a certificate who it is of and who signed it: distinguished names,
// and the identifiers of their keys, empty where the certificate has none.
type ChainLink struct {
	Subject, SubjectKey string
	Issuer, IssuerKey   string
}

// SignedBy reports whether a certificate of the one named o may have signed this one, as
// far as names and keys tell.
func (l ChainLink) SignedBy(o ChainLink) bool {
	return l.Issuer == o.Subject && (l.IssuerKey == "" || o.SubjectKey == "" || l.IssuerKey == o.SubjectKey)
}

// A Node has the addresses that its host-network pods share.
type Node struct {
	Name   string
	Labels netpol.Labels
	// Addresses are those of status.addresses that are IPs.
	Addresses []netip.Addr
	Origin    verdict.Origin
}

// A Ref names an object as people do. It is comparable.
type Ref struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// String writes "Kind namespace/name".
func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind + " " + r.Name
	}
	return r.Kind + " " + r.Namespace + "/" + r.Name
}

// Compare orders by namespace, kind and name.
func (r Ref) Compare(o Ref) int {
	return cmp.Or(cmp.Compare(r.Namespace, o.Namespace), cmp.Compare(r.Kind, o.Kind), cmp.Compare(r.Name, o.Name))
}

// A Problem is a document, or a part of one, that could not be read. Until it is
// mended or skipped, every answer it might change is Unknown.
type Problem struct {
	Origin verdict.Origin
	// Err says what is wrong, lower case, with the path to the field.
	Err string
	// Namespace is the namespace whose answers are in doubt; empty for all of them.
	Namespace string
	// Object is the custom resource whose fault it is, where the fault is in what sessions
	// and Services are made of, and neither a policy nor a pod hangs on it; zero otherwise.
	Object Ref
}

// Fault is what is wrong without the path to the field, for whoever tells the origin before.
func (p Problem) Fault() string { return strings.TrimPrefix(p.Err, p.Origin.Field+": ") }

// A Warning tells of something that was read and is probably not what was meant.
type Warning struct {
	Code   string         `json:"code"`
	Text   string         `json:"text"`
	Origin verdict.Origin `json:"origin,omitzero"`
}

// NotModelled is the Code of a Warning about a database that no adapter understands: one
// that the predecessor of today's operator made.
const NotModelled = "database/not-modelled"

// PoolerNotModelled is the Code of a Warning about a pooler that no adapter understands.
const PoolerNotModelled = "pooler/not-modelled"

// An Unmodelled object belongs to a layer or a policy dialect that the engines do
// not decide. Where it may touch a pod the step is Unknown and names the object.
type Unmodelled struct {
	Ref   Ref
	Layer verdict.Layer
	// Directions says which directions of a policy dialect it may touch, indexed by
	// netpol.Direction; both for other layers.
	Directions [2]bool
	// Namespaces selects the namespaces of pods it may touch; nil is all of them.
	// A policy of a namespace lists just that one.
	Namespaces []string
	// Pods selects the pods; nil where the selector is not one we can read: any.
	Pods   *netpol.Selector
	Origin verdict.Origin
}

// MayTouch reports whether the object may select the pod.
func (u Unmodelled) MayTouch(p *Pod) bool {
	if u.Namespaces != nil && !slices.Contains(u.Namespaces, p.Namespace) {
		return false
	}
	return u.Pods == nil || u.Pods.Match(p.Labels) != netpol.No
}

// HasMesh reports whether an object of a service mesh was read.
func (s *Snapshot) HasMesh() bool {
	return slices.ContainsFunc(s.Unmodelled, func(u Unmodelled) bool { return u.Layer == verdict.Mesh })
}

// InDoubt returns the problems that may change an answer about the namespaces.
func (s *Snapshot) InDoubt(namespaces ...string) []Problem {
	var out []Problem
	for _, p := range s.Problems {
		if p.Namespace == "" || slices.Contains(namespaces, p.Namespace) {
			out = append(out, p)
		}
	}
	return out
}

// PoliciesInDoubt returns the problems that may change what policies do with pods of the
// namespaces.
func (s *Snapshot) PoliciesInDoubt(namespaces ...string) []Problem {
	return slices.DeleteFunc(s.InDoubt(namespaces...), func(p Problem) bool { return p.Object != Ref{} })
}

// NamespaceOf returns the namespace by name; one that nothing declares has only
// the label that the API server sets.
func (s *Snapshot) NamespaceOf(name string) *Namespace {
	if ns, ok := s.Namespaces[name]; ok {
		return ns
	}
	return &Namespace{Name: name, Labels: netpol.Labels{Set: map[string]string{MetadataName: name}}}
}

// MetadataName is the label that the API server puts on every namespace, with its
// name (stable since Kubernetes 1.22).
const MetadataName = "kubernetes.io/metadata.name"
