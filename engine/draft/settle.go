package draft

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// settle leaves out what package compile refuses, such as roles that an operator keeps for
// itself, in its own words.
func (r *Result) settle() {
	for r.refuse() {
		r.relocate()
	}
	r.relocate()
}

func (r *Result) relocate() {
	for _, s := range r.Sites {
		if s.Perimeter != nil {
			s.tidy()
			s.locate()
		}
	}
}

// tidy takes away what says nothing any more.
func (s *Site) tidy() {
	s.Accesses = slices.DeleteFunc(s.Accesses, func(a *Access) bool { return len(a.To) == 0 || len(a.Access.From) == 0 })
	uses := func(f func(*intent.Entry) bool) bool {
		return slices.ContainsFunc(s.Accesses, func(a *Access) bool {
			return slices.ContainsFunc(a.To, func(e intent.Entry) bool { return f(&e) })
		})
	}
	p := s.Perimeter
	if p.RemoteSuperuser && !uses(func(e *intent.Entry) bool { return s.superuser(e.Role) }) {
		p.RemoteSuperuser = false
		p.Why = slices.DeleteFunc(p.Why, func(w string) bool { return strings.Contains(w, "superusers") })
	}
	if p.PlainText && !uses(func(e *intent.Entry) bool { return e.PlainText }) {
		p.PlainText = false
		p.Why = slices.DeleteFunc(p.Why, func(w string) bool { return strings.Contains(w, "tls.required") })
	}
}

// refuse takes away what the first plan refuses; false where it refuses nothing.
func (r *Result) refuse() bool {
	_, faults := compile.Plan(r.Intents(), r.World, r.World.Facts.Now)
	taken := map[*intent.Entry]bool{}
	for _, f := range faults {
		if !f.Warning {
			r.refused(f, taken)
		}
	}
	for _, s := range r.Sites {
		for _, a := range s.Accesses {
			var left []intent.Entry
			for i := range a.To {
				if !taken[&a.To[i]] {
					left = append(left, a.To[i])
				}
			}
			a.To = left
		}
	}
	return slices.ContainsFunc(faults, func(f compile.Error) bool { return !f.Warning })
}

// refused marks what one error is about: an entry, the perimeter's way out, or else the
// whole of the object, so that each round leaves less.
func (r *Result) refused(f compile.Error, taken map[*intent.Entry]bool) {
	for _, s := range r.Sites {
		if s.Perimeter == nil {
			continue
		}
		if f.Origin.Object == s.Perimeter.Origin.Object {
			s.refusedPerimeter(f)
			return
		}
		for _, a := range s.Accesses {
			if a.Origin.Object != f.Origin.Object {
				continue
			}
			for i := range a.To {
				if field := fmt.Sprintf("spec.to[%d]", i); f.Origin.Field == field || strings.HasPrefix(f.Origin.Field, field+".") || !strings.HasPrefix(f.Origin.Field, "spec.to[") {
					s.giveUp(a, &a.To[i], lossRefused, f.Text, a.To[i].Databases)
					taken[&a.To[i]] = true
				}
			}
		}
	}
}

// refusedPerimeter answers an error about a perimeter.
func (s *Site) refusedPerimeter(f compile.Error) {
	if s.Perimeter.EgressIsolated {
		s.Perimeter.EgressIsolated, s.Perimeter.Egress, s.Perimeter.Backup = false, nil, nil
		s.add(lossOpenEgress, f.Text, verdict.Origin{})
		return
	}
	s.add(lossTaken, f.Text, verdict.Origin{})
	s.Perimeter, s.Accesses = nil, nil
}

// giveUp records that an entry is not asked for, for some of its databases.
func (s *Site) giveUp(a *Access, e *intent.Entry, k lossKind, detail string, databases []string) {
	what := strings.Replace(k.what, "%", detail, 1)
	i := slices.IndexFunc(s.Lost, func(l *Loss) bool { return l.Code == k.code && l.What == what })
	if i < 0 {
		s.add(k, detail, verdict.Origin{})
		i = len(s.Lost) - 1
	}
	from := a.Clients
	for _, p := range a.Access.From {
		if p.NamespaceSelector != nil || p.Pods != nil && len(*p.Pods) == 0 {
			from = append(slices.Clone(from), everyPod)
			break
		}
	}
	for _, ref := range from {
		for _, database := range databases {
			s.Lost[i].take(cell{baseOf(ref), database, e.Role}, ref)
		}
	}
}

// everyPod stands for all pods of the cluster, or of a namespace.
var everyPod = snapshot.Ref{Kind: "Pods", Name: "every pod"}
