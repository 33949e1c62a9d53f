package render

import (
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// mount is where kustomize sees the tree: not at the top, so that a path with too many ..
// finds nothing instead of something else.
const mount = "/kustomized-tree"

// A disk is all that kustomize can read: files in memory, with the links between them. What
// it could write is another disk, in memory and empty.
type disk struct {
	filesys.FileSystem
	files   map[string][]byte
	folders map[string]bool
	links   map[string]string
}

func newDisk(k *Kustomization) *disk {
	d := &disk{
		FileSystem: filesys.MakeFsInMemory(), files: k.Files, links: k.Links,
		folders: map[string]bool{".": true},
	}
	for name := range k.Files {
		for dir := path.Dir(name); !d.folders[dir]; dir = path.Dir(dir) {
			d.folders[dir] = true
		}
	}
	return d
}

// with is the disk with another text in the place of a file's.
func (d *disk) with(name string, text []byte) *disk {
	other := *d
	other.files = maps.Clone(d.files)
	other.files[name] = text
	return &other
}

// path is how kustomize calls a file or folder of the tree.
func (d *disk) path(name string) string { return filepath.FromSlash(path.Join(mount, name)) }

// real is the path in the tree, without links, of one that kustomize names.
func (d *disk) real(name string) (string, error) {
	return follow(path.Clean(name), func(at string) string { return d.links[at] })
}

// has reports whether there is a file of the path, which may be empty.
func (d *disk) has(name string) bool {
	_, ok := d.files[name]
	return ok
}

// find is real for a path by which kustomize calls it.
func (d *disk) find(name string) (string, error) {
	inside, ok := strings.CutPrefix(path.Clean(filepath.ToSlash(name)), mount)
	if ok && (inside == "" || inside[0] == '/') {
		if real, err := d.real("." + inside); err == nil && (d.folders[real] || d.has(real)) {
			return real, nil
		}
	}
	return "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadFile reads a file.
func (d *disk) ReadFile(name string) ([]byte, error) {
	real, err := d.find(name)
	if err != nil {
		return nil, err
	}
	text, ok := d.files[real]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	return text, nil
}

// CleanedAbs follows the links, as kustomize has it on a disk.
func (d *disk) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	real, err := d.find(name)
	if err != nil {
		return "", "", err
	}
	if d.folders[real] {
		return filesys.ConfirmedDir(d.path(real)), "", nil
	}
	return filesys.ConfirmedDir(d.path(path.Dir(real))), path.Base(real), nil
}

// Exists reports whether there is a file or folder.
func (d *disk) Exists(name string) bool {
	_, err := d.find(name)
	return err == nil
}

// IsDir reports whether there is a folder.
func (d *disk) IsDir(name string) bool {
	real, err := d.find(name)
	return err == nil && d.folders[real]
}
