package render

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Limits bound what rendering may take; the zero value stands for the defaults.
type Limits struct {
	// Seconds is how long one kustomization or chart may take; 60 where it is 0.
	Seconds int
	// Memory is how many bytes the process may have; 2 GiB where it is 0.
	Memory uint64
	// Output is how many bytes may come of one kustomization or chart; 256 MiB where it is 0.
	Output int
}

// maxInput is how many bytes of files one kustomization or chart may have.
const maxInput = 256 << 20

func (l Limits) orDefaults() Limits {
	if l.Seconds == 0 {
		l.Seconds = 60
	}
	if l.Memory == 0 {
		l.Memory = 2 << 30
	}
	if l.Output == 0 {
		l.Output = 256 << 20
	}
	return l
}

// ErrTooMuch says that rendering took more time, memory or output than it may.
var ErrTooMuch = errors.New("takes more than it may")

func tooMuch(of string) error { return fmt.Errorf("%w (%s)", ErrTooMuch, of) }

// Close ends the process, if there is one. The renderer starts another when it is asked
// again.
func (r *Renderer) Close() error {
	if r.worker != nil {
		r.worker.end()
		r.worker = nil
	}
	return nil
}

// ask asks the process, and leaves none behind that did not answer.
func (r *Renderer) ask(ctx context.Context, q request) ([]Document, error) {
	if q.size() > maxInput {
		return nil, tooMuch("files")
	}
	limits := r.limits.orDefaults()
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(limits.Seconds)*time.Second, tooMuch("time"))
	defer cancel()
	if r.worker == nil {
		w, err := start(limits)
		if err != nil {
			return nil, err
		}
		r.worker = w
	}
	said, wrong, lost := r.worker.answer(ctx, q, limits)
	if lost != nil {
		return nil, errors.Join(lost, r.Close())
	}
	return said, wrong
}
