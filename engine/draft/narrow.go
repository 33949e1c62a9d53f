package draft

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// NarrowMonitoring leaves out of the perimeters whom they let in at ports that tell more
// than metrics. False says that no peer of theirs is behind it.
func (r *Result) NarrowMonitoring(gains []change.Control) bool {
	narrowed := false
	for _, c := range gains {
		s := r.site(c.Server)
		if s == nil || s.Perimeter == nil {
			continue
		}
		left := slices.DeleteFunc(slices.Clone(s.Perimeter.Monitoring), func(p intent.Peer) bool {
			return slices.ContainsFunc(c.From, func(ref snapshot.Ref) bool { return s.selects(p, baseOf(ref)) })
		})
		if len(left) < len(s.Perimeter.Monitoring) {
			s.Perimeter.Monitoring, narrowed = left, true
			s.add(lossMonitoring, c.Port.Name, verdict.Origin{}).State = ByHand
		}
	}
	r.relocate()
	return narrowed
}

// selects reports whether a peer selects some pod of a workload.
func (s *Site) selects(p intent.Peer, of snapshot.Ref) bool {
	return slices.ContainsFunc(s.engine.Pods(), func(pod *snapshot.Pod) bool {
		return pod.Workload.Ref == of && p.Pods.Match(pod.Labels) != netpol.No && (p.NamespaceSelector != nil || slices.Contains(p.Namespaces, pod.Namespace))
	})
}

// A Cell is one client with a database and a role of a server.
type Cell struct {
	Server, From   snapshot.Ref
	Database, Role string
}

// CellsOf are those of rows.
func CellsOf(rows []change.Row) map[Cell]bool {
	out := map[Cell]bool{}
	for _, row := range rows {
		for _, c := range cellsOf(&row) {
			for _, from := range row.From {
				out[Cell{c.server, from, c.database, c.role}] = true
			}
		}
	}
	return out
}

// Beyond are the rows of which some cell is not among those.
func Beyond(rows []change.Row, cells map[Cell]bool) []change.Row {
	return slices.DeleteFunc(slices.Clone(rows), func(row change.Row) bool {
		for c := range CellsOf([]change.Row{row}) {
			if !cells[c] {
				return false
			}
		}
		return true
	})
}

// Clone is a copy that narrowing does not change.
func (r *Result) Clone() *Result {
	out := &Result{World: r.World}
	for _, s := range r.Sites {
		c := *s
		if s.Perimeter != nil {
			p := *s.Perimeter
			p.Why, p.Monitoring = slices.Clone(p.Why), slices.Clone(p.Monitoring)
			c.Perimeter = &p
		}
		c.Accesses, c.Lost = nil, nil
		for _, a := range s.Accesses {
			b := *a
			b.To, b.Access.From = slices.Clone(a.To), slices.Clone(a.Access.From)
			c.Accesses = append(c.Accesses, &b)
		}
		for _, l := range s.Lost {
			m := *l
			m.cells, m.real = copied(l.cells), copied(l.real)
			c.Lost = append(c.Lost, &m)
		}
		out.Sites = append(out.Sites, &c)
	}
	return out
}

func copied(cells map[cell][]snapshot.Ref) map[cell][]snapshot.Ref {
	out := make(map[cell][]snapshot.Ref, len(cells))
	for c, refs := range cells {
		out[c] = slices.Clone(refs)
	}
	return out
}

// Narrow leaves out of the draft what makes it let in the clients of rows that are not let
// in today: of the entries with their databases and roles, those whose clients are least
// told apart. False says that none of its entries is behind it.
func (r *Result) Narrow(gains []change.Row) bool {
	done := map[serverCell]bool{}
	narrowed := false
	for i := range gains {
		row := &gains[i]
		s := r.site(row.Server)
		if s == nil || s.Perimeter == nil || slices.ContainsFunc(cellsOf(row), func(c serverCell) bool { return done[c] }) {
			continue
		}
		if s.narrow(row) {
			narrowed = true
			for _, c := range cellsOf(row) {
				done[c] = true
			}
		}
	}
	r.relocate()
	r.explain()
	return narrowed
}

