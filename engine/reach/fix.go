package reach

import (
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Fix proposes the smallest policy change that takes one refusal of a path out of
// the way; false where the step is of another layer, or no policy can do it.
func (e *Engine) Fix(q Question, p Path, s verdict.Step) (network.Fix, bool) {
	dir, ok := directions[s.Layer]
	if !ok || p.Member == nil {
		return network.Fix{}, false
	}
	var fix network.Fix
	switch {
	case s.Layer == verdict.DNS:
		to, port, _ := e.resolver()
		if len(to) == 0 {
			return fix, false
		}
		fix, ok = e.Network.Fix(dir, network.Attempt{From: q.From, To: to[len(to)-1], Protocol: flow.UDP, Port: port})
	case p.Pooler != nil && s.Facts["from"] != "":
		fix, ok = e.Network.Fix(dir, network.Attempt{From: network.PodEndpoint(p.Pooler.Workload.Pods[0]),
			To: network.PodEndpoint(p.Member), Protocol: flow.TCP, Port: q.To.Server.Ports[0].Port})
	default:
		from := q.From
		if p.as != nil {
			from = *p.as
		}
		fix, ok = e.Network.Fix(dir, network.Attempt{From: from, To: network.PodEndpoint(firstPod(p)), Protocol: flow.TCP, Port: p.Port})
	}
	fix.Labels = e.lasting(dir, q, p, fix)
	return fix, ok
}

var directions = map[verdict.Layer]netpol.Direction{
	verdict.Egress: netpol.Egress, verdict.Ingress: netpol.Ingress, verdict.DNS: netpol.Egress,
}

func firstPod(p Path) *snapshot.Pod {
	if p.Pooler != nil {
		return p.Pooler.Workload.Pods[0]
	}
	return p.Member
}

// lasting keeps the labels that all pods doing the peer's duty have: one that tells
// primary from replica would cut the peer off at the next failover.
func (e *Engine) lasting(dir netpol.Direction, q Question, p Path, fix network.Fix) map[string]string {
	peers := []*snapshot.Pod{}
	switch {
	case dir == netpol.Egress && p.Pooler == nil:
		peers = q.To.Server.Members()
	case q.From.Pod != nil:
		peers = q.From.Pod.Workload.Pods
	}
	out := map[string]string{}
	for key, value := range fix.Labels {
		keep := true
		for _, other := range peers {
			keep = keep && other.Labels.Set[key] == value
		}
		if keep {
			out[key] = value
		}
	}
	if len(out) == 0 {
		return fix.Labels
	}
	return telling(out)
}

// telling leaves out the labels that are there for people and tools and change with
// an upgrade, where others are left to select by.
func telling(labels map[string]string) map[string]string {
	out := map[string]string{}
	for key, value := range labels {
		if !strings.HasPrefix(key, "app.kubernetes.io/") && !strings.HasPrefix(key, "helm.sh/") {
			out[key] = value
		}
	}
	if len(out) == 0 {
		return labels
	}
	return out
}
