package saved

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// FuzzRead reads what anybody may have made, as a file, and as what stands in one whose digest
// is right: the body, and a chunk of objects. What is read can be written, and is read again
// as the same.
func FuzzRead(f *testing.F) {
	h, b := example()
	var file bytes.Buffer
	if _, err := Write(&file, h, b); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add(sealed(f, 1, nil, sections(f)))
	f.Add(sections(f)(nil))
	c := newChunk()
	for _, o := range b.Objects {
		if err := c.add(o); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(c.bytes())
	raw, objects, entries := maxRaw, maxObjects, maxEntries
	f.Cleanup(func() { maxRaw, maxObjects, maxEntries = raw, objects, entries })
	maxRaw, maxObjects, maxEntries = 1<<20, 1<<12, 1<<12
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, file := range [][]byte{
			data,
			sealed(t, 1, nil, func([]byte) []byte { return data }),
			sealed(t, 1, map[string]any{"objects": 4}, sections(t, section{name: sectionObjects, stored: data})),
		} {
			if batch, err := reads(file); err == nil {
				isKept(t, batch)
			}
		}
	})
}

func isKept(t *testing.T, b object.Batch) {
	var file bytes.Buffer
	if _, err := Write(&file, Header{}, b); err != nil {
		return // JSON that only looks like an object
	}
	once, err := reads(file.Bytes())
	if err != nil {
		t.Fatalf("what was written is not read: %v", err)
	}
	file.Reset()
	if _, err := Write(&file, Header{}, once); err != nil {
		t.Fatal(err)
	}
	if twice, err := reads(file.Bytes()); err != nil || !reflect.DeepEqual(once, twice) {
		t.Fatalf("%v: once\n%+v\ntwice\n%+v", err, once, twice)
	}
}
