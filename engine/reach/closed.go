package reach

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An Access is one cell of the closed list: whether a client gets a session on a
// database as a role, over any path and in any way of presenting itself.
type Access struct {
	// From are the members of one workload that get the same answer, or outside
	// addresses with a name.
	From     snapshot.Ref
	Members  []*snapshot.Pod
	Outside  flow.Addresses
	Server   *snapshot.Server
	Database string // AnyOther for all that no manifest names
	Role     string
	Verdict  verdict.Verdict
	// Logins are the ways in, those allowed first; empty when refused.
	Logins      []Login
	Assumptions []string
}

// A Login is one way to present oneself, with the routes it works on.
type Login struct {
	Verdict verdict.Verdict `json:"verdict"`
	// Method is what the record asks for: "scram-sha-256", "trust", "cert".
	Method string `json:"method"`
	TLS    bool   `json:"tls"`
	Cert   bool   `json:"cert"`
	// Routes are the Services, poolers and pods it works through, as people name them.
	Routes []Route `json:"routes"`
	// Step is what keeps the login from being known to work; zero when it does.
	Step verdict.Step `json:"-"`
}

// A Route is a way to a server without the member at its end.
type Route struct {
	Service string `json:"service,omitempty"` // namespace/name; empty for straight to the pod
	Pooler  string `json:"pooler,omitempty"`
	Member  string `json:"member"` // "ledger (primary)"
	Port    uint16 `json:"port"`
}

// WhoCan answers for one server, closed-world: every client that the snapshot
// holds and everybody outside, every database and role that a manifest names and
// all others as one class, over every path. What is not in the list is refused.
func (e *Engine) WhoCan(s *snapshot.Server) []Access {
	quick := *e
	quick.decided = map[hop]verdict.Step{}
	b := &book{Engine: &quick, server: s, sessions: sessions(s), talks: map[talk]spoken{}, clients: map[string][]Access{}}
	var out []Access
	for _, w := range e.World.Workloads {
		out = append(out, b.workload(w)...)
	}
	return append(out, b.outside()...)
}

// A book keeps what conversations came to: they depend on little of the client, so
// that a thousand clients have the same few.
type book struct {
	*Engine
	server   *snapshot.Server
	sessions []Session
	talks    map[talk]spoken
	clients  map[string][]Access // by kin
	from     string              // the addresses of the outside client being asked about
}

// A talk is all that a conversation depends on.
type talk struct {
	pooler      *snapshot.Pooler
	hop, member *snapshot.Pod
	port        uint16
	client      *snapshot.Pod // only where its address is known or a file asks for its labels
	outside     string
	session     Session
}

type spoken struct {
	verdict     verdict.Verdict
	method      string
	step        verdict.Step
	assumptions []string
}

// An arrival is a way whose packets get through, or may.
type arrival struct {
	way
	verdict     verdict.Verdict
	step        verdict.Step // what leaves it in doubt
	assumptions []string
}

// workload answers for each member, and joins the members that agree.
func (b *book) workload(w *snapshot.Workload) []Access {
	var groups []memberGroup
	for _, p := range w.Pods {
		groups = joinMember(groups, p, b.pod(p))
	}
	var out []Access
	for _, g := range groups {
		for _, a := range g.list {
			a.From, a.Members = network.GroupRef(w, g.pods), g.pods
			out = append(out, a)
		}
	}
	return out
}

// pod answers for a pod, once for all pods that nothing tells apart.
func (b *book) pod(p *snapshot.Pod) []Access {
	kin, ok := b.kin(p)
	if !ok {
		return b.client(network.PodEndpoint(p))
	}
	list, known := b.clients[kin]
	if !known {
		list = b.client(network.PodEndpoint(p))
		b.clients[kin] = list
	}
	return list
}

// kin is all of a pod that an answer about this server may depend on; false where
// the pod itself matters: it may meet itself, a mesh object may select it, or a
// record asks for its labels.
func (b *book) kin(p *snapshot.Pod) (string, bool) {
	meshed := slices.ContainsFunc(b.World.Unmodelled, func(u snapshot.Unmodelled) bool { return u.Layer == verdict.Mesh })
	own := p.Workload == b.server.Workload || poolerOf(b.server, p) != nil
	if meshed || own || b.server.HBA.AsksForPods() {
		return "", false
	}
	return fmt.Sprint(p.HostNetwork, p.Addresses, b.Network.ClassOf(p)), true
}

type memberGroup struct {
	pods []*snapshot.Pod
	list []Access
}

