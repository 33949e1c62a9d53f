package roundtrip

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// nobody is the name of a database or a role that no manifest mentions.
const nobody = "a name that nobody wrote"

// An attempt is one session over one route, that the estate afterwards lets in.
type attempt struct {
	server *snapshot.Server
	from   network.Endpoint
	// of is the workload, or the part of the outside.
	of             snapshot.Ref
	database, role string
	login          reach.Login
	route          reach.Route
}

func (a attempt) String() string {
	return fmt.Sprintf("%s → %s database %q role %q by %s tls=%t cert=%t over %+v", endText(a.from, a.of), a.server.Ref(), a.database, a.role,
		a.login.Method, a.login.TLS, a.login.Cert, a.route)
}

func endText(e network.Endpoint, of snapshot.Ref) string {
	if e.Pod == nil {
		return of.String()
	}
	return fmt.Sprintf("%s %v", e.Pod.Ref(), e.Pod.Labels.Set)
}

// attempts are all that a cell of the closed list lets in.
func (t *trip) attempts(cell reach.Access) (out []attempt) {
	if cell.Verdict != verdict.Allow || cell.From.Kind == reach.KubectlKind {
		return nil // whoever comes in by the kubelet, RBAC lets in and no layer of ours
	}
	var froms []network.Endpoint
	for _, part := range t.parts(cell) {
		froms = append(froms, network.OutsideEndpoint(part))
	}
	if cell.Members != nil {
		froms = nil
		for _, p := range cell.Members {
			froms = append(froms, network.PodEndpoint(p))
		}
	}
	for _, from := range froms {
		for _, l := range cell.Logins {
			for _, r := range l.Routes {
				if l.Verdict == verdict.Allow {
					out = append(out, attempt{cell.Server, from, cell.From, cell.Database, cell.Role, l, r})
				}
			}
		}
	}
	return out
}

// parts are the addresses of a cell, cut where accesses ask about some of them alone: a
// step about addresses of which several rules let in some names one of these rules.
func (t *trip) parts(cell reach.Access) []flow.Addresses {
	if cell.Members != nil {
		return nil
	}
	out := []flow.Addresses{cell.Outside.Intersect(flow.IPv4()), cell.Outside.Minus(flow.IPv4())}
	cuts := []flow.Addresses{t.podAddresses()}
	for _, a := range t.accesses(cell.Server) {
		for _, p := range a.Spec.From {
			cuts = append(cuts, t.addresses(p))
		}
	}
	for _, cut := range cuts {
		var next []flow.Addresses
		for _, part := range out {
			next = append(next, part.Intersect(cut), part.Minus(cut))
		}
		out = next
	}
	return slices.DeleteFunc(out, flow.Addresses.IsEmpty)
}

// podAddresses are those that pods have: the closed list counts them to the outside.
func (t *trip) podAddresses() flow.Addresses {
	var out []netip.Prefix
	for _, c := range as[struct{ PodCIDRs []string }](t.estate.Facts).PodCIDRs {
		out = append(out, netip.MustParsePrefix(c))
	}
	return flow.AddressesOf(out...)
}

// door reports whether an entry is about the way that a route takes.
func door(e entry, s *snapshot.Server, r reach.Route) bool {
	if e.Pooler == "" {
		return r.Pooler == "" && !inside(s, r.Port)
	}
	return strings.HasSuffix("/"+r.Pooler, "/"+e.Pooler) || r.Pooler == "" && e.Pooler == s.Ref().Name && inside(s, r.Port)
}

// inside reports whether a port of the server's own pods leads to a pooler in them.
func inside(s *snapshot.Server, port uint16) bool {
	return slices.ContainsFunc(s.Ports, func(p snapshot.ServerPort) bool { return p.Port == port && p.Pooler != nil })
}

// declared reports whether an attempt is one that an access asks for.
func (t *trip) declared(a attempt) bool {
	for _, x := range t.accesses(a.server) {
		for _, e := range x.Spec.To {
			if e.Role == a.role && slices.Contains(e.Databases, a.database) && door(e, a.server, a.route) &&
				t.client(x, a.from) && t.way(e, a) {
				return true
			}
		}
	}
	return false
}

