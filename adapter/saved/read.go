package saved

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A rest is all of a batch but its objects and its coverage.
type rest struct {
	Problems []snapshot.Problem `json:"problems"`
	Skipped  []string           `json:"skipped"`
	Ignored  int                `json:"ignored"`
	Unused   int                `json:"unused"`
	Missing  []snapshot.Missing `json:"missing"`
	Warnings []snapshot.Warning `json:"warnings"`
	Inputs   []object.Input     `json:"inputs"`
}

// Read reads the file of that name, as files are named in errors. Wants is as in package
// file: it is asked about each object with its JSON, others are counted in Unused; nil wants
// all. The batch has no Locate: of what lies below documents the lines are not kept.
//
// A file that is not whole, was changed, or was written by a newer pgmoat is an error, and
// nothing of it is believed.
func Read(ctx context.Context, name string, r io.Reader, wants func(object.Type, []byte) bool) (Header, object.Batch, error) {
	in := reading{ctx: ctx, wants: wants}
	if err := in.read(r); err != nil {
		return Header{}, object.Batch{}, fmt.Errorf("%s: %w", name, err)
	}
	return in.header, in.batch, nil
}

// A reading is a file that is being read.
type reading struct {
	ctx    context.Context
	wants  func(object.Type, []byte) bool
	header Header
	// line is that of the header, body what follows it.
	line, body []byte
	batch      object.Batch
}

func (in *reading) read(r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return err
	case int64(len(data)) > maxFile:
		return fmt.Errorf("larger than %d MiB", maxFile>>20)
	}
	format, data, err := cutFormat(data)
	if err != nil {
		return err
	}
	if err := in.readHeader(format, data); err != nil {
		return fmt.Errorf("is damaged: %w", err)
	}
	if err := in.verify(); err != nil {
		return fmt.Errorf("is damaged: %w", err)
	}
	return formats[format](in)
}

// readHeader reads the header. Fields that are not known are passed over.
func (in *reading) readHeader(format int, data []byte) error {
	end := bytes.IndexByte(data[:min(len(data), maxHeader)], '\n')
	if end < 0 {
		return fmt.Errorf("header: %w", errCut)
	}
	in.line, in.body = data[:end], data[end+1:]
	if err := json.Unmarshal(in.line, &in.header); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if in.header.Format != format {
		return fmt.Errorf("header: its format is %d, and that of the first line %d", in.header.Format, format)
	}
	return nil
}

// verify compares the digest.
func (in *reading) verify() error {
	sum := sha256.Sum256(in.body)
	if is := hex.EncodeToString(sum[:]); is != in.header.Digest {
		if _, err := cutSections(in.body); errors.Is(err, errCut) {
			return fmt.Errorf("%w after %d bytes", errCut, len(in.body))
		}
		return fmt.Errorf("its digest is %s, and its header says %q", is, in.header.Digest)
	}
	return nil
}

// sections reads format 1.
func (in *reading) sections() error {
	all, err := cutSections(in.body)
	if err != nil {
		return err
	}
	of := map[string][]section{}
	for _, s := range all {
		of[s.name] = append(of[s.name], s)
	}
	for _, name := range []string{sectionHeader, sectionRest} {
		if len(of[name]) != 1 {
			return fmt.Errorf("is damaged: it has %d sections %q", len(of[name]), name)
		}
	}
	for _, step := range []func() error{
		func() error { return in.sameHeader(of[sectionHeader][0]) },
		func() error { return in.rest(of[sectionRest][0]) },
		func() error { return in.objects(of[sectionObjects]) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("is damaged: %w", err)
		}
	}
	return in.ctx.Err()
}

// sameHeader compares the header with what the digest covers.
func (in *reading) sameHeader(s section) error {
	text, err := s.text()
	if err == nil && !bytes.Equal(text, undigested(in.line, in.header.Digest)) {
		err = errors.New("the header was changed")
	}
	return err
}

// undigested is the line of a header without its digest.
func undigested(line []byte, digest string) []byte {
	return bytes.Replace(line, []byte(digest), nil, 1)
}

func (in *reading) rest(s section) error {
	if s.raw > maxRest {
		return fmt.Errorf("section %q: %d bytes are more than it may have", s.name, s.raw)
	}
	text, err := s.text()
	if err != nil {
		return err
	}
	var r rest
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("section %q: %w", s.name, err)
	}
	if r.Ignored < 0 || r.Unused < 0 {
		return fmt.Errorf("section %q: counts less than none", s.name)
	}
	in.batch = object.Batch{
		Problems: r.Problems, Skipped: r.Skipped, Ignored: r.Ignored, Unused: r.Unused, Coverage: in.header.Coverage,
		Missing: r.Missing, Warnings: r.Warnings, Inputs: r.Inputs,
	}
	return nil
}

// objects reads all chunks, several at a time.
func (in *reading) objects(chunks []section) error {
	readers := make([]chunkReader, len(chunks))
	errs := make([]error, len(chunks))
	var counts counters
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(chunks)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(chunks) && in.ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				readers[i] = chunkReader{wants: in.wants, counters: &counts}
				errs[i] = readers[i].section(chunks[i])
			}
		})
	}
	wg.Wait()
	if err := errors.Join(append(errs, in.ctx.Err())...); err != nil {
		return err
	}
	parts := make([][]object.Object, len(readers))
	for i, r := range readers {
		parts[i] = r.read
		in.batch.Unused += r.unused
	}
	if in.batch.Objects = slices.Concat(parts...); counts.objects.Load() != int64(in.header.Objects) {
		return fmt.Errorf("it has %d objects, and its header says %d", counts.objects.Load(), in.header.Objects)
	}
	return nil
}
