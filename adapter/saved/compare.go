package saved

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Change is an object that two batches do not have alike.
type Change struct {
	// Kind is what became of it.
	Kind ChangeKind
	// Type is its kind with its group, "Deployment.apps".
	Type string
	Ref  snapshot.Ref
	// Old and New are where it was read; zero where it was not.
	Old, New verdict.Origin
	// Fields are what differs, in the order of their paths; nil unless it was Changed.
	Fields []FieldChange
	// Partial says that of one of the two only the metadata was read, so that no more than
	// that was compared.
	Partial bool
}

// A ChangeKind says what became of something.
type ChangeKind string

// What became of objects and of fields.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
	// Unlisted objects are in one batch, and the cluster of the other did not let all of
	// their kind be listed: whether it has them is not known.
	Unlisted ChangeKind = "unlisted"
)

// Compare returns the objects that differ, sorted by namespace, kind and name. Of Secrets the
// names of the entries and the certificates are compared, as no more is ever known.
//
// What the API server and controllers write by themselves is left out unless all is asked
// for: the status, and what of the metadata numbers and dates an object.
func Compare(old, next object.Batch, all bool) ([]Change, error) {
	before, after := keyed(old.Objects), keyed(next.Objects)
	keys := maps.Clone(before)
	maps.Copy(keys, after)
	var out []Change
	for _, k := range slices.SortedFunc(maps.Keys(keys), key.compare) {
		b, wasThere := before[k]
		a, isThere := after[k]
		c := Change{Type: k.Type.String(), Ref: keys[k].Ref()}
		if wasThere {
			c.Old = b.Origin()
		}
		if isThere {
			c.New = a.Origin()
		}
		switch {
		case !wasThere:
			c.Kind = k.unlessUnlisted(Added, old.Coverage)
		case !isThere:
			c.Kind = k.unlessUnlisted(Removed, next.Coverage)
		default:
			var err error
			c.Kind, c.Partial = Changed, a.Partial || b.Partial
			if c.Fields, err = compareObjects(b, a, all); err != nil {
				return nil, err
			}
			if len(c.Fields) == 0 {
				continue
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// A key is what makes two objects one. Those that the server will name have numbers.
type key struct {
	object.Type
	namespace, name string
	number          int
}

func keyed(objects []object.Object) map[key]object.Object {
	out := make(map[key]object.Object, len(objects))
	for _, o := range objects {
		k := key{Type: o.Type(), namespace: o.Namespace, name: o.Name}
		for _, there := out[k]; there; _, there = out[k] {
			k.number++
		}
		out[k] = o
	}
	return out
}

func (k key) compare(other key) int {
	return cmp.Or(strings.Compare(k.namespace, other.namespace), strings.Compare(k.Kind, other.Kind),
		strings.Compare(k.name, other.name), strings.Compare(k.Group, other.Group), cmp.Compare(k.number, other.number))
}

// unlessUnlisted is the change, if the side that has no such object would have been told of
// one. Manifests say of everything that is not there that it is not.
func (k key) unlessUnlisted(change ChangeKind, side *snapshot.Coverage) ChangeKind {
	if side != nil && !side.Listed(k.Type.String(), k.namespace) {
		return Unlisted
	}
	return change
}
