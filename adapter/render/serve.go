package render

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
)

// A request is what the process is asked; one of the fields is set.
type request struct {
	Kustomization *Kustomization
	Chart         *Chart
}

// size is how many bytes of files it has.
func (q request) size() int {
	n := 0
	files := func(m map[string][]byte) {
		for name, text := range m {
			n += len(name) + len(text)
		}
	}
	if q.Kustomization != nil {
		files(q.Kustomization.Files)
	}
	if q.Chart != nil {
		files(q.Chart.Files)
		for _, v := range q.Chart.Values {
			n += len(v.Text)
		}
	}
	return n
}

// An answer is what the process says; as many documents follow it.
type answer struct {
	Documents int
	// Err is what was wrong with what was to be rendered, TooMuch what it took too much of.
	Err, TooMuch string
	// Excess says that Err is that it took too much.
	Excess bool
}

// An excess is an error of the process that is an ErrTooMuch, in its own words.
type excess string

func (e excess) Error() string { return string(e) }

// Is reports whether target is ErrTooMuch.
func (e excess) Is(target error) bool { return target == ErrTooMuch }

func (a answer) fault() error {
	switch {
	case a.TooMuch != "":
		return tooMuch(a.TooMuch)
	case a.Excess:
		return excess(a.Err)
	case a.Err != "":
		return errors.New(a.Err)
	}
	return nil
}

// Serve answers requests until there are no more; it is for a process that does nothing
// else. When the one who asks is gone the process ends, whatever it is doing.
func Serve(in io.Reader, out io.Writer) error {
	requests := gob.NewDecoder(in)
	var limits Limits
	if err := requests.Decode(&limits); err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	limits = limits.orDefaults()
	if err := confine(limits); err != nil {
		return fmt.Errorf("confinement: %w", err)
	}
	asked := make(chan request)
	go hear(requests, asked)
	answers := gob.NewEncoder(out)
	for q := range asked {
		if err := say(answers, q, limits); err != nil {
			return err
		}
	}
	return nil
}

// hear reads ahead, which is how the end of the input is noticed while something renders.
func hear(requests *gob.Decoder, asked chan<- request) {
	for {
		var q request
		if err := requests.Decode(&q); err != nil {
			os.Exit(0)
		}
		asked <- q
	}
}

// say renders and writes the answer.
func say(answers *gob.Encoder, q request, limits Limits) error {
	documents, err := render(q, limits)
	var a answer
	switch {
	case err != nil:
		documents, a.Err, a.Excess = nil, err.Error(), errors.Is(err, ErrTooMuch)
	case written(documents) > limits.Output:
		documents, a.TooMuch = nil, "output"
	}
	a.Documents = len(documents)
	if err := answers.Encode(a); err != nil {
		return err
	}
	for _, d := range documents {
		if err := answers.Encode(d); err != nil {
			return err
		}
	}
	return nil
}

func written(documents []Document) int {
	n := 0
	for _, d := range documents {
		n += len(d.File) + len(d.Text)
	}
	return n
}

// render renders. The libraries panic at some input, which is then the input's fault.
func render(q request, limits Limits) (documents []Document, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			documents, err = nil, fmt.Errorf("the library cannot read this: %v", fault)
		}
	}()
	switch {
	case q.Kustomization != nil:
		return renderKustomization(q.Kustomization)
	case q.Chart != nil:
		return renderChart(q.Chart, limits)
	}
	return nil, errors.New("nothing is asked")
}