func (s *Site) narrow(row *change.Row) bool {
	most, which := -1, -1
	for i, a := range s.Accesses {
		if guilt := s.guilt(a, row); guilt > most {
			most, which = guilt, i
		}
	}
	if which < 0 {
		return false
	}
	a := s.Accesses[which]
	var left []intent.Entry
	for _, e := range a.To {
		if !s.behind(&e, row) {
			left = append(left, e)
			continue
		}
		detail := opened(row)
		s.giveUp(a, &e, lossWouldOpen, detail, shared(e.Databases, row.Databases))
		e.Databases = slices.DeleteFunc(slices.Clone(e.Databases), func(d string) bool { return slices.Contains(row.Databases, d) })
		if len(e.Databases) > 0 {
			left = append(left, e)
		}
	}
	a.To = left
	return true
}

// A serverCell is a database and a role of a server.
type serverCell struct {
	server         snapshot.Ref
	database, role string
}

// cellsOf are those of a row. Where an earlier row had one of them the draft was narrowed
// for it already: what is left shows when it is compared again.
func cellsOf(row *change.Row) []serverCell {
	var out []serverCell
	for _, database := range row.Databases {
		for _, role := range row.Roles {
			out = append(out, serverCell{row.Server, database, role})
		}
	}
	return out
}

// guilt says how likely it is that an access makes a row; negative where it surely does not.
// Who gets in already and gains ways mostly gains them by an access of his own, others by
// the one whose clients are least told apart.
func (s *Site) guilt(a *Access, row *change.Row) int {
	if !slices.ContainsFunc(a.To, func(e intent.Entry) bool { return s.behind(&e, row) }) {
		return -1
	}
	own := slices.ContainsFunc(row.From, func(ref snapshot.Ref) bool {
		return slices.ContainsFunc(a.Clients, func(c snapshot.Ref) bool { return baseOf(c) == baseOf(ref) })
	})
	if own && row.Kind == change.Changed {
		return a.breadth + 10
	}
	return a.breadth
}

// opened says whom an entry would let in, or which ways it would open for whom.
func opened(row *change.Row) string {
	names := make([]string, len(row.From))
	for i, ref := range row.From {
		names[i] = strings.TrimPrefix(ref.Namespace+"/"+ref.Name, "/")
		switch ref.Kind {
		case reach.KubectlKind:
			names[i] = "kubectl " + ref.Name
		case outsideKind:
			names[i] = "outside " + ref.Name
		}
	}
	who := strings.Join(names, ", ")
	if row.Kind == change.Changed {
		return "let " + who + " reach members, or log in by ways, that are closed to them today"
	}
	return "let " + who + " in too, as " + strings.Join(row.Roles, ", ")
}

// behind reports whether an entry asks for something of a row, through the same door as
// what was gained.
func (s *Site) behind(e *intent.Entry, row *change.Row) bool {
	if !slices.Contains(row.Roles, e.Role) || len(shared(e.Databases, row.Databases)) == 0 {
		return false
	}
	d := &drafter{Site: s}
	return slices.ContainsFunc(row.Gained, func(l reach.Login) bool {
		return slices.ContainsFunc(l.Routes, func(r reach.Route) bool {
			pooler := r.PoolerName(d.Server)
			// The server's file does not tell whom a pooler's session is of.
			return (pooler == e.Pooler || pooler == "") && !wasThere(row.Lost, l, r)
		})
	})
}

// passwords are the methods that ask for one, the weakest first.
var passwords = map[string]int{"password": 1, "md5": 2, "scram-sha-256": 3}

// wasThere reports whether a way is one that was there already and asked for no better
// password.
func wasThere(lost []reach.Login, l reach.Login, r reach.Route) bool {
	return slices.ContainsFunc(lost, func(old reach.Login) bool {
		same := old.TLS == l.TLS && old.Cert == l.Cert && passwords[old.Method] > 0 && passwords[old.Method] <= passwords[l.Method]
		return same && slices.ContainsFunc(old.Routes, func(o reach.Route) bool {
			o.Sees, r.Sees = "", "" // what the server sees of the client is no other way
			return o == r
		})
	})
}

func shared(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}
