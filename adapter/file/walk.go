package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// stdin is the path that stands for standard input.
const stdin = "-"

// A walker lists what paths lead to. A real file is listed once, under the first
// name that leads to it.
type walker struct {
	opts     Options
	skip     globs
	files    []Listed
	beside   []string
	problems []snapshot.Problem
	skipped  []string
	seen     map[string]bool // real paths of files listed
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
	w.files = append(w.files, Listed{Name: stdin})
}

// named takes a path that the user wrote: whatever its extension is, it is meant.
func (w *walker) named(ctx context.Context, p string) error {
	info, err := os.Stat(p)
	switch {
	case err != nil:
		w.fail(p, err)
	case w.skips(p, info.IsDir()):
	case info.IsDir():
		real, err := realPath(p)
		if err != nil {
			w.fail(p, err)
			return nil
		}
		_, err = w.dir(ctx, p, real)
		return err
	default:
		w.file(Listed{Name: p, Named: true})
	}
	return nil
}

// realPath returns a path, absolute and without links.
func realPath(p string) (string, error) {
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		return "", err
	}
	return filepath.Abs(real)
}

// dir walks a directory, whose real path is given: to ask for each would take the square of
// their depth. Whole says that nothing in it was skipped, so that another way to it has nothing
// to add.
func (w *walker) dir(ctx context.Context, p, real string) (whole bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	switch {
	case w.active[real], w.whole[real]:
		return true, nil
	case !w.within(real):
		w.fail(p, errOutside)
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
		ok, err := w.entry(ctx, p, real, e)
		if err != nil {
			return false, err
		}
		whole = whole && ok
	}
	w.whole[real] = whole
	return whole, nil
}

// entry takes an entry of a directory, whose real path is above.
func (w *walker) entry(ctx context.Context, dir, above string, e fs.DirEntry) (whole bool, err error) {
	p, real := filepath.Join(dir, e.Name()), filepath.Join(above, e.Name())
	mode := e.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := os.Stat(p)
		if err == nil {
			real, err = realPath(p)
		}
		if err != nil {
			return w.broken(p, err), nil
		}
		mode = info.Mode().Type()
	}
	lists, isManifest := w.opts.lists(e.Name()), manifest(p)
	switch {
	case mode.IsDir() && e.Name() == ".git", !mode.IsDir() && !isManifest && !lists:
		return true, nil
	case w.skips(p, mode.IsDir()):
		return false, nil
	case mode.IsDir():
		return w.dir(ctx, p, real)
	case !mode.IsRegular() && isManifest:
		w.fail(p, errors.New("not a regular file"))
	case mode.IsRegular():
		if lists {
			w.beside = append(w.beside, p)
		}
		if isManifest {
			w.file(Listed{Name: p, Real: real})
		}
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

// file lists a file, unless another name led to it before.
func (w *walker) file(f Listed) {
	if f.Named {
		f.Real = realFile(f.Name)
	}
	switch {
	case w.seen[f.Real]:
		return
	case !f.Named && !w.within(f.Real):
		w.fail(f.Name, errOutside)
		return
	}
	w.seen[f.Real] = true
	w.files = append(w.files, f)
}

// realFile is the real path of a file that people name: a pipe of the shell, /dev/fd/63, has
// none but its name.
func realFile(name string) string {
	if real, err := realPath(name); err == nil {
		return real
	}
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return name
}

// errOutside is about a link. Where it leads is not said: that is no part of the tree either.
var errOutside = errors.New("is a link that leads out of the tree")

// within reports whether a real path may be read.
func (w *walker) within(real string) bool {
	if w.opts.Within == "" {
		return true
	}
	rel, err := filepath.Rel(w.opts.Within, real)
	return err == nil && filepath.IsLocal(rel)
}

// fail notes a path that could not be listed.
func (w *walker) fail(p string, err error) { w.problems = append(w.problems, unread(p, err)) }

// unread tells of a path that could not be read. Nobody knows what it held, so every
// answer is in doubt.
func unread(p string, err error) snapshot.Problem {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return snapshot.Problem{Origin: verdict.Origin{File: p}, Err: "cannot be read: " + err.Error()}
}
