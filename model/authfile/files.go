package authfile

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Files is where the files are that others name. Paths are as the server makes
// them, relative ones as beside the first file. Errors are fs.ErrNotExist,
// fs.ErrPermission and those below, possibly wrapped.
type Files interface {
	// Read returns a file's text.
	Read(path string) (string, error)
	// List returns the names of all that is in a directory, directories excepted.
	List(path string) ([]string, error)
}

// What besides fs.ErrNotExist and fs.ErrPermission can be wrong with a path.
var (
	ErrIsDirectory  = errors.New("is a directory")
	ErrNotDirectory = errors.New("not a directory")
	ErrNameTooLong  = errors.New("file name too long")
	// ErrUnknown says that it is not known whether there is such a file.
	ErrUnknown = errors.New("not in the snapshot")
)

// strerror returns the C library's words.
func strerror(err error) string {
	for _, known := range []struct {
		err   error
		words string
	}{
		{fs.ErrNotExist, "No such file or directory"}, {fs.ErrPermission, "Permission denied"},
		{ErrIsDirectory, "Is a directory"}, {ErrNotDirectory, "Not a directory"}, {ErrNameTooLong, "File name too long"},
	} {
		if errors.Is(err, known.err) {
			return known.words
		}
	}
	return err.Error()
}

// None is Files of which nothing is known.
type None struct{}

// Read knows nothing.
func (None) Read(string) (string, error) { return "", ErrUnknown }

// List knows nothing.
func (None) List(string) ([]string, error) { return nil, ErrUnknown }

// Memory is all files there are, by cleaned path. A path that ends in a slash is an
// empty directory.
type Memory map[string]string

// Read returns a file's text.
func (m Memory) Read(name string) (string, error) {
	full, err := m.resolve(name)
	if err != nil {
		return "", err
	}
	if text, ok := m[full]; ok {
		return text, nil
	}
	if m.isDirectory(full) {
		return "", ErrIsDirectory
	}
	return "", fs.ErrNotExist
}

// resolve walks a path as the system does: all before the last part have to be
// directories that exist.
func (m Memory) resolve(name string) (string, error) {
	if err := nameFault(name); err != nil {
		return "", err
	}
	at := "."
	if strings.HasPrefix(name, "/") {
		at = "/"
	}
	for part := range strings.SplitSeq(name, "/") {
		_, file := m[at]
		switch {
		case file:
			return "", ErrNotDirectory
		case !m.isDirectory(at):
			return "", fs.ErrNotExist
		}
		if part != "" {
			at = path.Join(at, part)
		}
	}
	if _, file := m[at]; file && strings.HasSuffix(name, "/") {
		return "", ErrNotDirectory
	}
	return at, nil
}

// nameFault knows what no file system of Linux takes.
func nameFault(name string) error {
	if len(name) > 4095 || slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return len(part) > 255 }) {
		return ErrNameTooLong
	}
	return nil
}

func (m Memory) isDirectory(name string) bool {
	if name == "." || name == "/" {
		return true
	}
	for file := range m {
		if strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

// List returns the names of the files in a directory.
func (m Memory) List(name string) ([]string, error) {
	_, err := m.Read(name)
	switch {
	case err == nil:
		return nil, ErrNotDirectory
	case !errors.Is(err, ErrIsDirectory):
		return nil, err
	}
	name = path.Clean(name)
	var out []string
	for file := range m {
		if path.Dir(file) == name && !strings.HasSuffix(file, "/") {
			out = append(out, path.Base(file))
		}
	}
	return out, nil
}
