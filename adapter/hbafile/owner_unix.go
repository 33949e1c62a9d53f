//go:build unix

package hbafile

import (
	"io/fs"
	"os"
	"syscall"
)

// sameOwner gives a file the owner of another: a pg_hba.conf that the server cannot
// read keeps it from starting.
func sameOwner(f *os.File, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return f.Chown(int(stat.Uid), int(stat.Gid))
}
