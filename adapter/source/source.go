// Package source opens what people name as sources of an estate: manifests with their
// kustomizations and charts, saved snapshots, a live cluster, and several of them in layers.
package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/kube/live"
	"github.com/pgmoat/pgmoat/adapter/layer"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/render"
	"github.com/pgmoat/pgmoat/adapter/repo"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Live is what a path to a live cluster begins with; the name of a context may follow.
const Live = "live:"

// Options say what to open and how.
type Options struct {
	// Paths are files, directories, saved snapshots, "-" for Stdin, and "live:" or
	// "live:CONTEXT". The objects of later ones take the place of those of earlier ones.
	Paths []string
	Stdin io.Reader
	// Skip and Namespace are of file.Options, for all manifests.
	Skip      []string
	Namespace string
	// Digests asks for the digests of what is read.
	Digests bool
	// Charts say how the one chart there is is rendered.
	Charts repo.Charts
	// Live says how clusters are read; its Context is for a path that names none.
	Live live.Options
	// Certificates asks a cluster for the certificates that servers name, too.
	Certificates bool
	// Estate is what adapters there are, for what to ask a cluster for.
	Estate estate.Options
	// Delete are objects that are taken away in the end, each KIND/NAMESPACE/NAME or
	// KIND/NAME.
	Delete []string
}

// Open returns the source that reads all paths.
func Open(opts Options) (estate.Source, error) {
	if len(opts.Paths) == 0 {
		return nil, errors.New("no path was given")
	}
	return Without(func(ctx context.Context, wants estate.Wants) (object.Batch, error) {
		r := reader{opts: opts, wants: wants, renderer: render.New(render.Limits{})}
		batch, err := r.all(ctx)
		if closed := r.renderer.Close(); err == nil {
			err = closed
		}
		return batch, err
	}, opts.Delete)
}

// parseRefs reads the names of objects.
func parseRefs(texts []string) ([]layer.Ref, error) {
	out := make([]layer.Ref, len(texts))
	for i, text := range texts {
		var err error
		if out[i], err = layer.ParseRef(text); err != nil {
			return nil, fmt.Errorf("--delete %s: %w", text, err)
		}
	}
	return out, nil
}

// A reader reads the paths, one after the other.
type reader struct {
	opts     Options
	wants    estate.Wants
	renderer *render.Renderer
	// charts are the paths whose chart was rendered with the values.
	charts []string
}

// all reads every path, each over those before it. That there is nothing in one of them is
// an error only where nothing is in any.
func (r *reader) all(ctx context.Context) (object.Batch, error) {
	var out object.Batch
	var nothing []error
	for i, path := range r.opts.Paths {
		batch, err := r.charted(ctx, path)
		switch {
		case errors.Is(err, file.ErrNothing):
			nothing = append(nothing, err)
		case err != nil:
			return out, err
		}
		if i == 0 {
			out = batch
			continue
		}
		out = layer.Over(out, batch)
	}
	switch {
	case len(nothing) == len(r.opts.Paths):
		return out, nothing[0]
	case len(r.charts) != 1 && !r.opts.Charts.IsZero():
		return out, r.notOneChart()
	}
	return out, nil
}

// charted reads a path, with what is said for the one chart where the path has it.
func (r *reader) charted(ctx context.Context, path string) (object.Batch, error) {
	if r.opts.Charts.IsZero() || path == "-" || strings.HasPrefix(path, Live) {
		return r.one(ctx, path, repo.Charts{})
	}
	batch, err := r.one(ctx, path, r.opts.Charts)
	if errors.Is(err, repo.ErrNoChart) {
		return r.one(ctx, path, repo.Charts{})
	}
	if err == nil {
		r.charts = append(r.charts, path)
	}
	return batch, err
}

// notOneChart is the error of values that are for no chart, or for several.
func (r *reader) notOneChart() error {
	where := strings.Join(r.opts.Paths, ", ")
	if len(r.charts) == 0 {
		return fmt.Errorf("%w, and %s has none to be rendered by itself: name one with -f", repo.ErrNoChart, where)
	}
	return fmt.Errorf("values are for one Helm chart, and there is one in each of %s: read them apart", strings.Join(r.charts, ", "))
}

