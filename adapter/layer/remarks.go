package layer

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// outdated reports whether what base says of an object, by its name in origins, is about a
// document that next replaces. The name has no group: while an object of that name is left
// which base read, it may be about that one.
func (l *layers) outdated(object string) bool {
	if !l.replaced[object] {
		return false
	}
	for i, o := range l.base.Objects {
		if !l.fresh[i] && !l.gone[i] && o.Ref().String() == object {
			return false
		}
	}
	return true
}

func (l *layers) unmoved(ps []snapshot.Problem) []snapshot.Problem {
	return slices.DeleteFunc(slices.Clone(ps), func(p snapshot.Problem) bool { return l.outdated(p.Origin.Object) })
}

func (l *layers) stillWarned(ws []snapshot.Warning) []snapshot.Warning {
	return slices.DeleteFunc(slices.Clone(ws), func(w snapshot.Warning) bool { return l.outdated(w.Origin.Object) })
}

// stillMissing leaves out what a replaced object named: the new one has been asked.
func (l *layers) stillMissing(ms []snapshot.Missing) []snapshot.Missing {
	return slices.DeleteFunc(slices.Clone(ms), func(m snapshot.Missing) bool { return l.outdated(m.By.String()) })
}
