package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	corev1 "k8s.io/api/core/v1"
)

// partialKind is what the server calls an object of which it sends the metadata only.
const partialKind = "PartialObjectMetadata"

// errWhole is why a list of metadata is not read on: values of Secrets would be in it.
var errWhole = &refusal{why: "the server sends whole objects where their metadata was asked for"}

type fields = map[string]json.RawMessage

// trimmed is an item of a list as the object that it would be by itself: lists of the server's
// own kinds leave out what each item is. What nobody decides by is left out: who owns which
// field, and the copy of the object as it was applied.
func (l *listing) trimmed(item []byte) ([]byte, error) {
	var in fields
	if err := json.Unmarshal(item, &in); err != nil || in == nil {
		return nil, fmt.Errorf("%w: an item of it is no object", errNoList)
	}
	if err := l.isExpected(in); err != nil {
		return nil, err
	}
	meta, err := l.metadata(in["metadata"])
	if err != nil {
		return nil, err
	}
	in["metadata"] = meta
	for key, value := range map[string]string{"apiVersion": l.place.version.apiVersion(), "kind": l.t.Kind} {
		if in[key], err = json.Marshal(value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(in)
}

// isExpected refuses an item of another kind than was asked for, and more than metadata where
// that is all that was.
func (l *listing) isExpected(in fields) error {
	var kind string
	if raw, ok := in["kind"]; ok && json.Unmarshal(raw, &kind) != nil {
		return fmt.Errorf("%w: an item's kind is no text", errNoList)
	}
	if kind != "" && kind != l.t.Kind && (kind != partialKind || !l.t.Metadata) {
		return fmt.Errorf("%w: it has a %s among its items", errNoList, oneLine(kind))
	}
	if !l.t.Metadata {
		return nil
	}
	for key := range in {
		if key != "apiVersion" && key != "kind" && key != "metadata" {
			return errWhole
		}
	}
	return nil
}

func (l *listing) metadata(raw json.RawMessage) (json.RawMessage, error) {
	var meta, notes fields
	if err := json.Unmarshal(raw, &meta); err != nil || meta == nil {
		return nil, fmt.Errorf("%w: an item of it has no metadata", errNoList)
	}
	delete(meta, "managedFields")
	if text, ok := meta["annotations"]; ok {
		if json.Unmarshal(text, &notes) != nil {
			return nil, fmt.Errorf("%w: annotations of an item are no object", errNoList)
		}
		delete(notes, corev1.LastAppliedConfigAnnotation)
		for key := range notes {
			if l.t.Metadata && !slices.Contains(l.t.Annotations, key) {
				delete(notes, key)
			}
		}
		delete(meta, "annotations")
		if len(notes) > 0 {
			text, err := json.Marshal(notes)
			if err != nil {
				return nil, err
			}
			meta["annotations"] = text
		}
	}
	return json.Marshal(meta)
}

// take adds an object to the listing.
func (l *listing) take(text []byte) {
	o, err := object.New(text, object.Source{}, "")
	if err != nil {
		l.problems = append(l.problems, problem(o, err))
		return
	}
	o.Partial = l.t.Metadata
	l.objects = append(l.objects, o)
}

// problem tells of an object that cannot be understood. A Secret's fault is not repeated in
// the parser's words.
func problem(o object.Object, err error) snapshot.Problem {
	if o.Type() == secretType {
		var f *object.Fault
		if !errors.As(err, &f) {
			f = &object.Fault{}
		}
		err = &object.Fault{Field: f.Field, Err: errors.New("cannot be read")}
	}
	return o.Problem(err)
}
