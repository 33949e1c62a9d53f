package repo

import (
	"io/fs"
	"path"
	"slices"
	"time"
)

// instead is a tree in which one folder has another kustomization than its own.
type instead struct {
	*tree
	// dir is without links.
	dir  string
	text []byte
}

// ReadFile returns the other text in the place of the folder's own.
func (t instead) ReadFile(name string) ([]byte, error) {
	switch own, first := t.is(name); {
	case first:
		return t.text, nil
	case own:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return t.tree.ReadFile(name)
}

// Stat describes the other text likewise.
func (t instead) Stat(name string) (fs.FileInfo, error) {
	switch own, first := t.is(name); {
	case first:
		return written{path.Base(name), int64(len(t.text))}, nil
	case own:
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return t.tree.Stat(name)
}

// ReadLink says of the other text that it is no link.
func (t instead) ReadLink(name string) (string, error) {
	if own, _ := t.is(name); own {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return t.tree.ReadLink(name)
}

// is reports whether a path is that of a kustomization in the folder, and whether it is the
// one that the text is read by.
func (t instead) is(name string) (own, first bool) {
	dir, base := path.Split(path.Clean(name))
	own = path.Clean(dir) == t.dir && slices.Contains(kustomizationFiles, base)
	return own, own && base == kustomizationFiles[0]
}

// written describes a text as a file.
type written struct {
	name string
	size int64
}

func (w written) Name() string     { return w.name }
func (w written) Size() int64      { return w.size }
func (written) Mode() fs.FileMode  { return 0o444 }
func (written) ModTime() time.Time { return time.Time{} }
func (written) IsDir() bool        { return false }
func (written) Sys() any           { return nil }
