//go:build unix

package hbafile

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// sameOwner gives a file the owner of another: a pg_hba.conf that the server cannot
// read keeps it from starting.
func sameOwner(f *os.File, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if err := f.Chown(int(stat.Uid), int(stat.Gid)); err != nil {
		return fmt.Errorf("the new file could not get the owner of the old one, which is kept: %w", err)
	}
	return nil
}
