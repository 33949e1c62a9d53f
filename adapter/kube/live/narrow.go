package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"k8s.io/apimachinery/pkg/util/validation"
)

var namespaceType = object.Type{Kind: "Namespace"}

// namespaceNames sorts the names, each once. What is no name is an error: it would be part of
// a path.
func namespaceNames(names []string) ([]string, error) {
	for _, n := range names {
		if faults := validation.IsDNS1123Label(n); len(faults) > 0 {
			return nil, fmt.Errorf("%q is no name of a namespace", n)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(names))), nil
}

// narrowed makes sure of the namespaces that were named: where all could be listed, they are
// in the list. Else each is got, and taken: its labels are what selectors ask for.
func (r *reader) narrowed(ctx context.Context, l *listing, listed bool) error {
	if !listed {
		texts, err := r.look(ctx, r.opts.Namespaces)
		for _, text := range texts {
			err = errors.Join(err, l.item(text))
		}
		return err
	}
	var missing []string
	for _, name := range r.opts.Namespaces {
		if !slices.ContainsFunc(l.objects, func(o object.Object) bool { return o.Name == name }) {
			missing = append(missing, name)
		}
	}
	return noNamespace(missing)
}

// look gets the namespaces that were named. One that is not there would be read as empty, so
// that it is an error; whether one that may not be got is there, nobody can tell.
func (c *cluster) look(ctx context.Context, names []string) ([]json.RawMessage, error) {
	var out []json.RawMessage
	var missing []string
	for _, name := range names {
		var text json.RawMessage
		err := c.ask(ctx, "/api/v1/namespaces/"+name, acceptObjects, &text)
		var no *refusal
		switch {
		case isCode(err, http.StatusNotFound):
			missing = append(missing, name)
		case isCode(err, http.StatusUnauthorized):
			return nil, err
		case errors.As(err, &no):
		case err != nil:
			return nil, err
		default:
			out = append(out, text)
		}
	}
	return out, noNamespace(missing)
}

func noNamespace(missing []string) error {
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("there is no namespace %s", strings.Join(missing, ", "))
}
