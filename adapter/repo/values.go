package repo

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/render"
)

// read returns what is said of a chart, with the files of values read. They are named by
// people, and may be anywhere.
func (c Charts) read() (*charted, error) {
	out := &charted{set: c.Set, setString: c.SetString}
	for _, name := range c.Values {
		if strings.Contains(name, "://") {
			return nil, errors.New("values: a file is wanted, and nothing is fetched: download it first, and name the file")
		}
		text, err := readNamed(name)
		if err != nil {
			return nil, fmt.Errorf("values: %w", err)
		}
		out.inputs = append(out.inputs, object.InputOf(filepath.Clean(name), text))
		out.values = append(out.values, render.Values{Name: name, Text: text})
	}
	return out, nil
}

// readNamed reads a file that people name; the error names it.
func readNamed(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, maxRead+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxRead:
		return nil, fmt.Errorf("%s: is larger than %d MiB", name, maxRead>>20)
	}
	return text, nil
}
