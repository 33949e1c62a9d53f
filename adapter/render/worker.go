package render

import (
	"context"
	"errors"
	"io"
)

// A request is what the process is asked; one of the fields is set.
type request struct {
	Kustomization *Kustomization `json:"kustomization,omitempty"`
	Chart         *Chart         `json:"chart,omitempty"`
}

// An answer is what it says.
type answer struct {
	Documents []Document `json:"documents,omitempty"`
	Err       string     `json:"err,omitempty"`
}

// A worker is the process.
type worker struct{}

// marker is the argument that makes a process a worker.
const marker = "--pgmoat-render--"

// IsWorker reports whether the process was started to render: a main function asks before
// all else, and where it is so, Serve is all there is to do.
func IsWorker(args []string) bool { return len(args) == 2 && args[1] == marker }

// Serve answers requests until there are no more.
func Serve(in io.Reader, out io.Writer) error { return errors.New("not yet") }

// Close ends the process.
func (r *Renderer) Close() error { return nil }

func (r *Renderer) ask(ctx context.Context, q request) (answer, error) {
	return answer{}, errors.New("not yet")
}
