package prove

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A member is one client of an access, with the number of its list.
type member struct {
	asker
	list int32
}

// clients are all who an access surely names: pods of the estate, addresses outside, and
// pods that might come.
func (s *site) clients(a *intent.Access) []member {
	var out []member
	seen := map[*snapshot.Pod]bool{}
	for _, peer := range a.From {
		for _, pod := range s.candidates(selectionOf(peer, a.Namespace)) {
			if own := s.server.Owns(pod.Workload); own {
				continue // they are no clients of themselves
			}
			if !seen[pod] && s.isNamed(peer, a.Namespace, pod) == netpol.Yes {
				seen[pod] = true
				out = append(out, member{asker{ref: pod.Ref(), pod: pod}, s.list().Pods[s.index[pod]]})
			}
		}
	}
	someIs := func(match func(intent.Peer) netpol.Match) bool {
		return slices.ContainsFunc(a.From, func(p intent.Peer) bool { return match(p) == netpol.Yes })
	}
	for i, atom := range s.list().Atoms {
		covers := func(p intent.Peer) netpol.Match {
			if p.IsOutside() && atom.Minus(p.Addresses).IsEmpty() {
				return netpol.Yes
			}
			return netpol.No
		}
		if someIs(covers) {
			out = append(out, member{asker{ref: s.After.OutsideRef(atom), outside: atom}, s.list().Outside[i]})
		}
	}
	for i := range s.future {
		v := &s.future[i]
		if s.isOwn(v) {
			continue // the way out of those is not the access's to say
		}
		if someIs(func(p intent.Peer) netpol.Match { return s.namesStranger(p, a.Namespace, v) }) {
			out = append(out, member{asker{ref: strangerRef(v), future: v}, s.list().Strangers[i]})
		}
	}
	return out
}

// candidates are the pods of the namespaces that a selection may be about.
func (p *prover) candidates(s selection) []*snapshot.Pod {
	if len(s.namespaces) == 1 && s.namespaces[0].Key == snapshot.MetadataName && s.namespaces[0].Op == netpol.In {
		var out []*snapshot.Pod
		for _, name := range sortedValues(s.namespaces[0].Values) {
			out = append(out, p.podsIn[name]...)
		}
		return out
	}
	return p.After.Pods()
}

// open decides whether each client of an access gets each of its entries.
func (s *site) open(a *intent.Access) Statement {
	out := s.ofAccess(Open, a)
	told := map[openKey]int{}
	for n, m := range s.clients(a) {
		if n == 0 {
			out.Assumptions = s.assumedBy(m.asker, &a.To[0])
		}
		for i := range a.To {
			e := &a.To[i]
			for _, database := range e.Databases {
				out.Asked++
				v := s.gets(m, e, database)
				if v != verdict.Allow {
					v = verdict.Any(v, s.getsByOtherName(m, e, database))
				}
				if v != verdict.Allow {
					s.missing(&out, told, missing{m, e, database, v})
				}
			}
		}
	}
	if out.Asked == 0 {
		out.Doubts = append(out.Doubts, Doubt{Reason: Vacuous, Origin: a.Origin})
	}
	slices.SortStableFunc(out.Against, func(x, y Counterexample) int { return compareRefs(x.From, y.From) })
	out.Assumptions = snapshot.Merge(out.Assumptions, s.restsOn())
	return out
}

// assumedBy are the assumptions of what one client gets by an entry.
func (s *site) assumedBy(a asker, e *intent.Entry) []string {
	session := reach.Session{Database: e.Databases[0], Role: e.Role, TLS: true}
	if e.Authentication != intent.SCRAM {
		session.Cert = e.Role
	}
	d := s.After.Decide(reach.Question{From: a.endpoint(), To: reach.Target{Server: s.server}, Session: session})
	return slices.Sorted(slices.Values(d.Assumptions))
}

func compareRefs(a, b []snapshot.Ref) int { return slices.CompareFunc(a, b, snapshot.Ref.Compare) }

