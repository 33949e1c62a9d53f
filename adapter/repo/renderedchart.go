package repo

import (
	"cmp"
	"context"
	"fmt"
	"path"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/render"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func (b *builder) chart(ctx context.Context, r *result) error {
	files, err := render.ChartUses(b.tree, r.unit.dir)
	if err != nil {
		return err
	}
	b.made(r, files)
	if own := r.unit.chart.defaults; own != nil {
		files[path.Join(r.unit.dir, "values.yaml")] = own
	}
	return b.render(ctx, r, files)
}

// render renders a chart of these files.
func (b *builder) render(ctx context.Context, r *result, files map[string][]byte) error {
	u, c := r.unit, r.unit.chart
	docs, err := b.opts.Renderer.Chart(ctx, render.Chart{
		Files: files, Dir: u.dir, Release: c.release,
		Namespace: cmp.Or(c.namespace, u.namespace, b.opts.Namespace, "default"),
		Values:    c.values, Set: c.set, SetString: c.setString,
		KubeVersion: c.kubeVersion, APIVersions: c.apiVersions, SkipCRDs: c.skipCRDs,
	})
	if err != nil {
		return b.renamed(u.dir, err)
	}
	var objects, hooks []render.Document
	for _, d := range docs {
		switch {
		case d.Hook == "":
			objects = append(objects, d)
		case d.Stays:
			hooks = append(hooks, d)
		case b.wanted(ctx, d):
			r.warnings = append(r.warnings, b.hook(u, d))
		}
	}
	if objects, err = b.post(ctx, u, objects); err != nil {
		return err
	}
	docs = append(objects, hooks...) // which post-renderers do not see
	b.texts(r, docs, func(text []byte) ([]byte, error) { return text, nil })
	return nil
}

// wanted reports whether a document has something in it that the caller wants, or cannot be
// read.
func (b *builder) wanted(ctx context.Context, d render.Document) bool {
	batch, err := file.Rendered(ctx, []file.Text{{Name: d.File, Via: "chart", Text: d.Text}}, file.Options{Wants: b.opts.Wants})
	return err != nil || len(batch.Objects)+len(batch.Problems) > 0
}

// hook tells of an object of which helm leaves nothing behind, or that only a test or the
// end of the release creates.
func (b *builder) hook(u unit, d render.Document) snapshot.Warning {
	return snapshot.Warning{
		Code:   "chart/hook",
		Text:   fmt.Sprintf("is a hook (%s) of which nothing stays: helm creates it only then, and it is not read", d.Hook),
		Origin: verdict.Origin{File: b.tree.shown(d.File), Via: b.via(u)},
	}
}
