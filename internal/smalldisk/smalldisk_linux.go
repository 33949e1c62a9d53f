// Package smalldisk makes disks that are soon full, so that tests see what a program leaves
// behind when it cannot write on.
package smalldisk

import (
	"os"
	"syscall"
	"testing"
)

// New mounts a disk of 64 kilobytes for the time of a test and returns where it is. It takes
// the right to mount: without it the test is skipped, except in CI, where a test that is
// skipped for ever would be missed by nobody.
func New(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=64k"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("skipped, no disk was full: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}
