package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/adapter/pgmoat"
	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/engine/draft"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A draftCheck holds a draft against the estate that it was drawn from.
type draftCheck struct {
	opts      estate.Options
	batch     object.Batch
	before    *reach.Engine
	result    *draft.Result
	judgement *draft.Judgement
}

// run compiles the draft as it is written and compares all answers, until it opens nothing:
// what makes it let somebody in is left out of it, and is a loss. What is let in all the
// same no entry is behind, so that none is left out for it.
func (c *draftCheck) run(ctx context.Context) error {
	whole := c.result.Clone()
	if err := c.narrow(ctx, nil); err != nil || len(c.judgement.Gains) == 0 {
		return err
	}
	narrow, judged := c.result, c.judgement
	all := draft.CellsOf(judged.Gains)
	c.result = whole
	if err := c.narrow(ctx, all); err != nil {
		return err
	}
	if len(draft.Beyond(c.judgement.Gains, all)) > 0 || len(c.judgement.GainControls) > len(judged.GainControls) {
		c.result, c.judgement = narrow, judged
	}
	return nil
}

// narrow does so for all rows but those of some cells.
func (c *draftCheck) narrow(ctx context.Context, but map[draft.Cell]bool) error {
	for {
		var both []*change.Difference
		for _, without := range []map[snapshot.Ref]bool{nil, c.drawn()} {
			d, err := c.compare(ctx, without)
			if err != nil {
				return err
			}
			both = append(both, d)
		}
		c.judgement = c.result.Judge(both...)
		narrowed := c.result.Narrow(draft.Beyond(c.judgement.Gains, but))
		if !c.result.NarrowMonitoring(c.judgement.GainControls) && !narrowed {
			return nil
		}
	}
}

// drawn are the policies that the draft takes the place of.
func (c *draftCheck) drawn() map[snapshot.Ref]bool {
	out := map[snapshot.Ref]bool{}
	for _, s := range c.result.Sites {
		for _, p := range s.Drawn {
			if s.Perimeter != nil {
				out[snapshot.Ref{Kind: p.Kind, Namespace: p.Namespace, Name: p.Name}] = true
			}
		}
	}
	return out
}

// compare compares today's answers with those of the estate that has the draft.
func (c *draftCheck) compare(ctx context.Context, without map[snapshot.Ref]bool) (*change.Difference, error) {
	after, err := c.after(ctx, without)
	if err != nil {
		return nil, err
	}
	return change.Compare(c.before, reach.New(after)), nil
}

// after is the estate that has the draft compiled and applied, and some policies no more.
func (c *draftCheck) after(ctx context.Context, without map[snapshot.Ref]bool) (*snapshot.Snapshot, error) {
	intents, err := c.readBack(ctx)
	if err != nil {
		return nil, err
	}
	opts := c.opts
	opts.Intents = nil
	world, err := estate.From(ctx, c.replay(without), opts)
	if err != nil {
		return nil, err
	}
	job, faults := compile.Plan(intents, world, world.Facts.Now)
	for _, f := range faults {
		if !f.Warning {
			return nil, fmt.Errorf("the draft cannot be compiled: %s: %s", f.Origin, f.Text)
		}
	}
	after, err := estate.From(ctx, overlay.Source(c.replay(without), compile.Compile(job, backends).Artefacts), opts)
	if err != nil {
		return nil, fmt.Errorf("the compiled draft cannot be laid over the estate: %w", err)
	}
	return after, nil
}

// readBack reads the draft as a person's file would be read.
func (c *draftCheck) readBack(ctx context.Context) (intent.Intents, error) {
	var text bytes.Buffer
	r := report.Imported{Result: c.result, Judgement: &draft.Judgement{}, World: c.before.World}
	if err := r.YAML(&text); err != nil {
		return intent.Intents{}, err
	}
	if r.IsEmpty() {
		return intent.Intents{}, nil
	}
	opts := estate.Options{Paths: []string{"-"}, Stdin: strings.NewReader(text.String()), Namespace: c.opts.Namespace}
	batch, err := estate.Files(opts)(ctx, func(t object.Type, _ []byte) bool { return pgmoat.Wants(t) })
	if err != nil {
		return intent.Intents{}, fmt.Errorf("the draft cannot be read back: %w", err)
	}
	in := pgmoat.Read(batch, c.before.World.Facts)
	for _, p := range append(batch.Problems, in.Problems...) {
		return in, fmt.Errorf("the draft cannot be read back: %s: %s", p.Origin, p.Fault())
	}
	return in, nil
}

// replay is a source of the objects that were read, without some.
func (c *draftCheck) replay(without map[snapshot.Ref]bool) estate.Source {
	return func(_ context.Context, wants estate.Wants) (object.Batch, error) {
		out := c.batch
		out.Objects = nil
		for _, o := range c.batch.Objects {
			if wants(o.Type(), o.JSON) && (!without[o.Ref()] || o.Group() != "networking.k8s.io") {
				out.Objects = append(out.Objects, o)
			}
		}
		return out, nil
	}
}
