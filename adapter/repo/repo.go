// Package repo reads a tree of manifests as the tools read it that apply it: kustomizations
// and charts are built, what Argo CD and Flux are told to deploy from the same tree is, and
// everything else is read as it stands. Nothing is fetched, and nothing outside is read.
package repo

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/render"
)

// Options say how to read a tree.
type Options struct {
	// Options are of reading files; Lists and Within are not looked at.
	file.Options
	// Charts say how the one chart of the tree is rendered; the zero value as its own values
	// say.
	Charts Charts
	// Renderer renders; never nil.
	Renderer *render.Renderer
	// named is the kustomization or the Chart.yaml by which the path names its folder.
	named string
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

// ErrNoChart says that something was said for a chart where there is none.
var ErrNoChart = errors.New("values are for a Helm chart")

// IsZero reports whether nothing was said.
func (c Charts) IsZero() bool {
	return len(c.Values)+len(c.Set)+len(c.SetString) == 0 && c.Release == ""
}

// Read reads a file, a directory or "-".
//
// The path of a kustomization or of a Chart.yaml stands for its folder, and a packaged chart
// (.tgz) is rendered. Below a directory these are rendered: each kustomization that no other
// one below it uses, and each chart that none has below its charts/ or names with file://; the
// directory's own in any case. What Argo CD or Flux deploys is rendered as they do it instead.
// Files that are used so are not read a second time. What the user skips renders nothing: the
// base of an overlay that is skipped is built by itself.
//
// A kustomization may name what lies above the path, but nothing outside of its tree. That is
// the Git repository that the path lies in; otherwise the working directory, where the path
// lies in that and it is not the root of the file system; otherwise what the path names alone.
// No link leads out of it either.
//
// Where what the path names, or the only thing to be rendered, cannot be, that is the error.
// Others are problems that put every answer in doubt, and the rest is read. Objects of one
// name with different content are an error where one of them was rendered.
func Read(ctx context.Context, path string, opts Options) (object.Batch, error) {
	info, err := os.Stat(path)
	if path == "-" || err != nil || !info.IsDir() && !info.Mode().IsRegular() {
		return file.Read(ctx, []string{path}, opts.Options)
	}
	at := path
	switch {
	case info.IsDir():
	case isMark(filepath.Base(path)) && marks(path):
		at, opts.named = filepath.Dir(path), filepath.Base(path)
	case filepath.Ext(path) == ".tgz":
		return readArchive(ctx, path, opts)
	}
	folder := at
	if at == path && !info.IsDir() {
		folder = filepath.Dir(path)
	}
	r, err := open(ctx, folder, at, opts)
	if err != nil {
		return object.Batch{}, err
	}
	defer r.tree.Close() //nolint:errcheck // only read
	return r.read(ctx)
}

// marks reports whether a file makes something to be rendered of its folder.
func marks(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxRead {
		return false
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	_, chart := chartOf(text)
	if filepath.Base(path) == chartFile {
		return chart
	}
	return isKustomization(text)
}
