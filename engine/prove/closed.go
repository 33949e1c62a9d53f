package prove

import (
	"iter"
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A subject is clients that get the same list and were declared the same.
type subject struct {
	rights
	list  []reach.Access
	from  []snapshot.Ref
	first asker
	// all are its clients; the first alone of those that do not exist yet.
	all []asker
}

// An asker is one client of a subject: a pod of the estate, addresses outside, a pod that
// does not exist yet, or, in tests, who comes into pods by kubectl.
type asker struct {
	ref     snapshot.Ref
	pod     *snapshot.Pod
	outside flow.Addresses
	future  *network.Virtual
	inside  reach.Inside
}

func (a asker) endpoint() network.Endpoint {
	return network.Endpoint{Pod: a.pod, Outside: a.outside, Virtual: a.future}
}

// subjects are all clients that get, or may get, anywhere. The server's own pods are not
// among them, nor are pods that might come with the labels by which its operator knows them:
// who has one of them, or may make one, has its data.
func (s *site) subjects() []*subject {
	var out []*subject
	at := map[subjectKey]*subject{}
	add := func(a asker, n int32, r rights) {
		list := s.list().Lists[n]
		if len(list) == 0 {
			return
		}
		key := subjectKey{n, r.key, a.future != nil}
		if at[key] == nil {
			at[key] = &subject{rights: r, list: list, first: a}
			out = append(out, at[key])
		}
		have := at[key]
		if a.future == nil || len(have.all) == 0 {
			have.all = append(have.all, a)
		}
		if n := len(have.from); a.future == nil && (n == 0 || have.from[n-1] != a.ref) { // pods of a workload follow one another
			have.from = append(have.from, a.ref)
		}
	}
	for i, p := range s.After.Pods() {
		if n := s.list().Pods[i]; n != 0 && p.Workload != s.server.Workload {
			add(asker{ref: p.Ref(), pod: p}, n, s.rightsOf(p))
		}
	}
	for i, atom := range s.list().Atoms {
		add(asker{ref: s.After.OutsideRef(atom), outside: atom}, s.list().Outside[i], s.rightsOutside(atom))
	}
	for i := range s.future {
		v := &s.future[i]
		if s.isOwn(v) {
			continue
		}
		add(asker{ref: strangerRef(v), future: v}, s.list().Strangers[i], s.rightsOfStranger(v))
	}
	return out
}

type subjectKey struct {
	list   int32
	rights string
	future bool
}

// strangerRef names a pod that does not exist yet.
func strangerRef(v *network.Virtual) snapshot.Ref {
	return snapshot.Ref{Kind: "Pod", Namespace: v.Namespace, Name: "(future)"}
}

// bounds decides who gets in beyond what was declared: who was declared nothing, and who
// was declared less.
func (s *site) bounds() (closed, within Statement) {
	closed, within = s.statement(Closed), s.statement(Within)
	for _, sub := range s.subjects() {
		into := &within
		if sub.areNone() {
			into = &closed
		}
		s.hold(into, sub, s.beyond(&sub.rights))
	}
	if !s.allKinds {
		closed.Doubts = append(closed.Doubts, Doubt{Reason: TooMany, Origin: s.asked.Perimeter.Origin})
	}
	cells := s.names().Cells()
	closed.Asked = cells * (len(s.list().Pods) + len(s.list().Atoms) + len(s.future))
	within.Asked = cells * s.declaredClients()
	closed.Assumptions = snapshot.Merge(closed.Assumptions, s.restsOn(), []string{snapshot.AssumeNodes})
	within.Assumptions = snapshot.Merge(within.Assumptions, s.restsOn())
	return closed, within
}

// declaredClients counts those that something was declared for.
func (s *site) declaredClients() int {
	n := 0
	for _, a := range s.accesses() {
		n += len(s.clients(a))
	}
	return n
}

func (s *site) statement(kind Kind) Statement {
	p := s.asked.Perimeter
	return Statement{Kind: kind, Of: snapshot.Ref{Kind: "PostgresPerimeter", Namespace: p.Namespace, Name: p.Name}, Server: s.server.Ref(), Origin: p.Origin}
}

// A standing says how a way in stands to a statement. The zero value is none.
type standing uint8

const (
	noStanding standing = iota
	inOrder
	against
	// byCredentialOnly is what only a credential keeps somebody from.
	byCredentialOnly
	// byLabelsOnly is what a pod has by the labels of a service account's pods.
	byLabelsOnly
	// whoIsUnsure is one of which it is not known whether the statement is about it.
	whoIsUnsure
)

// alikeWays are ways in that differ in names alone.
type alikeWays struct {
	method    string
	tls, cert bool
	pooler    string
	inside    bool
	through   string
	verdict   verdict.Verdict
	standing  standing
}

// An excess is the first of some ways in, and the names of all.
type excess struct {
	wayIn
	databases, roles []string
}

func (x *excess) add(cell *reach.Access) {
	if !slices.Contains(x.databases, cell.Database) {
		x.databases = append(x.databases, cell.Database)
	}
	if !slices.Contains(x.roles, cell.Role) {
		x.roles = append(x.roles, cell.Role)
	}
}

// hold adds to a statement the ways in of a subject that are not in order, those that are
// alike together.
func (s *site) hold(into *Statement, sub *subject, judge func(wayIn) standing) {
	found := map[alikeWays]*excess{}
	var order []alikeWays
	for i := range sub.list {
		for w := range waysIn(&sub.list[i]) {
			is := judge(w)
			if is == inOrder {
				continue
			}
			key := alikeWays{w.login.Method, w.login.TLS, w.login.Cert, w.route.Pooler, s.isInside(w.route), w.route.Through, w.login.Verdict, is}
			if found[key] == nil {
				found[key] = &excess{wayIn: w}
				order = append(order, key)
			}
			found[key].add(w.cell)
		}
	}
	for _, key := range order {
		s.tell(into, sub, found[key], key.standing)
	}
}

// waysIn are all of a cell, but for those that differ from another in a certificate that
// nobody asks for.
func waysIn(cell *reach.Access) iter.Seq[wayIn] {
	return func(yield func(wayIn) bool) {
		for i := range cell.Logins {
			if isShownInVain(cell, &cell.Logins[i]) {
				continue
			}
			for _, route := range routesOf(&cell.Logins[i]) {
				if !yield(wayIn{cell, &cell.Logins[i], route}) {
					return
				}
			}
		}
	}
}

func isShownInVain(cell *reach.Access, l *reach.Login) bool {
	return l.Cert && slices.ContainsFunc(cell.Logins, func(o reach.Login) bool {
		return !o.Cert && o.TLS == l.TLS && o.Method == l.Method && o.Verdict == l.Verdict && slices.Equal(o.Routes, l.Routes)
	})
}

// beyond says how a way in stands to what its client was declared.
func (s *site) beyond(r *rights) func(wayIn) standing {
	return func(w wayIn) standing {
		switch {
		case s.declared(r.sure(), w):
			return inOrder
		case s.declared(r, w) && r.byLabels:
			return byLabelsOnly
		case s.declared(r, w):
			return whoIsUnsure
		case s.byCredential(r, w):
			return byCredentialOnly
		}
		return against
	}
}

// routesOf are those of a login; one that says nothing for a login that a document leaves
// open.
func routesOf(l *reach.Login) []reach.Route {
	if len(l.Routes) == 0 {
		return []reach.Route{{}}
	}
	return l.Routes
}

// tell adds an excess to what is against a statement, or to what leaves it open.
func (s *site) tell(into *Statement, sub *subject, x *excess, is standing) {
	switch {
	case is == byCredentialOnly:
		into.Assumptions = snapshot.Merge(into.Assumptions, []string{snapshot.AssumeCredentials})
	case is == byLabelsOnly:
		into.Assumptions = snapshot.Merge(into.Assumptions, []string{snapshot.AssumeAccounts})
	case x.login.Verdict == verdict.Unknown:
		s.leaveOpen(into, sub, x)
	case is == whoIsUnsure:
		into.Doubts = append(into.Doubts, Doubt{Reason: ClientUnsure, From: sub.from, Future: sub.first.future,
			Databases: x.databases, Roles: x.roles, Origin: into.Origin})
	default:
		for _, part := range s.byAdmission(sub, x.route) {
			c := s.counterexample(part, x)
			if s.isByNode(c.Witness.Path) {
				into.Assumptions = snapshot.Merge(into.Assumptions, []string{snapshot.AssumeNodes})
				continue
			}
			into.Against = append(into.Against, c)
		}
	}
}

// isByNode reports whether a path is open, or in doubt, for the sake of the node that the
// pod runs on alone: no policy closes that (Kubernetes documentation, Network Policies:
// "traffic to and from the node where a Pod is running is always allowed"), and it is an
// assumption that nobody uses it.
func (s *site) isByNode(p reach.Path) bool {
	return slices.ContainsFunc(p.Steps, func(st verdict.Step) bool {
		return st.Layer == verdict.Ingress && (st.Reason == network.OwnNode || st.Reason == network.HostNetwork)
	})
}

// byCredential reports whether all that keeps a declared client from a way in is a
// credential: it gets there in a way that was declared for it, and is asked for the
// password or certificate of a role that is not its own, but somebody's who was declared,
// or, at a pooler, anybody's. Whatever else is in its way was to keep it out and does not.
// Who holds which credential no layer decides here: it is an assumption that nobody holds
// another's.
func (s *site) byCredential(r *rights, w wayIn) bool {
	if !credentials(w.login.Method) || r.areNone() || r.has(w.cell.Role) || !s.comesSo(r, w) {
		return false
	}
	return w.route.Pooler != "" || s.isInside(w.route) || s.isSomebodys(w)
}

// credentials reports whether a method asks for something that only the role has.
func credentials(method string) bool {
	return asksFor(method, "scram-sha-256", "md5", "cert", "ldap", "radius", "pam", "bsd", "gss", "sspi", "oauth", "password")
}

// has reports whether the client was given the credential of a role.
func (r *rights) has(role string) bool {
	return slices.ContainsFunc(r.accesses, func(a *intent.Access) bool {
		return slices.ContainsFunc(a.To, func(e intent.Entry) bool { return e.Role == role })
	})
}

// comesSo reports whether some right of the client is to come by the way.
func (s *site) comesSo(r *rights, w wayIn) bool {
	if w.route.Pooler == "" && !s.isInside(w.route) && (len(r.flows) > 0 || r.pooler != nil) && !s.isBare(w) {
		return true
	}
	return slices.ContainsFunc(r.accesses, func(a *intent.Access) bool {
		return slices.ContainsFunc(a.To, func(e intent.Entry) bool { return s.isWay(&e, w) })
	})
}

// isSomebodys reports whether somebody was declared the database as the role, or needs it
// to keep the server alive, or lets others have it through a pooler, or the operator has a
// line of its own for it.
func (s *site) isSomebodys(w wayIn) bool {
	all := rights{accesses: s.accesses()}
	for i := range s.server.Vital {
		if f := &s.server.Vital[i]; s.isSession(f) {
			all.flows = append(all.flows, f)
		}
	}
	for _, a := range all.accesses {
		if slices.ContainsFunc(a.To, func(e intent.Entry) bool { return isCell(&e, w.cell) }) {
			return true
		}
	}
	if slices.ContainsFunc(all.flows, func(f *snapshot.VitalFlow) bool { return f.Role != "" && f.Role == w.cell.Role }) || s.isOperators(w.cell.Role) {
		return true
	}
	return slices.ContainsFunc(s.server.Poolers, func(p *snapshot.Pooler) bool { return s.isPooled(&rights{pooler: p}, w) })
}

// isOperators reports whether a line that no field holds, and so nobody but the operator
// writes, names the role.
func (s *site) isOperators(role string) bool {
	return slices.ContainsFunc(s.server.HBA.Records, func(r hba.Record) bool {
		return r.Origin.Object == "" && r.Origin.Note != "" && r.Method != "reject" && slices.Contains(hba.Literals(r.Users, "all"), role)
	})
}
