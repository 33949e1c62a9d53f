package pgmoat

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/api/v1alpha1"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// readings are our kinds, each with how an object of it, as it would be stored, becomes an
// intent.
var readings = map[string]func(*converter, []byte) error{
	"PostgresPerimeter": reading((*converter).perimeter),
	"PostgresAccess":    reading((*converter).access),
	"AccessInvariant":   reading((*converter).invariant),
}

func kindNames() []string { return slices.Sorted(maps.Keys(readings)) }

func reading[T any](convert func(*converter, *T)) func(*converter, []byte) error {
	return func(c *converter, stored []byte) error {
		var in T
		if err := json.Unmarshal(stored, &in); err != nil {
			return err
		}
		convert(c, &in)
		return nil
	}
}

// convert keeps the intent of an object, unless there is a fault that only becomes known
// now: a range that nobody explains, a selector that cannot be.
func (r *reader) convert(o object.Object, stored []byte) []*object.Fault {
	c := converter{reader: r, o: o}
	if err := readings[o.Kind](&c, stored); err != nil {
		return []*object.Fault{undecodable(stored, err)}
	}
	if len(c.faults) == 0 {
		c.keep()
	}
	return c.faults
}

// undecodable is the fault of a value that the schema takes and its Go type does not. The
// schema's times are wider than RFC 3339, and spec has a single one.
func undecodable(stored []byte, err error) *object.Fault {
	var te *time.ParseError
	if errors.As(err, &te) {
		return fault("spec.until", "%s: want a time such as 2026-12-31T18:00:00Z", te.Value)
	}
	return object.TypeFault(stored, err)
}

// A converter turns one object into values.
type converter struct {
	*reader
	o      object.Object
	faults []*object.Fault
	// keep adds what came of the object to the intents.
	keep func()
}

func (c *converter) fault(field, format string, args ...any) {
	c.faults = append(c.faults, fault(field, format, args...))
}

func (c *converter) origin(field string) verdict.Origin {
	o := c.o.Origin()
	o.Field = field
	return o
}

func (c *converter) server(in v1alpha1.ServerReference) intent.ServerRef {
	return intent.ServerRef{
		Namespace: c.o.Namespace, Kind: in.Kind, Name: string(in.Name),
		Origin: c.origin("spec.server.name"),
	}
}

// texts returns names as plain text; nil where there are none.
func texts[T ~string](in []T) []string {
	var out []string
	for _, s := range in {
		out = append(out, string(s))
	}
	return out
}
