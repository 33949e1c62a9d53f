package reach

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A passage is a port of a pod that packets end at.
type passage struct {
	pod  *snapshot.Pod
	port uint16
}

// pod answers for a pod: once for all pods of a class, unless it is one of the server's,
// which may meet itself, or one that has to be asked by itself.
func (b *book) pod(p *snapshot.Pod) []Access {
	from := network.PodEndpoint(p)
	if b.server.Owns(p.Workload) {
		return b.client(from, b.arrivals(from, b.Engine.ways(Question{From: from, To: Target{Server: b.server}}), nil))
	}
	class := b.classOf(p)
	if class < 0 || b.meshed {
		return b.client(from, b.arrivals(from, b.ways, nil))
	}
	arrivals, known := b.arrived[class]
	if !known {
		arrivals = b.arrivals(from, b.ways, func(w way) verdict.Verdict { return b.pass(class, w) })
		b.arrived[class] = arrivals
	}
	return b.client(from, arrivals)
}

// pass is what policies alone say of a class on a way; Unknown where they do not decide.
func (b *book) pass(class int32, w way) verdict.Verdict {
	if into := b.into(passage{w.firstPod(), w.firstPort()}); into != nil {
		return into[class]
	}
	return verdict.Unknown
}

// arrivals are the ways on which packets get through or may. Pass, where it is not nil,
// says what policies make of them; what they refuse is not asked about further.
func (b *book) arrivals(from network.Endpoint, ways []way, pass func(way) verdict.Verdict) []arrival {
	var out []arrival
	for _, w := range ways {
		if w.refused || pass != nil && pass(w) == verdict.Deny {
			continue
		}
		if steps, ok := b.approach(from, w); ok && combined(steps) != verdict.Deny {
			out = b.arrive(out, w, combined(steps), steps)
		}
	}
	return out
}

// arrive adds a way on which packets arrive.
func (b *book) arrive(out []arrival, w way, v verdict.Verdict, steps []verdict.Step) []arrival {
	a := arrival{way: w, kind: number(b.kinds, b.conversationOf(w)), route: routeOf(w), verdict: v}
	if !b.isTerse() {
		a.restsOn(steps)
	}
	a.id = number(b.ids, a.all())
	if slices.ContainsFunc(out, a.same) {
		return out
	}
	return append(out, a)
}

// An arrivalID is all that is told of an arrival.
type arrivalID struct {
	kind    int32
	verdict verdict.Verdict
	route   Route
	rest    string // what it rests on
}

func (a *arrival) all() arrivalID {
	id := arrivalID{kind: a.kind, verdict: a.verdict, route: a.route}
	if len(a.assumptions) > 0 || a.step.Layer != "" {
		id.rest = fmt.Sprint(a.assumptions, a.step)
	}
	return id
}

// restsOn keeps what the arrival was assumed by, and the first step that is in doubt.
func (a *arrival) restsOn(steps []verdict.Step) {
	for _, s := range steps {
		a.assumptions = snapshot.Merge(a.assumptions, s.Assumptions)
		if s.Verdict == verdict.Unknown && a.step.Layer == "" {
			a.step = s
		}
	}
}

// same reports whether another arrival leads to the same conversation by the same
// route, as those at the instances of one part do.
func (a arrival) same(o arrival) bool {
	return a.pooler == nil && o.pooler == nil && a.verdict == o.verdict && a.port == o.port && a.route == o.route && a.as == o.as
}

// seesText says whose address pg_hba.conf sees on the way; empty for the client's own.
func (w way) seesText() string {
	switch {
	case w.pooler != nil:
		return "the pooler"
	case w.port.Sees == snapshot.SeesSocket:
		return "the Unix socket"
	case w.port.Sees == snapshot.SeesLoopback:
		return "127.0.0.1"
	}
	return map[Seen]string{SeenNode: "a node", SeenProxy: "a proxy", SeenLoopback: "127.0.0.1", SeenSocket: "the Unix socket"}[w.seen]
}

// insider answers for who comes into the pods themselves.
func (b *book) insider(inside Inside) []Access {
	q := Question{Inside: inside, To: Target{Server: b.server}}
	return b.client(q.From, b.arrivals(q.From, b.Engine.ways(q), nil))
}
