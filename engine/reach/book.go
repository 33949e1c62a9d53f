package reach

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A book makes the closed list of one server. What is said once packets have arrived
// depends on little of a client, and how they arrive on little of its pod, so that ten
// thousand clients get the same few lists.
type book struct {
	*Engine
	server *snapshot.Server
	names  Names
	// records are those of all files, numbered; member answers +role.
	records []*hba.Record
	member  func(role, group string) hba.Match
	parts   []nameBlock
	ways    []way // of a pod that is none of the server's
	// fromOutside are the ways of addresses outside, once they were asked for.
	fromOutside []way
	// kinds number the conversations that ways lead to, routes what people call them.
	kinds map[conversation]int32
	faces map[string]int32
	said  map[talk]spoken
	lists map[string][]Access
	ids   map[arrivalID]int32
	// arrived keeps the arrivals of pods, by their class.
	arrived map[int32][]arrival
	quickly map[quickKey][]Access
	// cells are remembered by all that they depend on, of which sequences number the lists.
	cells     map[cellKey]Access
	sequences map[string]int32
	// plain are the faces of pods that no file tells apart, plus one, by likeness.
	plain                         [likes]int32
	asksForPods, asksForAddresses bool
	groups                        *groups // made when first asked for
	passes                        map[passage][]verdict.Verdict
}

func newBook(e *Engine, s *snapshot.Server, names Names) *book {
	listed := *e
	listed.listing = &listing{decided: map[hop]verdict.Step{}, member: memberships(s)}
	b := &book{Engine: &listed, server: s, names: names, records: recordsOf(s), member: listed.listing.member,
		kinds: map[conversation]int32{}, faces: map[string]int32{}, said: map[talk]spoken{}, lists: map[string][]Access{},
		ids: map[arrivalID]int32{}, arrived: map[int32][]arrival{},
		quickly: map[quickKey][]Access{}, cells: map[cellKey]Access{}, sequences: map[string]int32{}, passes: map[passage][]verdict.Verdict{}}
	for _, r := range b.records {
		b.asksForPods = b.asksForPods || r.Address.Kind == hba.Pods
		b.asksForAddresses = b.asksForAddresses || r.Type != hba.Local && r.Address.Kind != hba.AnyAddress
	}
	b.parts = b.blocks()
	b.ways = b.Engine.ways(Question{From: network.Endpoint{Virtual: &network.Virtual{}}, To: Target{Server: s}})
	return b
}

// A conversation is the part of a way that decides what is said on it.
type conversation struct {
	pooler *snapshot.Pooler
	hop    *snapshot.Pod
	// member is the one that a pooler's own packets go to: the first of its class.
	member *snapshot.Pod
	port   snapshot.ServerPort
	// seen tells a node from a client with its address, tlsOnly a route that takes nothing
	// else, inside a process in the pod.
	inside  Inside
	seen    Seen
	tlsOnly bool
}

func (b *book) conversationOf(w way) conversation {
	c := conversation{pooler: w.pooler, port: w.port, inside: w.inside, seen: w.seen, tlsOnly: w.tlsOnly()}
	if w.pooler != nil {
		c.hop, c.member = w.hop, b.alike(w.member)
	}
	return c
}

// alike is the first member of the class that policies see a member in; itself where
// mesh objects decide too.
func (b *book) alike(m *snapshot.Pod) *snapshot.Pod {
	class := b.lookup().Class(m)
	if class < 0 || b.meshed || len(m.Addresses) > 0 {
		return m
	}
	for _, o := range b.server.Members() {
		if b.lookup().Class(o) == class && len(o.Addresses) == 0 {
			return o
		}
	}
	return m
}

// A talk is all that what is said depends on.
type talk struct {
	kind    int32
	block   int32
	session int32
	face    int32
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
	kind        int32
	route       Route
	id          int32 // of all that is told of it
	verdict     verdict.Verdict
	step        verdict.Step // what leaves it in doubt
	assumptions []string
}

// client answers every database and role for one endpoint.
func (b *book) client(from network.Endpoint, arrivals []arrival) []Access {
	doubt, unread := b.unread(from, Target{Server: b.server})
	if len(arrivals) == 0 && !unread {
		return nil
	}
	short := quickKey{face: b.own(from)}
	if len(arrivals) > 0 {
		short.arrivals = &arrivals[0]
	}
	if unread && from.Pod != nil {
		short.namespace = from.Pod.Namespace
	}
	if list, known := b.quickly[short]; known {
		return list
	}
	list := b.signed(b.signature(arrivals, short), from, arrivals, doubt, unread)
	b.quickly[short] = list
	return list
}

// A quickKey is what the list of a client depends on whose arrivals are shared.
type quickKey struct {
	arrivals  *arrival
	face      int32
	namespace string // where a document could not be read
}

