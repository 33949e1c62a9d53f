//go:build linux

package pgbouncer

import (
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/pgmoat/pgmoat/lab/island"
)

const insideEnv = "PGMOAT_LAB_PGBOUNCER"

// Inside does the work of the process on the island and exits, if this is one.
// Elsewhere it returns at once.
func Inside() {
	if os.Getenv(insideEnv) == "" {
		return
	}
	if err := serve(); err != nil {
		// The parent reads this in place of a reply.
		_ = json.NewEncoder(os.Stdout).Encode(reply{Error: err.Error()})
		os.Exit(1)
	}
	os.Exit(0)
}

// serve starts both, says so with an empty reply, and answers until the input ends.
func serve() error {
	isle, err := island.Settle(nil)
	if err != nil {
		return err
	}
	w, err := newWorld(isle)
	if err != nil {
		return err
	}
	defer w.stop()
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	if err := out.Encode(reply{}); err != nil {
		return err
	}
	for {
		var q request
		if err := in.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := out.Encode(w.answer(q)); err != nil {
			return err
		}
	}
}

func (w *world) answer(q request) reply {
	skipped, err := w.become(q.Setup)
	if err != nil {
		return reply{Error: err.Error()}
	}
	r := reply{Skipped: skipped}
	for _, a := range q.Attempts {
		r.Answers = append(r.Answers, w.attempt(a))
	}
	return r
}
