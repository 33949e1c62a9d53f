package saved

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/internal/smalldisk"
)

// A disk that becomes full is an error, and leaves the file that was there, or none.
func TestWriteFileOnAFullDisk(t *testing.T) {
	disk := smalldisk.New(t)
	h, b := example()
	old := filepath.Join(disk, "old")
	if _, _, err := WriteFile(old, false, h, b); err != nil {
		t.Fatal(err)
	}
	var large object.Batch
	for range 4_000 {
		large.Objects = append(large.Objects, object.Object{Kind: "Pod", Name: rand.Text(), JSON: []byte("{}")})
	}
	for _, path := range []string{old, filepath.Join(disk, "fresh")} {
		if _, _, err := WriteFile(path, true, h, large); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("%v", err)
		}
	}
	if got := names(t, disk); len(got) != 1 || got[0] != "old" {
		t.Errorf("%v", got)
	}
	var want bytes.Buffer
	if _, err := Write(&want, h, b); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(old); err != nil || !bytes.Equal(data, want.Bytes()) {
		t.Errorf("the old file is another one: %v", err)
	}
}
