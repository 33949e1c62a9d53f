package saved

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// names are the files in a directory.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// A file is its owner's alone, is not written over unless asked, and leaves nothing beside.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.pgmoat")
	h, b := example()
	out, size, err := WriteFile(path, false, h, b)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 || info.Size() != size || len(out.Digest) != 64 {
		t.Errorf("%v %v %+v", info, err, out)
	}
	if got, _, err := ReadFile(t.Context(), path, nil); err != nil || got.Digest != out.Digest {
		t.Errorf("%+v %v", got, err)
	}
	if _, _, err := WriteFile(path, false, h, b); !errors.Is(err, fs.ErrExist) {
		t.Errorf("written over: %v", err)
	}
	b.Objects = b.Objects[:1]
	if out, _, err := WriteFile(path, true, h, b); err != nil || out.Objects != 1 {
		t.Errorf("%+v %v", out, err)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Error(got)
	}
}

// A name that came to be while the file was written is not taken.
func TestNameTakenMeanwhile(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "new"), filepath.Join(dir, "a")
	for _, name := range []string{from, to} {
		if err := os.WriteFile(name, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := place(from, to, false); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if data, err := os.ReadFile(to); err != nil || string(data) != to {
		t.Errorf("%s %v", data, err)
	}
}

// What cannot be a file is refused, and a batch that cannot be written leaves what was there.
func TestWriteFileFails(t *testing.T) {
	dir := t.TempDir()
	h, b := example()
	if _, _, err := WriteFile(dir, true, h, b); err == nil {
		t.Error("a directory was written over")
	}
	if _, _, err := WriteFile(filepath.Join(dir, "none", "a"), false, h, b); err == nil {
		t.Error("a directory that is not there was made")
	}
	path := filepath.Join(dir, "a")
	if _, _, err := WriteFile(path, false, h, b); err != nil {
		t.Fatal(err)
	}
	b.Objects[0].JSON = []byte("{broken}")
	if _, _, err := WriteFile(path, true, h, b); err == nil {
		t.Error("broken JSON was written")
	}
	if got, _, err := ReadFile(t.Context(), path, nil); err != nil || got.Objects != 3 {
		t.Errorf("%+v %v", got, err)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
	if _, _, err := ReadFile(t.Context(), filepath.Join(dir, "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// A file that cannot be made is called what the user called it.
func TestWriteFileNames(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing", "a.snapshot")
	for path, want := range map[string]string{"": "the name of the file is empty", missing: missing + ": nothing was written: no such file or directory"} {
		if _, _, err := WriteFile(path, false, Header{}, object.Batch{}); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", path, err, want)
		}
	}
}
