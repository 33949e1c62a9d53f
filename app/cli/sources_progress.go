package cli

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/pgmoat/pgmoat/adapter/kube/live"
)

// A screen is a terminal with one line that says how far reading is. The line is taken away
// before anything else is written, an error or that the run was interrupted.
type screen struct {
	out   io.Writer
	mu    sync.Mutex // two clusters may be read at once
	shown bool
}

// clearLine goes to the beginning of the line and erases it.
const clearLine = "\r\x1b[K"

// onScreen returns what writes to out, a *screen where that is a terminal.
func onScreen(out io.Writer) io.Writer {
	f, ok := out.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return out
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return out
	}
	return &screen{out: f}
}

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.clear(); err != nil {
		return 0, err
	}
	return s.out.Write(p)
}

// progress writes one line over the last, and clears it when all is read.
func (s *screen) progress(p live.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.clear() // a terminal that is gone has nobody before it
	if p.Index >= p.Kinds {
		return
	}
	s.shown = true
	_, _ = fmt.Fprintf(s.out, "reading %s", p)
}

func (s *screen) clear() error {
	if !s.shown {
		return nil
	}
	s.shown = false
	_, err := io.WriteString(s.out, clearLine)
	return err
}
