package saved

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/kube"
	"github.com/pgmoat/pgmoat/adapter/object"
	corev1 "k8s.io/api/core/v1"
)

// copies are the annotations in which tools keep an object as it was applied: of a Secret
// with what it holds, and of any other a second time.
var copies = []string{
	corev1.LastAppliedConfigAnnotation,
	"kapp.k14s.io/original",
	"objectset.rio.cattle.io/applied",
	"banzaicloud.com/last-applied",
}

// strip returns the object as it is kept: without who manages its fields, without copies of
// itself, without the values of a Secret, and without blanks in its JSON.
func strip(o object.Object) (object.Object, error) {
	var err error
	if o.JSON, err = withoutCopies(o.JSON); err != nil {
		return o, fmt.Errorf("%s: %w", o.Ref(), err)
	}
	if slices.ContainsFunc(copies, func(key string) bool { _, ok := o.Annotations[key]; return ok }) {
		o.Annotations = maps.Clone(o.Annotations)
		for _, key := range copies {
			delete(o.Annotations, key)
		}
	}
	o = kube.Public(o)
	var out bytes.Buffer
	out.Grow(len(o.JSON))
	if err := json.Compact(&out, o.JSON); err != nil {
		return o, fmt.Errorf("%s: %w", o.Ref(), err)
	}
	o.JSON = out.Bytes()
	return o, valid(o)
}

// withoutCopies removes metadata.managedFields and copies. All else stays as it is, to the
// order of fields and those that are there twice, which somebody may find fault with.
func withoutCopies(data []byte) ([]byte, error) {
	names := append([]string{"managedFields"}, copies...)
	if !slices.ContainsFunc(names, func(name string) bool { return bytes.Contains(data, []byte(name)) }) {
		return data, nil
	}
	return edited(data, func(key string, metadata json.RawMessage) (json.RawMessage, error) {
		if key != "metadata" {
			return metadata, nil
		}
		return edited(metadata, func(key string, value json.RawMessage) (json.RawMessage, error) {
			switch key {
			case "managedFields":
				return nil, nil
			case "annotations":
				return edited(value, func(key string, value json.RawMessage) (json.RawMessage, error) {
					if slices.Contains(copies, key) {
						return nil, nil
					}
					return value, nil
				})
			}
			return value, nil
		})
	})
}

// edited changes the fields of an object one by one; nil removes. What is no object is
// returned as it is.
func edited(data []byte, change func(key string, value json.RawMessage) (json.RawMessage, error)) ([]byte, error) {
	if text := bytes.TrimLeft(data, " \t\r\n"); len(text) == 0 || text[0] != '{' {
		return data, nil
	}
	in := json.NewDecoder(bytes.NewReader(data))
	if _, err := in.Token(); err != nil {
		return nil, err
	}
	out := []byte{'{'}
	for in.More() {
		var value json.RawMessage
		key, err := in.Token()
		if err == nil {
			err = in.Decode(&value)
		}
		name, _ := key.(string)
		if err == nil {
			value, err = change(name, value)
		}
		if err != nil {
			return nil, err
		}
		if value == nil {
			continue
		}
		quoted, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, quoted...), ':'), value...)
	}
	return append(out, '}'), nil
}
