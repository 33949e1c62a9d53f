package reach

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// AnyOther stands, as database or role, for all names that no manifest mentions.
const AnyOther = "(any other)"

// A client is a session as one pg_hba.conf sees it.
type client struct {
	snapshot.Sees
	session Session
	from    network.Endpoint
	// tls is what the file sees, which a proxy before it may have taken off.
	tls bool
	// translated says that a node has put its own address in the client's place.
	translated bool
	// direct says of a session over loopback that PostgreSQL itself answers it, TLS
	// included.
	direct bool
	// user is the operating system's user at the other end of a Unix socket; empty when
	// not known.
	user string
}

// met is the question's client as the first listener of a way sees it.
func (e *Engine) met(q Question, w way, port snapshot.ServerPort) client {
	q.From = w.sender(q.From)
	c := e.client(q, port)
	c.translated = w.seen == SeenNode
	if w.inside == OverNetwork {
		return c
	}
	if c.Sees == snapshot.SeesClient {
		c.Sees = snapshot.SeesLoopback
	}
	c.direct = w.seen == SeenLoopback && !port.Terminates
	if c.Sees == snapshot.SeesSocket { // which only exec has
		c.user = q.To.Server.SystemUser
	}
	return c
}

// client says what the file behind a port sees of the question's client.
func (e *Engine) client(q Question, port snapshot.ServerPort) client {
	return client{Sees: port.Sees, session: q.Session, from: q.From, tls: q.Session.TLS && !port.Terminates}
}

// An admission is what a file makes of a client: the step, what it asks for, and
// the map that the identity still has to pass, where there is one.
type admission struct {
	step   verdict.Step
	method string
	maps   *string
	// byDN says that the map is asked about the certificate's whole subject.
	byDN bool
}

// hbaStep decides one file: the first record that matches decides, and later ones
// are never consulted, not even when its authentication fails (PostgreSQL manual,
// "The pg_hba.conf File").
func (e *Engine) hbaStep(layer verdict.Layer, file hba.File, c client, s *snapshot.Server) admission {
	session := e.hbaSession(c, s)
	anyPod := c.Sees == snapshot.SeesClient && len(session.Client.Prefixes) == 0
	if anyPod {
		session.Client.Prefixes = slices.Concat(podsIPv4, podsIPv6)
	}
	a := e.fromEach(layer, file, c, s, session)
	if c.translated && a.step.Verdict != verdict.Unknown && !anyPod {
		session.Client.Prefixes = slices.Concat(podsIPv4, podsIPv6)
		if other := e.fromEach(layer, file, c, s, session); !alike(other, a) {
			a.step = e.assume(a.step, snapshot.AssumeNodeAddress)
		}
	}
	if a.step.Verdict != verdict.Unknown || !anyPod {
		return a
	}
	session.Client.Prefixes = podsIPv4
	if v4 := e.fromEach(layer, file, c, s, session); v4.step.Verdict != verdict.Unknown {
		v4.step = e.assume(v4.step, snapshot.AssumePodIPv4)
		return v4
	}
	return a
}

// A pod whose address is not known has one of these: never loopback, which is the
// server itself, and of IPv6 global unicast (RFC 4291) or unique local (RFC 4193).
var (
	loopback = flow.Loopback()
	podsIPv4 = flow.IPv4().Minus(loopback).Prefixes()
	podsIPv6 = []netip.Prefix{netip.MustParsePrefix("2000::/3"), netip.MustParsePrefix("fc00::/7")}
)

// fromEach decides for each address the client may come from, a dual-stack pod
// from either; the answer is known where all of them get the same one.
func (e *Engine) fromEach(layer verdict.Layer, file hba.File, c client, s *snapshot.Server, session hba.Session) admission {
	whole := hba.Decide(file, session)
	a := e.admit(layer, whole, c, s)
	prefixes := session.Client.Prefixes
	if a.step.Verdict != verdict.Unknown || len(prefixes) < 2 {
		return a
	}
	var first admission
	for i, p := range prefixes {
		session.Client.Prefixes = []netip.Prefix{p}
		each := e.admit(layer, hba.Decide(file, session), c, s)
		switch {
		case each.step.Verdict == verdict.Unknown:
			return a
		case i == 0:
			first = each
		case !alike(each, first):
			return a
		case each.step.Origin != first.step.Origin:
			first.step.Also = append(first.step.Also, each.step.Origin)
		}
	}
	return first
}

