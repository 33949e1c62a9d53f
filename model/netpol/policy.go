// Package netpol holds network policies of all tiers as their APIs define them, with
// the unwritten defaults already settled: an adapter that builds a Policy has decided
// what an absent, null or empty field means, and the engine never asks again.
package netpol

import (
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Direction is seen from the pod that a policy selects.
type Direction uint8

// The directions; there is no third, so the zero value is one of them.
const (
	Ingress Direction = iota
	Egress
)

// Directions lists both.
var Directions = []Direction{Ingress, Egress}

func (d Direction) String() string {
	if d == Egress {
		return "egress"
	}
	return "ingress"
}

// Layer is the layer that decides in this direction.
func (d Direction) Layer() verdict.Layer {
	if d == Egress {
		return verdict.Egress
	}
	return verdict.Ingress
}

// A Policy is a NetworkPolicy, or a policy of the Admin or Baseline tier.
//
// Those of the NetworkPolicy tier isolate every pod that Pods selects in Namespace,
// in each direction that Isolates says, and then admit what their rules of that
// direction admit: they add up; none takes away. Those of the other tiers isolate
// nothing: their rules are asked one after the other, and the first that matches acts.
type Policy struct {
	// Kind is "NetworkPolicy", "ClusterNetworkPolicy", "AdminNetworkPolicy" or
	// "BaselineAdminNetworkPolicy".
	Kind string
	// Namespace is empty for a policy of the cluster.
	Namespace string
	Name      string
	Tier      Tier
	// Priority orders the policies of an ordered tier, lowest first.
	Priority int32
	// Namespaces selects the namespaces of the subject's pods; nil for Namespace.
	Namespaces *Selector
	Pods       Selector
	// Isolates is policyTypes after defaulting, indexed by Direction; false in an
	// ordered tier.
	Isolates [2]bool
	// TypesImplied says that policyTypes was absent: the policy isolates for egress only
	// because it has egress rules.
	TypesImplied bool
	// Rules are indexed by Direction. No rules close an isolated pod.
	Rules  [2][]Rule
	Origin verdict.Origin
}

// FullName is "namespace/name", or the name alone for a policy of the cluster.
func (p *Policy) FullName() string {
	if p.Namespace == "" {
		return p.Name
	}
	return p.Namespace + "/" + p.Name
}

// A Rule says what happens to what comes from (or goes to) any of its peers at any of
// its ports.
type Rule struct {
	// Name is what the user called the rule, if anything.
	Name string
	// Action of the zero value never admits. In the NetworkPolicy tier it is Accept.
	Action Action
	// AnyPeer says that from/to was absent or empty: every peer, inside and out.
	AnyPeer bool
	Peers   []Peer
	// AnyPort says that ports was absent or empty: every port of every protocol.
	AnyPort bool
	Ports   []Port
	// FailsClosed says that the rule has a peer or protocol that no version of the API
	// known here has. An Accept rule then has neither peers nor ports and matches
	// nothing; a Deny or Pass rule has become Deny with AnyPeer and AnyPort
	// (ClusterNetworkPolicyIngressPeer: "it should fail closed").
	FailsClosed bool
	Origin      verdict.Origin // spec.ingress[i]
}

// A Peer is exactly one of pods, a block of addresses, nodes, and domain names.
type Peer struct {
	// Block is not nil for ipBlock and networks; then the selectors are nil.
	Block *Block
	// Namespaces is nil where namespaceSelector was absent: the policy's own namespace.
	Namespaces *Selector
	// Pods is nil where podSelector was absent: every pod of those namespaces.
	Pods *Selector
	// Nodes is not nil for nodes: the addresses of the nodes it selects, and so the
	// pods that share them. An ordered tier's egress only.
	Nodes *Selector
	// Domains is not empty for domainNames, as written: "example.com", "*.example.com".
	// An ordered tier's egress only.
	Domains []string
	Origin  verdict.Origin // spec.ingress[i].from[j]
}

// IsPods reports whether the peer selects pods by their labels and namespaces.
func (p Peer) IsPods() bool { return p.Block == nil && p.Nodes == nil && len(p.Domains) == 0 }

// A Block is an ipBlock, or the networks of a peer: Addresses is the cidr without its
// except ranges, or all networks together.
type Block struct {
	Text      string // "10.0.0.0/8 except 10.1.0.0/16", for people
	Addresses flow.Addresses
	// Pods says that pods are meant, too, by whatever address they have: networks
	// ("cluster-internal traffic will be checked against the rule as well"). An ipBlock
	// is written for the outside ("These should be cluster-external IPs").
	Pods bool
}

// A Port is one entry of ports.
type Port struct {
	Protocol flow.Protocol // defaulted to TCP by the adapter
	// Name is a container port's name, resolved on the destination pod; then From
	// and To are zero. An entry without port has neither: From 1, To MaxPort.
	Name string
	From uint16
	To   uint16
	// EndPort says that To was written as endPort, which not every plugin knows.
	EndPort bool
	Origin  verdict.Origin
}
