package repo

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// warnUnused tells of a manifest that nothing applies.
const warnUnused = "tree/unused"

// warnBoth tells of a folder that is a chart and a kustomization.
const warnBoth = "tree/both"

// both warns of kustomizations in folders of charts that are rendered.
func (r *reading) both() []snapshot.Warning {
	var out []snapshot.Warning
	for _, res := range r.entries {
		e := r.plan.folders[res.unit.dir]
		if e == nil || e.beside == "" || res.unit.chart == nil {
			continue
		}
		out = append(out, snapshot.Warning{Code: warnBoth, Origin: verdict.Origin{File: r.tree.shown(path.Join(e.dir, e.beside))},
			Text: "is in a folder that is a Helm chart, too: the chart is rendered, and the kustomization where -f names this file"})
	}
	return out
}

// maxUnused is how many manifests are named one by one.
const maxUnused = 20

// unused warns of manifests with something in them that the caller wants, in folders that are
// rendered without them.
func (r *reading) unused(ctx context.Context) ([]snapshot.Warning, error) {
	opts := r.opts.Options
	opts.Digests = false
	batch, err := r.plan.listing.With(opts).Read(ctx, r.left)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, o := range batch.Objects {
		if name := o.Source.File; len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	var out []snapshot.Warning
	for i, name := range names {
		if i == maxUnused {
			out = append(out, snapshot.Warning{Code: warnUnused, Text: fmt.Sprintf("and %d more files in folders of kustomizations and charts, which do not use them: they are not read", len(names)-i)})
			break
		}
		out = append(out, r.unusedIn(name))
	}
	return out, nil
}

func (r *reading) unusedIn(name string) snapshot.Warning {
	w := snapshot.Warning{Code: warnUnused, Text: "is in a folder that is rendered without it: it is not read", Origin: verdict.Origin{File: name}}
	dir, ok := r.tree.placeOf(name)
	if !ok {
		return w
	}
	if owner := r.plan.owner(path.Join(dir, "x")); owner != nil {
		verb := "name"
		switch {
		case owner.component:
			w.Text = fmt.Sprintf("is in the folder of %s, a Component that no kustomization uses: it is not read", owner.name(r.tree))
			return w
		case owner.chart:
			verb = "render"
		}
		w.Text = fmt.Sprintf("is in the folder of %s, which does not %s it: it is not read", owner.name(r.tree), verb)
	}
	return w
}

// left reports whether a file lies in a folder that is rendered, and is no part of what is.
func (r *reading) left(f file.Listed) bool {
	name, ok := r.tree.place(f.Real)
	if !ok || f.Named || r.plan.taken[name] || r.claimed(name, f) {
		return false
	}
	owner := r.plan.owner(name)
	if owner == nil || owner.failed || isMark(path.Base(name)) {
		return false
	}
	if !owner.chart {
		return true
	}
	rel, _ := inside(owner.dir, name)
	top, _, _ := strings.Cut(rel, "/")
	return !slices.Contains(chartFolders, top)
}
