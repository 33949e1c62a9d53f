package prove

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Rights are what a client of a server was declared to have: by accesses, by the flows
// that the server needs to stay alive, and, of a pooler, by those who go through it.
type rights struct {
	// accesses are those that name the client, or may; surely are those that do. ByLabels
	// says that those which may name it by the labels of a service account's pods.
	accesses, surely []*intent.Access
	byLabels         bool
	flows            []*snapshot.VitalFlow
	pooler           *snapshot.Pooler
	key              string
}

// sure are the rights that the client has for sure.
func (r *rights) sure() *rights { return &rights{accesses: r.surely, flows: r.flows, pooler: r.pooler} }

func (r *rights) areNone() bool { return len(r.accesses) == 0 && len(r.flows) == 0 && r.pooler == nil }

// collect are the rights of a client that is asked about by the two.
func (s *site) collect(named func(intent.Peer, string) netpol.Match, flows func(*snapshot.VitalFlow) bool) rights {
	var out rights
	var key strings.Builder
	for i, a := range s.accesses() {
		best := netpol.No
		for _, p := range a.From {
			if m := named(p, a.Namespace); m == netpol.Yes || m == netpol.Unsure && best == netpol.No {
				best = m
			}
		}
		if best == netpol.No {
			continue
		}
		out.accesses = append(out.accesses, a)
		if best == netpol.Yes {
			out.surely = append(out.surely, a)
		}
		fmt.Fprintf(&key, "a%d=%d", i, best)
	}
	for i := range s.server.Vital {
		if f := &s.server.Vital[i]; s.isSession(f) && flows(f) {
			out.flows = append(out.flows, f)
			fmt.Fprintf(&key, "f%d", i)
		}
	}
	for _, inv := range s.invariants {
		for _, p := range cmp.Or(inv.Never, inv.Only).From {
			fmt.Fprintf(&key, "i%d", named(p, ""))
		}
	}
	out.key = key.String()
	return out
}

// isSession reports whether a flow ends at a port of the server that speaks PostgreSQL.
func (s *site) isSession(f *snapshot.VitalFlow) bool {
	toUs := slices.ContainsFunc(f.To.Pods, func(p *snapshot.Pod) bool { return p.Workload == s.server.Workload })
	return toUs && slices.ContainsFunc(f.Ports, func(r flow.PortRange) bool {
		return slices.ContainsFunc(s.server.Ports, func(p snapshot.ServerPort) bool { return r.From <= p.Port && p.Port <= r.To })
	})
}

// rightsOfAsker are those of one client; none of an insider.
func (s *site) rightsOfAsker(a asker) rights {
	switch {
	case a.pod != nil:
		return s.rightsOf(a.pod)
	case a.future != nil:
		return s.rightsOfStranger(a.future)
	case !a.outside.IsEmpty():
		return s.rightsOutside(a.outside)
	}
	return rights{}
}

// rightsOf are those of a pod of the estate.
func (s *site) rightsOf(p *snapshot.Pod) rights {
	out := s.collect(
		func(peer intent.Peer, own string) netpol.Match { return s.isNamed(peer, own, p) },
		func(f *snapshot.VitalFlow) bool {
			return slices.Contains(f.From.Pods, p) ||
				f.From.Namespace == p.Namespace && len(f.From.Labels.Set) > 0 && netpol.SelectorOf(f.From.Labels.Set).Match(p.Labels) == netpol.Yes
		})
	if q := s.server.PoolerOf(p.Workload); q != nil {
		out.pooler = q
		out.key += "p" + q.Workload.Name
	}
	return out
}

// isNamed reports whether a peer names a pod.
func (p *prover) isNamed(peer intent.Peer, own string, pod *snapshot.Pod) netpol.Match {
	if peer.IsOutside() {
		return netpol.No
	}
	if len(peer.ServiceAccounts) > 0 && !slices.Contains(peer.ServiceAccounts, pod.RunsAs()) {
		return netpol.No
	}
	return p.selected(selectionOf(peer, own), pod.Namespace, pod.Labels)
}

func (p *prover) selected(s selection, namespace string, labels netpol.Labels) netpol.Match {
	return both(s.namespaces.Match(p.labelsOf(namespace)), s.pods.Match(labels))
}

func both(a, b netpol.Match) netpol.Match {
	switch {
	case a == netpol.No || b == netpol.No:
		return netpol.No
	case a == netpol.Yes && b == netpol.Yes:
		return netpol.Yes
	}
	return netpol.Unsure
}

