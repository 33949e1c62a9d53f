package kube

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// A shape is what the schema of a CustomResourceDefinition asks of a value. It is
// asked of the JSON itself: a Go type cannot tell a field that is absent from one that
// is empty, and drops the fields it does not have.
type shape struct {
	// kind is how JSON writes the value: "object", "array", "string" or "integer";
	// empty for whatever it likes.
	kind string
	// fields are those of an object, and required those it cannot do without.
	fields   map[string]*shape
	required []string
	// of is the shape of each item of an array, or of each value of an object without
	// fields of its own.
	of *shape
	// min and max bound an integer, and otherwise how many fields, items or characters
	// there are; a max of zero is no bound.
	min, max int64
	// open says that fields nobody knows are told rather than refused.
	open bool
	// distinct refuses an item that is there twice (x-kubernetes-list-type: set).
	distinct bool
	enum     []string
	pattern  *regexp.Regexp
	// rule is what the schema asks besides (x-kubernetes-validations); it returns an
	// error below the field, and nil where there is none.
	rule func(field string, value any) error
}

// A reading goes through a value by its shape, and stops at the first fault.
type reading struct {
	// unknown are the paths of fields that no shape has, in open objects.
	unknown []string
}

func (r *reading) check(s *shape, field string, value any) error {
	value = whole(value)
	if err := s.isKind(field, value); err != nil {
		return err
	}
	var err error
	switch v := value.(type) {
	case map[string]any:
		err = r.object(s, field, v)
	case []any:
		err = r.array(s, field, v)
	case string:
		err = s.text(field, v)
	case int64:
		err = s.number(field, v)
	}
	if err != nil || s.rule == nil {
		return err
	}
	return s.rule(field, value)
}

// exact is the number up to which every whole one has a float64.
const exact = 1 << 53

// whole writes 1.0 as 1, which JSON does not tell apart.
func whole(value any) any {
	if f, ok := value.(float64); ok && f == math.Trunc(f) && math.Abs(f) < exact {
		return int64(f)
	}
	return value
}

func (s *shape) isKind(field string, value any) error {
	kind := kindOf(value)
	if s.kind == "" || kind == s.kind {
		return nil
	}
	return fault(field, "must be of type %s, not %s", s.kind, kind)
}

func kindOf(value any) string {
	switch value.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case int64:
		return "integer"
	case float64:
		return "number"
	case bool:
		return "boolean"
	}
	return "null"
}

// object checks the fields in the order of their names. A field that is null is as
// good as absent: the server takes it out before it looks.
func (r *reading) object(s *shape, field string, in map[string]any) error {
	if s.fields == nil {
		return r.values(s, field, in)
	}
	present := int64(0)
	for _, name := range slices.Sorted(maps.Keys(in)) {
		at := below(field, name)
		known := s.fields[name]
		switch {
		case known == nil && !s.open:
			return fault(at, "unknown field")
		case known == nil:
			r.unknown = append(r.unknown, at)
			present++
		case in[name] != nil:
			present++
			if err := r.check(known, at, in[name]); err != nil {
				return err
			}
		}
	}
	for _, name := range s.required {
		if in[name] == nil {
			return fault(below(field, name), "is required")
		}
	}
	return s.bounds(field, present, "field", "fields")
}

// values checks an object that may have any fields; those that are null are absent.
func (r *reading) values(s *shape, field string, in map[string]any) error {
	if s.of == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if in[name] == nil {
			continue
		}
		if err := r.check(s.of, below(field, name), in[name]); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) array(s *shape, field string, in []any) error {
	if err := s.bounds(field, int64(len(in)), "item", "items"); err != nil || s.of == nil {
		return err
	}
	seen := map[any]bool{}
	for i, item := range in {
		at := fmt.Sprintf("%s[%d]", field, i)
		if err := r.check(s.of, at, item); err != nil {
			return err
		}
		if s.distinct && seen[item] {
			return fault(at, "%q is there twice", item)
		}
		if s.distinct {
			seen[item] = true
		}
	}
	return nil
}

func (s *shape) text(field, in string) error {
	if s.enum != nil && !slices.Contains(s.enum, in) {
		return fault(field, "%q: want %s", in, strings.Join(s.enum, ", "))
	}
	if s.pattern != nil && !s.pattern.MatchString(in) {
		return fault(field, "%q does not look like %s", in, s.pattern)
	}
	return s.bounds(field, int64(utf8.RuneCountInString(in)), "character", "characters")
}

func (s *shape) number(field string, in int64) error {
	if in < s.min || s.max > 0 && in > s.max {
		return fault(field, "%d: want %d to %d", in, s.min, s.max)
	}
	return nil
}

func (s *shape) bounds(field string, n int64, one, many string) error {
	switch {
	case n < s.min:
		return fault(field, "has %d %s; want at least %d", n, plural(n, one, many), s.min)
	case s.max > 0 && n > s.max:
		return fault(field, "has %d %s; want at most %d", n, plural(n, one, many), s.max)
	}
	return nil
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// below is the path of a field inside another; the whole object has none.
func below(field, name string) string {
	return field + object.Key(field == "", name)
}
