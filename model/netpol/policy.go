// Package netpol holds NetworkPolicy as the API defines it, with the unwritten
// defaults already settled: an adapter that builds a Policy has decided what an
// absent, null or empty field means, and the engine never asks again.
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

// A Policy is a networking.k8s.io/v1 NetworkPolicy. It isolates every pod that
// Pods selects in Namespace, in each direction that Isolates says, and then admits
// what its rules of that direction admit. Policies add up; none takes away.
type Policy struct {
	Namespace string
	Name      string
	Pods      Selector
	// Isolates is policyTypes after defaulting, indexed by Direction.
	Isolates [2]bool
	// Rules are indexed by Direction. No rules close an isolated pod.
	Rules  [2][]Rule
	Origin verdict.Origin
}

// A Rule admits what comes from (or goes to) any of its peers at any of its ports.
type Rule struct {
	// AnyPeer says that from/to was absent or empty: every peer, inside and out.
	AnyPeer bool
	Peers   []Peer
	// AnyPort says that ports was absent or empty: every port of every protocol.
	AnyPort bool
	Ports   []Port
	Origin  verdict.Origin // spec.ingress[i]
}

// A Peer is either pods or a block of addresses.
type Peer struct {
	// Block is not nil for ipBlock; then the selectors are nil.
	Block *Block
	// Namespaces is nil where namespaceSelector was absent: the policy's own namespace.
	Namespaces *Selector
	// Pods is nil where podSelector was absent: every pod of those namespaces.
	Pods   *Selector
	Origin verdict.Origin // spec.ingress[i].from[j]
}

// A Block is an ipBlock: Addresses is the cidr without its except ranges.
type Block struct {
	Text      string // "10.0.0.0/8 except 10.1.0.0/16", for people
	Addresses flow.Addresses
}

// A Port is one entry of ports.
type Port struct {
	Protocol flow.Protocol // defaulted to TCP by the adapter
	// Name is a container port's name, resolved on the destination pod; then From
	// and To are zero. An entry without port has neither: From 1, To MaxPort.
	Name   string
	From   uint16
	To     uint16
	Origin verdict.Origin
}