// rightsOfStranger are those of a pod that does not exist yet. Who is named by what he is,
// and not by labels (a service account, pods of an operator), is known by the labels that
// his pods have today.
func (s *site) rightsOfStranger(v *network.Virtual) rights {
	out := s.collect(
		func(peer intent.Peer, own string) netpol.Match { return s.namesStranger(peer, own, v) },
		func(f *snapshot.VitalFlow) bool {
			return s.isLike(v, s.others(f.From.Pods)) ||
				s.isCalled(v.Namespace, f.From.Namespace) && len(f.From.Labels.Set) > 0 && netpol.SelectorOf(f.From.Labels.Set).Match(v.Labels) == netpol.Yes
		})
	out.byLabels = true
	return out
}

// others are the pods of a flow that are not the server's own: a stranger is known for one of
// those by isOwn, or not at all.
func (s *site) others(pods []*snapshot.Pod) []*snapshot.Pod {
	own := s.ownPods()
	return slices.DeleteFunc(slices.Clone(pods), func(p *snapshot.Pod) bool { return slices.Contains(own, p) })
}

func (s *site) namesStranger(peer intent.Peer, own string, v *network.Virtual) netpol.Match {
	if peer.IsOutside() {
		return netpol.No
	}
	match := s.selected(selectionOf(peer, own), v.Namespace, v.Labels)
	if len(peer.ServiceAccounts) == 0 || match == netpol.No {
		return match
	}
	var named []*snapshot.Pod
	for _, p := range s.podsIn[v.Namespace] {
		if s.isNamed(peer, own, p) != netpol.No {
			named = append(named, p)
		}
	}
	if s.isLike(v, named) {
		return netpol.Unsure
	}
	return netpol.No
}

// isOwn reports whether a stranger has the labels by which pods of the server or of its
// poolers are known: those that their operator or workload selects them by, or such as tell
// them from all others and bear the name of what they are of. Labels that others may have
// one day, as those of a tier or of a part, make no pod the server's own.
func (s *site) isOwn(v *network.Virtual) bool {
	if v.Namespace != s.server.Ref().Namespace {
		return false
	}
	if len(s.server.Selector) > 0 && s.server.Selector.Match(v.Labels) == netpol.Yes {
		return true
	}
	own := s.ownPods()
	return slices.ContainsFunc(own, func(p *snapshot.Pod) bool { return s.bearsName(v, p) }) && s.isLike(v, own)
}

// bearsName reports whether a stranger shares with a pod a label whose value is the name of
// the server or of the pod's workload.
func (s *site) bearsName(v *network.Virtual, p *snapshot.Pod) bool {
	for k, value := range p.Labels.Set {
		if v.Labels.Set[k] == value && (value == s.server.Ref().Name || value == p.Workload.Name) {
			return true
		}
	}
	return false
}

// lasting are the labels of a pod that stay.
func lasting(p *snapshot.Pod) map[string]string {
	out := maps.Clone(p.Labels.Set)
	maps.DeleteFunc(out, func(key, value string) bool { return p.Passes(key, value) })
	return out
}

// isLike reports whether a stranger has labels by which one of some pods is told from all
// others of its namespace, or all that stay of one, and not all of another's that has more.
func (s *site) isLike(v *network.Virtual, pods []*snapshot.Pod) bool {
	return slices.ContainsFunc(pods, func(p *snapshot.Pod) bool {
		if p.Namespace != v.Namespace {
			return false
		}
		var others []*snapshot.Pod
		for _, o := range s.podsIn[p.Namespace] {
			if o.Workload != p.Workload && !slices.Contains(pods, o) {
				others = append(others, o)
			}
		}
		return isTold(v, p, others) || isTwin(v, p, others)
	})
}

// isTold reports whether the labels that a stranger shares with a pod tell it from others.
func isTold(v *network.Virtual, p *snapshot.Pod, others []*snapshot.Pod) bool {
	shared := map[string]string{}
	for k, value := range p.Labels.Set {
		if v.Labels.Set[k] == value && value != "" {
			shared[k] = value
		}
	}
	return len(shared) > 0 && !slices.ContainsFunc(others, func(o *snapshot.Pod) bool { return netpol.SelectorOf(shared).Match(o.Labels) == netpol.Yes })
}

// isTwin reports whether a stranger has all labels of a pod that stay, and not all of one of
// the others that has more.
func isTwin(v *network.Virtual, p *snapshot.Pod, others []*snapshot.Pod) bool {
	own := lasting(p)
	return len(own) > 0 && hasAll(v.Labels.Set, own) && !slices.ContainsFunc(others, func(o *snapshot.Pod) bool {
		theirs := lasting(o)
		return hasAll(v.Labels.Set, theirs) && !hasAll(own, theirs)
	})
}

func hasAll(labels, some map[string]string) bool {
	for k, v := range some {
		if have, there := labels[k]; !there || have != v {
			return false
		}
	}
	return true
}

