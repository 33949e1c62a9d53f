package saved

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// chunkSize is how much JSON a chunk is filled up to: small enough for all cores to have
// some, large enough to compress well.
const chunkSize = 1 << 20

// The bits of an object's flags.
const flagPartial = 1

// A chunk is a table of strings, the records of objects, and behind them all their JSON.
// Strings are their number in the table; a list is its length and one, or zero for nil.
type chunk struct {
	numbers map[string]uint64
	strings []string
	records []byte
	count   int
	json    []byte
}

func newChunk() *chunk { return &chunk{numbers: map[string]uint64{}} }

// text writes a string as its number.
func (c *chunk) text(out []byte, s string) []byte {
	n, ok := c.numbers[s]
	if !ok {
		n = uint64(len(c.strings))
		c.numbers[s] = n
		c.strings = append(c.strings, s)
	}
	return binary.AppendUvarint(out, n)
}

// pairs writes a map in the order of its keys, so that the same batch is the same file.
func (c *chunk) pairs(out []byte, set map[string]string) []byte {
	if set == nil {
		return append(out, 0)
	}
	out = binary.AppendUvarint(out, uint64(len(set))+1)
	for _, key := range slices.Sorted(maps.Keys(set)) {
		out = c.text(c.text(out, key), set[key])
	}
	return out
}

func (c *chunk) owners(out []byte, owners []object.Owner) []byte {
	if owners == nil {
		return append(out, 0)
	}
	out = binary.AppendUvarint(out, uint64(len(owners))+1)
	for _, o := range owners {
		out = c.text(c.text(c.text(c.text(out, o.APIVersion), o.Kind), o.Name), o.UID)
		switch {
		case o.Controller == nil:
			out = append(out, 0)
		case *o.Controller:
			out = append(out, 2)
		default:
			out = append(out, 1)
		}
	}
	return out
}

// add adds an object: the length of its record, and the record.
func (c *chunk) add(o object.Object) error {
	if o.Source.Line < 0 {
		return fmt.Errorf("%s: line %d", o.Ref(), o.Source.Line)
	}
	r := binary.AppendUvarint(nil, uint64(len(o.JSON)))
	r = c.text(c.text(r, o.APIVersion), o.Kind)
	var flags byte
	if o.Partial {
		flags |= flagPartial
	}
	r = append(r, flags)
	for _, s := range []string{o.Namespace, o.Name, o.UID, o.Source.File, o.Source.Via, o.Source.Prefix} {
		r = c.text(r, s)
	}
	r = binary.AppendUvarint(r, uint64(o.Source.Line)) //nolint:gosec // not negative
	r = c.owners(c.pairs(c.pairs(r, o.Labels), o.Annotations), o.Owners)
	c.records = append(binary.AppendUvarint(c.records, uint64(len(r))), r...)
	c.json = append(c.json, o.JSON...)
	c.count++
	return nil
}

// bytes is the chunk as it is kept.
func (c *chunk) bytes() []byte {
	out := binary.AppendUvarint(nil, uint64(len(c.strings)))
	for _, s := range c.strings {
		out = binary.AppendUvarint(out, uint64(len(s)))
	}
	for _, s := range c.strings {
		out = append(out, s...)
	}
	out = binary.AppendUvarint(out, uint64(c.count)) //nolint:gosec // not negative
	out = binary.AppendUvarint(out, uint64(len(c.records)))
	out = append(out, c.records...)
	return append(out, c.json...)
}
