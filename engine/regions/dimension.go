package regions

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
)

// A point stands for all names of a dimension that no record of a node tells apart.
type point struct {
	kind pointKind
	name int32 // of atName
	cell int   // of atCell
}

type pointKind uint8

const (
	atName        pointKind = iota
	atCell                  // names that are mentioned nowhere
	atSame                  // the database named like the user
	atReplication           // no database
)

// A dimension is how the records of a node divide users or databases.
type dimension struct {
	p        *program
	names    []int32 // mentioned, sorted by their text
	mentions map[int32]bool
	patterns []int32 // all
	regular  []int32 // those that cells have signs of
	cells    []cell
	crowded  bool // so many names are mentioned that others were not found
	// tied says that some record asks how user and database hang together.
	tied bool
	// single is the one user that a database dimension is about, if it is one.
	single int32
	// lone are names that stand for themselves only, since another dimension or
	// condition tells them from the rest.
	lone map[int32]bool
}

func (d *dimension) text(n int32) string { return d.p.names.list[n] }

func (d *dimension) mention(names ...int32) {
	for _, n := range names {
		if !d.mentions[n] {
			d.mentions[n] = true
			d.names = append(d.names, n)
		}
	}
}

func (d *dimension) isolate(names ...int32) {
	d.mention(names...)
	for _, n := range names {
		d.lone[n] = true
	}
}

func (d *dimension) expressions(list []int32) { d.patterns = append(d.patterns, list...) }

// newDimension collects what the chains of a node ask with these predicates.
func (w *walker) newDimension(n node, of func(*rec) int32) *dimension {
	d := &dimension{p: w.program, mentions: map[int32]bool{}, lone: map[int32]bool{}, single: none}
	w.everyPred(n, of, func(p *namePred) {
		d.mention(p.names...)
		d.expressions(p.patterns)
	})
	return d
}

// everyPred calls f once for every different predicate.
func (w *walker) everyPred(n node, of func(*rec) int32, f func(*namePred)) {
	w.seen[3].next(len(w.preds.list))
	for _, chain := range n.chains() {
		for _, i := range *chain {
			if id := of(&w.recs[i.rec]); w.seen[3].add(id) {
				f(w.preds.list[id])
			}
		}
	}
}

// finish sorts what was collected and makes the cells: names that are mentioned
// nowhere, divided by the expressions.
func (d *dimension) finish(charge func(int)) {
	slices.SortFunc(d.names, func(a, b int32) int { return strings.Compare(d.text(a), d.text(b)) })
	slices.Sort(d.patterns)
	d.patterns = slices.Compact(d.patterns)
	for _, c := range d.p.divide(d.patterns, charge) {
		if c.example == "" || d.taken(c.example) {
			var some bool
			if c.example, some = d.foreign(c); !some {
				d.crowded = d.crowded || len(d.names) >= maxRefused
				continue
			}
		}
		d.cells = append(d.cells, c)
	}
	for _, id := range d.patterns {
		if slices.ContainsFunc(d.cells, func(c cell) bool { return c.sign(id) != hba.Unsure }) {
			d.regular = append(d.regular, id)
		}
	}
}

// maxRefused is how many names are refused at least before no other one is looked
// for (are.Language.Example): with fewer, none found is none.
const maxRefused = 1 << 14

func (d *dimension) taken(text string) bool {
	id, ok := d.p.names.ids[text]
	return ok && d.mentions[id]
}

// foreign returns a name of the cell that is mentioned nowhere.
func (d *dimension) foreign(c cell) (string, bool) {
	if len(c.signs) > 0 {
		return c.language.Example(maxName, d.taken)
	}
	name := "somebody"
	for d.taken(name) {
		name += "x" // some name is left: there are more of 63 bytes than a file can mention
		if len(name) > maxName {
			return c.language.Example(maxName, d.taken)
		}
	}
	return name, true
}

// sign tells whether the names of a point match an expression.
func (d *dimension) sign(id int32, pt point) hba.Match {
	if pt.kind == atName {
		return d.p.sign(id, pt.name)
	}
	return d.cells[pt.cell].sign(id)
}