func joinMember(groups []memberGroup, p *snapshot.Pod, list []Access) []memberGroup {
	for i, g := range groups {
		if slices.EqualFunc(g.list, list, sameAnswer) {
			groups[i].pods = append(g.pods, p)
			return groups
		}
	}
	return append(groups, memberGroup{[]*snapshot.Pod{p}, list})
}

// sameAnswer compares cells of the same question from two clients.
func sameAnswer(a, b Access) bool {
	return a.Database == b.Database && a.Role == b.Role && a.Verdict == b.Verdict &&
		slices.EqualFunc(a.Logins, b.Logins, func(x, y Login) bool {
			return x.Verdict == y.Verdict && x.Method == y.Method && x.TLS == y.TLS && x.Cert == y.Cert &&
				slices.Equal(x.Routes, y.Routes)
		})
}

// outside splits the world beyond the cluster where answers may differ, and joins
// the parts whose answers are the same.
func (b *book) outside() []Access {
	var out []Access
	type part struct {
		addresses flow.Addresses
		list      []Access
	}
	var parts []part
next:
	for _, atom := range b.atoms() {
		b.from = atom.Text()
		list := b.client(network.OutsideEndpoint(atom))
		for i := range parts {
			if slices.EqualFunc(parts[i].list, list, sameAnswer) {
				parts[i].addresses = parts[i].addresses.Union(atom)
				continue next
			}
		}
		parts = append(parts, part{atom, list})
	}
	for _, p := range parts {
		for _, a := range p.list {
			a.From, a.Outside = b.outsideRef(p.addresses), p.addresses
			out = append(out, a)
		}
	}
	return out
}

// outsideRef names addresses by the facts file's name, or by themselves.
func (b *book) outsideRef(a flow.Addresses) snapshot.Ref {
	for _, o := range b.World.Facts.Outside {
		if o.Addresses.Equal(a) {
			return snapshot.Ref{Kind: "Outside", Name: o.Name}
		}
	}
	name := a.Text()
	if rest := flow.AllAddresses().Minus(a); len(rest.Prefixes()) < len(a.Prefixes()) {
		name = "all but " + rest.Text()
		if rest.IsEmpty() {
			name = "everywhere"
		}
	}
	return snapshot.Ref{Kind: "Outside", Name: name}
}

// atoms are the parts of the outside that every block either covers or misses.
func (b *book) atoms() []flow.Addresses {
	out := []flow.Addresses{flow.IPv4(), flow.AllAddresses().Minus(flow.IPv4())}
	for _, cut := range b.cuts() {
		var next []flow.Addresses
		for _, atom := range out {
			for _, piece := range []flow.Addresses{atom.Intersect(cut), atom.Minus(cut)} {
				if !piece.IsEmpty() {
					next = append(next, piece)
				}
			}
		}
		out = next
	}
	return out
}

// cuts are the ranges at which an answer about the outside may change.
func (b *book) cuts() []flow.Addresses {
	var out []flow.Addresses
	for _, o := range b.World.Facts.Outside {
		out = append(out, o.Addresses)
	}
	for _, p := range b.World.Policies {
		if !b.livesIn(p.Namespace) {
			continue
		}
		for _, r := range p.Rules[netpol.Ingress] {
			for _, peer := range r.Peers {
				if peer.Block != nil {
					out = append(out, peer.Block.Addresses)
				}
			}
		}
	}
	out = append(out, nets(b.server.HBA)...)
	for _, p := range b.server.Poolers {
		out = append(out, nets(p.HBA)...)
	}
	for _, svc := range servicesOf(Target{Server: b.server}) {
		if len(svc.SourceRanges) > 0 {
			out = append(out, flow.AddressesOf(svc.SourceRanges...))
		}
	}
	return out
}

func (b *book) livesIn(namespace string) bool {
	if b.server.Workload.Namespace == namespace {
		return true
	}
	return slices.ContainsFunc(b.server.Poolers, func(p *snapshot.Pooler) bool { return p.Workload.Namespace == namespace })
}

// nets are the address ranges that a file's records name; a mask that is no prefix
// has none, and leaves its record unsure.
func nets(f hba.File) []flow.Addresses {
	var out []flow.Addresses
	for _, r := range f.Records {
		if p, ok := r.Address.Prefix(); ok {
			if cut := flow.AddressesOf(p).Minus(loopback); !cut.IsEmpty() {
				out = append(out, cut)
			}
		}
	}
	return out
}

