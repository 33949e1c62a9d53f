package prove

import (
	"cmp"
	"slices"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// meant reports whether a server is one of those that a selector is about.
func (p *prover) meant(to intent.ServerSelector, s *snapshot.Server) bool {
	ref := s.Ref()
	lists := func(list []string, name string) bool { return len(list) == 0 || slices.Contains(list, name) }
	if !lists(to.Namespaces, ref.Namespace) || !lists(to.Names, ref.Name) {
		return false
	}
	return to.NamespaceSelector == nil || to.NamespaceSelector.Match(p.labelsOf(ref.Namespace)) != netpol.No
}

// invariants decides what must stay true of whatever anybody declares.
func (p *prover) invariants() []Statement {
	var out []Statement
	for _, i := range p.Intents.Invariants {
		st := Statement{Kind: Never, Of: snapshot.Ref{Kind: "AccessInvariant", Name: i.Name}, Origin: i.Origin, Words: i.Message}
		if i.Only != nil {
			st.Kind = Only
		}
		for _, s := range p.sites {
			if slices.Contains(s.invariants, i) {
				s.invariant(&st, i)
			}
		}
		if st.Asked == 0 {
			st.Doubts = append(st.Doubts, Doubt{Reason: Vacuous, Origin: i.Origin})
		}
		out = append(out, st)
	}
	return out
}

// invariant adds what sessions at one server make of an invariant: those of clients, and not
// those that the server's own poolers have on their behalf, unless from names the poolers. What a server needs to stay alive is not held
// against the sessions that only describes: whoever wrote them did not write down what each
// operator does.
func (s *site) invariant(into *Statement, i *intent.Invariant) {
	said := cmp.Or(i.Never, i.Only)
	into.Asked += s.names().Cells() * (len(s.list().Pods) + len(s.list().Atoms) + len(s.future))
	into.Assumptions = snapshot.Merge(into.Assumptions, s.restsOn())
	if !s.allKinds {
		into.Doubts = append(into.Doubts, Doubt{Reason: TooMany, Origin: said.Origin})
	}
	for _, sub := range s.subjects() {
		from := s.isFrom(said, sub.first)
		s.hold(into, sub, func(w wayIn) standing {
			among := both(from, s.sessionIs(said, w, sub.first))
			if i.Never != nil {
				among = not(among)
			}
			if onBehalf := s.isPooled(&sub.rights, w) && (i.Only != nil || len(said.From) == 0); onBehalf {
				return inOrder
			}
			switch {
			case i.Never != nil: // what the server needs is no excuse
			case s.isVital(&sub.rights, w):
				return inOrder
			case among == netpol.No && s.byCredential(&sub.rights, w):
				return byCredentialOnly
			}
			return map[netpol.Match]standing{netpol.Yes: inOrder, netpol.No: against, netpol.Unsure: whoIsUnsure}[among]
		})
	}
}

func not(m netpol.Match) netpol.Match {
	return map[netpol.Match]netpol.Match{netpol.Yes: netpol.No, netpol.No: netpol.Yes}[m]
}

// isFrom reports whether a client is one of those that sessions are described by.
func (s *site) isFrom(said *intent.Sessions, a asker) netpol.Match {
	if len(said.From) == 0 {
		return netpol.Yes
	}
	best := netpol.No
	for _, p := range said.From {
		switch m := s.isPeer(p, a); {
		case m == netpol.Yes:
			return netpol.Yes
		case m == netpol.Unsure:
			best = netpol.Unsure
		}
	}
	return best
}

func (s *site) isPeer(p intent.Peer, a asker) netpol.Match {
	switch {
	case a.pod != nil:
		return s.isNamed(p, "", a.pod)
	case a.future != nil:
		return s.namesStranger(p, "", a.future)
	case p.IsOutside() && a.outside.Minus(p.Addresses).IsEmpty():
		return netpol.Yes
	case p.IsOutside() && !a.outside.Intersect(p.Addresses).IsEmpty():
		return netpol.Unsure
	}
	return netpol.No
}

// sessionIs reports whether a way in is one of the sessions that are described, but for who
// comes.
func (s *site) sessionIs(said *intent.Sessions, w wayIn, a asker) netpol.Match {
	among := func(list []string, one string) bool { return len(list) == 0 || slices.Contains(list, one) }
	switch {
	case !among(said.As, w.cell.Role), !among(said.Databases, w.cell.Database), said.UnencryptedOnly && w.login.TLS, !s.isPath(said.Path, w.route, a):
		return netpol.No
	case len(said.Methods) == 0 || asksFor(w.login.Method, said.Methods...):
		return netpol.Yes
	case asksForNone(w.login.Method, said.Methods):
		return netpol.No
	}
	return netpol.Unsure
}

// asksForNone reports whether none of the methods of which one is asked for is among some.
func asksForNone(method string, some []string) bool {
	return !slices.ContainsFunc(some, func(m string) bool { return slices.Contains(splitMethods(method), m) })
}

func (s *site) isPath(want intent.Path, r reach.Route, a asker) bool {
	outside := a.pod == nil && a.future == nil
	switch want {
	case intent.Direct:
		return r.Pooler == "" && !s.isInside(r) && !outside
	case intent.ThroughPooler:
		return r.Pooler != "" || s.isInside(r)
	case intent.FromOutside:
		return outside
	}
	return true
}
