package regions

import (
	"slices"
	"strings"
)

// A NameSet is a set of user or database names: Names, and those that one of Rest
// describes unless Except has them. A name is 1 to 63 bytes without NUL.
type NameSet struct {
	Names  []string
	Rest   []Rest
	Except []string
	// Of databases only. SameAsUser adds the one named like the user, NotUser takes
	// it out of Rest. Replication is physical replication, which has no name.
	SameAsUser, NotUser, Replication bool
}

// Rest is all names that match these regular expressions (as of pg_hba.conf,
// without the slash) and none of those; without any it is every name.
type Rest struct{ Matching, NotMatching []string }

// Everything reports whether the set has every name.
func (s NameSet) Everything() bool {
	return len(s.Rest) == 1 && len(s.Rest[0].Matching)+len(s.Rest[0].NotMatching)+len(s.Except) == 0 && !s.NotUser
}

func (s NameSet) key() string {
	var b strings.Builder
	list := func(names []string) {
		for _, n := range names {
			b.WriteString(n)
			b.WriteByte(0)
		}
		b.WriteByte(1)
	}
	list(s.Names)
	list(s.Except)
	for _, r := range s.Rest {
		list(r.Matching)
		list(r.NotMatching)
	}
	for _, flag := range []bool{s.SameAsUser, s.NotUser, s.Replication} {
		if flag {
			b.WriteByte('y')
		}
		b.WriteByte(1)
	}
	return b.String()
}

// A class is a set of the points of one dimension.
type class struct {
	names             []int32
	cells             []int
	same, replication bool
}

func (c *class) add(pt point) {
	switch pt.kind {
	case atName:
		c.names = append(c.names, pt.name)
	case atCell:
		c.cells = append(c.cells, pt.cell)
	case atSame:
		c.same = true
	case atReplication:
		c.replication = true
	}
}

func (c *class) join(o class) {
	c.names = append(c.names, o.names...)
	c.cells = append(c.cells, o.cells...)
	c.same = c.same || o.same
	c.replication = c.replication || o.replication
}

// set writes a class for people.
func (d *dimension) set(c class) NameSet {
	out := NameSet{Replication: c.replication, SameAsUser: c.same, Rest: d.rest(c.cells)}
	in := map[int32]bool{}
	for _, n := range c.names {
		if d.tied && n == d.single {
			out.SameAsUser = true
		} else {
			in[n] = true
		}
	}
	if len(out.Rest) > 0 {
		d.around(&out, in)
		return out
	}
	for n := range in {
		out.Names = append(out.Names, d.text(n))
	}
	slices.Sort(out.Names)
	return out
}

// around fills in the names that the rest does not tell.
func (d *dimension) around(out *NameSet, in map[int32]bool) {
	for _, n := range d.names {
		covered := d.covers(out.Rest, n)
		switch {
		case d.tied && n == d.single:
		case in[n] && !covered:
			out.Names = append(out.Names, d.text(n))
		case !in[n] && covered:
			out.Except = append(out.Except, d.text(n))
		}
	}
	out.NotUser = d.tied && !out.SameAsUser
	out.SameAsUser = out.SameAsUser && !everyone(out.Rest)
}

// everyone reports whether the rest describes every name.
func everyone(rest []Rest) bool {
	return len(rest) == 1 && len(rest[0].Matching)+len(rest[0].NotMatching) == 0
}
