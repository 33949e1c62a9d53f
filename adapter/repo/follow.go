package repo

import (
	"context"
	"maps"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// follow renders what Argo CD and Flux are told to deploy, as far as that is known. An entry
// that they deploy in their own way says nothing by itself any more; but for one that only its
// own objects deploy.
func (r *reading) follow(ctx context.Context) error {
	if !anyDeploys(r.plain.Objects) && !slices.ContainsFunc(r.tried, func(res *result) bool { return res.batch != nil && anyDeploys(res.batch.Objects) }) {
		return nil
	}
	if err := r.listen(ctx); err != nil {
		return err
	}
	for again := true; again; {
		objects, heard := slices.Clone(r.said), map[*result]bool{}
		for _, res := range r.tried {
			if r.own[res.unit.dir] || !r.deployed(res.unit.dir) {
				heard[res] = true
				objects = append(objects, r.saidBy(ctx, res)...)
			}
		}
		if err := r.renderSaid(ctx, objects); err != nil {
			return err
		}
		again = false
		for _, res := range r.tried {
			deployed, own := r.deployed(res.unit.dir), r.own[res.unit.dir]
			again = again || heard[res] == deployed && !own
			r.own[res.unit.dir] = own || !heard[res] && !deployed
		}
	}
	return nil
}

// listen reads what in the files that stand as they are says what is deployed, once.
func (r *reading) listen(ctx context.Context) error {
	if r.listened {
		return nil
	}
	r.listened = true
	opts := r.opts.Options
	opts.Wants, opts.Digests = gitopsWants, false
	batch, err := r.plan.listing.With(opts).Read(ctx, r.stands)
	r.said, r.unread = batch.Objects, batch.Problems
	return err
}

// renderSaid renders what objects say, each unit once.
func (r *reading) renderSaid(ctx context.Context, objects []object.Object) error {
	g := gitopsOf(r.tree)
	g.unread = r.unread
	var err error
	r.followed, err = g.all(objects, func(u unit) []object.Object {
		if r.skips(u.dir) {
			return nil
		}
		return r.saidBy(ctx, r.build(ctx, u))
	})
	r.units, r.away = nil, nil
	for _, u := range r.followed.units {
		if r.skips(u.dir) {
			r.away = append(r.away, r.look(ctx, u))
			continue
		}
		r.units = append(r.units, r.build(ctx, u))
	}
	for _, u := range r.followed.elsewhere {
		r.away = append(r.away, r.look(ctx, u))
	}
	r.conflict = err // what is rendered later may settle it
	r.claims, r.folders = map[string]bool{}, nil
	for _, res := range slices.Concat(r.units, r.away) {
		maps.Copy(r.claims, res.files)
		if res.listing != nil {
			r.folders = append(r.folders, res)
		}
		if err := res.tooMuch(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// deployed reports whether what was followed says what becomes of a folder.
func (r *reading) deployed(dir string) bool {
	return slices.ContainsFunc(slices.Concat(r.units, r.away), func(res *result) bool {
		return res.unit.dir == dir && res.unit.folder == nil || slices.Contains(res.folders, dir)
	})
}

// saidBy returns what Argo CD and Flux look at of what was rendered.
func (r *reading) saidBy(ctx context.Context, res *result) []object.Object {
	if res.err != nil {
		return nil
	}
	batch, err := r.builder.read(ctx, res, gitopsWants)
	if err != nil {
		return nil // the context's, which follow looks at
	}
	return batch.Objects
}

// gitopsWants is what is looked at to find out what is deployed.
func gitopsWants(t object.Type, _ []byte) bool { return slices.Contains(gitopsTypes(), t) }

func anyDeploys(objects []object.Object) bool {
	return slices.ContainsFunc(objects, func(o object.Object) bool { return deploys(o.Type()) })
}
