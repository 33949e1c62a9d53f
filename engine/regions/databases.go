package regions

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/hba"
)

var (
	everyName     = NameSet{Rest: []Rest{{}}}
	everyDatabase = NameSet{Rest: []Rest{{}}, Replication: true}
)

// databases divides a node by databases, for users that are alike.
func (w *walker) databases(n node, u user) []piece {
	d := w.databaseDimension(n, u)
	if d.crowded || !w.spend(n.size()) {
		return w.abandonAll(func(p *piece) { p.databases = everyDatabase })
	}
	takes := func(p *namePred, pt point) (bool, []int32) { return w.takesDatabase(d, p, pt, u) }
	s := newSorter(w, d, w.divider(n, databaseOf, takes, byAddress))
	for _, pt := range w.databasePoints(d, n, u) {
		example, some := w.exampleDatabase(d, pt)
		if !some {
			continue
		}
		s.put(pt, "", func(part node) []piece {
			w.at.database = spot{d, pt}
			w.at.witness.Database, w.at.witness.Replication = example, pt.kind == atReplication
			return w.addresses(part)
		})
	}
	return s.pieces(func(p *piece, s NameSet) { p.databases = s })
}

// databaseDimension collects what the node asks of databases.
func (w *walker) databaseDimension(n node, u user) *dimension {
	d := w.newDimension(n, databaseOf)
	roles := false
	w.everyPred(n, databaseOf, func(p *namePred) {
		d.tied = d.tied || p.sameUser || p.sameRole
		roles = roles || p.sameRole
	})
	if d.tied && u.single != none {
		d.single = u.single
		d.mention(u.single)
	}
	if roles {
		d.mention(u.groups...)
		d.mention(w.conditional(n)...)
	}
	d.finish(w.charge)
	return d
}

// conditional returns the roles whose membership the chains already hang on: a
// database named like one is its own case under samerole.
func (w *walker) conditional(n node) []int32 {
	var out []int32
	for _, chain := range n.chains() {
		for _, i := range *chain {
			for _, clause := range w.formulas.list[i.cond] {
				for _, atom := range clause {
					if c := w.atoms.list[atom]; c.Kind == MemberOf {
						out = append(out, w.name(c.Name))
					}
				}
			}
		}
	}
	return out
}

func (w *walker) databasePoints(d *dimension, n node, u user) []point {
	touching := w.question.touching(n, byDatabase)
	out := d.points(w, touching, databaseOf)
	if !slices.ContainsFunc(touching, func(i item) bool { return !w.preds.list[w.recs[i.rec].database].plain() }) {
		return out
	}
	if d.tied && u.single == none {
		out = append(out, point{kind: atSame})
	}
	return append(out, point{kind: atReplication})
}

// exampleDatabase returns a database of a point. Where databases may be named like
// the user, a cell is of the other ones: it has none when its one name is the
// user's, who is then alone in the class, since the class agrees on all expressions.
func (w *walker) exampleDatabase(d *dimension, pt point) (string, bool) {
	switch pt.kind {
	case atReplication:
		return "", true
	case atSame:
		return w.at.witness.User, true
	case atName:
		return d.text(pt.name), true
	}
	c := d.cells[pt.cell]
	if !d.tied || c.example != w.at.witness.User {
		return c.example, true
	}
	return c.language.Example(maxName, func(s string) bool { return s == w.at.witness.User || d.taken(s) })
}

// takesDatabase asks one database list about a point, for these users.
func (w *walker) takesDatabase(d *dimension, p *namePred, pt point, u user) (bool, []int32) {
	if pt.kind == atReplication { // "all" does not match, and no expression does
		return p.replication, nil
	}
	if p.all || pt.kind == atName && p.has(pt.name) {
		return true, nil
	}
	self := pt.kind == atSame || pt.kind == atName && pt.name == u.single
	if p.sameUser && self {
		return true, nil
	}
	var clause []int32
	if p.sameRole {
		holds, atom := w.sameRole(pt, u, self)
		if holds {
			return true, nil
		}
		clause = atom
	}
	for _, id := range p.patterns {
		switch m, kind := w.databaseSign(d, id, pt, u, self); m {
		case hba.Yes:
			return true, nil
		case hba.Unsure:
			clause = append(clause, w.atom(Condition{Kind: kind, Name: w.patterns.list[id].expr}))
		}
	}
	return len(clause) > 0, clause
}

// sameRole asks whether the users are members of the role named like the database.
func (w *walker) sameRole(pt point, u user, self bool) (bool, []int32) {
	switch {
	case w.Roles != nil && self:
		return u.exists, nil
	case w.Roles != nil:
		return pt.kind == atName && slices.Contains(u.groups, pt.name), nil
	case self:
		return false, []int32{w.atom(Condition{Kind: UserExists})}
	case pt.kind == atName:
		return false, []int32{w.membership(pt.name, false)}
	}
	return false, []int32{w.atom(Condition{Kind: MemberOfDatabase})}
}

// databaseSign tells whether databases of a point match an expression; where they
// are named like the user it is the same question as of the user.
func (w *walker) databaseSign(d *dimension, id int32, pt point, u user, self bool) (hba.Match, ConditionKind) {
	switch {
	case pt.kind == atSame:
		return u.signs[id], UserMatches
	case self:
		return d.sign(id, pt), UserMatches
	}
	return d.sign(id, pt), DatabaseMatches
}
