package change

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A cellDiff is databases and roles that changed alike.
type cellDiff struct {
	kind             Kind
	databases, roles []string
	was, now         verdict.Verdict
	gained, lost     []reach.Login
}

type cellKey struct{ database, role string }

// cellDiffs compares two lists cell by cell, and joins the cells that changed alike.
func cellDiffs(old, next []reach.Access) []cellDiff {
	cells := map[cellKey][2]*reach.Access{}
	var order []cellKey
	for v, list := range [][]reach.Access{old, next} {
		for i := range list {
			k := cellKey{list[i].Database, list[i].Role}
			two, known := cells[k]
			if !known {
				order = append(order, k)
			}
			two[v] = &list[i]
			cells[k] = two
		}
	}
	var out []cellDiff
	for _, k := range order {
		two := cells[k]
		d := cellDiff{databases: []string{k.database}, roles: []string{k.role}, was: verdictOf(two[before]), now: verdictOf(two[after])}
		d.gained, d.lost = ways(two[after], two[before]), ways(two[before], two[after])
		d.kind = kindOf(d.was, d.now)
		if d.was != d.now || len(d.gained)+len(d.lost) > 0 {
			out = append(out, d)
		}
	}
	out = joinDiffs(out, func(d *cellDiff) *[]string { return &d.roles })
	out = joinDiffs(out, func(d *cellDiff) *[]string { return &d.databases })
	slices.SortStableFunc(out, func(a, b cellDiff) int { return a.kind.place() - b.kind.place() })
	return out
}

// place orders kinds: what opens comes first.
func (k Kind) place() int {
	return slices.Index([]Kind{Opened, MayOpen, Changed, InDoubt, MayCut, Cut, NoDoubt}, k)
}

func verdictOf(a *reach.Access) verdict.Verdict {
	if a == nil {
		return verdict.Deny
	}
	return a.Verdict
}

// wayOf is a login without its routes, as text.
func wayOf(l reach.Login) string {
	return fmt.Sprint(l.Verdict, " ", l.Method, " ", l.TLS, " ", l.Cert)
}

// unseen is a route without whose address the server sees: that decides what is asked
// for, and by itself it is no access.
func unseen(r reach.Route) reach.Route {
	r.Sees = ""
	return r
}

// ways are the logins of a cell, with those of their routes that the other has not.
func ways(of, other *reach.Access) []reach.Login {
	if of == nil {
		return nil
	}
	var out []reach.Login
	for _, l := range of.Logins {
		routes := []reach.Route{}
		for _, r := range l.Routes {
			if !hasWay(other, l, r) {
				routes = append(routes, r)
			}
		}
		if len(routes) > 0 || len(l.Routes) == 0 && !hasLogin(other, l) {
			l.Routes = routes
			out = append(out, l)
		}
	}
	return out
}

func hasLogin(a *reach.Access, l reach.Login) bool {
	return a != nil && slices.ContainsFunc(a.Logins, func(o reach.Login) bool { return wayOf(o) == wayOf(l) })
}

func hasWay(a *reach.Access, l reach.Login, r reach.Route) bool {
	return a != nil && slices.ContainsFunc(a.Logins, func(o reach.Login) bool {
		return wayOf(o) == wayOf(l) && slices.ContainsFunc(o.Routes, func(x reach.Route) bool { return unseen(x) == unseen(r) })
	})
}

// joinDiffs joins those that are the same but for one list of names.
func joinDiffs(list []cellDiff, names func(*cellDiff) *[]string) []cellDiff {
	at := map[string]int{}
	var out []cellDiff
	for _, d := range list {
		key := d.key(names)
		i, known := at[key]
		if !known {
			at[key], out = len(out), append(out, d)
			continue
		}
		into := names(&out[i])
		*into = append(slices.Clip(*into), *names(&d)...)
	}
	return out
}

func (d cellDiff) key(without func(*cellDiff) *[]string) string {
	*without(&d) = nil
	var b strings.Builder
	fmt.Fprint(&b, d.kind, d.was, d.now, d.databases, d.roles)
	for _, list := range [][]reach.Login{d.gained, d.lost} {
		for _, l := range list {
			fmt.Fprint(&b, "|", wayOf(l), l.Routes)
		}
		fmt.Fprint(&b, "//")
	}
	return b.String()
}

// joinLists is the list of clients of which some have the one and some the other: the
// best of both.
func joinLists(a, b []reach.Access) []reach.Access {
	out := slices.Clone(a)
	for _, x := range b {
		i := slices.IndexFunc(out, func(o reach.Access) bool { return o.Database == x.Database && o.Role == x.Role })
		if i < 0 {
			out = append(out, x)
			continue
		}
		out[i].Verdict = verdict.Any(out[i].Verdict, x.Verdict)
		out[i].Logins = slices.Concat(out[i].Logins, ways(&x, &out[i]))
	}
	slices.SortStableFunc(out, func(x, y reach.Access) int {
		return strings.Compare(x.Database+"\x00"+x.Role, y.Database+"\x00"+y.Role)
	})
	return out
}