// rightsOutside are those of addresses outside, which no peer tells apart.
func (s *site) rightsOutside(a flow.Addresses) rights {
	return s.collect(
		func(peer intent.Peer, _ string) netpol.Match {
			if peer.IsOutside() && a.Minus(peer.Addresses).IsEmpty() {
				return netpol.Yes
			}
			return netpol.No
		},
		func(f *snapshot.VitalFlow) bool {
			return f.From.OutsideUnknown || !f.From.Outside.IsEmpty() && a.Minus(f.From.Outside).IsEmpty()
		})
}

// A way in is one login of one cell by one of its routes.
type wayIn struct {
	cell  *reach.Access
	login *reach.Login
	route reach.Route
}

// declared reports whether some right is to the way in.
func (s *site) declared(r *rights, w wayIn) bool {
	for _, a := range r.accesses {
		for i := range a.To {
			if e := &a.To[i]; isCell(e, w.cell) && s.isWay(e, w) && shows(e, w.login) {
				return true
			}
		}
	}
	return s.isVital(r, w) || s.isPooled(r, w)
}

func isCell(e *intent.Entry, cell *reach.Access) bool {
	return e.Role == cell.Role && slices.Contains(e.Databases, cell.Database)
}

// isWay reports whether an entry is about the way: through its pooler or straight, and
// without TLS only where it says so.
func (s *site) isWay(e *intent.Entry, w wayIn) bool {
	if !w.login.TLS && !(e.PlainText && s.asked.Perimeter.PlainText) {
		return false
	}
	return w.route.PoolerName(s.server) == e.Pooler
}

// isInside reports whether a route ends at a pooler in the pods of the server.
func (s *site) isInside(r reach.Route) bool {
	return r.Pooler == "" && slices.ContainsFunc(s.server.Ports, func(p snapshot.ServerPort) bool { return p.Port == r.Port && p.Pooler != nil })
}

// shows reports whether a login asks for what an entry says, or for a certificate besides.
func shows(e *intent.Entry, l *reach.Login) bool {
	switch e.Authentication {
	case intent.SCRAM:
		return asksFor(l.Method, "scram-sha-256", "md5")
	case intent.Certificate:
		return l.Method == "cert" && l.Cert
	case intent.SCRAMAndCertificate:
		return asksFor(l.Method, "scram-sha-256", "md5") && l.Cert
	}
	return false
}

// asksFor reports whether a login, which may be by one of several records, asks for one of
// some methods whichever decides.
func asksFor(method string, some ...string) bool {
	for _, m := range splitMethods(method) {
		if !slices.Contains(some, m) {
			return false
		}
	}
	return true
}

// splitMethods are the methods of which one is asked for, as package reach joins them.
func splitMethods(method string) []string { return strings.Split(method, " or ") }

// isVital reports whether the way in is that of a flow of the server's, which shows a
// credential, and comes over TLS where the server has it and the perimeter wants it. A
// superuser of one database is one of all.
func (s *site) isVital(r *rights, w wayIn) bool {
	if w.route.Pooler != "" || !credentials(w.login.Method) || s.isBare(w) {
		return false
	}
	return slices.ContainsFunc(r.flows, func(f *snapshot.VitalFlow) bool {
		if f.Role != w.cell.Role || f.Cert != "" && !w.login.Cert {
			return false
		}
		replication := w.cell.Database == reach.PhysicalReplication
		return f.Replication == replication && (replication || f.Database == "" || f.Database == w.cell.Database) || s.isSuperuser(f.Role)
	})
}

// isBare reports whether a way in is without TLS where there is to be some.
func (s *site) isBare(w wayIn) bool {
	return !w.login.TLS && s.server.TLS.Enabled == verdict.Allow && (s.asked == nil || !s.asked.Perimeter.PlainText)
}

func (s *site) isSuperuser(role string) bool {
	return role == "postgres" || slices.ContainsFunc(s.server.Roles, func(r snapshot.Role) bool { return r.Name == role && r.Superuser })
}

// isPooled reports whether the way in is that of a pooler on behalf of its clients.
func (s *site) isPooled(r *rights, w wayIn) bool {
	if r.pooler == nil || w.route.Pooler != "" || !credentials(w.login.Method) || s.isBare(w) {
		return false
	}
	if r.pooler.AuthUser != "" && r.pooler.AuthUser == w.cell.Role {
		return true
	}
	for _, a := range s.accesses() {
		for i := range a.To {
			e := a.To[i]
			if e.Pooler != r.pooler.Workload.Name {
				continue
			}
			if e.Role = cmp.Or(r.pooler.Becomes, e.Role); isCell(&e, w.cell) && asksFor(w.login.Method, "scram-sha-256", "md5") {
				return true
			}
		}
	}
	return false
}
