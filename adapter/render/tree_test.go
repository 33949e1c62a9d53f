package render_test

import (
	"io/fs"
	"os"
	"path/filepath"
)

// A rootTree is the tree of a folder on the disk.
type rootTree struct{ root *os.Root }

func (t rootTree) ReadFile(name string) ([]byte, error) {
	return t.root.ReadFile(filepath.FromSlash(name))
}

func (t rootTree) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(t.root.FS(), name) }

func (t rootTree) Stat(name string) (fs.FileInfo, error) {
	return t.root.Stat(filepath.FromSlash(name))
}

func (t rootTree) ReadLink(name string) (string, error) {
	target, err := t.root.Readlink(filepath.FromSlash(name))
	return filepath.ToSlash(target), err
}
