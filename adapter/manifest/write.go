package manifest

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
)

// Write writes files into a directory, which it makes where it is not there. What an
// earlier run wrote and this one does not is taken away: a policy that nobody asks for
// any more would else be applied for ever. Other files stay; one in the way is an error,
// before anything is written. Nothing outside the directory is touched, whatever links
// lead there.
//
// All is written beside its place first, so that a disk that is full leaves what was there
// as it was, and no file is ever there by half.
func Write(dir string, files []File) error {
	_, missing := os.Lstat(dir)
	//nolint:gosec // like the files of a repository, this is for everybody to read; no secret is in it
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	err = write(root, dir, files)
	if err = errors.Join(err, root.Close()); err != nil && missing != nil {
		_ = os.Remove(dir) // stays where something came to be in it
	}
	return err
}

func write(root *os.Root, dir string, files []File) error {
	before, err := written(root)
	if err != nil {
		return fmt.Errorf("%s: %w", path.Join(dir, Index), err)
	}
	for _, f := range files {
		if inTheWay(root, f, before[f.Name]) {
			return fmt.Errorf("%s: is there already, and pgmoat did not write it", path.Join(dir, f.Name))
		}
	}
	return replaceAll(root, before, files)
}

// inTheWay reports whether something else has the name; the same file is there where an
// earlier run did not come to its end.
func inTheWay(root *os.Root, f File, ours bool) bool {
	info, err := root.Lstat(f.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if ours && err == nil {
		return info.IsDir()
	}
	data, err := root.ReadFile(f.Name)
	return err != nil || string(data) != f.Data
}

// replaceAll puts the files in the place of those that were there before. The Index names
// both until all are in their places, so that a run that was cut off is no riddle for the
// next one.
func replaceAll(root *os.Root, before map[string]bool, files []File) error {
	claim, err := claimed(before, files)
	if err != nil {
		return err
	}
	stage := ".pgmoat-" + rand.Text()
	defer func() { _ = root.RemoveAll(stage) }()
	all := slices.Concat(claim, files)
	if err := writeStage(root, stage, all); err != nil {
		return err
	}
	for _, f := range files {
		if err := root.MkdirAll(path.Dir(f.Name), 0o755); err != nil {
			return err
		}
	}
	last := len(all)
	for i, f := range all {
		if f.Name == Index && i >= len(claim) {
			last = i
			continue
		}
		if err := root.Rename(staged(stage, i), f.Name); err != nil {
			return err
		}
	}
	if err := removeOthers(root, before, files); err != nil || last == len(all) {
		return err
	}
	return root.Rename(staged(stage, last), Index)
}

// claimed is an Index that names the files of the earlier run and of this one; none where
// this one has no Index.
func claimed(before map[string]bool, files []File) ([]File, error) {
	names := maps.Clone(before)
	if names == nil {
		names = map[string]bool{}
	}
	found := false
	for _, f := range files {
		names[f.Name] = true
		found = found || f.Name == Index
	}
	if !found {
		return nil, nil
	}
	data, err := json.Marshal(index{Files: slices.Sorted(maps.Keys(names))})
	return []File{{Index, string(data) + "\n"}}, err
}

func staged(stage string, i int) string { return path.Join(stage, strconv.Itoa(i)) }

// writeStage writes all files into a directory that is taken away afterwards.
func writeStage(root *os.Root, stage string, files []File) error {
	if err := root.Mkdir(stage, 0o755); err != nil {
		return err
	}
	for i, f := range files {
		if err := root.WriteFile(staged(stage, i), []byte(f.Data), 0o644); err != nil {
			return fmt.Errorf("%s: nothing was written: %w", f.Name, err)
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
