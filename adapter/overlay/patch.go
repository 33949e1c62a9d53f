package overlay

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/artefact"
)

// An Operation is a step of a JSON patch (RFC 6902), "add" or "replace".
type Operation struct {
	Op    string         `json:"op"`
	Path  string         `json:"path"`
	Value artefact.Value `json:"value"`
	// Comment says why.
	Comment string `json:"-"`
}

// Patch returns the steps that set fields of an object: parents that are not there come
// first, and a field that has its value already needs no step. The patch has no test of
// what was there before, since that may hold what is not for everybody's eyes.
func Patch(o object.Object, fields []artefact.Field) ([]Operation, error) {
	var out []Operation
	data := o.JSON
	for _, f := range fields {
		is, err := lookup(data, f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Ref(), err)
		}
		switch {
		case is.same:
			continue
		case is.was.depth == len(f.Path):
			out = append(out, Operation{"replace", pointer(f.Path), f.Value, f.Comment})
		default:
			for n := is.was.depth + 1; n < len(f.Path); n++ {
				out = append(out, Operation{Op: "add", Path: pointer(f.Path[:n]), Value: artefact.Map{}})
			}
			out = append(out, Operation{"add", pointer(f.Path), f.Value, f.Comment})
		}
		if data, err = set(data, f.Path, is.value); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", o.Ref(), f.Name(), err)
		}
	}
	return out, nil
}

// pointer writes a path as a JSON pointer (RFC 6901).
func pointer(path []string) string {
	var b strings.Builder
	for _, key := range path {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key))
	}
	return b.String()
}
