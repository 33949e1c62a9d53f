package network

import (
	"strings"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A selection holds the policies that isolate a pod in one direction: surely, or
// depending on labels whose values nobody knows.
type selection struct{ sure, maybe []*netpol.Policy }

func (q *query) selection() selection {
	var s selection
	labels := q.subject.labels()
	for _, p := range q.Engine.policies[q.subject.namespace()] {
		if !p.Isolates[q.dir] {
			continue
		}
		switch p.Pods.Match(labels) {
		case netpol.Yes:
			s.sure = append(s.sure, p)
		case netpol.Unsure:
			s.maybe = append(s.maybe, p)
		}
	}
	return s
}

// selectedAtAll asks whether any NetworkPolicy selects the subject, in whichever
// direction.
func (q *query) selectedAtAll() netpol.Match {
	best := netpol.No
	for _, p := range q.Engine.policies[q.subject.namespace()] {
		best = either(best, p.Pods.Match(q.subject.labels()))
	}
	return best
}

// isSubject asks whether a policy of an ordered tier applies to the subject.
// "Note that host-networked pods are not included in subject selection."
func (q *query) isSubject(p *netpol.Policy) netpol.Match {
	if q.subject.isHost() {
		return netpol.No
	}
	pods := p.Pods.Match(q.subject.labels())
	if pods == netpol.No {
		return netpol.No
	}
	return both(pods, q.matchNamespace(p.Namespace, p.Namespaces, q.subject))
}

func (s selection) isEmpty() bool { return len(s.sure) == 0 && len(s.maybe) == 0 }

func (s selection) origins() []verdict.Origin {
	var out []verdict.Origin
	for _, p := range s.sure {
		out = append(out, p.Origin)
	}
	for _, p := range s.maybe {
		out = append(out, p.Origin)
	}
	return out
}

// names writes "payments/db, payments/default-deny".
func (s selection) names() string {
	var parts []string
	for _, p := range s.sure {
		parts = append(parts, p.FullName())
	}
	for _, p := range s.maybe {
		parts = append(parts, p.FullName())
	}
	return strings.Join(parts, ", ")
}
