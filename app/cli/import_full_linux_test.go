package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/internal/smalldisk"
)

// A draft that a full disk has no room for leaves the one that is there, and nothing beside.
func TestDraftOnAFullDisk(t *testing.T) {
	disk := smalldisk.New(t)
	draft := filepath.Join(disk, "access.yaml")
	if err := os.WriteFile(draft, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	large := []manifest.File{{Name: draft, Data: strings.Repeat("x", 80<<10)}}
	if err := writeNew(large, true); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	there, err := os.ReadDir(disk)
	if data, readErr := os.ReadFile(draft); err != nil || readErr != nil || string(data) != "mine" || len(there) != 1 {
		t.Errorf("%q, %v, %v %v", data, there, err, readErr)
	}
}