// hbaSession translates the client into the words of the file.
func (e *Engine) hbaSession(c client, s *snapshot.Server) hba.Session {
	out := hba.Session{
		TLS: c.tls, Database: nameOf(c.session.Database), User: nameOf(c.session.Role),
		Replication: c.session.Replication, Member: e.memberships(s),
	}
	switch c.Sees {
	case snapshot.SeesSocket:
		out.Local, out.TLS = true, false
	case snapshot.SeesLoopback:
		out.Client = hba.Loopback()
	case snapshot.SeesClient:
		out.Client = e.address(c.from)
		if c.translated && hostNetworked(s) { // the node may be its own
			out.Client.ServerHost = netpol.Unsure
		}
	}
	return out
}

func hostNetworked(s *snapshot.Server) bool {
	return slices.ContainsFunc(s.Members(), func(p *snapshot.Pod) bool { return p.HostNetwork })
}

func nameOf(text string) hba.Name {
	if text == AnyOther {
		return hba.AnyOther()
	}
	return hba.Named(text)
}

// address says where a session comes from, as far as that is known.
func (e *Engine) address(from network.Endpoint) hba.Client {
	switch {
	case from.Pod != nil:
		c := hba.Client{Pod: true, Namespace: from.Pod.Namespace, Labels: from.Pod.Labels,
			HostNetwork: from.Pod.HostNetwork}
		if from.Pod.Leaving { // no selector finds it again
			c.Namespace, c.Labels = "", netpol.Labels{}
		}
		if !from.Pod.HostNetwork { // one on the server's own node may share its address
			c.ServerHost = netpol.No
		}
		for _, a := range from.Pod.Addresses {
			c.Prefixes = append(c.Prefixes, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
		}
		if len(c.Prefixes) == 0 && !from.Pod.HostNetwork {
			c.Prefixes = e.World.Facts.PodCIDRs
		}
		return c
	case from.Virtual != nil:
		return hba.Client{Pod: true, Namespace: from.Virtual.Namespace, Labels: from.Virtual.Labels,
			Prefixes: e.World.Facts.PodCIDRs, ServerHost: netpol.No}
	}
	if e.listing != nil {
		return e.listing.outside.client(from.Outside)
	}
	return clientOutside(from.Outside)
}

func (e *Engine) memberships(s *snapshot.Server) func(role, group string) hba.Match {
	if e.listing != nil { // of one server
		return e.listing.member
	}
	return memberships(s)
}

func clientOutside(addresses flow.Addresses) hba.Client {
	c := hba.ClientWithin(addresses.Minus(loopback).Prefixes()...)
	c.ServerHost = netpol.No
	return c
}

// An outsideMemo keeps what a file sees of the addresses that were asked about last, and
// where their packets get: a list asks all about one part of the outside before the next.
type outsideMemo struct {
	// of and is are the last two, of which one is mostly a node.
	of      [2]flow.Addresses
	is      [2]hba.Client
	known   int
	packets map[landing][]verdict.Step // nil where nothing is to be kept
}

// A landing is where packets end, and whose address they have: as of way.as.
type landing struct {
	as *network.Endpoint
	at passage
}

func (m *outsideMemo) client(addresses flow.Addresses) hba.Client {
	for i := range min(m.known, len(m.of)) {
		if m.of[i].Equal(addresses) {
			return m.is[i]
		}
	}
	i := m.known % len(m.of)
	m.of[i], m.is[i] = addresses, clientOutside(addresses)
	m.known++
	return m.is[i]
}

// memberships answers +role as far as manifests tell: a membership that they grant
// is one, but SQL may have granted any other.
func memberships(s *snapshot.Server) func(role, group string) hba.Match {
	groups := map[string][]string{}
	for _, r := range s.Roles {
		groups[r.Name] = r.MemberOf
	}
	return func(role, group string) hba.Match {
		seen, todo := map[string]bool{}, []string{role}
		for len(todo) > 0 {
			next := todo[0]
			todo = todo[1:]
			if next == group {
				return netpol.Yes
			}
			if !seen[next] {
				seen[next] = true
				todo = append(todo, groups[next]...)
			}
		}
		return netpol.Unsure
	}
}

// admit draws the step from the records that may decide: where they all end alike
// it does not matter which of them does.
func (e *Engine) admit(layer verdict.Layer, r hba.Result, c client, s *snapshot.Server) admission {
	step := verdict.Step{Layer: layer, Facts: e.about(layer, c, nil)}
	switch {
	case r.Error != nil:
		step.Reason, step.Origin = "hba/unreadable", r.Error.Origin
		_, shown := r.Error.Shown()
		step.Facts = with(step.Facts, "error", shown)
		return admission{step: step}
	case len(r.Candidates) == 0:
		step.Verdict, step.Reason = verdict.Deny, "hba/no-record"
		e.sees(&step, c, s, nil)
		return admission{step: step}
	}
	first := e.demand(layer, r.Candidates[0], c, s)
	for _, other := range r.Candidates[1:] {
		if o := e.demand(layer, other, c, s); !first.or(o) {
			return e.unsure(layer, r, c)
		}
		first.step.Also = append(first.step.Also, other.Origin)
	}
	if r.Implicit && first.step.Verdict != verdict.Deny {
		return e.unsure(layer, r, c)
	}
	return first
}

// or joins what another record makes of the client, where it does not matter which of them
// decides: both make the same of it, or both let it go on to show a credential. False where
// it does.
func (a *admission) or(o admission) bool {
	if alike(o, *a) {
		return true
	}
	if a.step.Verdict != verdict.Allow || o.step.Verdict != verdict.Allow || a.maps != nil || o.maps != nil {
		return false
	}
	if methods := strings.Split(a.method, either); !slices.Contains(methods, o.method) {
		a.method = strings.Join(append(methods, o.method), either)
	}
	a.step.Reason = "hba/either"
	if a.step.Facts != nil {
		a.step.Facts["method"] = a.method
	}
	return true
}

// either stands between methods of which one is asked for.
const either = " or "

// alike reports whether two records make the same of a client.
func alike(a, b admission) bool {
	if a.step.Verdict != b.step.Verdict || a.method != b.method || a.byDN != b.byDN {
		return false
	}
	if a.maps == nil || b.maps == nil {
		return a.maps == b.maps
	}
	return *a.maps == *b.maps
}

// unsure is a file of which it cannot be told which record decides.
func (e *Engine) unsure(layer verdict.Layer, r hba.Result, c client) admission {
	step := verdict.Step{Layer: layer, Reason: "hba/unsure", Origin: r.Candidates[0].Origin, Facts: e.about(layer, c, r.Candidates[0])}
	if !e.isTerse() {
		step.Facts["depends"] = depends(*r.Candidates[0], c)
	}
	for _, other := range r.Candidates[1:] {
		step.Also = append(step.Also, other.Origin)
	}
	return admission{step: step}
}

// demand says what one record, once chosen, makes of the client. Certificates are
// asked for before the method runs (PostgreSQL auth.c ClientAuthentication).
func (e *Engine) demand(layer verdict.Layer, r *hba.Record, c client, s *snapshot.Server) admission {
	step := verdict.Step{Layer: layer, Verdict: verdict.Allow, Reason: "hba/matched", Origin: r.Origin, Facts: e.about(layer, c, r)}
	a := admission{step: step, method: r.Method}
	if !e.isTerse() {
		a.step.Facts["method"] = r.Method
	}
	demand := r.ClientCert()
	switch {
	case demand != hba.NoClientCert && s.TLS.ClientCA == verdict.Deny:
		a.refuse("hba/cert-no-ca")
	case demand != hba.NoClientCert && c.session.Cert == "":
		a.refuse("hba/cert-required")
	case r.Method == "reject":
		a.refuse("hba/rejected")
	case demand == hba.VerifyFull || r.Method == "peer" || r.Method == "ident":
		name := r.Map()
		a.maps, a.byDN = &name, demand == hba.VerifyFull && r.ByDN()
	}
	if demand != hba.NoClientCert && !e.isTerse() {
		a.step.Facts["clientcert"] = demand.String()
	}
	e.sees(&a.step, c, s, r)
	return a
}

// about is what is told of a record and the client that it is asked about; nothing where
// nobody will read it.
func (e *Engine) about(layer verdict.Layer, c client, r *hba.Record) map[string]string {
	if e.isTerse() {
		return nil
	}
	out := map[string]string{"file": fileName(layer), "who": who(c)}
	if r != nil {
		out["record"] = recordText(r)
	}
	return out
}

func (a *admission) refuse(reason verdict.Reason) {
	a.step.Verdict, a.step.Reason = verdict.Deny, reason
}

func fileName(layer verdict.Layer) string {
	if layer == verdict.Pooler {
		return "the pooler's pg_hba.conf"
	}
	return "pg_hba.conf"
}

// recordText names a record. One without a line is a setting in the form of a record.
func recordText(r *hba.Record) string {
	if r.Line == 0 {
		return fmt.Sprintf("%q", r.String())
	}
	return fmt.Sprintf("line %d %q", r.Line, r.String())
}

// who names the session as the file sees it.
func who(c client) string { return sessionName(c.session) + " " + transport(c) }

func sessionName(s Session) string {
	if s.Replication {
		return s.Role + " on physical replication"
	}
	return s.Role + " on database " + s.Database
}

func transport(c client) string {
	switch {
	case c.Sees == snapshot.SeesSocket:
		return "on the Unix socket"
	case c.Sees == snapshot.SeesLoopback:
		return "from 127.0.0.1"
	case c.tls:
		return "over TLS"
	}
	return "in plain text"
}

// depends says what would settle whether a record matches.
func depends(r hba.Record, c client) string {
	if r.Maybe != "" {
		return "the line may not be there: " + r.Maybe + " would settle it"
	}
	if c.translated && c.from.OutsideUnknown {
		return "a node puts its own address in the client's place, and no Node object tells which"
	}
	if c.Sees == snapshot.SeesClient && r.Address.Kind == hba.Net && c.from.Pod != nil && len(c.from.Pod.Addresses) == 0 {
		return "the client's address is not known; podCIDRs in the facts file would narrow it"
	}
	switch r.Address.Kind {
	case hba.HostName:
		return "it names a host, which DNS decides"
	case hba.SameNet, hba.SameHost:
		return "it asks for the server's own networks, which no manifest tells"
	case hba.Net, hba.Pods:
		return "it covers only some of the addresses that the client can have"
	}
	return "a membership, an expression or a name that no manifest settles"
}

// identStep decides the identity map: who the client is must be allowed to log in
// as the role it asked for (pg_ident.conf).
func (e *Engine) identStep(s *snapshot.Server, c client, h admission) verdict.Step {
	mapName, system := *h.maps, c.session.Cert
	switch h.method {
	case "peer":
		system = c.user
	case "ident":
		system = ""
	}
	step := verdict.Step{Layer: verdict.Ident, Origin: h.step.Origin,
		Facts: map[string]string{"system": system, "role": c.session.Role, "map": ""}}
	if mapName != "" {
		step.Facts["map"] = " (map " + mapName + ")"
	}
	if h.byDN {
		step.Reason = "ident/unsure"
		step.Facts["depends"] = "the whole subject of its certificate (clientname=DN), of which only the common name is known"
		return step
	}
	if system == "" {
		step.Facts["system"], step.Reason = "of the client's operating system", "ident/unsure"
		step.Facts["depends"] = "which user its process runs as"
		return step
	}
	mapped := ident.Map(s.Maps, mapName, system, nameOf(c.session.Role), e.memberships(s)).Match
	if mapName == "" && system == c.session.Role { // without a map the two have to be the same name
		mapped = netpol.Yes
	}
	switch mapped {
	case netpol.Yes:
		step.Verdict, step.Reason = verdict.Allow, "ident/mapped"
	case netpol.No:
		step.Verdict, step.Reason = verdict.Deny, "ident/not-mapped"
	default:
		step.Reason = "ident/unsure"
		step.Facts["depends"] = "an expression or a membership that no manifest settles"
	}
	if origin := mapOrigin(s.Maps, mapName); !origin.IsZero() {
		step.Origin = origin
	}
	return step
}

func mapOrigin(f ident.File, name string) verdict.Origin {
	for _, m := range f.Mappings {
		if m.Map == name {
			return m.Origin
		}
	}
	return verdict.Origin{}
}