// way reports whether a session is presented as an entry asks.
func (t *trip) way(e entry, a attempt) bool {
	if !a.login.TLS && e.TLS != "Optional" {
		return false
	}
	switch e.Authentication {
	case "Certificate":
		return a.login.Method == "cert"
	case "SCRAMAndCertificate":
		return a.login.Cert && a.login.Method == "scram-sha-256"
	}
	return a.login.Method == "scram-sha-256" || a.route.Pooler != "" || a.route.Sees != ""
}

// path is how the estate afterwards lets the attempt in, by the same route.
func (t *trip) path(a attempt) (reach.Path, bool) {
	s := reach.Session{Database: a.database, Role: a.role, TLS: a.login.TLS}
	if a.login.Cert {
		s.Cert = a.role
	}
	switch a.database {
	case reach.AnyOther:
		s.Database = nobody
	case reach.PhysicalReplication:
		s.Database, s.Replication = "", true
	}
	if a.role == reach.AnyOther {
		s.Role = nobody
		if s.Cert != "" {
			s.Cert = nobody
		}
	}
	d := t.after.Decide(reach.Question{From: a.from, To: reach.Target{Server: a.server}, Session: s})
	for _, p := range d.Paths {
		if p.Verdict == verdict.Allow && p.Port == a.route.Port && p.Through == a.route.Through && (p.Pooler != nil) == (a.route.Pooler != "") &&
			(p.Pooler == nil || strings.HasSuffix(a.route.Pooler, p.Pooler.Ref().Name)) && (p.Service != nil) == (a.route.Service != "") {
			return p, true
		}
	}
	return reach.Path{}, false
}

func stepOf(p reach.Path, layers ...verdict.Layer) (verdict.Step, bool) {
	for _, s := range p.Steps {
		if slices.Contains(layers, s.Layer) {
			return s, true
		}
	}
	return verdict.Step{}, false
}

// ours reports whether an artefact is what decides a step.
func (t *trip) ours(s verdict.Step) bool {
	return t.after.World.Locate(s.Origin).File == overlay.Compiled
}

// gap finds a gap or a note of one of the codes about a server or its accesses.
func (t *trip) gap(s *snapshot.Server, codes ...string) bool {
	is := func(code string, at verdict.Origin) bool {
		if !slices.Contains(codes, code) {
			return false
		}
		if at.Object == s.Ref().String() || slices.ContainsFunc(s.Poolers, func(p *snapshot.Pooler) bool { return p.Origin.Object == at.Object || p.Ref().String() == at.Object }) {
			return true
		}
		for _, site := range t.job.Sites {
			if site.Server.Ref() != s.Ref() {
				continue
			}
			if at.Object == site.Perimeter.Origin.Object {
				return true
			}
			for _, x := range site.Accesses {
				if x.Origin.Object == at.Object {
					return true
				}
			}
		}
		return false
	}
	return slices.ContainsFunc(t.output.Gaps, func(g artefact.Gap) bool { return is(g.Code, g.Origin) }) ||
		slices.ContainsFunc(t.output.Notes, func(n artefact.Note) bool { return is(n.Code, n.Origin) })
}

// adminGaps say that the Admin tier does not close what others leave open.
var adminGaps = []string{"clusternetworkpolicy/no-kind", "clusternetworkpolicy/too-many", "clusternetworkpolicy/pods-only"}

// arrives says what lets the packets of an attempt in; empty where nothing may.
func (t *trip) arrives(a attempt, p reach.Path) string {
	for _, x := range t.accesses(a.server) {
		if t.client(x, a.from) && slices.ContainsFunc(x.Spec.To, func(e entry) bool { return door(e, a.server, a.route) }) {
			return "declared"
		}
	}
	for _, f := range a.server.Vital {
		to := p.Member
		if p.Pooler != nil {
			to = nil
		}
		if !f.Optional && t.stands(a.from, f.From) && hasPort(f.Ports, a.route.Port) && slices.ContainsFunc(f.To.Pods, func(q *snapshot.Pod) bool {
			return to != nil && q.Workload == to.Workload || p.Pooler != nil && q.Workload == p.Pooler.Workload
		}) {
			return "vital"
		}
	}
	step, ok := stepOf(p, verdict.Ingress)
	switch {
	case !ok:
		return "no ingress step"
	case step.Reason == network.Self, step.Reason == network.HostNetwork, step.Reason == network.OwnNode:
		return string(step.Reason)
	case step.Reason == network.Allowed && !t.ours(step) && t.wall(a.server).Spec.Network.AdminTier != nil && a.from.Pod != nil:
		// The Admin tier is to close what others leave open, where it can tell the pods.
		if t.gap(a.server, adminGaps...) {
			return "theirs, and the Admin tier has a gap"
		}
	case (step.Reason == network.Allowed || step.Reason == network.Accepted) && !t.ours(step):
		// NetworkPolicies add up: what somebody else's lets in stays let in.
		return "theirs"
	case step.Reason == network.NotIsolated && t.gap(a.server, "networkpolicy/no-labels", "networkpolicy/no-pods", "networkpolicy/host-network"):
		return "not isolated, with a gap"
	}
	return ""
}

