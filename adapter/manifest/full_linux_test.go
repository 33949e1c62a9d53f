package manifest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/pgmoat/pgmoat/internal/smalldisk"
)

// A disk that becomes full leaves what was there as it was, byte by byte and nothing
// beside, and the next run finds nothing in its way.
func TestWriteOnAFullDisk(t *testing.T) {
	disk := smalldisk.New(t)
	files := func(text string) []File {
		return []File{{"objects/a", text}, {"objects/b", text}, {Index, `{"files":["objects/a","objects/b"]}`}}
	}
	large := strings.Repeat("x", 40<<10)
	fresh, old := filepath.Join(disk, "fresh"), filepath.Join(disk, "old")
	if err := Write(old, files("old")); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{fresh, old} {
		if err := Write(dir, files(large)); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("%v", err)
		}
	}
	if got := list(t, disk); !slices.Equal(got, []string{"old/objects/a", "old/objects/b", "old/" + Index}) {
		t.Errorf("%v", got)
	}
	if _, err := os.Lstat(fresh); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty directory was left: %v", err)
	}
	for _, dir := range []string{fresh, old} {
		if err := Write(dir, files("new")); err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(filepath.Join(dir, "objects/b")); err != nil || string(data) != "new" {
			t.Errorf("%q %v", data, err)
		}
	}
}