// signed is the list with a signature.
func (b *book) signed(key string, from network.Endpoint, arrivals []arrival, doubt verdict.Step, unread bool) []Access {
	list, known := b.lists[key]
	if !known {
		list = b.list(from, arrivals)
		if unread {
			list = b.inDoubt(list, doubt)
		}
		b.lists[key] = list
	}
	return list
}

// signature is all that a list depends on.
func (b *book) signature(arrivals []arrival, short quickKey) string {
	key := make([]byte, 0, 8*len(arrivals)+16)
	for _, a := range arrivals {
		key = binary.AppendVarint(key, int64(a.id))
		if a.as != nil {
			key = binary.AppendVarint(key, int64(b.face(*a.as)))
		}
	}
	key = binary.AppendVarint(key, int64(short.face))
	return string(append(key, short.namespace...))
}

// own is the face of a client, the same for all pods that files cannot tell apart.
func (b *book) own(from network.Endpoint) int32 {
	p := from.Pod
	if p == nil || b.tellsApart(likeness(p)) {
		return b.face(from)
	}
	like := likeness(p)
	if b.plain[like] == 0 {
		b.plain[like] = b.face(from) + 1
	}
	return b.plain[like] - 1
}

func number[K comparable](numbers map[K]int32, key K) int32 {
	n, known := numbers[key]
	if !known {
		n = int32(len(numbers)) //nolint:gosec // far below 2^31
		numbers[key] = n
	}
	return n
}

// list holds the blocks against the arrivals.
func (b *book) list(from network.Endpoint, arrivals []arrival) []Access {
	ids := make([]int32, len(arrivals))
	sights := make([]*sight, len(arrivals))
	for n, a := range arrivals {
		ids[n] = a.id
		if n > 0 && a.as == nil && arrivals[n-1].as == nil {
			sights[n] = sights[n-1]
			continue
		}
		sights[n] = b.sight(a.sender(from))
	}
	key := cellKey{arrivals: b.sequence(ids)}
	faces := make([]int32, len(arrivals))
	var out []Access
	for i := range b.parts {
		for n, s := range sights {
			if n > 0 && s == sights[n-1] {
				faces[n] = faces[n-1]
				continue
			}
			faces[n] = b.faceOf(s, b.parts[i].alive)
		}
		key.block, key.faces = int32(i), b.sequence(faces) //nolint:gosec // far below 2^31
		cell, known := b.cells[key]
		if !known {
			cell = b.cell(from, arrivals, key.block, faces)
			b.cells[key] = cell
		}
		if cell.Verdict != verdict.Deny {
			out = b.spread(out, cell, b.parts[i])
		}
	}
	return b.inOrder(out)
}

// A cellKey is what a cell depends on: a block of names, the arrivals, and what files see
// of the client on each of them.
type cellKey struct{ block, arrivals, faces int32 }

// sequence numbers a list of numbers.
func (b *book) sequence(list []int32) int32 {
	key := make([]byte, 0, 3*len(list))
	for _, n := range list {
		key = binary.AppendVarint(key, int64(n))
	}
	return number(b.sequences, string(key))
}

// cell is what a client comes to in a block.
func (b *book) cell(from network.Endpoint, arrivals []arrival, block int32, faces []int32) Access {
	cell := Access{Server: b.server, Verdict: verdict.Deny}
	for n := range b.parts[block].sessions {
		for j, a := range arrivals {
			b.enter(&cell, from, a, talk{a.kind, block, int32(n), faces[j]}) //nolint:gosec // far below 2^31
		}
	}
	slices.SortStableFunc(cell.Logins, func(x, y Login) int { return rank(x.Verdict) - rank(y.Verdict) })
	return cell
}

// spread gives each database and role of a block the answer of its first.
func (b *book) spread(out []Access, cell Access, part nameBlock) []Access {
	for _, database := range part.databases {
		for _, role := range part.roles {
			one := cell
			one.Database, one.Role = database, role
			one.Logins = named(cell.Logins, part.sessions[0], one)
			out = append(out, one)
		}
	}
	return out
}

// named says of a doubt whose session it is about.
func named(logins []Login, about Session, one Access) []Login {
	was := sessionName(about)
	is := sessionName(Session{Database: one.Database, Role: one.Role, Replication: about.Replication})
	if was == is {
		return logins
	}
	out := slices.Clone(logins)
	for i, l := range logins {
		if transport, ok := strings.CutPrefix(l.Step.Facts["who"], was); ok {
			out[i].Step.Facts = with(l.Step.Facts, "who", is+transport)
		}
	}
	return out
}

// inOrder sorts as the names are: databases, then roles, all others last.
func (b *book) inOrder(list []Access) []Access {
	place := func(names []string, name string) int {
		switch name {
		case AnyOther:
			return len(names)
		case PhysicalReplication:
			return len(names) + 1
		}
		i, _ := slices.BinarySearch(names, name)
		return i
	}
	slices.SortStableFunc(list, func(x, y Access) int {
		if d := place(b.names.Databases, x.Database) - place(b.names.Databases, y.Database); d != 0 {
			return d
		}
		return place(b.names.Roles, x.Role) - place(b.names.Roles, y.Role)
	})
	return list
}

