package prove

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// unchanged decides whether connections differ that nobody asked to: all but those to pods
// of a perimeter, from them where it closes their way out, and from clients that an access
// isolates.
func (p *prover) unchanged() Statement {
	out := Statement{Kind: Unchanged, Asked: len(p.After.World.Workloads) * len(p.After.World.Workloads)}
	if !p.applied {
		return out
	}
	to, from := p.meantToChange()
	d := network.Diff(p.Before.Network, p.After.Network)
	for i := range d.Effects {
		if c, any := p.changed(&d.Effects[i], to, from); any {
			out.Against = append(out.Against, c)
		}
	}
	if u := d.Undecided; u != nil && !to.has(u.To) && !from.has(u.From) {
		out.Doubts = append(out.Doubts, Doubt{Reason: network.Unsure, From: []snapshot.Ref{u.From.Ref}})
	}
	return out
}

// podSet are pods of either estate.
type podSet map[podKey]bool

type podKey struct {
	workload   snapshot.Ref
	name, part string
}

func keyOf(p *snapshot.Pod) podKey { return podKey{p.Workload.Ref, p.Name, p.Part} }

func (s podSet) add(pods []*snapshot.Pod) {
	for _, p := range pods {
		s[keyOf(p)] = true
	}
}

// has reports whether all pods of a party are among them.
func (s podSet) has(party network.Party) bool {
	return len(party.Pods) > 0 && !slices.ContainsFunc(party.Pods, func(p *snapshot.Pod) bool { return !s[keyOf(p)] })
}

// meantToChange are the pods to which, and those from which, connections are to differ.
func (p *prover) meantToChange() (to, from podSet) {
	to, from = podSet{}, podSet{}
	for _, s := range p.sites {
		if s.asked == nil {
			continue
		}
		to.add(s.ownPods())
		perimeter := s.asked.Perimeter
		if perimeter.EgressIsolated || perimeter.Owned != nil && perimeter.Owned.DefaultDeny {
			from.add(s.ownPods())
		}
		for _, a := range s.accesses() {
			if a.Client.Isolation == intent.Isolate {
				for _, m := range s.clients(a) {
					if m.pod != nil {
						from.add([]*snapshot.Pod{m.pod})
					}
				}
			}
		}
	}
	return to, from
}

// changed tells the connections of an effect that were not to differ; false where there are
// none.
func (p *prover) changed(e *network.Effect, to, from podSet) (Counterexample, bool) {
	c := Counterexample{Ports: e.Ports, Change: e.Kind, Witness: Witness{Was: e.Was, Now: e.Now}}
	for _, b := range e.Between {
		if to.has(b.To) || from.has(b.From) {
			continue
		}
		c.From, c.To = appendNew(c.From, b.From.Ref), appendNew(c.To, b.To.Ref)
	}
	for _, side := range e.Witness.NewSteps {
		if side.Verdict == e.Now && c.Decides.Layer == "" {
			c.Decides = side
		}
	}
	for _, cause := range e.Causes {
		c.Ours = c.Ours || p.After.World.Locate(cause.New).File == artefact.Compiled
	}
	if c.Decides.Layer == "" {
		c.Decides = verdict.Step{Verdict: e.Now}
	}
	return c, len(c.From) > 0
}

func appendNew(list []snapshot.Ref, ref snapshot.Ref) []snapshot.Ref {
	if slices.Contains(list, ref) {
		return list
	}
	return append(list, ref)
}
