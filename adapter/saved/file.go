package saved

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// ReadFile is Read of a file by its path.
func ReadFile(ctx context.Context, path string, wants func(object.Type, []byte) bool) (Header, object.Batch, error) {
	f, err := os.Open(path) //nolint:gosec // a path that the user named
	if err != nil {
		return Header{}, object.Batch{}, err
	}
	h, b, err := Read(ctx, path, f, wants)
	return h, b, cmp.Or(err, f.Close())
}

// WriteFile is Write to a file that its owner alone may read. The file is there as a whole or
// not at all: it is written beside its place, and one that was there before stays until
// then. Replace lets there be one. The size is that of the file.
func WriteFile(path string, replace bool, h Header, b object.Batch) (out Header, size int64, err error) {
	if err := free(path, replace); err != nil {
		return h, 0, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".pgmoat-*") // with mode 0600
	if err != nil {
		return h, 0, fmt.Errorf("%s: nothing was written: %w", path, withoutPath(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if out, err = Write(f, h, b); err == nil {
		size, err = f.Seek(0, io.SeekCurrent)
	}
	// What is not on the disk would be half a file after a power cut.
	if err = errors.Join(cmp.Or(err, f.Sync()), f.Close()); err != nil {
		return h, 0, fmt.Errorf("%s: nothing was written: %w", path, err)
	}
	return out, size, place(f.Name(), path, replace)
}

// withoutPath is the error of a file whose name nobody gave it.
func withoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// free refuses a path with something in the way.
func free(path string, replace bool) error {
	if path == "" {
		return errors.New("the name of the file is empty")
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !replace:
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	case !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0:
		return fmt.Errorf("%s: is no file", path)
	}
	return nil
}

// place gives the file its name. Without replace it takes no name that came to be meanwhile,
// as far as the file system has links.
func place(from, to string, replace bool) error {
	if !replace {
		switch err := os.Link(from, to); {
		case err == nil:
			return os.Remove(from)
		case errors.Is(err, fs.ErrExist):
			return fmt.Errorf("%s: %w", to, fs.ErrExist)
		}
	}
	return os.Rename(from, to)
}