// inDoubt adds the cells that a document leaves open which could not be read.
func (b *book) inDoubt(list []Access, step verdict.Step) []Access {
	has := map[[2]string]bool{}
	for _, a := range list {
		has[[2]string{a.Database, a.Role}] = true
	}
	out := slices.Clone(list)
	for _, part := range b.parts {
		for _, database := range part.databases {
			for _, role := range part.roles {
				if has[[2]string{database, role}] {
					continue
				}
				a := Access{Server: b.server, Database: database, Role: role, Verdict: verdict.Deny}
				a.inDoubt(step)
				out = append(out, a)
			}
		}
	}
	return b.inOrder(out)
}

// enter adds to a cell what a session comes to on an arrival.
func (b *book) enter(cell *Access, from network.Endpoint, a arrival, t talk) {
	said := b.speak(from, a.way, t)
	v := verdict.All(a.verdict, said.verdict)
	if v == verdict.Deny {
		return
	}
	s := b.parts[t.block].sessions[t.session]
	cell.Verdict = verdict.Any(cell.Verdict, v)
	cell.Assumptions = snapshot.Merge(cell.Assumptions, a.assumptions, said.assumptions)
	login := Login{Verdict: v, Method: said.method, TLS: s.TLS, Cert: s.Cert != ""}
	if v == verdict.Unknown {
		login.Step = said.step
		if a.verdict == verdict.Unknown {
			login.Step = a.step
		}
	}
	for i, known := range cell.Logins {
		if known.Verdict == login.Verdict && known.Method == login.Method && known.TLS == login.TLS && known.Cert == login.Cert {
			if !slices.Contains(known.Routes, a.route) {
				cell.Logins[i].Routes = append(known.Routes, a.route)
			}
			return
		}
	}
	login.Routes = []Route{a.route}
	cell.Logins = append(cell.Logins, login)
}

// speak is converse, remembered.
func (b *book) speak(from network.Endpoint, w way, t talk) spoken {
	said, known := b.said[t]
	if known {
		return said
	}
	q := Question{From: from, To: Target{Server: b.server}, Session: b.parts[t.block].sessions[t.session]}
	steps, method := b.converse(q, w)
	said = spoken{verdict: combined(steps), method: method}
	for _, step := range steps {
		said.assumptions = snapshot.Merge(said.assumptions, step.Assumptions)
		if step.Verdict == verdict.Unknown && said.step.Layer == "" {
			said.step = step
		}
	}
	b.said[t] = said
	return said
}

// face numbers what all records can see of a client.
func (b *book) face(from network.Endpoint) int32 { return b.faceOf(b.sight(from), nil) }

// A sight is what files may look at of a client.
type sight struct {
	client hba.Client
	kind   []byte // what is no address
}

func (b *book) sight(from network.Endpoint) *sight {
	s := &sight{client: b.address(from)}
	s.kind = strconv.AppendBool(s.kind, from.Pod != nil || from.Virtual != nil)
	s.kind = strconv.AppendInt(s.kind, int64(min(len(s.client.Prefixes), 1)), 10)
	s.kind = strconv.AppendBool(s.kind, s.client.HostNetwork)
	if len(s.client.Prefixes) == 0 {
		s.client.Prefixes = slices.Concat(podsIPv4, podsIPv6)
	}
	return s
}

// faceOf numbers what records see of a client: for each, whether it is about the client's
// address. Only the records of the list count; nil is all of them.
func (b *book) faceOf(s *sight, alive []int) int32 {
	key := make([]byte, len(s.kind), len(s.kind)+len(alive)+8)
	copy(key, s.kind)
	if alive == nil {
		for _, r := range b.records {
			key = appendMatches(key, r, s.client)
		}
		return number(b.faces, string(key))
	}
	for _, i := range alive {
		key = appendMatches(key, b.records[i], s.client)
	}
	return number(b.faces, string(key))
}

// appendMatches adds what the record makes of the client, and where that is open, what
// it makes of each of the addresses the client can have.
func appendMatches(key []byte, r *hba.Record, c hba.Client) []byte {
	m := r.MatchAddress(&c)
	key = append(key, byte(m))
	if m != hba.Unsure || len(c.Prefixes) < 2 {
		return key
	}
	for _, p := range c.Prefixes {
		c.Prefixes = []netip.Prefix{p}
		key = append(key, byte(r.MatchAddress(&c)))
	}
	return key
}

// routeOf is a way as people call it.
func routeOf(w way) Route {
	r := Route{Port: w.firstPort(), Through: w.through, Sees: w.seesText()}
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
