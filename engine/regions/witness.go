package regions

import "slices"

// witness returns an attempt for where the walker is and a world. Where expressions
// decide, names are looked for that they take; conditions on expressions stay with
// the attempt only if none is found.
func (w *walker) witness(at world) Attempt {
	out := w.at.witness
	conditions := w.spell(at)
	if !doubtful(conditions) {
		out.Conditions = conditions
		return out
	}
	if name, ok := w.named(w.at.user, at, UserMatches, ""); ok {
		out.User = name
		conditions = drop(conditions, UserMatches)
	}
	if w.at.database.pt.kind == atSame {
		out.Database = out.User
	} else if name, ok := w.named(w.at.database, at, DatabaseMatches, out.User); ok {
		out.Database = name
		conditions = drop(conditions, DatabaseMatches)
	}
	out.Conditions = conditions
	return out
}

// doubtful reports whether a condition is about an expression: nobody knows whether
// some name meets it.
func doubtful(conditions []Condition) bool {
	return slices.ContainsFunc(conditions, func(c Condition) bool {
		return c.Kind == UserMatches || c.Kind == DatabaseMatches
	})
}

func drop(conditions []Condition, kind ConditionKind) []Condition {
	return slices.DeleteFunc(conditions, func(c Condition) bool { return c.Kind == kind })
}

func (p *program) spell(at world) []Condition {
	var out []Condition
	for _, a := range at {
		c := p.atoms.list[a.atom]
		c.Holds = a.holds
		out = append(out, c)
	}
	return out
}

// maxTrials bounds how many names are tried for a witness.
const maxTrials = 1000

// named looks for a name at a spot that matches the expressions as a world says;
// it is not the other name.
func (w *walker) named(s spot, at world, kind ConditionKind, other string) (string, bool) {
	if s.d == nil || s.pt.kind != atCell {
		return "", false
	}
	language := s.d.cells[s.pt.cell].language
	var asked []assumption // of patterns
	for _, a := range at {
		if c := w.atoms.list[a.atom]; c.Kind == kind {
			id := w.patterns.ids[c.Name]
			asked = append(asked, assumption{id, a.holds})
			language = w.narrowed(language, id, a.holds)
		}
	}
	w.charge(productWork)
	trials := maxTrials
	return language.Example(maxName, func(name string) bool {
		if trials == 0 || name == other || s.d.taken(name) {
			return true
		}
		trials--
		return slices.ContainsFunc(asked, func(a assumption) bool {
			matched, known := w.patterns.list[a.atom].re.Match(name)
			return !known || matched != a.holds
		})
	})
}
