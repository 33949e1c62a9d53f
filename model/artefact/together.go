package artefact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A Key tells one object from all others; the version does not, in each of which it is
// the same one.
type Key struct {
	Group string
	snapshot.Ref
}

// Key returns the key of the artefact's object.
func (a *Artefact) Key() Key { return Key{a.Group(), a.Ref} }

// Together checks the artefacts and joins those that are fields of one object, where the
// first of them stands. An object made twice and a field set twice are errors: of two
// answers nobody could tell which one holds.
func Together(as []Artefact) ([]Artefact, error) {
	var out []Artefact
	places := map[Key]int{}
	for _, a := range as {
		if err := a.Check(); err != nil {
			return nil, err
		}
		at, again := places[a.Key()]
		if !again {
			places[a.Key()] = len(out)
			out = append(out, a)
			continue
		}
		joined, err := join(out[at], a)
		if err != nil {
			return nil, err
		}
		out[at] = joined
	}
	return out, nil
}

func join(a, b Artefact) (Artefact, error) {
	if a.Object != nil || b.Object != nil {
		return a, fmt.Errorf("%s: is made by %s and by %s", a.Ref, a.Backend, b.Backend)
	}
	a.Fields = slices.Clip(a.Fields)
	for _, f := range b.Fields {
		if !slices.ContainsFunc(a.Fields, f.same) {
			a.Fields = append(a.Fields, f)
		}
	}
	for _, o := range b.Because {
		if !slices.Contains(a.Because, o) {
			a.Because = append(slices.Clip(a.Because), o)
		}
	}
	if a.Backend != b.Backend {
		a.Backend += ", " + b.Backend
	}
	return a, a.Check()
}

// same reports whether the two set one field to one value.
func (f *Field) same(other Field) bool {
	if !slices.Equal(f.Path, other.Path) {
		return false
	}
	a, errA := json.Marshal(f.Value)
	b, errB := json.Marshal(other.Value)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}
