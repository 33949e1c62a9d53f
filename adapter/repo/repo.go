// Package repo reads a tree of manifests as the tools read it that apply it: kustomizations
// and charts are built, what Argo CD and Flux are told to deploy from the same tree is, and
// everything else is read as it stands. Nothing is fetched, and nothing outside is read.
package repo

import (
	"context"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/render"
)

// Options say how to read a tree.
type Options struct {
	file.Options
	// Charts say how the one chart of the tree is rendered; the zero value as its own values
	// say.
	Charts Charts
	// Renderer renders; never nil.
	Renderer *render.Renderer
}

// Charts are what people give helm.
type Charts struct {
	// Values are paths of files, as people name them.
	Values []string
	// Set and SetString are as of helm --set and --set-string.
	Set, SetString []string
	// Release is the release's name; empty for the chart's.
	Release string
}

// IsZero reports whether nothing was said.
func (c Charts) IsZero() bool {
	return len(c.Values)+len(c.Set)+len(c.SetString) == 0 && c.Release == ""
}

// Read reads a file, a directory or "-".
func Read(ctx context.Context, path string, opts Options) (object.Batch, error) {
	return file.Read(ctx, []string{path}, opts.Options)
}
