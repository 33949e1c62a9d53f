package saved

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A section is a part of a file: the length of its name and the name, its flags, its length
// decompressed and as it stands, and itself. Lengths are unsigned varints.
type section struct {
	name   string
	flags  byte
	raw    int
	stored []byte
}

// The names of format 1.
const (
	// sectionHeader is the line of the header without its digest, so that the digest covers
	// the header, too.
	sectionHeader = "header"
	// sectionRest is the JSON of all of the batch but its objects.
	sectionRest = "rest"
	// sectionObjects is a chunk of objects, in their order.
	sectionObjects = "objects"
)

const (
	// optional sections can be passed over by those who do not know them. Any other that is
	// not known is an error: a later version has put something there that changes answers.
	optional byte = 1 << iota
	// compressed sections are a zstd frame.
	compressed
)

// maxName bounds the name of a section.
const maxName = 64

var errCut = errors.New("is cut off")

// encoder and decoder are made once: both are for several callers at a time.
var (
	encoder = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderCRC(false))
	})
	decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
		// What a frame says it comes to is not believed: the buffer it is given is the limit.
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true), zstd.IgnoreChecksum(true))
	})
)

// appendSection compresses the text where that makes it smaller.
func appendSection(out []byte, name string, flags byte, text []byte) ([]byte, error) {
	e, err := encoder()
	if err != nil {
		return nil, err
	}
	stored := text
	if packed := e.EncodeAll(text, nil); len(packed) < len(text) {
		stored, flags = packed, flags|compressed
	}
	out = binary.AppendUvarint(out, uint64(len(name)))
	out = append(out, name...)
	out = append(out, flags)
	out = binary.AppendUvarint(out, uint64(len(text)))
	out = binary.AppendUvarint(out, uint64(len(stored)))
	return append(out, stored...), nil
}

// cutSection takes the first section off the data.
func cutSection(data []byte) (section, []byte, error) {
	d := cursor{rest: data}
	var s section
	s.name = string(d.take(d.length(maxName)))
	if flags := d.take(1); len(flags) == 1 {
		s.flags = flags[0]
	}
	s.raw = d.length(int(min(maxRaw, math.MaxInt)))
	s.stored = d.take(d.length(int(min(maxFile, math.MaxInt))))
	switch {
	case d.err != nil:
		return s, nil, d.err
	case s.flags&compressed == 0 && s.raw != len(s.stored):
		return s, nil, fmt.Errorf("section %q: its length is wrong", s.name)
	}
	return s, d.rest, nil
}

// text decompresses the section.
func (s section) text() ([]byte, error) {
	if s.flags&compressed == 0 {
		return s.stored, nil
	}
	d, err := decoder()
	if err != nil {
		return nil, err
	}
	out, err := d.DecodeAll(s.stored, make([]byte, 0, s.raw))
	switch {
	case err != nil:
		return nil, fmt.Errorf("section %q: %w", s.name, err)
	case len(out) != s.raw:
		return nil, fmt.Errorf("section %q: its length is wrong", s.name)
	}
	return out, nil
}

// cutSections cuts the data into the sections that are known, in their order.
func cutSections(data []byte) ([]section, error) {
	var out []section
	var total int64
	for len(data) > 0 {
		s, rest, err := cutSection(data)
		if err != nil {
			return nil, err
		}
		data = rest
		known := slices.Contains([]string{sectionHeader, sectionRest, sectionObjects}, s.name) && s.flags&^(optional|compressed) == 0
		switch {
		case !known && s.flags&optional != 0:
			continue
		case !known:
			return nil, fmt.Errorf("has a section %q that this pgmoat does not know: update pgmoat", s.name)
		}
		if total += int64(s.raw); total > maxRaw {
			return nil, fmt.Errorf("comes to more than %d MiB", maxRaw>>20)
		}
		out = append(out, s)
	}
	return out, nil
}

// A cursor reads varints and bytes. After an error it gives zeros.
type cursor struct {
	rest []byte
	err  error
}

// length reads a number that is at most most.
func (c *cursor) length(most int) int {
	n, size := binary.Uvarint(c.rest)
	switch {
	case c.err != nil:
		return 0
	case size <= 0:
		c.fail(errCut)
		return 0
	case n > uint64(max(most, 0)):
		c.fail(fmt.Errorf("a number is %d where at most %d can be", n, most))
		return 0
	}
	c.rest = c.rest[size:]
	return int(n) //nolint:gosec // at most most
}

// take takes the next n bytes.
func (c *cursor) take(n int) []byte {
	if c.err == nil && n > len(c.rest) {
		c.fail(errCut)
	}
	if c.err != nil {
		return nil
	}
	out := c.rest[:n:n]
	c.rest = c.rest[n:]
	return out
}

func (c *cursor) fail(err error) {
	c.err, c.rest = err, nil
}