// client answers every database and role for one endpoint.
func (b *book) client(from network.Endpoint) []Access {
	arrivals := b.arrivals(from)
	if len(arrivals) == 0 {
		return nil
	}
	var out []Access
	cells := map[[2]string]int{}
	for _, s := range b.sessions {
		cell := [2]string{s.Database, s.Role}
		i, known := cells[cell]
		if !known {
			i = len(out)
			cells[cell] = i
			out = append(out, Access{Server: b.server, Database: s.Database, Role: s.Role, Verdict: verdict.Deny})
		}
		for _, a := range arrivals {
			b.enter(&out[i], from, a, s)
		}
	}
	for i := range out {
		slices.SortStableFunc(out[i].Logins, func(a, b Login) int { return rank(a.Verdict) - rank(b.Verdict) })
	}
	return slices.DeleteFunc(out, func(a Access) bool { return a.Verdict == verdict.Deny })
}

// arrivals are the ways on which packets get through or may.
func (b *book) arrivals(from network.Endpoint) []arrival {
	var out []arrival
	for _, w := range b.ways(Question{From: from, To: Target{Server: b.server}}) {
		steps, ok := b.approach(from, w)
		if v := combined(steps); ok && v != verdict.Deny && !w.refused {
			a := arrival{way: w, verdict: v}
			for _, s := range steps {
				a.assumptions = snapshot.Merge(a.assumptions, s.Assumptions)
				if s.Verdict == verdict.Unknown && a.step.Layer == "" {
					a.step = s
				}
			}
			out = append(out, a)
		}
	}
	return out
}

// enter adds to a cell what a session comes to on an arrival.
func (b *book) enter(cell *Access, from network.Endpoint, a arrival, s Session) {
	said := b.speak(from, a.way, s)
	v := verdict.All(a.verdict, said.verdict)
	if v == verdict.Deny {
		return
	}
	cell.Verdict = verdict.Any(cell.Verdict, v)
	cell.Assumptions = snapshot.Merge(cell.Assumptions, a.assumptions, said.assumptions)
	login := Login{Verdict: v, Method: said.method, TLS: s.TLS, Cert: s.Cert != ""}
	if v == verdict.Unknown {
		login.Step = said.step
		if a.verdict == verdict.Unknown {
			login.Step = a.step
		}
	}
	route := routeOf(a.way)
	for i, known := range cell.Logins {
		if known.Verdict == login.Verdict && known.Method == login.Method && known.TLS == login.TLS && known.Cert == login.Cert {
			if !slices.Contains(known.Routes, route) {
				cell.Logins[i].Routes = append(known.Routes, route)
			}
			return
		}
	}
	login.Routes = []Route{route}
	cell.Logins = append(cell.Logins, login)
}

func routeOf(w way) Route {
	r := Route{Port: w.firstPort()}
	if w.service != nil {
		r.Service = w.service.Namespace + "/" + w.service.Name
	}
	if w.pooler != nil {
		r.Pooler = w.pooler.Ref().Namespace + "/" + w.pooler.Ref().Name
	}
	if w.member != nil {
		r.Member = w.member.Ref().Name
	}
	return r
}

// speak is converse, remembered.
func (b *book) speak(from network.Endpoint, w way, s Session) spoken {
	key := talk{pooler: w.pooler, port: w.port.Port, session: s}
	if w.pooler != nil {
		key.hop, key.member = w.hop, w.member
	}
	if from.Pod != nil && (len(from.Pod.Addresses) > 0 || b.server.HBA.AsksForPods()) {
		key.client = from.Pod
	} else if from.Pod == nil {
		key.outside = b.from
	}
	said, known := b.talks[key]
	if !known {
		steps, method := b.converse(Question{From: from, To: Target{Server: b.server}, Session: s}, w)
		said = spoken{verdict: combined(steps), method: method}
		for _, step := range steps {
			said.assumptions = snapshot.Merge(said.assumptions, step.Assumptions)
			if step.Verdict == verdict.Unknown && said.step.Layer == "" {
				said.step = step
			}
		}
		b.talks[key] = said
	}
	return said
}

// PhysicalReplication stands, as database, for the whole cluster as a standby or a
// base backup reads it; "all" does not match it (PostgreSQL hba.c check_db).
const PhysicalReplication = "(physical replication)"

