package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// maxFile is the size above which a file is refused: manifests are not that large,
// and what is would fill the memory.
var maxFile int64 = 512 << 20

// A Listing is what paths lead to, before any of it is opened.
type Listing struct {
	// Files are the manifests in the order of reading, each real file once.
	Files []Listed
	// Beside are all files in directories that Options.Lists asks for, in the same order. One
	// that two links lead to is there twice: what such files mean hangs on where they are.
	Beside []string
	// Skipped names what the user excluded.
	Skipped []string
	// Problems are paths that nobody could list.
	Problems []snapshot.Problem

	opts Options
}

// A Listed is a file of a Listing.
type Listed struct {
	// Name is as the user would write it; "-" is standard input.
	Name string
	// Real is the absolute path without links; empty for standard input.
	Real string
	// Named says that the user wrote the path of the file itself.
	Named bool
}

// List walks the paths in order, each directory in the order of its names.
func List(ctx context.Context, paths []string, opts Options) (*Listing, error) {
	skip, err := newGlobs(opts.Skip)
	if err != nil {
		return nil, err
	}
	w := walker{skip: skip, opts: opts}
	if err := w.walk(ctx, paths); err != nil {
		return nil, err
	}
	return &Listing{Files: w.files, Beside: w.beside, Skipped: w.skipped, Problems: w.problems, opts: opts}, nil
}

// With returns the listing as it is read with other options. Which files it has stays.
func (l *Listing) With(opts Options) *Listing {
	other := *l
	other.opts = opts
	return &other
}

// Read reads the manifests of the listing that keep reports true for; nil keeps all. The
// problems and what was skipped of the listing are part of the batch. The error is of the
// context alone: see Nothing.
func (l *Listing) Read(ctx context.Context, keep func(Listed) bool) (object.Batch, error) {
	in := loader{opts: l.opts}
	for _, f := range l.Files {
		if err := ctx.Err(); err != nil {
			return object.Batch{}, err
		}
		if keep == nil || keep(f) {
			in.file(f)
		}
	}
	outcomes, err := parse(ctx, in.chunks(), l.opts)
	if err != nil {
		return object.Batch{}, err
	}
	batch := collect(outcomes)
	batch.Problems = append(append(l.Problems[:len(l.Problems):len(l.Problems)], in.problems...), batch.Problems...)
	batch.Skipped, batch.Inputs = l.Skipped, in.inputs
	return batch, nil
}

// A content is one file, read.
type content struct {
	name string // as shown
	data []byte
}

// A loader reads files whole, or refuses them.
type loader struct {
	opts     Options
	files    []content
	problems []snapshot.Problem
	inputs   []object.Input
}

func (l *loader) chunks() []chunk {
	var chunks []chunk
	for _, f := range l.files {
		chunks = append(chunks, split(f)...)
	}
	return chunks
}

func (l *loader) file(f Listed) {
	if f.Name == stdin {
		l.stdin()
		return
	}
	r, err := os.Open(f.Name)
	if err != nil {
		l.fail(f.Name, err)
		return
	}
	defer r.Close() //nolint:errcheck // only read
	l.load(f.Name, r)
}

func (l *loader) stdin() {
	if l.opts.Stdin == nil {
		l.fail(stdin, errors.New("there is no standard input"))
		return
	}
	l.load(stdin, l.opts.Stdin)
}

func (l *loader) load(name string, r io.Reader) {
	var b bytes.Buffer
	if f, ok := r.(*os.File); ok {
		info, err := f.Stat()
		switch regular := err == nil && info.Mode().IsRegular(); {
		case regular && info.Size() > maxFile:
			l.fail(name, tooLarge())
			return
		case regular:
			b.Grow(int(info.Size()) + bytes.MinRead)
		}
	}
	n, err := b.ReadFrom(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		l.fail(name, err)
	case n > maxFile:
		l.fail(name, tooLarge())
	default:
		if l.opts.Digests {
			l.inputs = append(l.inputs, object.InputOf(name, b.Bytes()))
		}
		l.files = append(l.files, content{name, bytes.TrimPrefix(b.Bytes(), []byte("\ufeff"))})
	}
}

func tooLarge() error { return fmt.Errorf("larger than %d MiB", maxFile>>20) }

func (l *loader) fail(name string, err error) { l.problems = append(l.problems, unread(name, err)) }
