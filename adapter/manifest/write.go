package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
)

// Write writes files into a directory, which it makes where it is not there. What an
// earlier run wrote and this one does not is taken away: a policy that nobody asks for
// any more would else be applied for ever. Other files stay; one in the way is an error,
// before anything is written. Nothing outside the directory is touched, whatever links
// lead there.
func Write(dir string, files []File) error {
	//nolint:gosec // like the files of a repository, this is for everybody to read; no secret is in it
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	before, err := written(root)
	if err != nil {
		return fmt.Errorf("%s: %w", path.Join(dir, Index), err)
	}
	for _, f := range files {
		if !before[f.Name] && inTheWay(root, f) {
			return fmt.Errorf("%s: is there already, and pgmoat did not write it", path.Join(dir, f.Name))
		}
	}
	if err := writeAll(root, files); err != nil {
		return err
	}
	return removeOthers(root, before, files)
}

// inTheWay reports whether another file has the name; the same one is there where an
// earlier run did not come to its end.
func inTheWay(root *os.Root, f File) bool {
	if _, err := root.Lstat(f.Name); errors.Is(err, fs.ErrNotExist) {
		return false
	}
	data, err := root.ReadFile(f.Name)
	return err != nil || string(data) != f.Data
}

func writeAll(root *os.Root, files []File) error {
	for _, f := range files {
		if err := root.MkdirAll(path.Dir(f.Name), 0o755); err != nil {
			return err
		}
		if err := root.WriteFile(f.Name, []byte(f.Data), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func removeOthers(root *os.Root, before map[string]bool, files []File) error {
	for _, f := range files {
		delete(before, f.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// written lists what an earlier run wrote, by its Index.
func written(root *os.Root) (map[string]bool, error) {
	data, err := root.ReadFile(Index)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list index
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, err
	}
	if list.Files == nil {
		return nil, errors.New("is there already, and pgmoat did not write it")
	}
	out := map[string]bool{Index: true}
	for _, name := range list.Files {
		out[name] = true
	}
	return out, nil
}
