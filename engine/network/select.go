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
		parts = append(parts, p.Namespace+"/"+p.Name)
	}
	for _, p := range s.maybe {
		parts = append(parts, p.Namespace+"/"+p.Name)
	}
	return strings.Join(parts, ", ")
}