func hasPort(ports []flow.PortRange, port uint16) bool {
	return slices.ContainsFunc(ports, func(r flow.PortRange) bool { return r.Protocol == flow.TCP && r.From <= port && port <= r.To })
}

// stands reports whether a client is on a side of a vital flow. Pods of one workload change
// places: a replica is a primary tomorrow.
func (t *trip) stands(from network.Endpoint, v snapshot.VitalPeer) bool {
	if from.Pod == nil {
		return v.OutsideUnknown || !v.Outside.IsEmpty() && from.Outside.Minus(v.Outside).IsEmpty()
	}
	if v.Namespace == from.Pod.Namespace && len(v.Labels.Set) > 0 && (&selector{MatchLabels: v.Labels.Set}).matches(from.Pod.Labels.Set) {
		return true
	}
	return slices.ContainsFunc(v.Pods, func(p *snapshot.Pod) bool { return alike(p, from.Pod) })
}

// alike reports whether two pods are one group to policies: members change places.
func alike(a, b *snapshot.Pod) bool {
	isMember := func(p *snapshot.Pod) bool { return p.Part == snapshot.Primary || p.Part == snapshot.Replica }
	return a.Workload == b.Workload && (isMember(a) && isMember(b) || a.Part == b.Part)
}

// closed finds who gets in and was not declared; each with the way.
func (t *trip) closed(note func(string)) (faults []fault) {
	for _, s := range t.after.World.Servers {
		if t.wall(s) == nil {
			continue
		}
		known := map[string]string{}
		for _, cell := range t.after.WhoCan(s) {
			for _, a := range t.attempts(cell) {
				if !t.declared(a) {
					faults = append(faults, t.excess(a, known, note)...)
				}
			}
		}
	}
	return faults
}

// excess asks about an attempt that was not declared. How its packets arrive depends on the
// client and the route, what is said then on the client and the session: either is asked
// once.
func (t *trip) excess(a attempt, known map[string]string, note func(string)) []fault {
	wire := fmt.Sprint("wire", a.of, a.from.Pod, a.from.Outside.Text(), a.route)
	route := a.route
	route.Service, route.Member = "", ""
	talk := fmt.Sprint("talk", a.of, a.from.Outside.Text(), a.database, "|", a.role, a.login.Method, a.login.TLS, a.login.Cert, route)
	if known[wire] != "" && known[talk] != "" {
		return nil
	}
	p, ok := t.path(a)
	if !ok {
		return []fault{{class: "path", server: a.server, text: fmt.Sprintf("the closed list has %s, and no path lets it in", a)}}
	}
	arrives, enters := t.arrives(a, p), t.enters(a, p)
	known[wire], known[talk] = arrives, enters
	note("closed: arrives: " + arrives)
	note("closed: enters: " + enters)
	if arrives != "" && enters != "" {
		return nil
	}
	kind := map[bool]string{true: "closed", false: "within"}[arrives == ""]
	return []fault{{class: kind, server: a.server, attempt: &a, paths: []reach.Path{p}, text: fmt.Sprintf("%s arrives: %q enters: %q\n%s", a, arrives, enters, t.steps(p))}}
}

// steps writes a path.
func (t *trip) steps(p reach.Path) string {
	var b strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "      %-14s %-7s %s %s %v\n", s.Layer, s.Verdict, s.Reason, t.after.World.Locate(s.Origin), s.Facts)
	}
	return b.String()
}
