package reach

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// insideNames are the ways into a pod, as kubectl calls them.
var insideNames = map[Inside]string{PortForward: "port-forward", Exec: "exec"}

// String returns the command of kubectl, "port-forward" or "exec"; empty for the network.
func (i Inside) String() string { return insideNames[i] }

// KubectlKind is the Kind of the Ref of an Insider.
const KubectlKind = "kubectl"

// An Insider is who comes into pods by the API server and the kubelet: whoever RBAC lets.
type Insider struct {
	Ref    snapshot.Ref
	Inside Inside
}

// Insiders are all of them, in the order that lists have them.
func Insiders() []Insider {
	out := make([]Insider, 0, len(insideNames))
	for _, i := range []Inside{PortForward, Exec} {
		out = append(out, Insider{snapshot.Ref{Kind: KubectlKind, Name: i.String()}, i})
	}
	return out
}

// waysInside are those to the pods of the question from within: each port of theirs over
// loopback, and for a process in a member's container PostgreSQL's own socket. A Service
// is only a name for its pods here.
func (e *Engine) waysInside(q Question) []way {
	var out []way
	over := q
	over.Inside = OverNetwork
	for _, w := range e.waysInCluster(over) {
		if w.service != nil && q.To.Service == nil {
			continue
		}
		w.inside, w.through = q.Inside, q.Inside.String()
		w.seen = SeenLoopback
		if w.pooler == nil && w.port.Pooler == nil && w.port.Sees == snapshot.SeesClient {
			w.port.Sees = snapshot.SeesLoopback
		}
		out = append(out, w)
	}
	if q.Inside == Exec && q.Port == 0 {
		out = append(out, sockets(out, q.To.Server)...)
	}
	return out
}

// sockets are the ways over PostgreSQL's own socket, to each member once that the ways
// lead to without a pooler of its own pods.
func sockets(ways []way, s *snapshot.Server) []way {
	var out []way
	for _, w := range ways {
		if w.member == nil || w.pooler != nil || slices.ContainsFunc(out, func(o way) bool { return o.member == w.member }) {
			continue
		}
		w.port, w.refused = ownPort(s), false
		w.port.Sees, w.port.Pooler, w.seen = snapshot.SeesSocket, nil, SeenSocket
		out = append(out, w)
	}
	return out
}

// ownPort is the port that PostgreSQL itself listens at, as far as is known: the first
// without a pooler before it.
func ownPort(s *snapshot.Server) snapshot.ServerPort {
	for _, p := range s.Ports {
		if p.Pooler == nil {
			return p
		}
	}
	return s.Ports[0]
}

// pastPolicies is the step of a way that begins inside the pod.
func (w way) pastPolicies() verdict.Step {
	return verdict.Step{Layer: verdict.Ingress, Verdict: verdict.Allow, Reason: "inside/" + verdict.Reason(w.inside.String()),
		Facts: map[string]string{"pod": w.firstPod().Ref().Name, "namespace": w.firstPod().Namespace}}
}

// notDecided are the layers that no engine decides for a question.
func notDecided(q Question) []verdict.Layer {
	if q.Inside == OverNetwork {
		return undecided
	}
	return append([]verdict.Layer{verdict.RBAC}, slices.DeleteFunc(slices.Clone(undecided), func(l verdict.Layer) bool {
		return l == verdict.Mesh // a sidecar takes in what comes over the network
	})...)
}
