package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A page is a part of a list, without its items.
type page struct {
	Kind     string
	Metadata struct {
		Continue  string `json:"continue"`
		Remaining int    `json:"remainingItemCount"`
	}
	items bool
}

// errNoList is what an answer is that a list was expected of.
var errNoList = errors.New("the answer is no list of objects")

// readPage reads a list and tells each of its items, whose bytes are valid until the next.
// No more than one is held.
func readPage(from io.Reader, each func(item []byte) error) (page, error) {
	var p page
	d := json.NewDecoder(from)
	err := p.read(d, each)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return p, io.ErrUnexpectedEOF
	case errors.As(err, &syntax), errors.As(err, &kind):
		return p, fmt.Errorf("%w: at byte %d: not JSON as the server writes it", errNoList, d.InputOffset())
	case err != nil:
		return p, err
	case !p.items || !strings.HasSuffix(p.Kind, "List"):
		return p, errNoList // an empty one would say that there are no objects
	}
	return p, nil
}

func (p *page) read(d *json.Decoder, each func([]byte) error) error {
	if err := next(d, json.Delim('{')); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		switch key {
		case "kind":
			err = d.Decode(&p.Kind)
		case "metadata":
			err = d.Decode(&p.Metadata)
		case "items":
			p.items = true
			err = readItems(d, each)
		default:
			err = d.Decode(&json.RawMessage{})
		}
		if err != nil {
			return err
		}
	}
	return next(d, json.Delim('}'))
}

// readItems reads the array; null stands for an empty one.
func readItems(d *json.Decoder, each func([]byte) error) error {
	begin, err := d.Token()
	if err != nil || begin == nil {
		return err
	}
	if begin != json.Delim('[') {
		return errNoList
	}
	var item json.RawMessage
	for d.More() {
		item = item[:0]
		if err := d.Decode(&item); err != nil {
			return err
		}
		if err := each(item); err != nil {
			return err
		}
	}
	return next(d, json.Delim(']'))
}

// next takes a brace.
func next(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err == nil && t != want {
		err = errNoList
	}
	return err
}