// An index finds the items of a chain that a name can match.
type index struct {
	byName  map[int32][]int32
	general []int32 // those that ask for more than names
}

func (w *walker) index(chain []item, of func(*rec) int32) index {
	out := index{byName: map[int32][]int32{}}
	for at, i := range chain {
		pred := w.preds.list[of(&w.recs[i.rec])]
		if !pred.plain() {
			out.general = append(out.general, int32(at)) //nolint:gosec // a file's length
			continue
		}
		for _, n := range pred.names {
			out.byName[n] = append(out.byName[n], int32(at)) //nolint:gosec // a file's length
		}
	}
	return out
}

// A match tells whether a predicate takes a point: clause has the atoms of which one
// must be true, none when it surely does.
type match func(p *namePred, pt point) (ok bool, clause []int32)

// filter appends the items that a point can match.
func (w *walker) filter(out, chain []item, ix *index, pt point, of func(*rec) int32, m match) []item {
	var named []int32
	if pt.kind == atName {
		named = ix.byName[pt.name]
	}
	general := ix.general
	for len(named)+len(general) > 0 {
		if len(general) == 0 || len(named) > 0 && named[0] < general[0] {
			out = append(out, chain[named[0]])
			named = named[1:]
			continue
		}
		i := chain[general[0]]
		general = general[1:]
		if ok, clause := m(w.preds.list[of(&w.recs[i.rec])], pt); ok {
			i.cond = w.both(i.cond, clause)
			out = append(out, i)
		}
	}
	return out
}

// A divider gives the part of a node that belongs to a point.
type divider struct {
	w       *walker
	node    node
	indexes [3]index
	of      func(*rec) int32
	match   match
	next    level
}

func (w *walker) divider(n node, of func(*rec) int32, m match, next level) *divider {
	d := &divider{w: w, node: n, of: of, match: m, next: next}
	for i, chain := range n.chains() {
		d.indexes[i] = w.index(*chain, of)
	}
	return d
}

// affords reports whether the budget is enough to ask each point about the items that
// are not found by name.
func (d *divider) affords(points int) bool {
	general := 0
	for i := range d.indexes {
		general += len(d.indexes[i].general)
	}
	return points*general <= d.w.budget
}

// part returns the chains that attempts of the point can meet; false where nothing
// of interest is among them. They are good until the next call.
func (d *divider) part(pt point) (node, bool) {
	buffer := &d.w.scratch[d.next]
	from, to := d.node.chains(), buffer.chains()
	for _, i := range []int{2, 0, 1} { // the focus first
		*to[i] = d.w.filter((*to[i])[:0], *from[i], &d.indexes[i], pt, d.of, d.match)
		if i == 2 && len(*to[i]) < len(*from[i]) {
			return node{}, false
		}
	}
	out := *buffer
	d.w.charge(out.size() + 4)
	d.w.tidy(&out, d.next)
	return out, !d.w.question.settled(out, d.next)
}

// signature tells parts apart that are to be walked one by one.
func signature(n node, extra string) string {
	ids := make([]int32, 0, 2*n.size()+3)
	for _, chain := range n.chains() {
		for _, i := range *chain {
			ids = append(ids, i.rec, i.cond)
		}
		ids = append(ids, none)
	}
	return key(ids...) + extra
}

// points returns the points at which one of the touching items can match; the names
// that are mentioned nowhere come first.
func (d *dimension) points(w *walker, touching []item, of func(*rec) int32) []point {
	var out []point
	var names []int32
	wide := false
	seen := map[int32]bool{}
	for _, i := range touching {
		pred := w.preds.list[of(&w.recs[i.rec])]
		wide = wide || !pred.plain()
		for _, n := range pred.names {
			if !seen[n] {
				seen[n] = true
				names = append(names, n)
			}
		}
	}
	if wide {
		names = d.names
		for i := range d.cells {
			out = append(out, point{kind: atCell, cell: i})
		}
	} else {
		slices.SortFunc(names, func(a, b int32) int { return strings.Compare(d.text(a), d.text(b)) })
	}
	for _, n := range names {
		out = append(out, point{kind: atName, name: n})
	}
	return out
}
