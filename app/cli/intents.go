package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A plan is what was asked of an estate, and the objects that both were read from.
type plan struct {
	opts    estate.Options
	world   *snapshot.Snapshot
	batch   object.Batch
	intents intent.Intents
	job     *compile.Job
	faults  []compile.Error
}

// unread reports whether a document could not be read: it may be what keeps a policy
// narrow.
func (p *plan) unread() bool { return len(p.intents.Problems)+len(p.world.Problems) > 0 }

// failed reports whether some intent cannot be compiled.
func (p *plan) failed() bool {
	for _, f := range p.faults {
		if !f.Warning {
			return true
		}
	}
	return false
}

// plan reads the estate and what was asked, and sorts it by server. Accesses have ended by
// now, or where that is zero by the time of the facts file. Inputs is where to put what was
// read with its digest; nil where nobody asks.
func (a *app) plan(ctx context.Context, now time.Time, inputs *[]object.Input) (*plan, error) {
	p := &plan{opts: a.options(a.paths(), a.facts)}
	p.opts.Intents, p.opts.Inputs = &p.intents, inputs
	var err error
	if p.world, p.batch, err = a.loadBatch(ctx, p.opts); err != nil {
		return nil, err
	}
	at := p.world.Facts.Now
	if !now.IsZero() {
		at = snapshot.Moment(now.Unix())
	}
	p.job, p.faults = compile.Plan(p.intents, p.world, at)
	return p, nil
}

// loadObjects reads the estate and what was asked, and keeps the objects it was read from.
func (a *app) loadObjects(ctx context.Context, intents *intent.Intents) (*snapshot.Snapshot, object.Batch, error) {
	opts := a.options(a.paths(), a.facts)
	opts.Intents = intents
	return a.loadBatch(ctx, opts)
}

// loadBatch reads what the options name, keeps the objects, and tells what could not be read.
func (a *app) loadBatch(ctx context.Context, opts estate.Options) (*snapshot.Snapshot, object.Batch, error) {
	var batch object.Batch
	read, err := a.source(opts.Paths, opts, a.sources.delete...)
	if err != nil {
		return nil, batch, err
	}
	kept := func(ctx context.Context, wants estate.Wants) (object.Batch, error) {
		var err error
		batch, err = read(ctx, wants)
		return batch, err
	}
	world, err := estate.From(ctx, kept, opts)
	if err != nil {
		return nil, batch, a.nothingNamed(err)
	}
	a.tell(world)
	return world, batch, nil
}

// nowFlag is what --now is for.
const nowFlag = "the time by which accesses have ended, as 2027-01-01 or 2027-01-01T08:00:00Z (default: the facts file's, else the clock's)"

// moment reads a time as a person writes it; zero for nothing.
func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("--now %s: want a day as 2027-01-01, or a time as 2027-01-01T08:00:00Z", text)
}
