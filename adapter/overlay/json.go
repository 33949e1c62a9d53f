package overlay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/artefact"
)

// A found is as much of a path as an object has.
type found struct {
	// Depth counts the keys of the path that are there; null is not.
	depth int
	// Value is what the whole path leads to, nil where it does not.
	value json.RawMessage
}

// find follows a path. A value on the way that is no object is a Fault that names it.
func find(data []byte, path []string) (found, error) {
	at := json.RawMessage(data)
	for depth, key := range path {
		entries, err := members(at)
		if err != nil {
			f := artefact.Field{Path: path[:depth]}
			return found{}, &object.Fault{Field: f.Name(), Err: err}
		}
		at = nil
		for _, e := range entries {
			if e.key == key {
				at = e.value
			}
		}
		if isNull(at) {
			return found{depth: depth}, nil
		}
	}
	return found{len(path), at}, nil
}

func isNull(value json.RawMessage) bool { return value == nil || string(value) == "null" }

// A member is a key of an object with its value as it is written.
type member struct {
	key   string
	value json.RawMessage
}

// members reads an object one level deep; null is one without any.
func members(data json.RawMessage) ([]member, error) {
	if isNull(data) {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return nil, fmt.Errorf("%s where an object is expected", kindOf(data))
	}
	var out []member
	seen := map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		e := member{key: key.(string)} // the keys of JSON are strings
		if err := dec.Decode(&e.value); err != nil {
			return nil, err
		}
		if seen[e.key] {
			return nil, fmt.Errorf("the key %q is there twice", e.key)
		}
		seen[e.key] = true
		out = append(out, e)
	}
	return out, nil
}

func kindOf(data json.RawMessage) string {
	switch data[0] {
	case '[':
		return "a list"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	}
	return "a number"
}

// set writes a value at a path that find has followed. What is not on the way is copied
// as it is written.
func set(data json.RawMessage, path []string, value json.RawMessage) (json.RawMessage, error) {
	if len(path) == 0 {
		return value, nil
	}
	key, below := path[0], path[1:]
	entries, err := members(data)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(entries, func(e member) bool { return e.key == key })
	if at < 0 {
		at = len(entries)
		entries = append(entries, member{key: key})
	}
	if entries[at].value, err = set(entries[at].value, below, value); err != nil {
		return nil, err
	}
	return written(entries)
}

func written(entries []member) (json.RawMessage, error) {
	out := []byte{'{'}
	for i, e := range entries {
		key, err := json.Marshal(e.key)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, key...), ':')
		out = append(out, e.value...)
	}
	return append(out, '}'), nil
}

// A looked is a field beside what the object has in its place.
type looked struct {
	was found
	// Value is that of the field.
	value json.RawMessage
	// Same says that the object has it already.
	same bool
}

func lookup(data []byte, f artefact.Field) (looked, error) {
	value, err := json.Marshal(f.Value)
	if err != nil {
		return looked{}, fmt.Errorf("%s: %w", f.Name(), err)
	}
	is, err := find(data, f.Path)
	if err != nil {
		return looked{}, err
	}
	return looked{is, value, is.depth == len(f.Path) && same(is.value, value)}, nil
}

// same reports whether two texts are the same value.
func same(a, b json.RawMessage) bool {
	x, errX := decoded(a)
	y, errY := decoded(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

// decoded keeps numbers as they are written: 1.0 is none that we write.
func decoded(data json.RawMessage) (out any, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	err = dec.Decode(&out)
	return out, err
}
