package change

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// edits are all things that are not the same in both estates.
type edits struct {
	list     []Cause
	services map[snapshot.Ref][]Cause
	// servers are the edits of each server that are no line of a file.
	servers map[snapshot.Ref][]Cause
	// reverts are those that can be undone to see what an attempt then comes to, by
	// server; world has those of the whole estate.
	reverts map[snapshot.Ref][]revert
	world   []revert
	// makers are what an operator makes lines and pods of that no manifest holds: its
	// release, and the fields that were changed.
	makers map[snapshot.Ref][]Cause
	// rendered undoes what they make of them.
	rendered map[snapshot.Ref][]func(*mixture)
	// after finds the new pod that an old one has become.
	after func(*snapshot.Pod) *snapshot.Pod
}

func (c *comparer) findEdits() *edits {
	e := &edits{services: map[snapshot.Ref][]Cause{}, servers: map[snapshot.Ref][]Cause{}, reverts: map[snapshot.Ref][]revert{},
		makers: map[snapshot.Ref][]Cause{}, rendered: map[snapshot.Ref][]func(*mixture){}, after: c.network.After}
	for _, x := range c.network.Edits() {
		e.list = append(e.list, ofNetwork(x))
	}
	worlds := [2]*snapshot.Snapshot{c.engines[before].World, c.engines[after].World}
	e.findFacts(worlds)
	e.findRoutes(worlds)
	e.findServices(worlds)
	for _, pair := range serverPairs(worlds[before].Servers, worlds[after].Servers) {
		e.findServer(pair)
	}
	return e
}

func ofNetwork(x *network.Edit) Cause {
	return Cause{Kind: string(x.Kind), Change: x.Change, Object: x.Object, Field: x.Field, Was: x.Was, Is: x.Is, Old: x.Old, New: x.New}
}

func (e *edits) add(into map[snapshot.Ref][]Cause, ref snapshot.Ref, x Cause) {
	into[ref] = append(into[ref], x)
	e.list = append(e.list, x)
}

func changeOf(had, has bool) network.ChangeKind {
	switch {
	case !had:
		return network.ChangeAdded
	case !has:
		return network.ChangeRemoved
	}
	return network.ChangeMoved
}

// findServer compares what the two versions of a server say of themselves.
func (e *edits) findServer(pair serverPair) {
	ref := pair.ref()
	if !pair.both() {
		x := Cause{Kind: "server", Change: changeOf(pair[before] != nil, pair[after] != nil), Object: ref.String()}
		for v, at := range []*verdict.Origin{&x.Old, &x.New} {
			if pair[v] != nil {
				*at = pair[v].Origin
			}
		}
		e.add(e.servers, ref, x)
		return
	}
	old, next := pair[before], pair[after]
	e.findMakers(ref, old, next)
	e.lines(ref, "pg_hba", ref.String(), [2]*hba.File{&old.HBA, &next.HBA}, func(m *mixture) *hba.File { return &m.server.HBA })
	e.mapLines(ref, [2]*ident.File{&old.Maps, &next.Maps})
	e.tls(ref, ref.String(), [2]snapshot.TLS{old.TLS, next.TLS}, func(m *mixture, t snapshot.TLS) {
		m.server.TLS = t
		m.portsTLS(old.Ports)
	})
	e.ports(ref, old, next)
	e.roles(ref, old, next)
	e.changed(ref, Cause{Kind: "server", Object: ref.String(), Field: "version", Was: fmt.Sprint(old.Version), Is: fmt.Sprint(next.Version),
		Old: old.Origin, New: next.Origin}, func(m *mixture) { m.server.Version = old.Version })
	e.poolers(pair)
	e.servicesBefore(pair)
	if made := e.rendered[ref]; len(made) > 0 {
		e.reverts[ref] = append(e.reverts[ref], revert{e.makers[ref], func(m *mixture) {
			for _, undo := range made {
				undo(m)
			}
		}})
	}
}

// findMakers compares what the operator goes by: its release, or else the fields that it
// was told.
func (e *edits) findMakers(ref snapshot.Ref, old, next *snapshot.Server) {
	if old.OperatorVersion != next.OperatorVersion {
		e.add(e.makers, ref, Cause{Kind: "server", Change: network.ChangeMoved, Object: ref.String(), Field: "the operator's release",
			Was: cmp.Or(old.OperatorVersion, "not known"), Is: cmp.Or(next.OperatorVersion, "not known")})
		return
	}
	for _, s := range next.Settings {
		at := slices.IndexFunc(old.Settings, func(o snapshot.Setting) bool { return o.Key == s.Key && o.Origin.Object == s.Origin.Object })
		if at < 0 || old.Settings[at].Value == s.Value {
			continue
		}
		was := old.Settings[at]
		e.add(e.makers, ref, Cause{Kind: "server", Change: network.ChangeMoved, Object: cmp.Or(s.Origin.Object, ref.String()), Field: s.Key,
			Was: was.Value, Is: s.Value, Old: was.Origin, New: s.Origin})
	}
}

