package saved

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unicode/utf8"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// maxLine bounds the number of a line, minRecord is the least that a record can be.
const maxLine, minRecord = 1<<31 - 1, 13

// A chunkReader reads one chunk.
type chunkReader struct {
	table []string
	wants func(object.Type, []byte) bool
	*counters

	read   []object.Object
	unused int
}

// counters are of all chunks of a file: entries are labels, annotations and owners.
type counters struct{ objects, strings, entries atomic.Int64 }

// section reads a chunk as it is kept.
func (r *chunkReader) section(s section) error {
	text, err := s.text()
	if err != nil {
		return err
	}
	if err := r.chunk(text); err != nil {
		return fmt.Errorf("section %q: %w", s.name, err)
	}
	return nil
}

// chunk reads the objects. Those that are not wanted are counted.
func (r *chunkReader) chunk(text []byte) error {
	all := cursor{rest: text}
	if err := r.readTable(&all); err != nil {
		return err
	}
	n := all.length(len(all.rest) / minRecord)
	records := cursor{rest: all.take(all.length(len(all.rest)))}
	if all.err != nil {
		return all.err
	}
	if r.objects.Add(int64(n)) > maxObjects {
		return fmt.Errorf("more than %d objects", maxObjects)
	}
	r.read = make([]object.Object, 0, n)
	for range n {
		record := cursor{rest: records.take(records.length(len(records.rest)))}
		json := all.take(record.length(len(all.rest)))
		if err := errors.Join(records.err, all.err); err != nil {
			return err
		}
		if err := r.object(record, json); err != nil {
			return err
		}
	}
	if len(records.rest)+len(all.rest) > 0 {
		return errors.New("something follows the last object")
	}
	return nil
}

// readTable reads the strings. They share one text.
func (r *chunkReader) readTable(c *cursor) error {
	n := c.length(len(c.rest))
	if r.strings.Add(int64(n)) > maxStrings {
		return fmt.Errorf("more than %d strings", maxStrings)
	}
	lengths, total := *c, 0
	for range n {
		total = min(total+c.length(len(c.rest)), len(c.rest)+1)
	}
	text := string(c.take(total))
	if c.err != nil {
		return c.err
	}
	r.table = make([]string, n)
	for i := range r.table {
		size := lengths.length(len(text))
		r.table[i], text = text[:size], text[size:]
	}
	return nil
}

// object reads the record of an object, of which the length of its JSON is read already.
func (r *chunkReader) object(c cursor, json []byte) error {
	o := object.Object{APIVersion: r.text(&c), Kind: r.text(&c), JSON: json}
	if c.err == nil && r.wants != nil && !r.wants(o.Type(), json) {
		r.unused++
		return nil
	}
	if flags := c.take(1); len(flags) == 1 {
		o.Partial = flags[0]&flagPartial != 0
		if flags[0]&^flagPartial != 0 {
			return fmt.Errorf("an object has flags %#x that this pgmoat does not know", flags[0])
		}
	}
	for _, into := range []*string{&o.Namespace, &o.Name, &o.UID, &o.Source.File, &o.Source.Via, &o.Source.Prefix} {
		*into = r.text(&c)
	}
	o.Source.Line = c.length(maxLine)
	o.Labels, o.Annotations, o.Owners = r.pairs(&c), r.pairs(&c), r.owners(&c)
	switch {
	case c.err != nil:
		return c.err
	case len(c.rest) > 0:
		return fmt.Errorf("%s: something follows what is known of it", o.Ref())
	}
	r.read = append(r.read, o)
	return valid(o)
}

// valid refuses what nobody could have read: the same that package object refuses, and what
// is no JSON object at the first glance. Whoever decodes the JSON sees the rest.
func valid(o object.Object) error {
	if err := o.Valid(); err != nil {
		return fmt.Errorf("%s: %w", o.Ref(), err)
	}
	if n := len(o.JSON); n < 2 || o.JSON[0] != '{' || o.JSON[n-1] != '}' {
		return fmt.Errorf("%s: is no JSON object", o.Ref())
	}
	if o.Kind == "" || !utf8.ValidString(o.Kind) || !utf8.ValidString(o.APIVersion) {
		return fmt.Errorf("%s: its kind is %q of %q", o.Ref(), o.Kind, o.APIVersion)
	}
	return nil
}

// text reads the number of a string.
func (r *chunkReader) text(c *cursor) string {
	n := c.length(len(r.table) - 1)
	if c.err != nil || n >= len(r.table) {
		c.fail(errors.Join(c.err, errNoString))
		return ""
	}
	return r.table[n]
}

var errNoString = errors.New("a string is missing")

// list reads the length of a list whose entries take so many bytes or more; -1 for nil.
func (r *chunkReader) list(c *cursor, least int) int {
	n := c.length(len(c.rest)/least+1) - 1
	if r.entries.Add(int64(max(n, 0))) > maxEntries {
		c.fail(errors.New("has too many labels, annotations and owners"))
	}
	if c.err != nil {
		return -1
	}
	return n
}

func (r *chunkReader) pairs(c *cursor) map[string]string {
	n := r.list(c, 2)
	if n < 0 {
		return nil
	}
	out := make(map[string]string, n)
	for range n {
		key := r.text(c)
		out[key] = r.text(c)
	}
	return out
}

func (r *chunkReader) owners(c *cursor) []object.Owner {
	n := r.list(c, 5)
	if n < 0 {
		return nil
	}
	out := make([]object.Owner, n)
	for i := range out {
		out[i] = object.Owner{APIVersion: r.text(c), Kind: r.text(c), Name: r.text(c), UID: r.text(c)}
		switch is := c.length(2); is {
		case 1, 2:
			controls := is == 2
			out[i].Controller = &controls
		}
	}
	return out
}
