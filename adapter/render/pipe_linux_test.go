package render_test

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pgmoat/pgmoat/adapter/render"
)

// TestPipe: a pipe is not opened, for that would wait for someone to write.
func TestPipe(t *testing.T) {
	c := &buildCase{top: t.TempDir()}
	c.write(t, "kustomization.yaml", []byte("resources: [pipe]"))
	if err := unix.Mkfifo(filepath.Join(c.top, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := render.Uses(rootTree{c.open(t)}, ".", true); !errors.Is(err, render.ErrNoFile) {
		t.Error(err)
	}
}