func (s *site) ofAccess(kind Kind, a *intent.Access) Statement {
	return Statement{Kind: kind, Of: snapshot.Ref{Kind: "PostgresAccess", Namespace: a.Namespace, Name: a.Name}, Server: s.server.Ref(), Origin: a.Origin}
}

// gets is the best answer of a list for an entry: a session on the database as the role, by
// a way and with a method that were declared, at the endpoint that is meant.
func (s *site) gets(m member, e *intent.Entry, database string) verdict.Verdict {
	best := verdict.Deny
	list := s.list().Lists[m.list]
	for i := range list {
		cell := &list[i]
		if cell.Role != e.Role || cell.Database != database {
			continue
		}
		for j := range cell.Logins {
			l := &cell.Logins[j]
			for _, r := range routesOf(l) {
				undecided := l.Verdict == verdict.Unknown && len(l.Routes) == 0
				if undecided || s.isWay(e, wayIn{cell, l, r}) && suffices(e, l) && s.isEndpoint(e, r) && (s.isByName(e, r) || !m.outside.IsEmpty()) {
					best = verdict.Any(best, l.Verdict)
				}
			}
		}
	}
	return best
}

// isByName reports whether a route is one that people take: through a Service where one leads
// to what the entry names, since the address of a pod is another tomorrow. From outside
// others lead there, too.
func (s *site) isByName(e *intent.Entry, r reach.Route) bool {
	services := s.server.Services
	for _, p := range s.server.Poolers {
		if e.Pooler != "" && p.Workload.Name == e.Pooler {
			services = p.Services
		}
	}
	return r.Service != "" || r.Through != "" || !slices.ContainsFunc(services, func(svc *snapshot.Service) bool { return !svc.Headless && len(s.After.Backends(svc)) > 0 })
}

// getsByOtherName is gets with a certificate that is not issued to the role's own name, where
// the estate has such.
func (s *site) getsByOtherName(m member, e *intent.Entry, database string) verdict.Verdict {
	best := verdict.Deny
	if e.Authentication == intent.SCRAM {
		return best
	}
	for _, name := range s.certificateNames(e) {
		d := s.After.Decide(reach.Question{From: m.endpoint(), To: reach.Target{Server: s.server},
			Session: reach.Session{Database: database, Role: e.Role, TLS: true, Cert: name}})
		for _, p := range d.Paths {
			w := missing{m, e, database, p.Verdict}
			if s.isMeant(w)(p) && p.Member != nil && s.isEndpoint(e, reach.Route{Member: p.Member.Ref().Name}) {
				best = verdict.Any(best, p.Verdict)
			}
		}
	}
	return best
}

// certificateNames are the common names of certificates of an entry's role that are not the
// role's own.
func (s *site) certificateNames(e *intent.Entry) []string {
	var out []string
	add := func(name string) {
		if name != "" && name != e.Role {
			out = append(out, name)
		}
	}
	for _, c := range s.server.TLS.Certificates {
		if c.Use == e.Role {
			add(c.Subject)
		}
	}
	for _, secret := range s.After.World.Secrets {
		if e.Secret != "" && secret.Namespace == s.server.Ref().Namespace && secret.Name == e.Secret {
			for _, c := range secret.Certificates {
				if !c.CA {
					add(c.Subject)
				}
			}
		}
	}
	return sortedNames(out)
}

// suffices reports whether what the role has by an entry is enough for a login; one that asks
// for less than was said lets it in, too. Of one that is in doubt, and of which it is not
// known what it asks for, it may be enough.
func suffices(e *intent.Entry, l *reach.Login) bool {
	has := map[intent.Authentication][]string{
		intent.SCRAM:               {"scram-sha-256", "md5", "password", "trust"},
		intent.Certificate:         {"cert", "trust"},
		intent.SCRAMAndCertificate: {"scram-sha-256", "md5", "password", "cert", "trust"},
	}
	if l.Verdict == verdict.Unknown && l.Method == "" {
		return true
	}
	return asksFor(l.Method, has[e.Authentication]...) && (e.Authentication != intent.SCRAM || !l.Cert)
}

