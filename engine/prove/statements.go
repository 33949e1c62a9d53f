package prove

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// statements are those of the perimeter and of its accesses.
func (s *site) statements() []Statement {
	if s.asked == nil {
		return nil
	}
	closed, within := s.bounds()
	out := []Statement{closed, within, s.vital()}
	for _, a := range s.accesses() {
		out = append(out, s.open(a))
		for i := range a.Accept {
			out = append(out, s.attempt(Accept, a, &a.Accept[i]))
		}
		for i := range a.Deny {
			out = append(out, s.attempt(Deny, a, &a.Deny[i]))
		}
		if p := s.privileges(a); p != nil {
			out = append(out, *p)
		}
	}
	return out
}

// privileges cannot be decided: nothing tells which ones roles have.
func (s *site) privileges(a *intent.Access) *Statement {
	out := s.ofAccess(Privileges, a)
	for _, e := range a.To {
		if len(e.Privileges) > 0 {
			out.Asked += len(e.Databases) * len(e.Privileges)
			out.Doubts = append(out.Doubts, Doubt{Reason: NoCatalogue, Databases: e.Databases, Roles: []string{e.Role}, Origin: e.Privileges[0].Origin})
		}
	}
	if len(out.Doubts) == 0 {
		return nil
	}
	return &out
}

// vital decides whether everything passes that the server needs to stay alive. What is only
// useful is the perimeter's to ask for.
func (s *site) vital() Statement {
	out := s.statement(Vital)
	var was []reach.VitalDecision
	if s.was != nil {
		was = s.Before.Vital(s.was)
	}
	for _, d := range s.After.Vital(s.server) {
		if d.Flow.Optional {
			continue
		}
		out.Asked++
		out.Assumptions = snapshot.Merge(out.Assumptions, slices.Sorted(slices.Values(d.Assumptions)))
		switch d.Verdict {
		case verdict.Deny:
			step := firstStep(reach.Path{Steps: d.Steps}, verdict.Deny)
			flow, before := d.Flow, wasFlow(was, d.Flow)
			out.Against = append(out.Against, Counterexample{Server: s.server.Ref(), Flow: &flow, Decides: step,
				Ours:    before != verdict.Deny && !step.Origin.IsZero() && !s.isForeign(step),
				Witness: Witness{Was: before, Now: verdict.Deny, Path: reach.Path{Verdict: verdict.Deny, Steps: d.Steps}}})
		case verdict.Unknown:
			step := firstStep(reach.Path{Steps: d.Steps}, verdict.Unknown)
			out.Doubts = append(out.Doubts, Doubt{Reason: step.Reason, Step: step, Origin: step.Origin})
		}
	}
	return out
}

// wasFlow is what became of a flow without artefacts; Unknown where it was not there.
func wasFlow(all []reach.VitalDecision, f snapshot.VitalFlow) verdict.Verdict {
	for _, d := range all {
		if d.Flow.ID == f.ID && d.Flow.What == f.What && d.Flow.Phase == f.Phase {
			return d.Verdict
		}
	}
	return verdict.Unknown
}

// attempt decides one test. An attempt that has to get in does so without TLS where it says
// so, and else over TLS; one that must not get in, in neither way but where it says which.
// Where it names no role it is not about the credentials of roles that its client was not
// declared; one that names the role is about just that attempt.
func (s *site) attempt(kind Kind, a *intent.Access, t *intent.Attempt) Statement {
	out := s.ofAccess(kind, a)
	out.Attempt, out.Words, out.Origin, out.Assumptions = t, t.Why, t.Origin, s.restsOn()
	c, err := s.Find(t.From)
	if err != nil {
		out.Doubts = append(out.Doubts, unresolved(t, err.Error()))
		return out
	}
	for _, m := range s.members(c) {
		s.ask(&out, kind, t, m)
	}
	if out.Asked == 0 {
		out.Doubts = append(out.Doubts, unresolved(t, "it is none of the clients that the server's list tells apart"))
	}
	return out
}

