package artefact

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxKey is how many bytes a key may have; Kubernetes has none longer than 317. Readers of
// YAML look no further than 1024 characters for the colon behind one.
const maxKey = 400

// Group returns the API group, "" for core.
func (a *Artefact) Group() string {
	group, _, ok := strings.Cut(a.APIVersion, "/")
	if !ok {
		return ""
	}
	return group
}

// Name writes the field's path as Kubernetes does: "spec.postgresql.pg_hba", and
// "metadata.labels[app.kubernetes.io/name]" where a key has dots.
func (f *Field) Name() string {
	at := ""
	for _, key := range f.Path {
		at = step(at, key)
	}
	return at
}

// step goes on from a path to a key below it.
func step(at, key string) string {
	switch {
	case strings.ContainsAny(key, ".[]"):
		return at + "[" + key + "]"
	case at == "":
		return key
	}
	return at + "." + key
}

// Check finds what nobody may write: an artefact that is neither an object nor fields or
// is both, an object that is not the one it is named after or brings a status, and values
// that mean less than they look like. A null is the worst of them: the API server drops
// it, and a rule without its peers is about everybody.
func (a *Artefact) Check() error {
	var err error
	switch {
	case a.Object != nil && a.Fields != nil:
		err = errors.New("is both an object and fields of one")
	case a.Object != nil:
		err = a.checkObject()
	case len(a.Fields) == 0:
		err = errors.New("is neither an object nor fields of one")
	default:
		err = a.checkFields()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", a.Ref, err)
	}
	return nil
}

func (a *Artefact) checkObject() error {
	metadata, _ := a.Object.Get("metadata").(Map)
	for _, part := range []struct {
		field      string
		said, want Value
	}{
		{"apiVersion", a.Object.Get("apiVersion"), a.APIVersion},
		{"kind", a.Object.Get("kind"), a.Ref.Kind},
		{"metadata.name", metadata.Get("name"), a.Ref.Name},
	} {
		if part.want == "" || part.said != part.want {
			return fmt.Errorf("%s is %v in the object and %v in its name", part.field, part.said, part.want)
		}
	}
	if namespace, _ := metadata.Get("namespace").(string); namespace != a.Ref.Namespace {
		return fmt.Errorf("metadata.namespace is %q in the object and %q in its name", namespace, a.Ref.Namespace)
	}
	if slices.ContainsFunc(a.Object, func(e Entry) bool { return e.Key == "status" }) {
		return errors.New("status is the cluster's to write")
	}
	return check(a.Object, "")
}

func (a *Artefact) checkFields() error {
	if a.APIVersion == "" || a.Ref.Kind == "" || a.Ref.Name == "" {
		return errors.New("names no object that fields could be of")
	}
	for i, f := range a.Fields {
		if err := f.check(); err != nil {
			return err
		}
		for _, other := range a.Fields[:i] {
			if f.overlaps(&other) {
				return fmt.Errorf("%s and %s are both set", other.Name(), f.Name())
			}
		}
	}
	return nil
}

// identity are the fields that make an object the one it is.
var identity = []string{"apiVersion", "kind", "metadata", "metadata.name", "metadata.namespace"}

func (f *Field) check() error {
	if len(f.Path) == 0 {
		return errors.New("a field without a path")
	}
	if name := f.Name(); slices.Contains(identity, name) || f.Path[0] == "status" {
		return fmt.Errorf("%s: is not for anybody to set", name)
	}
	at := ""
	for _, key := range f.Path {
		at = step(at, key)
		if err := checkKey(key); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	}
	return check(f.Value, at)
}

// overlaps reports whether one of the two fields holds the other, or is it.
func (f *Field) overlaps(other *Field) bool {
	n := min(len(f.Path), len(other.Path))
	return slices.Equal(f.Path[:n], other.Path[:n])
}

func check(v Value, at string) error {
	switch v := v.(type) {
	case Map:
		return checkMap(v, at)
	case List:
		for i, item := range v {
			if err := check(item.Value, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
		return nil
	case string:
		if !utf8.ValidString(v) {
			return fmt.Errorf("%s: %q is not UTF-8", at, v)
		}
		return nil
	case bool, int64:
		return nil
	case nil:
		return fmt.Errorf("%s: null says nothing", at)
	}
	return fmt.Errorf("%s: %T is no value of an artefact", at, v)
}

func checkMap(m Map, at string) error {
	seen := make(map[string]bool, len(m))
	for _, e := range m {
		at := step(at, e.Key)
		if seen[e.Key] {
			return fmt.Errorf("%s: is set twice", at)
		}
		seen[e.Key] = true
		if err := checkKey(e.Key); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		if err := check(e.Value, at); err != nil {
			return err
		}
	}
	return nil
}

func checkKey(key string) error {
	unprintable := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
	switch {
	case len(key) > maxKey:
		return fmt.Errorf("a key of %d bytes", len(key))
	case strings.ContainsFunc(key, unprintable):
		return fmt.Errorf("the key %q does not print", key)
	}
	return nil
}
