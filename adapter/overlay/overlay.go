// Package overlay puts artefacts on the objects of an estate: what the estate would be, had
// somebody applied them. All that they do not name stays as it is.
package overlay

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Compiled is the file that origins name where no file is: in objects that artefacts made,
// and in fields that they set.
const Compiled = artefact.Compiled

// Apply returns the objects with the artefacts applied; the objects themselves stay as
// they are. Whole objects replace those of the same name, whose metadata and status stay
// where the artefact says nothing of them, as after a server-side apply; new ones follow
// at the end. Fields are set in the object that they name. One that was there when they
// were compiled has to be there still; of one that never was, such as a Namespace that no
// manifest declares, the estate says nothing afterwards either. What an immutable object
// holds is not changed: that is an error, as it is one for the API server.
func Apply(objects []object.Object, artefacts []artefact.Artefact) ([]object.Object, error) {
	out, _, err := apply(objects, artefacts)
	return out, err
}

// Batch is Apply on what a source delivered. Its Locate leads what is about a field that
// an artefact set to Compiled, and everything else of the object to its own lines.
func Batch(b object.Batch, artefacts []artefact.Artefact) (object.Batch, error) {
	objects, marks, err := apply(b.Objects, artefacts)
	if err != nil {
		return b, err
	}
	b.Objects = objects
	b.Locate = marks.locate(b.Locate)
	return b, nil
}

// ByKey tells where each object stands.
func ByKey(objects []object.Object) map[artefact.Key]int {
	out := make(map[artefact.Key]int, len(objects))
	for i, o := range objects {
		out[artefact.Key{Group: o.Group(), Ref: o.Ref()}] = i
	}
	return out
}

func apply(objects []object.Object, artefacts []artefact.Artefact) ([]object.Object, marks, error) {
	joined, err := artefact.Together(artefacts)
	if err != nil {
		return nil, nil, err
	}
	if err := Changeable(objects, joined); err != nil {
		return nil, nil, err
	}
	out := slices.Clone(objects)
	places := ByKey(out)
	m := marks{}
	for _, a := range joined {
		at, ok := places[a.Key()]
		switch {
		case a.Object == nil && !ok && a.At.IsZero():
			continue
		case a.Object == nil && !ok:
			err = fmt.Errorf("%s: is not among the objects that were read", a.Ref)
		case a.Object == nil:
			out[at], err = setFields(out[at], a.Fields, m)
		case ok:
			out[at], err = replaced(out[at], a)
		default:
			var o object.Object
			o, err = made(a.Object, a.Ref)
			out = append(out, o)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return out, m, nil
}

// made is a whole artefact as an object of the estate.
func made(tree artefact.Map, ref snapshot.Ref) (object.Object, error) {
	data, err := json.Marshal(tree)
	if err != nil {
		return object.Object{}, fmt.Errorf("%s: %w", ref, err)
	}
	return read(data, object.Source{File: Compiled}, ref)
}

// read reads an object anew; it has to keep its name.
func read(data []byte, source object.Source, ref snapshot.Ref) (object.Object, error) {
	o, err := object.New(data, source, ref.Namespace)
	if err == nil && o.Ref() != ref {
		err = fmt.Errorf("becomes %s", o.Ref())
	}
	if err != nil {
		return o, fmt.Errorf("%s: %w", ref, err)
	}
	return o, nil
}

// setFields sets fields of an object that is there. One that has its value already stays
// with its own lines.
func setFields(o object.Object, fields []artefact.Field, m marks) (object.Object, error) {
	data := o.JSON
	for _, f := range fields {
		p, err := lookup(data, f)
		if err != nil {
			return o, fmt.Errorf("%s: %w", o.Ref(), err)
		}
		if p.same {
			continue
		}
		if data, err = set(data, f.Path, p.value); err != nil {
			return o, fmt.Errorf("%s: %s: %w", o.Ref(), f.Name(), err)
		}
		m.add(o, f.Name())
	}
	return read(data, o.Source, o.Ref())
}

// replaced is an artefact in the place of an object.
func replaced(old object.Object, a artefact.Artefact) (object.Object, error) {
	o, err := made(a.Object, a.Ref)
	if err != nil {
		return o, err
	}
	data, err := kept(old.JSON, o.JSON)
	if err != nil {
		return o, fmt.Errorf("%s: %w", a.Ref, err)
	}
	return read(data, o.Source, a.Ref)
}

// kept adds to a new object what the one that was there has besides: metadata, and in it
// labels and annotations, and the status.
func kept(old, data []byte) ([]byte, error) {
	for _, path := range [][]string{{"metadata"}, {"metadata", "labels"}, {"metadata", "annotations"}} {
		was, err := find(old, path)
		if err != nil {
			return nil, err
		}
		entries, err := members(was.value)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if data, err = added(data, append(slices.Clip(path), e.key), e.value); err != nil {
				return nil, err
			}
		}
	}
	return KeepStatus(old, data)
}

// added sets a field that is not there.
func added(data []byte, path []string, value json.RawMessage) ([]byte, error) {
	is, err := find(data, path)
	if err != nil || is.depth == len(path) {
		return data, err
	}
	return set(data, path, value)
}
