package repo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/render"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A result is what a unit came to.
type result struct {
	unit unit
	// texts are what was rendered; listing is the files of a folder.
	texts   []file.Text
	listing *file.Listing
	// files are those that it was made of, and folders the kustomizations among them.
	files   map[string]bool
	folders []string
	inputs  []object.Input
	// unread and warnings are of single documents; err is why there are none at all.
	unread   []unreadText
	warnings []snapshot.Warning
	err      error
	// batch is what was read of it; nil until then.
	batch *object.Batch
}

// A builder renders units, each once.
type builder struct {
	tree  *tree
	opts  Options
	built map[string]*result
	// size is how many bytes were rendered.
	size int
}

// maxRendered is how many bytes all units together may come to. Tests make it smaller.
var maxRendered = 512 << 20

// build renders a unit. The error of the result names the unit or a file of it; that of the
// context is in there too.
func (b *builder) build(ctx context.Context, u unit) *result {
	key := u.key()
	if r := b.built[key]; r != nil {
		return r
	}
	r := &result{unit: u}
	b.built[key] = r
	switch {
	case u.kustomization != nil:
		r.err = b.kustomization(ctx, r)
	case u.chart != nil:
		r.err = b.chart(ctx, r)
	default:
		r.err = b.folder(ctx, r)
	}
	for _, t := range r.texts {
		b.size += len(t.Text)
	}
	if b.size > maxRendered {
		r.texts, r.err = nil, fmt.Errorf("%w: with what else is rendered more than %d MiB", render.ErrTooMuch, maxRendered>>20)
	}
	if r.err != nil && !strings.Contains(r.err.Error(), b.tree.shown(u.dir)) {
		r.err = fmt.Errorf("%s: %w", b.via(u), r.err)
	}
	return r
}

// tooMuch is the error of a unit that takes more than it may: then the run ends, for others
// may want as much again.
func (r *result) tooMuch() error {
	if errors.Is(r.err, render.ErrTooMuch) {
		return r.err
	}
	return nil
}

// key tells units apart by all that they say.
func (u unit) key() string {
	key := fmt.Sprintf("%v|%q|%q", u.by, u.dir, u.namespace)
	switch {
	case u.kustomization != nil:
		k := u.kustomization
		key += fmt.Sprintf("|kustomization|%q|%v", k.text, k.anyPath)
		if k.substitute != nil {
			key += fmt.Sprintf("|%+v", *k.substitute)
		}
	case u.chart != nil:
		key += fmt.Sprintf("|chart|%+v", *u.chart)
	case u.folder != nil:
		key += fmt.Sprintf("|folder|%+v", *u.folder)
	}
	return key
}

// via is what renders the unit's objects, for people.
func (b *builder) via(u unit) string {
	switch {
	case u.kustomization != nil:
		return "kustomization " + b.tree.shown(u.dir)
	case u.chart != nil:
		return "chart " + b.tree.shown(u.dir)
	}
	return ""
}

// look finds out what a unit is made of, and does not render it. What cannot be found out is
// nothing: the unit is of no account here.
func (b *builder) look(ctx context.Context, u unit) *result {
	r := &result{unit: u}
	switch {
	case u.kustomization != nil:
		if used, err := b.uses(u); err == nil {
			b.made(r, used.Files)
			r.folders = used.Dirs
		}
	case u.folder != nil:
		if err := b.folder(ctx, r); err != nil {
			r.listing = nil
		}
	}
	return r
}

func (b *builder) kustomization(ctx context.Context, r *result) error {
	k := r.unit.kustomization
	used, err := b.uses(r.unit)
	if err != nil {
		return b.named(err)
	}
	b.made(r, used.Files)
	r.folders = used.Dirs
	docs, err := b.opts.Renderer.Kustomize(ctx, render.Kustomization{Files: used.Files, Links: used.Links, Dir: r.unit.dir, AnyPath: k.anyPath})
	if err != nil {
		return fmt.Errorf("%s: %w", b.via(r.unit), b.renamed(r.unit.dir, err))
	}
	b.texts(r, docs, k.substitute.apply)
	return nil
}

// uses returns what a kustomization is built of.
func (b *builder) uses(u unit) (render.Used, error) {
	k := u.kustomization
	if k.text == nil {
		return render.Uses(b.tree, u.dir, k.anyPath)
	}
	dir := u.dir
	if real, err := realPath(filepath.Join(b.tree.top, filepath.FromSlash(dir))); err == nil {
		if d, ok := b.tree.place(real); ok {
			dir = d
		}
	}
	return render.Uses(instead{b.tree, dir, k.text}, dir, k.anyPath)
}

