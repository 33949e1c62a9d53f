package repo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A part is one thing that somebody applies, as it was read.
type part struct {
	// name is how people call it, and choose how they would name it with -f; both empty for
	// what stands as it is, where each object has its own file.
	name, choose string
	batch        object.Batch
}

// batch joins all that was read.
func (r *reading) batch(ctx context.Context) (object.Batch, error) {
	parts, err := r.parts(ctx)
	if err != nil {
		return object.Batch{}, err
	}
	objects, err := join(parts)
	if err != nil {
		return object.Batch{}, err
	}
	all := parts[0].batch
	all.Objects = objects
	var lines []func(verdict.Origin) verdict.Origin
	for i, p := range parts {
		if p.batch.Locate != nil {
			lines = append(lines, p.batch.Locate)
		}
		if i > 0 {
			gather(&all, p.batch)
		}
	}
	all.Locate = locate(lines)
	for _, res := range slices.Concat(r.units, r.entries) {
		if res.err != nil {
			all.Problems = append(all.Problems, r.problem(res))
		}
	}
	all.Problems = append(all.Problems, r.followed.problems...)
	for _, p := range r.tree.problems {
		if !slices.Contains(all.Problems, p) { // reading the folder may have met it, too
			all.Problems = append(all.Problems, p)
		}
	}
	widen(all.Problems)
	all.Warnings = append(all.Warnings, r.followed.warnings...)
	all.Missing = r.followed.missing
	unused, err := r.unused(ctx)
	if err != nil {
		return object.Batch{}, err
	}
	all.Warnings = append(append(all.Warnings, r.both()...), unused...)
	r.used(&all)
	r.drop(&all)
	all.Inputs = r.inputs(all.Inputs)
	return all, file.Nothing(all, []string{r.path})
}

// parts reads what was chosen: first what stands as it is, then what was rendered.
func (r *reading) parts(ctx context.Context) ([]part, error) {
	if len(r.units)+len(r.followed.elsewhere) > 0 {
		// More of the files are rendered than was known before.
		if err := r.standing(ctx); err != nil {
			return nil, err
		}
	}
	parts := []part{{batch: r.plain}}
	for _, res := range slices.Concat(r.units, r.entries) {
		if res.err != nil {
			continue
		}
		if res.batch == nil {
			batch, err := r.builder.read(ctx, res, r.wants)
			if err != nil {
				return nil, err
			}
			res.batch = &batch
		}
		p := part{choose: r.tree.shown(res.unit.dir), batch: *res.batch}
		p.name = p.choose
		if res.unit.by.Name != "" {
			p.name += " (" + res.unit.by.String() + ")"
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// gather adds everything but the objects.
func gather(all *object.Batch, b object.Batch) {
	all.Problems = append(all.Problems, b.Problems...)
	all.Warnings = append(all.Warnings, b.Warnings...)
	all.Skipped = append(all.Skipped, b.Skipped...)
	all.Inputs = append(all.Inputs, b.Inputs...)
	all.Ignored += b.Ignored
	all.Unused += b.Unused
}

// locate asks each in turn.
func locate(lines []func(verdict.Origin) verdict.Origin) func(verdict.Origin) verdict.Origin {
	if len(lines) == 1 {
		return lines[0]
	}
	return func(o verdict.Origin) verdict.Origin {
		for _, l := range lines {
			if at := l(o); at != o {
				return at
			}
		}
		return o
	}
}

// drop leaves out what was read only to find out what is deployed.
func (r *reading) drop(b *object.Batch) {
	before := len(b.Objects)
	b.Objects = slices.DeleteFunc(b.Objects, func(o object.Object) bool {
		return deploys(o.Type()) && r.opts.Options.Wants != nil && !r.opts.Options.Wants(o.Type(), o.JSON)
	})
	b.Unused += before - len(b.Objects)
}

// inputs are the files that were read, each once.
func (r *reading) inputs(read []object.Input) []object.Input {
	if !r.opts.Digests {
		return nil
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(read, func(in object.Input) bool {
		again := seen[in.Name]
		seen[in.Name] = true
		return again
	})
}

// A holder is a part with an object of it.
type holder struct {
	part   int
	object object.Object
}

// join puts the objects of the parts together. One that several of them have is kept once,
// where its content is the same: what differs is an error, for nobody can say which one the
// cluster has.
func join(parts []part) ([]object.Object, error) {
	if len(parts) == 1 {
		return parts[0].batch.Objects, nil
	}
	var out []object.Object
	first := map[called]holder{}
	clashes := map[called][]holder{}
	var order []called
	for i, p := range parts {
		for _, o := range p.batch.Objects {
			id := called{o.Type(), o.Namespace, o.Name}
			h, again := first[id]
			switch {
			case strings.HasSuffix(o.Name, "-") || !again: // generateName makes many
				first[id] = holder{i, o}
				out = append(out, o)
			case !file.Same(h.object.JSON, o.JSON):
				if clashes[id] == nil {
					order = append(order, id)
					clashes[id] = []holder{h}
				}
				clashes[id] = append(clashes[id], holder{i, o})
			}
		}
	}
	if len(order) > 0 {
		return nil, clash(parts, clashes[order[0]], len(order)-1)
	}
	return out, nil
}

// clash is the error of an object that several parts have, and of others beside it.
func clash(parts []part, of []holder, more int) error {
	var names []string
	choose := ""
	for _, h := range of {
		p := parts[h.part]
		name := p.name
		if name == "" {
			name = h.object.Source.File
		}
		choose = cmp.Or(choose, p.choose)
		names = append(names, name)
	}
	all := "all"
	if len(names) == 2 {
		all = "both"
	}
	text := ""
	if more > 0 {
		text = fmt.Sprintf(", and %d more", more)
	}
	return fmt.Errorf("%s %s have %s%s: choose one, as in -f %s", listed(names), all, of[0].object.Ref(), text, choose)
}
