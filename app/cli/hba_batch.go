package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
)

// batch answers JSON Lines one by one, in order, each as soon as it is read. A line
// that cannot be read is answered, too, and told; the others are answered all the
// same.
func (a *app) batch(path string, answer func(*hbacase.Evaluator, []byte) (any, error)) error {
	in := a.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // it was read only
		in = f
	}
	r := bufio.NewReaderSize(in, 1<<16)
	w := bufio.NewWriter(a.out)
	e := &hbacase.Evaluator{}
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		end := err != nil
		if text := trimmed(line); len(text) > 0 {
			out, err := answer(e, text)
			if err != nil {
				_, _ = fmt.Fprintf(a.err, "pgmoat: %s line %d: %v\n", path, n, err)
				a.exit(exitFailed)
			}
			if err := a.answered(w, out, end || r.Buffered() == 0); err != nil {
				return err
			}
		}
		if end {
			return w.Flush()
		}
	}
}

func trimmed(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r' || line[len(line)-1] == ' ') {
		line = line[:len(line)-1]
	}
	return line
}

// answered writes a line; it waits for more only where more is there to be read.
func (a *app) answered(w *bufio.Writer, out any, flush bool) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		return err
	}
	if flush {
		return w.Flush()
	}
	return nil
}
