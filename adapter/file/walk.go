package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// maxFile is the size above which a file is refused: manifests are not that large,
// and what is would fill the memory.
var maxFile int64 = 512 << 20

// stdin is the path that stands for standard input.
const stdin = "-"

// A content is one file, read.
type content struct {
	name string // as shown
	data []byte
}

// A walker turns paths into contents. A real file is read once, under the first
// name that leads to it.
type walker struct {
	opts     Options
	skip     globs
	files    []content
	problems []snapshot.Problem
	skipped  []string
	inputs   []object.Input
	seen     map[string]bool // real paths of files read
	active   map[string]bool // real paths of the directories being walked: cycles
	whole    map[string]bool // real paths of directories read without skipping anything
}

func (w *walker) walk(ctx context.Context, paths []string) error {
	w.seen, w.active, w.whole = map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, p := range paths {
		if p == stdin {
			w.stdin()
			continue
		}
		if err := w.named(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) stdin() {
	if w.seen[stdin] {
		return
	}
	w.seen[stdin] = true
	if w.opts.Stdin == nil {
		w.fail(stdin, errors.New("there is no standard input"))
		return
	}
	w.load(stdin, w.opts.Stdin)
}

// named takes a path that the user wrote: whatever its extension is, it is meant.
func (w *walker) named(ctx context.Context, p string) error {
	info, err := os.Stat(p)
	switch {
	case err != nil:
		w.fail(p, err)
	case w.skips(p, info.IsDir()):
	case info.IsDir():
		_, err := w.dir(ctx, p)
		return err
	default:
		w.file(p)
	}
	return nil
}

// dir walks a directory; whole says that nothing in it was skipped, so that
// another way to it has nothing to add.
func (w *walker) dir(ctx context.Context, p string) (whole bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		w.fail(p, err)
		return true, nil
	}
	if real, err = filepath.Abs(real); err != nil {
		return false, err
	}
	if w.active[real] || w.whole[real] {
		return true, nil
	}
	entries, err := os.ReadDir(p)
	if err != nil {
		w.fail(p, err)
		return true, nil
	}
	w.active[real] = true
	defer delete(w.active, real)
	whole = true
	for _, e := range entries {
		ok, err := w.entry(ctx, p, e)
		if err != nil {
			return false, err
		}
		whole = whole && ok
	}
	w.whole[real] = whole
	return whole, nil
}

func (w *walker) entry(ctx context.Context, dir string, e fs.DirEntry) (whole bool, err error) {
	p := filepath.Join(dir, e.Name())
	mode := e.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := os.Stat(p)
		if err != nil {
			return w.broken(p, err), nil
		}
		mode = info.Mode().Type()
	}
	isManifest := !mode.IsDir() && manifest(p)
	switch {
	case mode.IsDir() && e.Name() == ".git", !mode.IsDir() && !isManifest:
		return true, nil
	case w.skips(p, mode.IsDir()):
		return false, nil
	case mode.IsDir():
		return w.dir(ctx, p)
	case !mode.IsRegular():
		w.fail(p, errors.New("not a regular file"))
	default:
		w.file(p)
	}
	return true, nil
}

// broken tells of a link that leads nowhere, if it is one that would be read.
func (w *walker) broken(p string, err error) (whole bool) {
	if !manifest(p) {
		return true
	}
	if w.skips(p, false) {
		return false
	}
	w.fail(p, err)
	return true
}

func manifest(p string) bool {
	switch strings.ToLower(filepath.Ext(p)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

func (w *walker) skips(p string, dir bool) bool {
	if !w.skip.match(p) {
		return false
	}
	if dir {
		p += string(filepath.Separator)
	}
	w.skipped = append(w.skipped, p)
	return true
}

func (w *walker) file(p string) {
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		real = p // a pipe of the shell, /dev/fd/63, has no real path
	}
	if abs, err := filepath.Abs(real); err == nil {
		real = abs
	}
	if w.seen[real] {
		return
	}
	w.seen[real] = true
	f, err := os.Open(p)
	if err != nil {
		w.fail(p, err)
		return
	}
	defer f.Close() //nolint:errcheck // only read
	w.load(p, f)
}

// load reads a file whole, or refuses it.
func (w *walker) load(name string, r io.Reader) {
	var b bytes.Buffer
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() < maxFile {
			b.Grow(int(info.Size()) + bytes.MinRead)
		}
	}
	n, err := b.ReadFrom(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		w.fail(name, err)
	case n > maxFile:
		w.fail(name, fmt.Errorf("larger than %d MiB", maxFile>>20))
	default:
		if w.opts.Digests {
			w.inputs = append(w.inputs, object.InputOf(name, b.Bytes()))
		}
		w.files = append(w.files, content{name, bytes.TrimPrefix(b.Bytes(), []byte("\ufeff"))})
	}
}

// fail notes a path that could not be read. Nobody knows what it held, so every
// answer is in doubt.
func (w *walker) fail(p string, err error) {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	w.problems = append(w.problems, snapshot.Problem{Origin: verdict.Origin{File: p}, Err: "cannot be read: " + err.Error()})
}