// ofServer are the edits of a server that what it has beside PostgreSQL may come of.
func (e *edits) ofServer(ref snapshot.Ref) ([]Cause, network.Proof) {
	out := slices.Concat(e.makers[ref], e.servers[ref])
	if len(out) == 1 {
		return out, network.ProofEach
	}
	return out, network.ProofAmong
}

// tls compares what is offered, at a server or a pooler.
func (e *edits) tls(server snapshot.Ref, object string, two [2]snapshot.TLS, put func(*mixture, snapshot.TLS)) {
	e.changed(server, Cause{Kind: "tls", Object: object, Field: "TLS", Was: tlsText(two[before]), Is: tlsText(two[after]),
		Old: two[before].Origin, New: two[after].Origin}, func(m *mixture) { put(m, two[before]) })
}

func tlsText(t snapshot.TLS) string {
	word := map[verdict.Verdict]string{verdict.Allow: "yes", verdict.Deny: "no", verdict.Unknown: "unknown"}
	return "offered: " + word[t.Enabled] + ", client CA: " + word[t.ClientCA]
}

// portsTLS takes back what ports without TLS there are.
func (m *mixture) portsTLS(old []snapshot.ServerPort) {
	for i := range m.server.Ports {
		for _, p := range old {
			if p.Port == m.server.Ports[i].Port {
				m.server.Ports[i].NoTLS = p.NoTLS
			}
		}
	}
}

// ports compares the ports that speak PostgreSQL, and the files of poolers in the pods.
func (e *edits) ports(ref snapshot.Ref, old, next *snapshot.Server) {
	withTLS := tlsText(old.TLS) == tlsText(next.TLS) // else that tells of the ports, too
	if was, is := serverPorts(old, withTLS), serverPorts(next, withTLS); was != is {
		e.render(ref, Cause{Kind: "port", Change: network.ChangeMoved, Object: ref.String(), Field: "ports", Was: was, Is: is,
			Old: old.Ports[0].Origin, New: next.Ports[0].Origin}, func(m *mixture) { m.server.Ports = slices.Clone(old.Ports) })
	}
	for i := range min(len(old.Ports), len(next.Ports)) {
		if a, b := old.Ports[i].Pooler, next.Ports[i].Pooler; a != nil && b != nil {
			e.lines(ref, "pooler", ref.String(), [2]*hba.File{a, b}, func(m *mixture) *hba.File { return m.sidecar(i) })
		}
	}
}

// seen names what pg_hba.conf sees of a port's clients.
var seen = map[snapshot.Sees]string{snapshot.SeesClient: "the client", snapshot.SeesSocket: "the Unix socket", snapshot.SeesLoopback: "127.0.0.1"}

func serverPorts(s *snapshot.Server, withTLS bool) string {
	var out []string
	for _, p := range s.Ports {
		text := fmt.Sprintf("%d %s", p.Port, p.Name)
		if p.Pooler != nil {
			text += ", pooled"
		}
		if p.NoTLS && withTLS {
			text += ", without TLS"
		}
		if p.Sees != snapshot.SeesClient {
			text += ", pg_hba.conf sees " + cmp.Or(seen[p.Sees], "what nobody knows")
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// roles compares the roles that manifests name, one by one.
func (e *edits) roles(ref snapshot.Ref, old, next *snapshot.Server) {
	var all [2]map[string]*snapshot.Role
	var names []string
	for v, s := range []*snapshot.Server{old, next} {
		all[v] = map[string]*snapshot.Role{}
		for i := range s.Roles {
			all[v][s.Roles[i].Name] = &s.Roles[i]
			names = append(names, s.Roles[i].Name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		two := [2]*snapshot.Role{all[before][name], all[after][name]}
		if roleText(two[before]) == roleText(two[after]) {
			continue
		}
		x := Cause{Kind: "role", Change: changeOf(two[before] != nil, two[after] != nil), Object: ref.String(), Field: "role " + name,
			Was: roleText(two[before]), Is: roleText(two[after])}
		for v, at := range []*verdict.Origin{&x.Old, &x.New} {
			if two[v] != nil {
				*at = two[v].Origin
			}
		}
		add := e.revert
		if x.Old.Field == "" && x.New.Field == "" { // the operator makes it
			add = e.render
		}
		add(ref, x, func(m *mixture) {
			m.server.Roles = slices.DeleteFunc(slices.Clone(m.server.Roles), func(r snapshot.Role) bool { return r.Name == name })
			if two[before] != nil {
				m.server.Roles = append(m.server.Roles, *two[before])
			}
		})
	}
}

// roleText is what of a role decides; empty for none.
func roleText(r *snapshot.Role) string {
	if r == nil {
		return ""
	}
	text := map[bool]string{true: "NOLOGIN", false: "LOGIN"}[r.NoLogin]
	if r.Superuser {
		text += " SUPERUSER"
	}
	if len(r.MemberOf) > 0 {
		text += " IN ROLE " + strings.Join(r.MemberOf, ", ")
	}
	return text
}
