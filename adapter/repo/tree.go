package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Rendering is given its files at once: what is larger than these is no source of manifests.
const (
	maxRead = 32 << 20
	maxSum  = 256 << 20
)

// errOutside is about a path that leaves the tree, by its name or through a link.
var errOutside = errors.New("leads out of the tree")

// A tree is the files of a ground. Paths have slashes and begin at the top, "."; nothing that
// is not below it can be read, whatever links say. Links that stay inside are followed.
// A file is read once; what was read before is never changed.
type tree struct {
	ground
	root *os.Root
	opts file.Options
	// left is how many bytes may still be read.
	left int64
	seen map[string][]byte
	// problems are folders and files that could not be listed.
	problems []snapshot.Problem
}

// openTree opens a ground; Close closes it.
func openTree(g ground, opts file.Options) (*tree, error) {
	root, err := os.OpenRoot(g.top)
	if err != nil {
		return nil, err
	}
	return &tree{ground: g, root: root, opts: opts, left: maxSum, seen: map[string][]byte{}}, nil
}

// Close lets go of the folder.
func (t *tree) Close() error { return t.root.Close() }

// ReadFile returns what a file holds. The error names the file and, where the tree has none
// of the name, is fs.ErrNotExist.
func (t *tree) ReadFile(name string) ([]byte, error) {
	name = path.Clean(name)
	if data, ok := t.seen[name]; ok {
		return data, nil
	}
	data, err := t.load(name)
	if err != nil {
		return nil, t.fault(name, err)
	}
	t.keep(name, data)
	return data, nil
}

func (t *tree) keep(name string, data []byte) {
	t.left -= int64(len(data))
	t.seen[name] = data
}

func (t *tree) load(name string) ([]byte, error) {
	if up(name) {
		return nil, errOutside
	}
	info, err := t.root.Stat(filepath.FromSlash(name))
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("is no regular file")
	case info.Size() > maxRead:
		return nil, fmt.Errorf("is larger than %d MiB", maxRead>>20)
	case info.Size() > t.left:
		return nil, fmt.Errorf("is one too many: what is rendered is larger than %d MiB", maxSum>>20)
	}
	f, err := t.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, info.Size()+1))
	if err == nil && int64(len(data)) > info.Size() {
		err = errors.New("grew while it was read")
	}
	return data, err
}

// fault names the file as people do, and why it cannot be read.
func (t *tree) fault(name string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	if strings.HasSuffix(err.Error(), "path escapes from parent") { // os.Root has no name for it
		err = errOutside
	}
	return fmt.Errorf("%s: %w", t.shown(name), t.wider(err))
}

// Stat describes a file or a folder, the one that a link leads to.
func (t *tree) Stat(name string) (fs.FileInfo, error) {
	if up(path.Clean(name)) {
		return nil, t.fault(name, errOutside)
	}
	info, err := t.root.Stat(filepath.FromSlash(path.Clean(name)))
	if err != nil {
		return nil, t.fault(name, err)
	}
	return info, nil
}

// ReadDir lists a folder by name.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	if up(path.Clean(name)) {
		return nil, t.fault(name, errOutside)
	}
	entries, err := fs.ReadDir(t.root.FS(), path.Clean(name))
	if err != nil {
		return nil, t.fault(name, err)
	}
	return entries, nil
}

// ReadLink returns what a link says.
func (t *tree) ReadLink(name string) (string, error) {
	to, err := t.root.Readlink(filepath.FromSlash(name))
	return filepath.ToSlash(to), err
}

// read is ReadFile.
func (t *tree) read(name string) ([]byte, error) { return t.ReadFile(name) }

// isDir reports whether the tree has a folder of the name.
func (t *tree) isDir(name string) bool {
	info, err := t.Stat(name)
	return err == nil && info.IsDir()
}

// list returns the paths of all files below a folder, sorted, without those that the user
// leaves out and without a repository's own. Nil where there is no such folder. What cannot
// be listed is among the tree's problems.
func (t *tree) list(dir string) []string {
	if !t.isDir(dir) {
		return nil
	}
	opts := t.opts
	opts.Lists = func(string) bool { return true }
	listing, err := file.List(context.Background(), []string{t.shown(dir)}, opts)
	if err != nil {
		t.problems = append(t.problems, snapshot.Problem{Origin: verdict.Origin{File: t.shown(dir)}, Err: err.Error()})
		return nil
	}
	t.problems = append(t.problems, listing.Problems...)
	var out []string
	for _, name := range listing.Beside {
		if d, ok := t.placeOf(name); ok {
			out = append(out, path.Join(d, filepath.Base(name)))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
