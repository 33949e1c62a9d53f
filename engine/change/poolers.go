package change

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// sidecar is the file of the pooler before a port, ready to be changed; nil where there
// is none.
func (m *mixture) sidecar(port int) *hba.File {
	if port >= len(m.server.Ports) || m.server.Ports[port].Pooler == nil {
		return nil
	}
	file := *m.server.Ports[port].Pooler
	m.server.Ports[port].Pooler = &file
	return &file
}

// poolers compares the poolers before a server.
func (e *edits) poolers(pair serverPair) {
	all := map[snapshot.Ref][2]*snapshot.Pooler{}
	var order []snapshot.Ref
	for v, s := range pair {
		for _, p := range s.Poolers {
			two, known := all[p.Ref()]
			if !known {
				order = append(order, p.Ref())
			}
			two[v] = p
			all[p.Ref()] = two
		}
	}
	for _, ref := range order {
		two := all[ref]
		if two[before] != nil && two[after] != nil {
			e.pooler(pair.ref(), two)
			continue
		}
		x := Cause{Kind: "pooler", Change: changeOf(two[before] != nil, two[after] != nil), Object: ref.String()}
		for v, at := range []*verdict.Origin{&x.Old, &x.New} {
			if two[v] != nil {
				*at = two[v].Origin
			}
		}
		e.add(e.servers, pair.ref(), x)
	}
}

// pooler compares one pooler, part by part.
func (e *edits) pooler(server snapshot.Ref, two [2]*snapshot.Pooler) {
	ref, old, next := two[after].Ref(), two[before], two[after]
	e.lines(server, "pooler", ref.String(), [2]*hba.File{&old.HBA, &next.HBA}, func(m *mixture) *hba.File {
		if p := m.pooler(ref); p != nil {
			return &p.HBA
		}
		return nil
	})
	put := func(m *mixture, change func(*snapshot.Pooler)) {
		if p := m.pooler(ref); p != nil {
			change(p)
		}
	}
	e.tls(server, ref.String(), [2]snapshot.TLS{old.TLS, next.TLS}, func(m *mixture, t snapshot.TLS) {
		put(m, func(p *snapshot.Pooler) { p.TLS = t })
	})
	for _, f := range poolerFields {
		e.changed(server, Cause{Kind: "pooler", Object: ref.String(), Field: f.field, Was: f.text(old), Is: f.text(next), Old: old.Origin, New: next.Origin},
			func(m *mixture) { put(m, func(p *snapshot.Pooler) { f.take(p, old) }) })
	}
}

// poolerFields are the parts of a pooler that decide beside its file and TLS.
var poolerFields = []struct {
	field string
	text  func(*snapshot.Pooler) string
	take  func(into, from *snapshot.Pooler)
}{
	{"port", func(p *snapshot.Pooler) string { return fmt.Sprint(p.Port) }, func(into, from *snapshot.Pooler) { into.Port = from.Port }},
	{"members it connects to", func(p *snapshot.Pooler) string { return cmp.Or(p.Part, "any") }, func(into, from *snapshot.Pooler) { into.Part = from.Part }},
	{"role at the server", func(p *snapshot.Pooler) string { return cmp.Or(p.Becomes, "the client's") },
		func(into, from *snapshot.Pooler) { into.Becomes = from.Becomes }},
	{"server_tls_sslmode", func(p *snapshot.Pooler) string { return cmp.Or(p.ServerTLS, "not known") },
		func(into, from *snapshot.Pooler) { into.ServerTLS = from.ServerTLS }},
	{"auth_user", func(p *snapshot.Pooler) string { return strings.TrimSpace(p.AuthUser + " " + p.AuthDatabase) },
		func(into, from *snapshot.Pooler) { into.AuthUser, into.AuthDatabase = from.AuthUser, from.AuthDatabase }},
}

// pooler is one of the server's, ready to be changed; nil where it is not there.
func (m *mixture) pooler(ref snapshot.Ref) *snapshot.Pooler {
	for i, p := range m.server.Poolers {
		if p.Ref() == ref {
			next := *p
			m.server.Poolers = slices.Clone(m.server.Poolers)
			m.server.Poolers[i] = &next
			return &next
		}
	}
	return nil
}