func unresolved(t *intent.Attempt, why string) Doubt {
	return Doubt{Reason: Unresolved, Origin: t.Origin, Step: verdict.Step{Reason: Unresolved, Facts: map[string]string{"name": t.From, "error": why}}}
}

// members are the clients that a name means, with their lists.
func (s *site) members(c Client) []member {
	var out []member
	for _, e := range c.Endpoints {
		if e.Pod != nil {
			out = append(out, member{asker{ref: c.Ref, pod: e.Pod}, s.list().Pods[s.index[e.Pod]]})
			continue
		}
		for i, atom := range s.list().Atoms {
			if atom.Minus(e.Outside).IsEmpty() {
				out = append(out, member{asker{ref: c.Ref, outside: atom}, s.list().Outside[i]})
			}
		}
	}
	for i, in := range reach.Insiders() {
		if c.Inside != reach.OverNetwork && in.Inside == c.Inside {
			out = append(out, member{asker{ref: c.Ref, inside: c.Inside}, s.list().Inside[i]})
		}
	}
	return out
}

// ask adds to a test what one client makes of it.
func (s *site) ask(out *Statement, kind Kind, t *intent.Attempt, m member) {
	out.Asked++
	r := s.rightsOfAsker(m.asker)
	var in, doubtful *wayIn
	for i := range s.list().Lists[m.list] {
		for w := range waysIn(&s.list().Lists[m.list][i]) {
			if !isAttempt(kind, t, w) {
				continue
			}
			if kind == Deny && t.Role == "" && !s.declared(&r, w) && s.byCredential(&r, w) {
				out.Assumptions = snapshot.Merge(out.Assumptions, []string{snapshot.AssumeCredentials})
				continue
			}
			switch {
			case w.login.Verdict == verdict.Allow && in == nil:
				in = &w
			case w.login.Verdict == verdict.Unknown && doubtful == nil:
				doubtful = &w
			}
		}
	}
	sub := &subject{from: []snapshot.Ref{m.ref}, first: m.asker}
	switch {
	case kind == Accept && in != nil, kind == Deny && in == nil && doubtful == nil:
	case kind == Deny && in != nil:
		out.Against = append(out.Against, s.counterexample(sub, &excess{*in, []string{in.cell.Database}, []string{in.cell.Role}}))
	case doubtful != nil:
		s.leaveOpen(out, sub, &excess{*doubtful, []string{doubtful.cell.Database}, []string{doubtful.cell.Role}})
	default:
		out.Against = append(out.Against, s.refused(t, m))
	}
}

// isAttempt reports whether a way in is one that a test is about. Without a database that is
// refused the whole cluster is meant, too, as a base backup reads it.
func isAttempt(kind Kind, t *intent.Attempt, w wayIn) bool {
	switch {
	case t.Role != "" && w.cell.Role != t.Role, t.Database != "" && w.cell.Database != t.Database:
		return false
	case w.cell.Database == reach.PhysicalReplication && (kind == Accept || t.Database != ""):
		return false
	}
	return w.login.TLS != t.Plain || kind == Deny && !t.Plain
}

// refused tells an attempt that does not get in.
func (s *site) refused(t *intent.Attempt, m member) Counterexample {
	session := reach.Session{Database: t.Database, Role: t.Role, TLS: !t.Plain}
	if session.Database == "" {
		session.Database = reach.AnyOther
	}
	if session.Role == "" {
		session.Role = reach.AnyOther
	}
	w := s.witness(m.asker, session, func(p reach.Path) bool { return p.Verdict == verdict.Deny })
	step := firstStep(w.Path, verdict.Deny)
	return Counterexample{From: []snapshot.Ref{m.ref}, Server: s.server.Ref(), Databases: []string{session.Database}, Roles: []string{session.Role},
		Witness: w, Decides: step, Ours: !step.Origin.IsZero() && !s.isForeign(step), Close: s.fixes(m.asker, w.Path)}
}
