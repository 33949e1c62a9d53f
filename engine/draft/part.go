package draft

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A Part is clients that lose the same of a Loss: each of the databases as each of the
// roles. Of a control port Roles is its name and Databases empty.
type Part struct {
	From             []snapshot.Ref
	Databases, Roles []string
}

// Parts say whom a loss is about, sorted: of a real one just those who lose something.
func (l *Loss) Parts() []Part {
	cells := l.cells
	if len(l.real) > 0 {
		cells = l.real
	}
	type row struct {
		from     snapshot.Ref
		database string
	}
	roles := map[row][]string{}
	for c, refs := range cells {
		for _, from := range refs {
			roles[row{from, c.database}] = with(roles[row{from, c.database}], c.role)
		}
	}
	rows := make([]Part, 0, len(roles))
	for r, list := range roles {
		rows = append(rows, Part{[]snapshot.Ref{r.from}, []string{r.database}, list})
	}
	slices.SortFunc(rows, compareParts)
	return joinedBy(joinedBy(rows, sameButDatabases), sameButFrom)
}

func compareParts(a, b Part) int {
	return cmp.Or(a.From[0].Compare(b.From[0]), slices.Compare(a.Databases, b.Databases), slices.Compare(a.Roles, b.Roles))
}

// joinedBy joins parts that are the same but for one list.
func joinedBy(parts []Part, same func(a, b Part) bool) []Part {
	var out []Part
	for _, p := range parts {
		i := slices.IndexFunc(out, func(o Part) bool { return same(o, p) })
		if i < 0 {
			out = append(out, p)
			continue
		}
		for _, ref := range p.From {
			if !slices.Contains(out[i].From, ref) {
				out[i].From = append(out[i].From, ref)
			}
		}
		for _, d := range p.Databases {
			out[i].Databases = with(out[i].Databases, d)
		}
	}
	return out
}

func sameButDatabases(a, b Part) bool {
	return slices.Equal(a.From, b.From) && slices.Equal(a.Roles, b.Roles)
}

func sameButFrom(a, b Part) bool {
	return slices.Equal(a.Databases, b.Databases) && slices.Equal(a.Roles, b.Roles)
}

// IsAboutSQL reports whether the loss is of sessions that clients may ask for, and not of
// what is the perimeter's, the operator's or kubectl's to say.
func (l *Loss) IsAboutSQL() bool {
	return !slices.ContainsFunc([]lossKind{lossInside, lossOwnPods, lossVital, lossControl, lossRehash}, func(k lossKind) bool { return k.code == l.Code }) &&
		strings.HasPrefix(l.Code, "import/")
}
