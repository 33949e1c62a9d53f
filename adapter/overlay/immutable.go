package overlay

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/artefact"
)

// content is what an immutable ConfigMap or Secret keeps for ever; stringData becomes data.
var content = []string{"data", "binaryData", "stringData"}

// Changeable refuses artefacts that would change what an immutable ConfigMap or Secret
// holds: "Once a ConfigMap is marked as immutable, it is not possible to revert this change
// nor to mutate the contents of the data or the binaryData field."
func Changeable(objects []object.Object, artefacts []artefact.Artefact) error {
	places := ByKey(objects)
	for _, a := range artefacts {
		at, ok := places[a.Key()]
		if !ok {
			continue
		}
		field, err := frozen(objects[at], a)
		if err != nil {
			return fmt.Errorf("%s: %w", a.Ref, err)
		}
		if field != "" {
			return fmt.Errorf("%s: %s: the object is immutable, and the API server refuses to change it: make another %s, and mount that one",
				a.Ref, field, a.Ref.Kind)
		}
	}
	return nil
}

// frozen names a field that an artefact would change and nobody can; empty for none.
func frozen(o object.Object, a artefact.Artefact) (string, error) {
	var is struct {
		Immutable bool `json:"immutable"`
	}
	if o.Group() != "" || o.Kind != "ConfigMap" && o.Kind != "Secret" {
		return "", nil
	}
	if err := o.Decode(&is); err != nil || !is.Immutable {
		return "", err
	}
	for _, f := range said(a) {
		if !slices.Contains(content, f.Path[0]) {
			continue
		}
		p, err := lookup(o.JSON, f)
		if err != nil {
			return "", err
		}
		if !p.same {
			return f.Name(), nil
		}
	}
	return "", nil
}

// said are the fields that an artefact sets, each key of a whole object's content for itself:
// keys of somebody else's stay.
func said(a artefact.Artefact) []artefact.Field {
	out := slices.Clone(a.Fields)
	for _, e := range a.Object {
		keys, _ := e.Value.(artefact.Map)
		for _, k := range keys {
			out = append(out, artefact.Field{Path: []string{e.Key, k.Key}, Value: k.Value})
		}
	}
	return out
}
