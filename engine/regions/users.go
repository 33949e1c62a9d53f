package regions

import (
	"github.com/pgmoat/pgmoat/model/hba"
)

func userOf(r *rec) int32     { return r.user }
func databaseOf(r *rec) int32 { return r.database }

// A user is what the database dimension has to know of one.
type user struct {
	single int32 // the one name; none: several
	exists bool  // as a role; counts where roles are known
	groups []int32
	signs  map[int32]hba.Match // of the expressions that databases are asked for
}

// users divides a node by users.
func (w *walker) users(n node) []piece {
	d, shared := w.userDimension(n)
	if d.crowded || !w.spend(n.size()) {
		return w.abandonAll(func(p *piece) { p.users, p.databases = everyName, everyDatabase })
	}
	takes := func(p *namePred, pt point) (bool, []int32) { return w.takesUser(d, p, pt) }
	s := newSorter(w, d, w.divider(n, userOf, takes, byDatabase))
	points := d.points(w, w.question.touching(n, byUser), userOf)
	if !s.parts.affords(len(points)) {
		return w.abandonAll(func(p *piece) { p.users, p.databases = everyName, everyDatabase })
	}
	for _, pt := range points {
		u := w.userAt(d, pt, shared)
		s.put(pt, u.signature(shared), func(part node) []piece {
			w.at.user, w.at.witness.User = spot{d, pt}, d.example(pt)
			return w.databases(part, u)
		})
	}
	return s.pieces(func(p *piece, names NameSet) { p.users = names })
}

func (d *dimension) example(pt point) string {
	if pt.kind == atCell {
		return d.cells[pt.cell].example
	}
	return d.text(pt.name)
}

// takesUser asks one user list.
func (w *walker) takesUser(d *dimension, p *namePred, pt point) (bool, []int32) {
	if p.all || pt.kind == atName && p.has(pt.name) {
		return true, nil
	}
	var clause []int32
	for _, id := range p.patterns {
		switch d.sign(id, pt) {
		case hba.Yes:
			return true, nil
		case hba.Unsure:
			clause = append(clause, w.atom(Condition{Kind: UserMatches, Name: w.patterns.list[id].expr}))
		}
	}
	for _, g := range p.groups {
		clause = append(clause, w.membership(g, pt.kind == atName && pt.name == g))
	}
	return len(clause) > 0, clause
}

// membership is the condition that the user is a member of a role, or of itself.
func (p *program) membership(group int32, self bool) int32 {
	if self {
		return p.atom(Condition{Kind: UserExists})
	}
	return p.atom(Condition{Kind: MemberOf, Name: p.names.list[group]})
}

// ties are how the databases of a node hang together with users.
type ties struct {
	some, roles bool    // sameuser or samerole; samerole
	patterns    []int32 // that databases are asked for
}

// userDimension collects what the node asks of users, and of databases that may be
// named like them.
func (w *walker) userDimension(n node) (*dimension, ties) {
	d := w.newDimension(n, userOf)
	w.everyPred(n, userOf, func(p *namePred) { d.mention(p.groups...) })
	var t ties
	w.everyPred(n, databaseOf, func(p *namePred) {
		t.some = t.some || p.sameUser || p.sameRole
		t.roles = t.roles || p.sameRole
	})
	if t.some {
		w.everyPred(n, databaseOf, func(p *namePred) {
			d.isolate(p.names...)
			t.patterns = append(t.patterns, p.patterns...)
		})
		d.expressions(t.patterns)
	}
	if t.roles {
		d.mention(w.roles...)
	}
	d.finish(w.charge)
	return d, t
}

// userAt tells the database dimension about the users of a point.
func (w *walker) userAt(d *dimension, pt point, t ties) user {
	u := user{single: none}
	if pt.kind == atName && d.lone[pt.name] {
		u.single = pt.name
	}
	if t.roles && pt.kind == atName {
		u.exists = len(w.groups[pt.name]) > 0
		for _, g := range w.groups[pt.name] {
			if g != pt.name {
				u.groups = append(u.groups, g)
			}
		}
	}
	if len(t.patterns) > 0 {
		u.signs = map[int32]hba.Match{}
		for _, id := range t.patterns {
			u.signs[id] = d.sign(id, pt)
		}
	}
	return u
}

func (u user) signature(t ties) string {
	out := []int32{u.single, none}
	if u.exists {
		out[1] = 1
	}
	for _, id := range t.patterns {
		out = append(out, int32(u.signs[id]))
	}
	return key(append(out, u.groups...)...)
}
