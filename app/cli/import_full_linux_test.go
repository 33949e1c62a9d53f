package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/manifest"
)

// A draft that a full disk has no room for leaves the one that is there, and nothing beside.
func TestDraftOnAFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("none", disk, "tmpfs", 0, "size=32k"); err != nil {
		t.Skipf("a full disk takes the right to mount one: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	draft := filepath.Join(disk, "access.yaml")
	if err := os.WriteFile(draft, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	large := []manifest.File{{Name: draft, Data: strings.Repeat("x", 40<<10)}}
	if err := writeNew(large, true); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	there, err := os.ReadDir(disk)
	if data, readErr := os.ReadFile(draft); err != nil || readErr != nil || string(data) != "mine" || len(there) != 1 {
		t.Errorf("%q, %v, %v %v", data, there, err, readErr)
	}
}
