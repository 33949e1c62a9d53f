package file

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// A file is refused by its size, before any of it is read.
func TestTooLargeToOpen(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "a.yaml", fmt.Sprintf(pod, "a"))
	put(t, "big.yaml", "")
	if err := os.Truncate("big.yaml", 1<<30); err != nil {
		t.Fatal(err)
	}
	var b object.Batch
	var err error
	if read := allocated(func() { b, err = Read(t.Context(), []string{"."}, Options{}) }); read > 16<<20 {
		t.Errorf("%d MiB of memory", read>>20)
	}
	if err != nil || len(b.Objects) != 1 || len(b.Problems) != 1 || b.Problems[0].Origin.File != "big.yaml" || !strings.Contains(b.Problems[0].Err, "larger than 512 MiB") {
		t.Errorf("%v %v", b.Problems, err)
	}
}

// allocated returns how many bytes a call asks for.
func allocated(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func realDir(t *testing.T, name string) string {
	t.Helper()
	real, err := filepath.EvalSymlinks(name)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		t.Fatal(err)
	}
	return real
}
