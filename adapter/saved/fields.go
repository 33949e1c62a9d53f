package saved

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// A FieldChange is a field that differs.
type FieldChange struct {
	Kind ChangeKind
	// Path has the indices of the new object, and of the old one where it was Removed.
	Path string
}

// A tree is a JSON object, decoded.
type tree = map[string]any

// compareObjects compares two objects of the same name.
func compareObjects(old, next object.Object, all bool) ([]FieldChange, error) {
	before, err := treeOf(old, all)
	if err != nil {
		return nil, err
	}
	after, err := treeOf(next, all)
	if err != nil {
		return nil, err
	}
	if old.Partial || next.Partial {
		before, after = tree{"metadata": before["metadata"]}, tree{"metadata": after["metadata"]}
	}
	var d differ
	d.trees("", before, after)
	return d.found, nil
}

// treeOf is what of an object is compared.
func treeOf(o object.Object, all bool) (tree, error) {
	o, err := strip(o)
	if err != nil {
		return nil, err
	}
	in := json.NewDecoder(bytes.NewReader(o.JSON))
	in.UseNumber()
	var out tree
	if err := in.Decode(&out); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Ref(), err)
	}
	if o.Kind == "Secret" && o.Group() == "" && !o.Partial {
		oneList(out)
	}
	metadata, _ := out["metadata"].(tree)
	delete(metadata, "namespace") // the same, be it said or not
	for _, set := range []string{"labels", "annotations"} {
		if in, ok := metadata[set].(tree); ok && len(in) == 0 {
			delete(metadata, set)
		}
	}
	if !all {
		delete(out, "status")
		withoutNumbers(metadata)
	}
	return out, nil
}

// numbering is what the API server writes into metadata.
var numbering = []string{"resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"}

func withoutNumbers(metadata tree) {
	for _, name := range numbering {
		delete(metadata, name)
	}
	owners, _ := metadata["ownerReferences"].([]any)
	for _, o := range owners {
		if owner, ok := o.(tree); ok {
			delete(owner, "uid")
		}
	}
}

// oneList puts what stands in stringData into data, as the API server does; the certificates
// that are left of values are compared as what they say.
func oneList(secret tree) {
	entries := tree{}
	for _, list := range []struct {
		field   string
		encoded bool
	}{{"data", true}, {"stringData", false}} {
		in, _ := secret[list.field].(tree)
		for name, value := range in {
			text, _ := value.(string)
			if plain, err := base64.StdEncoding.DecodeString(text); list.encoded && err == nil {
				text = string(plain)
			}
			entries[name] = text
		}
		delete(secret, list.field)
	}
	secret["data"] = entries
	if kind, _ := secret["type"].(string); kind == "" {
		secret["type"] = "Opaque" // the API server's default
	}
}

// A differ notes what differs. A null is no field, as the API server keeps none.
type differ struct{ found []FieldChange }

func (d *differ) note(kind ChangeKind, path string) {
	d.found = append(d.found, FieldChange{kind, path})
}

func (d *differ) trees(path string, old, next tree) {
	both := maps.Clone(old)
	if both == nil {
		both = tree{}
	}
	maps.Copy(both, next)
	for _, name := range slices.Sorted(maps.Keys(both)) {
		d.values(path+object.Key(path == "", name), old[name], next[name])
	}
}

func (d *differ) values(path string, old, next any) {
	switch {
	case old == nil && next == nil:
		return
	case old == nil:
		d.note(Added, path)
		return
	case next == nil:
		d.note(Removed, path)
		return
	}
	oldTree, wasTree := old.(tree)
	nextTree, isTree := next.(tree)
	oldList, wasList := old.([]any)
	nextList, isList := next.([]any)
	switch {
	case wasTree && isTree:
		d.trees(path, oldTree, nextTree)
	case wasList && isList:
		d.lists(path, oldList, nextList)
	case !reflect.DeepEqual(old, next):
		d.note(Changed, path)
	}
}

// lists compares entries of the same name where all have one, as containers do, and else
// those of the same place.
func (d *differ) lists(path string, old, next []any) {
	oldNames, named := namesOf(old)
	nextNames, isNamed := namesOf(next)
	if !named || !isNamed {
		for i := range max(len(old), len(next)) {
			d.values(at(path, i), entry(old, i), entry(next, i))
		}
		return
	}
	var kept []int // the places in next of the old ones that stay
	for i, name := range oldNames {
		j := slices.Index(nextNames, name)
		if j < 0 {
			d.note(Removed, at(path, i))
			continue
		}
		kept = append(kept, j)
		d.values(at(path, j), old[i], next[j])
	}
	for j, name := range nextNames {
		if !slices.Contains(oldNames, name) {
			d.note(Added, at(path, j))
		}
	}
	if !slices.IsSorted(kept) {
		d.note(Changed, path) // their order
	}
}

func at(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// entry is nil behind the end.
func entry(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// namesOf returns the name of each entry, where all have one of their own.
func namesOf(list []any) (names []string, ok bool) {
	seen := map[string]bool{}
	for _, e := range list {
		t, _ := e.(tree)
		name, _ := t["name"].(string)
		if name == "" || seen[name] {
			return nil, false
		}
		seen[name] = true
		names = append(names, name)
	}
	return names, true
}