// named names the file of a refusal as people do.
func (b *builder) named(err error) error {
	var refused *render.Refusal
	if errors.As(err, &refused) {
		err = refused.Named(b.tree.shown)
	}
	return b.tree.wider(err)
}

// made notes what a unit is made of, but not what it holds.
func (b *builder) made(r *result, files map[string][]byte) {
	r.files = make(map[string]bool, len(files))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		r.files[name] = true
		if !b.opts.Digests {
			continue
		}
		// What was built in the place of the file was made from that.
		if text, err := b.tree.ReadFile(name); err == nil {
			r.inputs = append(r.inputs, object.InputOf(b.tree.shown(name), text))
		}
	}
}

// texts takes what was rendered, changed document by document.
func (b *builder) texts(r *result, docs []render.Document, change func([]byte) ([]byte, error)) {
	via := b.via(r.unit)
	for _, d := range docs {
		name := b.tree.shown(path.Clean(d.File))
		text, err := change(d.Text)
		if err != nil {
			r.unread = append(r.unread, unreadText{file.Text{Name: name, Via: via, Text: d.Text}, err})
			continue
		}
		r.texts = append(r.texts, file.Text{Name: name, Via: via, Text: text})
	}
}

// folder lists a folder of plain manifests.
func (b *builder) folder(ctx context.Context, r *result) error {
	listing, err := file.List(ctx, []string{b.tree.shown(r.unit.dir)}, b.options(r.unit))
	r.listing = listing
	return err
}

// options are those of reading what a unit has.
func (b *builder) options(u unit) file.Options {
	opts := b.opts.Options
	opts.Within = b.tree.top
	if u.namespace != "" {
		opts.Namespace = u.namespace
	}
	return opts
}

// read reads what was rendered, as far as it is wanted.
func (b *builder) read(ctx context.Context, r *result, wants func(object.Type, []byte) bool) (object.Batch, error) {
	opts := b.options(r.unit)
	opts.Wants = wants
	if r.listing != nil {
		return r.listing.With(opts).Read(ctx, func(f file.Listed) bool { return b.takes(r.unit, f) })
	}
	batch, err := file.Rendered(ctx, r.texts, opts)
	if err != nil {
		return batch, err
	}
	for _, u := range r.unread {
		p, wanted := u.problem(cmp.Or(opts.Namespace, "default"), wants)
		if !wanted {
			batch.Unused++
			continue
		}
		batch.Problems = append(batch.Problems, p)
	}
	batch.Warnings = r.warnings
	if opts.Digests {
		batch.Inputs = r.inputs
		if r.unit.chart != nil {
			batch.Inputs = append(batch.Inputs[:len(batch.Inputs):len(batch.Inputs)], r.unit.chart.inputs...)
		}
	}
	return batch, nil
}

// takes reports whether a folder of plain manifests has the file as one of them.
func (b *builder) takes(u unit, f file.Listed) bool {
	name, ok := b.tree.place(f.Real)
	if !ok {
		return false
	}
	rel, ok := inside(u.dir, name)
	if !ok || !u.folder.takes(rel) {
		return false
	}
	text, err := b.tree.ReadFile(name)
	return err != nil || !u.folder.skips(text)
}

// problem says that nothing of a unit could be read: nobody knows what it holds, so that
// every answer is in doubt.
func (b *builder) problem(r *result) snapshot.Problem {
	file := b.tree.shown(b.markOf(r.unit))
	text := strings.TrimPrefix(r.err.Error(), b.via(r.unit)+": ")
	p := snapshot.Problem{Origin: verdict.Origin{File: file}, Err: strings.TrimPrefix(text, file+": ")}
	if r.unit.by.Name != "" {
		p.Err += " (" + r.unit.by.String() + " deploys it)"
	}
	return p
}

// markOf returns the file that makes a unit of a folder, the folder itself where there is
// none.
func (b *builder) markOf(u unit) string {
	names := kustomizationFiles
	if u.chart != nil {
		names = []string{chartFile}
	}
	for _, name := range names {
		if info, err := b.tree.Stat(path.Join(u.dir, name)); err == nil && info.Mode().IsRegular() {
			return path.Join(u.dir, name)
		}
	}
	return u.dir
}