func (r *reader) one(ctx context.Context, path string, charts repo.Charts) (object.Batch, error) {
	if name, ok := strings.CutPrefix(path, Live); ok {
		return r.live(ctx, name)
	}
	if err := remote(path); err != nil {
		return object.Batch{}, err
	}
	in, done, err := begun(path, r.opts.Stdin)
	if err != nil {
		return object.Batch{}, err
	}
	defer done()
	switch {
	case in.saved && !charts.IsZero():
		return object.Batch{}, repo.ErrNoChart
	case in.saved:
		return r.saved(ctx, path, in.rest)
	}
	return repo.Read(ctx, path, repo.Options{
		Options: file.Options{Stdin: in.rest, Skip: r.opts.Skip, Namespace: r.opts.Namespace, Wants: r.wants, Digests: r.opts.Digests},
		Charts:  charts, Renderer: r.renderer,
	})
}

// live reads a cluster.
func (r *reader) live(ctx context.Context, name string) (object.Batch, error) {
	opts := r.opts.Live
	if name != "" {
		opts.Context = name
	}
	opts.Types = estate.Types(r.opts.Estate.Adapters, r.opts.Estate.Intents != nil)
	opts.Wants = r.wants
	batch, err := live.Read(ctx, opts)
	if err == nil && r.opts.Certificates {
		batch, err = r.certified(ctx, opts, batch)
	}
	if err == nil && r.opts.Digests {
		batch.Inputs = []object.Input{digest(Live+opts.Context, batch.Objects)}
	}
	return batch, err
}

// digest is that of the objects of a cluster, in their order, with a new line behind each.
func digest(name string, objects []object.Object) object.Input {
	sum := sha256.New()
	for _, o := range objects {
		_, _ = sum.Write(append(slices.Clip(o.JSON), '\n')) // a hash takes everything
	}
	return object.Input{Name: name, SHA256: hex.EncodeToString(sum.Sum(nil))}
}

// certified adds the certificates that the servers of a cluster name.
func (r *reader) certified(ctx context.Context, opts live.Options, batch object.Batch) (object.Batch, error) {
	plain := r.opts.Estate
	plain.Intents, plain.Inputs = nil, nil
	world, err := estate.From(ctx, func(context.Context, estate.Wants) (object.Batch, error) { return batch, nil }, plain)
	if err != nil {
		return batch, err
	}
	read, refused, err := live.Certificates(ctx, opts, named(world))
	if err != nil {
		return batch, err
	}
	next := object.Batch{Objects: read}
	batch = layer.Over(batch, next)
	if len(refused) > 0 && batch.Coverage != nil {
		c := *batch.Coverage
		c.Kinds = append(c.Kinds, refused...)
		batch.Coverage = &c
	}
	return batch, nil
}

// named are the Secrets in which the servers of an estate have certificates.
func named(world *snapshot.Snapshot) []snapshot.Ref {
	seen := map[string]bool{}
	var out []snapshot.Ref
	for _, s := range world.Servers {
		for _, c := range s.TLS.Certificates {
			namespace, name, ok := strings.Cut(c.Secret, "/")
			if !ok || seen[c.Secret] {
				continue
			}
			seen[c.Secret] = true
			out = append(out, snapshot.Ref{Kind: "Secret", Namespace: namespace, Name: name})
		}
	}
	return out
}

// A beginning is a file of which the first bytes were looked at.
type beginning struct {
	saved bool
	rest  io.Reader
}

// begun looks whether a path is a saved snapshot. What cannot be opened is left to those who
// read manifests, who say so.
func begun(path string, stdin io.Reader) (beginning, func(), error) {
	if path == "-" {
		return peek(stdin), func() {}, nil
	}
	none := func() {}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return beginning{}, none, nil
	}
	f, err := os.Open(path) //nolint:gosec // a path that the user named
	if err != nil {
		return beginning{}, none, nil
	}
	b := peek(f)
	if !b.saved {
		return beginning{}, none, f.Close()
	}
	return b, func() { _ = f.Close() }, nil
}
