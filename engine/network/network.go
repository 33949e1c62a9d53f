// Package network decides what NetworkPolicy lets through: one attempt with its
// reason, or every pair of workloads with all their ports.
package network

import (
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An Endpoint is one side of an attempt: a pod, or addresses outside the cluster,
// or pods that the snapshot does not hold but whose labels are known. Exactly one
// of Pod, Labels and Outside decides; see the constructors.
type Endpoint struct {
	Pod *snapshot.Pod
	// Virtual describes pods that are not in the snapshot (cluster DNS, an operator).
	Virtual *Virtual
	// Outside are addresses beyond the cluster; a rule matches when it covers all of
	// them, and is Unsure when it covers some.
	Outside flow.Addresses
	// OutsideUnknown says that the address exists but nobody wrote it down: an
	// ipBlock is Unsure unless it covers everything or nothing.
	OutsideUnknown bool
}

// Virtual is a pod known by description only.
type Virtual struct {
	Name      string
	Namespace string
	Labels    netpol.Labels
}

// PodEndpoint is a pod of the snapshot.
func PodEndpoint(p *snapshot.Pod) Endpoint { return Endpoint{Pod: p} }

// OutsideEndpoint is a set of addresses.
func OutsideEndpoint(a flow.Addresses) Endpoint { return Endpoint{Outside: a} }

// An Attempt is a packet that wants to open a connection. Port is the pod port,
// after DNAT.
type Attempt struct {
	From, To Endpoint
	Protocol flow.Protocol
	Port     uint16
}

// Engine decides over one snapshot. It is safe for concurrent use.
type Engine struct {
	world *snapshot.Snapshot
}

// New prepares an engine.
func New(world *snapshot.Snapshot) *Engine { return &Engine{world: world} }

// Decide says what the policies of one direction make of the attempt: Egress asks
// those that select From, Ingress those that select To.
func (e *Engine) Decide(dir netpol.Direction, a Attempt) verdict.Step {
	return verdict.Step{Layer: dir.Layer()}
}
