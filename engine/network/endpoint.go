package network

import (
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// An Endpoint is one side of an attempt: a pod, or addresses outside the cluster,
// or pods that the snapshot does not hold but whose labels are known. Exactly one
// of Pod, Virtual and Outside decides; see the constructors. The zero value is
// outside, at an address nobody knows.
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

func (e Endpoint) isOutside() bool { return e.Pod == nil && e.Virtual == nil }

func (e Endpoint) isHost() bool { return e.Pod != nil && e.Pod.HostNetwork }

func (e Endpoint) addressUnknown() bool { return e.OutsideUnknown || e.Outside.IsEmpty() }

func (e Endpoint) namespace() string {
	if e.Pod != nil {
		return e.Pod.Namespace
	}
	return e.Virtual.Namespace
}

func (e Endpoint) labels() netpol.Labels {
	if e.Pod != nil {
		return e.Pod.Labels
	}
	return e.Virtual.Labels
}

// asPod is what selectors are asked about; a virtual pod is one without ports.
func (e Endpoint) asPod() *snapshot.Pod {
	if e.Pod != nil {
		return e.Pod
	}
	return &snapshot.Pod{Namespace: e.Virtual.Namespace, Labels: e.Virtual.Labels}
}

// samePod reports whether both ends are one pod, whose traffic to itself no policy
// sees. A member that stands for many pods is taken as two of them.
func samePod(a, b Endpoint) bool {
	if a.Pod == nil || b.Pod == nil {
		return false
	}
	return a.Pod == b.Pod && !a.Pod.Many || sameInstance(a.Pod, b.Pod)
}

// sameInstance reports whether two members are one pod in different parts.
func sameInstance(p, q *snapshot.Pod) bool {
	return p.Instance != "" && p.Instance == q.Instance && p.Workload == q.Workload
}

// prefixes writes a set of addresses for people.
func prefixes(a flow.Addresses) string {
	var parts []string
	for _, p := range a.Prefixes() {
		parts = append(parts, p.String())
	}
	return strings.Join(parts, ", ")
}
