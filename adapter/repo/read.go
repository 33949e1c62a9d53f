package repo

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A reading is one tree being read.
type reading struct {
	builder
	plan *plan
	path string
	// plain is what stands as it is. said are its objects that deploy, with what they name, and
	// unread is what keeps others of them from being read; listened says that both are known.
	plain    object.Batch
	said     []object.Object
	unread   []snapshot.Problem
	listened bool
	// entries are rendered because the tree has them; tried are all that were at any time.
	entries, tried []*result
	// own are the folders of entries that deploy themselves: what they say counts all the same.
	own map[string]bool
	// followed says what else is rendered, and units what that came to; away is what goes to
	// other clusters or is skipped, and is not rendered.
	followed    followed
	units, away []*result
	// claims are the files that all of these are made of, and folders those of them that are
	// folders of plain manifests.
	claims  map[string]bool
	folders []*result
	// conflict says that what deploys is there in several forms; nil for nothing.
	conflict error
}

// open plans the reading of what path names, which is in folder.
func open(ctx context.Context, folder, path string, opts Options) (*reading, error) {
	g, err := groundOf(folder)
	if err != nil {
		return nil, err
	}
	opts.Within, opts.Lists = g.top, nil
	t, err := openTree(g, opts.Options)
	if err != nil {
		return nil, err
	}
	r := &reading{path: path, builder: builder{tree: t, opts: opts, built: map[string]*result{}}, own: map[string]bool{}}
	if r.plan, err = planOf(ctx, t, path, opts.named); err != nil {
		_ = t.Close() // only read
		return nil, err
	}
	return r, nil
}

func (r *reading) read(ctx context.Context) (object.Batch, error) {
	charts, err := r.opts.Charts.read()
	if err != nil {
		return object.Batch{}, err
	}
	if err := r.standing(ctx); err != nil {
		return object.Batch{}, err
	}
	for fresh := true; fresh; {
		if err := r.follow(ctx); err != nil {
			return object.Batch{}, err
		}
		if fresh, err = r.enter(ctx, charts); err != nil {
			return object.Batch{}, err
		}
	}
	if err := cmp.Or(r.conflict, r.fatal()); err != nil {
		return object.Batch{}, err
	}
	return r.batch(ctx)
}

// standing reads what stands as it is, as far as that is known.
func (r *reading) standing(ctx context.Context) error {
	opts := r.opts.Options
	opts.Wants = r.wants
	var err error
	r.plain, err = r.plan.listing.With(opts).Read(ctx, r.stands)
	return err
}

// skips reports whether the user leaves out a folder, or one above it.
func (r *reading) skips(dir string) bool {
	for ; dir != "."; dir = path.Dir(dir) {
		if skipped, err := r.opts.Skips(r.tree.shown(dir)); err == nil && skipped {
			return true
		}
	}
	return false
}

// enter renders the entries of the tree that nothing deploys in another way. Fresh says that
// some of them, rendered now, deploy more.
func (r *reading) enter(ctx context.Context, charts *charted) (fresh bool, err error) {
	r.entries = nil
	for _, e := range r.plan.entries() {
		if r.deployed(e.dir) {
			continue
		}
		u := e.unit(r.opts.Charts, charts)
		_, known := r.built[u.key()]
		res := r.build(ctx, u)
		if err := cmp.Or(ctx.Err(), res.tooMuch()); err != nil {
			return false, err
		}
		if r.entries = append(r.entries, res); known {
			continue
		}
		r.tried = append(r.tried, res)
		if res.err != nil {
			continue
		}
		batch, err := r.builder.read(ctx, res, r.wants)
		if err != nil {
			return false, err
		}
		res.batch = &batch
		fresh = fresh || anyDeploys(res.batch.Objects)
	}
	return fresh, nil
}

// wants is what is read: what the caller wants, and what deploys more.
func (r *reading) wants(t object.Type, text []byte) bool {
	return deploys(t) || r.opts.Options.Wants == nil || r.opts.Options.Wants(t, text)
}

// stands reports whether a file is applied as it is: nothing renders it.
func (r *reading) stands(f file.Listed) bool {
	name, ok := r.tree.place(f.Real)
	if !ok {
		return true // the user named it
	}
	return r.plan.owner(name) == nil && !r.plan.taken[name] && !r.claimed(name, f)
}

// claimed reports whether a file is part of what was followed.
func (r *reading) claimed(name string, f file.Listed) bool {
	return r.claims[name] || slices.ContainsFunc(r.folders, func(res *result) bool { return r.takes(res.unit, f) })
}

// fatal is the error of what was asked for alone and cannot be rendered, and of what was said
// for one chart where there is not one.
func (r *reading) fatal() error {
	var charts []string
	for _, res := range r.entries {
		if res.unit.chart != nil {
			charts = append(charts, r.tree.shown(res.unit.dir))
		}
		alone := len(r.entries)+len(r.units) == 1
		if res.err != nil && (alone || res.unit.dir == r.tree.dir) {
			return res.err
		}
	}
	if e := r.plan.folders[r.tree.dir]; e != nil && e.component {
		return fmt.Errorf("%s is a Component, which is nothing by itself: name a kustomization that uses it", e.name(r.tree))
	}
	switch {
	case r.opts.Charts.IsZero() || len(charts) == 1:
		return nil
	case len(charts) == 0:
		return fmt.Errorf("%w, and %s has none to be rendered by itself: choose one with -f", ErrNoChart, r.path)
	}
	return fmt.Errorf("values are for one Helm chart, and %s has %s: choose one, as in -f %s", r.path, listed(charts), charts[0])
}

// listed is a list in a sentence; of a long one the beginning.
func listed(names []string) string {
	const most = 8
	last := len(names) - 1
	switch {
	case last < 1:
		return strings.Join(names, "")
	case last >= most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// unit is what the tree alone says of an entry.
func (r *rendering) unit(said Charts, values *charted) unit {
	u := unit{dir: r.dir}
	if !r.chart {
		u.kustomization = &kustomized{}
		return u
	}
	c := *values
	c.release = cmp.Or(said.Release, path.Base(r.mark.Name))
	u.chart = &c
	return u
}