// sessions lists what clients may ask a server for: every database and role that
// is named anywhere and any other, in plain text, over TLS, and over TLS with a
// client certificate of the role where some record asks for one.
func sessions(s *snapshot.Server) []Session {
	var out []Session
	certs := asksForCertificates(s)
	for _, db := range append(Databases(s), AnyOther, PhysicalReplication) {
		for _, role := range append(Roles(s), AnyOther) {
			asked := Session{Database: db, Role: role, Replication: db == PhysicalReplication}
			plain, tls, cert := asked, asked, asked
			tls.TLS, cert.TLS, cert.Cert = true, true, role
			out = append(out, tls, plain)
			if certs {
				out = append(out, cert)
			}
		}
	}
	return out
}

func asksForCertificates(s *snapshot.Server) bool {
	return slices.ContainsFunc(s.HBA.Records, func(r hba.Record) bool {
		return r.Method == "cert" || option(r, "clientcert") != ""
	})
}

// Databases lists the databases that the server's manifests or its files name.
func Databases(s *snapshot.Server) []string {
	out := slices.Clone(s.Databases)
	for _, r := range remote(s) {
		out = append(out, hba.Literals(r.Databases, "all", "sameuser", "samerole", "samegroup", "replication")...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Roles lists the roles that the server's manifests or its files name.
func Roles(s *snapshot.Server) []string {
	var out []string
	for _, r := range s.Roles {
		if !r.NoLogin {
			out = append(out, r.Name)
		}
	}
	for _, r := range remote(s) {
		out = append(out, hba.Literals(r.Users, "all")...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// remote are the records that decide about clients of a server: those of its own
// file and of its poolers', without the ones that only a Unix socket meets, unless
// sessions come through one.
func remote(s *snapshot.Server) []hba.Record {
	socket := slices.ContainsFunc(s.Ports, func(p snapshot.ServerPort) bool { return p.Sees == snapshot.SeesSocket })
	out := slices.Clone(s.HBA.Records)
	for _, p := range s.Poolers {
		out = append(out, p.HBA.Records...)
	}
	return slices.DeleteFunc(out, func(r hba.Record) bool { return r.Type == hba.Local && !socket })
}

// A ControlAccess says who reaches a port that gives control without SQL.
type ControlAccess struct {
	From    snapshot.Ref
	Server  *snapshot.Server
	Port    snapshot.ControlPort
	Verdict verdict.Verdict
	Step    verdict.Step // what decides
}

// Control lists the clients that reach, or may reach, the server's control ports.
func (e *Engine) Control(s *snapshot.Server) []ControlAccess {
	var out []ControlAccess
	b := &book{Engine: e, server: s}
	for _, port := range s.Control {
		for _, v := range []verdict.Verdict{verdict.Allow, verdict.Unknown} {
			for _, w := range e.World.Workloads {
				if a, ok := e.control(s, port, w, v); ok {
					out = append(out, a)
				}
			}
			if a, ok := b.controlOutside(port, v); ok {
				out = append(out, a)
			}
		}
	}
	return out
}

// controlOutside gathers the addresses outside that get the verdict at a port.
func (b *book) controlOutside(port snapshot.ControlPort, want verdict.Verdict) (ControlAccess, bool) {
	a := ControlAccess{Server: b.server, Port: port, Verdict: want}
	var all flow.Addresses
	for _, atom := range b.atoms() {
		if v, step := b.controlFrom(b.server, port, network.OutsideEndpoint(atom)); v == want {
			all, a.Step = all.Union(atom), step
		}
	}
	a.From = b.outsideRef(all)
	return a, !all.IsEmpty()
}

// control gathers the members of a workload that get the verdict at a port.
func (e *Engine) control(s *snapshot.Server, port snapshot.ControlPort, w *snapshot.Workload, want verdict.Verdict) (ControlAccess, bool) {
	a := ControlAccess{Server: s, Port: port, Verdict: want}
	var pods []*snapshot.Pod
	for _, p := range w.Pods {
		if v, step := e.controlFrom(s, port, network.PodEndpoint(p)); v == want {
			pods, a.Step = append(pods, p), step
		}
	}
	if len(pods) == 0 {
		return a, false
	}
	a.From = network.GroupRef(w, pods)
	return a, true
}

// controlFrom is the best that one client gets at any member.
func (e *Engine) controlFrom(s *snapshot.Server, port snapshot.ControlPort, from network.Endpoint) (verdict.Verdict, verdict.Step) {
	best, decisive := verdict.Deny, verdict.Step{}
	for _, m := range s.Members() {
		if sameInstance(from.Pod, m) {
			continue
		}
		steps := e.packets(from, m, port.Port)
		if v := combined(steps); better(v, best) {
			best, decisive = v, steps[len(steps)-1]
		}
	}
	return best, decisive
}