// isEndpoint reports whether a route ends where an entry is to lead.
func (s *site) isEndpoint(e *intent.Entry, r reach.Route) bool {
	want := map[intent.Endpoint]string{intent.ReadWrite: snapshot.Primary, intent.ReadOnly: snapshot.Replica}[e.Endpoint]
	if want == "" {
		return true
	}
	some := func(part string) bool {
		return slices.ContainsFunc(s.server.Members(), func(p *snapshot.Pod) bool { return p.Part == part && (r.Member == "" || p.Ref().Name == r.Member) })
	}
	return some(want) || want == snapshot.Replica && !hasReplica(s.server)
}

func hasReplica(s *snapshot.Server) bool {
	return slices.ContainsFunc(s.Members(), func(p *snapshot.Pod) bool { return p.Part == snapshot.Replica })
}

// missing is what a client does not get, or may not get.
type missing struct {
	member
	entry    *intent.Entry
	database string
	verdict  verdict.Verdict
}

type openKey struct {
	entry  *intent.Entry
	list   int32
	future bool
	kind   string
	doubt  bool
}

// missing adds what is not got: once for all clients that get the same list and for all
// databases of an entry.
func (s *site) missing(into *Statement, told map[openKey]int, m missing) {
	key := openKey{m.entry, m.list, m.future != nil, m.ref.Kind, m.verdict == verdict.Unknown}
	if at, known := told[key]; known {
		if key.doubt {
			d := &into.Doubts[at]
			d.From, d.Databases = joined(d.From, d.Databases, m)
			return
		}
		c := &into.Against[at]
		c.From, c.Databases = joined(c.From, c.Databases, m)
		return
	}
	session := reach.Session{Database: m.database, Role: m.entry.Role, TLS: true}
	if m.entry.Authentication != intent.SCRAM {
		session.Cert = m.entry.Role
	}
	w := s.witness(m.asker, session, s.isMeant(m))
	var from []snapshot.Ref
	if m.future == nil {
		from = []snapshot.Ref{m.ref}
	}
	if key.doubt {
		told[key] = len(into.Doubts)
		step := firstStep(w.Path, verdict.Unknown)
		into.Doubts = append(into.Doubts, Doubt{Reason: step.Reason, From: from, Future: m.future,
			Databases: []string{m.database}, Roles: []string{m.entry.Role}, Step: step, Origin: step.Origin})
		return
	}
	told[key] = len(into.Against)
	step := firstStep(w.Path, verdict.Deny)
	into.Against = append(into.Against, Counterexample{
		From: from, Future: m.future, Server: s.server.Ref(), Databases: []string{m.database}, Roles: []string{m.entry.Role},
		Witness: w, Decides: step, Ours: w.Was != verdict.Deny && step.Layer != "" && !step.Origin.IsZero() && !s.isForeign(step), Close: s.fixes(m.asker, w.Path),
	})
}

func joined(from []snapshot.Ref, databases []string, m missing) ([]snapshot.Ref, []string) {
	if m.future == nil && !slices.Contains(from, m.ref) {
		from = append(from, m.ref)
	}
	if !slices.Contains(databases, m.database) {
		databases = append(databases, m.database)
	}
	return from, databases
}

// isMeant wants a path of the kind that an entry is about.
func (s *site) isMeant(m missing) func(reach.Path) bool {
	return func(p reach.Path) bool {
		pooler := p.Pooler != nil && p.Pooler.Workload.Name == m.entry.Pooler
		inside := m.entry.Pooler != "" && m.entry.Pooler == s.server.Ref().Name
		return p.Verdict == m.verdict && (pooler || inside || p.Pooler == nil && m.entry.Pooler == "")
	}
}

// fixes are the edits of policies that would open a path.
func (s *site) fixes(a asker, p reach.Path) []network.Fix {
	step := firstStep(p, verdict.Deny)
	if step.Layer != verdict.Ingress && step.Layer != verdict.Egress {
		return nil
	}
	return s.flip(a, p)
}
