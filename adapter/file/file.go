// Package file reads Kubernetes objects from manifests: files, directories and
// standard input. What cannot be read is told with its place, and the rest is read
// all the same; nothing is left out silently.
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Options say how to read. The zero value reads everything.
type Options struct {
	// Stdin is what the path "-" reads.
	Stdin io.Reader
	// Skip are globs of what to leave out; each is held against the path as shown
	// and against every suffix of it, and "**" stands for any number of directories.
	Skip []string
	// Namespace is where objects live that name none; "default" when empty.
	Namespace string
	// Wants reports whether anybody asks for an object of the type in this text, YAML
	// or JSON; others are counted and not decoded. Nil wants all.
	Wants func(object.Type, []byte) bool
	// Digests asks for the digest of each file.
	Digests bool
	// Lists says, by the last element of its path, whether a Listing names a file among its
	// Beside, manifest or not; nil names none.
	Lists func(name string) bool
	// Within is the real path of a directory outside of which no link may lead; empty lets
	// them lead anywhere. The paths themselves may be links to anything.
	Within string
}

func (o Options) lists(name string) bool { return o.Lists != nil && o.Lists(name) }

func (o Options) wants(t object.Type, text []byte) bool { return o.Wants == nil || o.Wants(t, text) }

func (o Options) namespace() string {
	if o.Namespace == "" {
		return "default"
	}
	return o.Namespace
}

// ErrNothing says that no path held an object.
var ErrNothing = errors.New("no Kubernetes object was read")

// Read reads the paths in order, each directory in the order of its names. A path
// that cannot be read is a Problem of every namespace. The error is ErrNothing
// where there was nothing to read, or says that the request itself is wrong.
func Read(ctx context.Context, paths []string, opts Options) (object.Batch, error) {
	listing, err := List(ctx, paths, opts)
	if err != nil {
		return object.Batch{}, err
	}
	batch, err := listing.Read(ctx, nil)
	if err != nil {
		return object.Batch{}, err
	}
	return batch, Nothing(batch, paths)
}

// Nothing is the error of a batch that holds no object, readable or not: ErrNothing with the
// reason; nil for any other batch.
func Nothing(b object.Batch, paths []string) error {
	if len(b.Objects) > 0 || b.Unused > 0 {
		return nil
	}
	where := strings.Join(paths, ", ")
	switch {
	case len(paths) == 0:
		return fmt.Errorf("%w: no path was given", ErrNothing)
	case len(b.Problems) > 0:
		return fmt.Errorf("%w from %s: %s", ErrNothing, where, first(b.Problems))
	case len(b.Skipped) > 0:
		return fmt.Errorf("%w from %s: %d were skipped", ErrNothing, where, len(b.Skipped))
	case b.Ignored > 0:
		return fmt.Errorf("%w from %s: %d documents without apiVersion and kind", ErrNothing, where, b.Ignored)
	}
	return fmt.Errorf("%w from %s: no .yaml, .yml or .json file with a document in it", ErrNothing, where)
}

func first(ps []snapshot.Problem) string {
	text := ps[0].Origin.String() + ": " + ps[0].Fault()
	if len(ps) > 1 {
		text += fmt.Sprintf(" (and %d more)", len(ps)-1)
	}
	return text
}
