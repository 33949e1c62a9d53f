package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"k8s.io/client-go/rest"
)

// A reader collects a batch.
type reader struct {
	*cluster
	opts   Options
	types  []Type
	served catalog
	batch  object.Batch
	// broken is what the server said where it could not.
	broken error
}

func read(ctx context.Context, opts Options, pod func() (*rest.Config, error)) (object.Batch, error) {
	narrowed, err := namespaceNames(opts.Namespaces)
	if err != nil {
		return object.Batch{}, err
	}
	opts.Namespaces = narrowed
	c, err := connect(opts, pod)
	if err != nil {
		return object.Batch{}, err
	}
	r := &reader{cluster: c, opts: opts, types: inOrder(opts.Types)}
	r.batch.Coverage = &snapshot.Coverage{
		Cluster: c.name, Server: c.server, Taken: snapshot.Moment(time.Now().Unix()), Namespaces: narrowed, Kinds: []snapshot.Kind{},
	}
	if err := r.run(ctx); err != nil {
		return object.Batch{}, err
	}
	return r.batch, nil
}

// inOrder sorts the types by name, each once, and Namespaces before all others: whether those
// that were named exist is found out first. Secrets are never listed with what they hold.
func inOrder(types []Type) []Type {
	later := func(t Type) int {
		if t.Type == namespaceType {
			return 0
		}
		return 1
	}
	out := slices.Clone(types)
	slices.SortStableFunc(out, func(a, b Type) int {
		return cmp.Or(cmp.Compare(later(a), later(b)), strings.Compare(a.String(), b.String()))
	})
	out = slices.CompactFunc(out, func(a, b Type) bool { return a.Type == b.Type })
	for i := range out {
		out[i].Metadata = out[i].Metadata || out[i].Type == secretType
	}
	return out
}

func (r *reader) run(ctx context.Context) (err error) {
	if r.served, err = r.catalog(ctx); err != nil {
		return r.end(ctx, err)
	}
	if err := r.release(ctx); err != nil {
		return r.end(ctx, err)
	}
	if len(r.types) == 0 || r.types[0].Type != namespaceType {
		if _, err := r.look(ctx, r.opts.Namespaces); err != nil {
			return r.end(ctx, err)
		}
	}
	for i, t := range r.types {
		if err := r.kind(ctx, i, t); err != nil {
			return r.end(ctx, err)
		}
	}
	r.tell(Progress{Index: len(r.types)})
	return r.judge(r.batch.Coverage)
}

// judge sorts the kinds. Where the server could list none at all, it is the server that is
// missing, not the kinds.
func (r *reader) judge(c *snapshot.Coverage) error {
	for _, t := range r.types {
		if t.Stored != (object.Type{}) && listed(c, t.Stored) {
			settle(c, t.Type)
		}
	}
	slices.SortFunc(c.Kinds, func(a, b snapshot.Kind) int { return strings.Compare(a.Name, b.Name) })
	if r.broken != nil && !slices.ContainsFunc(r.types, func(t Type) bool { return listed(c, t.Type) }) {
		return r.failed(fmt.Errorf("no kind can be listed: %w", r.broken))
	}
	return nil
}

func listed(c *snapshot.Coverage, t object.Type) bool {
	return slices.ContainsFunc(c.Kinds, func(k snapshot.Kind) bool { return k.Name == t.String() && k.Listing == snapshot.KindListed })
}

// settle notes that the objects of a kind that was refused were listed as those of another.
func settle(c *snapshot.Coverage, t object.Type) {
	for i := range c.Kinds {
		if k := &c.Kinds[i]; k.Name == t.String() && k.Listing == snapshot.KindRefused {
			k.Listing, k.Why, k.Namespaces = snapshot.KindListed, "", nil
		}
	}
}

// end is the error that reading ends with.
func (r *reader) end(ctx context.Context, err error) error {
	if stopped := ctx.Err(); stopped != nil {
		return r.stopped(stopped)
	}
	if isCode(err, http.StatusUnauthorized) {
		return r.unauthorized()
	}
	return r.failed(err)
}

// release asks for the server's version. Nothing hangs on it, so that a server which keeps it
// to itself is read all the same.
func (r *reader) release(ctx context.Context) error {
	var is struct{ GitVersion string }
	err := r.ask(ctx, "/version", "application/json", &is)
	var no *refusal
	if errors.As(err, &no) && no.code != http.StatusUnauthorized {
		return nil
	}
	r.batch.Coverage.Version = is.GitVersion
	return err
}

func (r *reader) tell(p Progress) {
	if r.opts.Progress != nil {
		p.Kinds = len(r.types)
		r.opts.Progress(p)
	}
}

// kind reads one kind, and notes what came of it.
func (r *reader) kind(ctx context.Context, index int, t Type) error {
	at, is, err := r.find(ctx, r.served, t)
	if err != nil {
		return err
	}
	progress := func(objects, remaining int) {
		r.tell(Progress{Kind: t.String(), Index: index, Objects: objects, Remaining: remaining})
	}
	progress(0, 0)
	if at.version != nil {
		l := &listing{cluster: r.cluster, t: t, place: at, wants: r.opts.Wants, progress: progress}
		if err := r.list(ctx, l, &is); err != nil {
			return err
		}
		r.batch.Objects = append(r.batch.Objects, l.objects...)
		r.batch.Problems = append(r.batch.Problems, l.problems...)
		r.batch.Unused += l.unused
	}
	r.batch.Coverage.Kinds = append(r.batch.Coverage.Kinds, is)
	return nil
}

// list reads the kind in each namespace that was named, else as a whole.
func (r *reader) list(ctx context.Context, l *listing, is *snapshot.Kind) error {
	is.Listing = snapshot.KindListed
	if len(r.opts.Namespaces) == 0 || !l.place.resource.namespaced {
		if err := r.refused(ctx, l.all(ctx, ""), is); err != nil || l.t.Type != namespaceType {
			return err
		}
		return r.narrowed(ctx, l, is.Listing == snapshot.KindListed)
	}
	return r.listEach(ctx, l, is)
}

// listEach reads the kind in each namespace that was named.
func (r *reader) listEach(ctx context.Context, l *listing, is *snapshot.Kind) error {
	var without []string
	for _, ns := range r.opts.Namespaces {
		here := snapshot.Kind{Listing: snapshot.KindListed}
		if err := r.refused(ctx, l.all(ctx, ns), &here); err != nil {
			return err
		}
		if here.Listing != snapshot.KindListed {
			without = append(without, ns)
			is.Listing, is.Why = here.Listing, cmp.Or(is.Why, here.Why)
		}
	}
	if len(without) < len(r.opts.Namespaces) {
		is.Namespaces = without
	}
	return nil
}

// refused notes a refusal; any other error stays one. A server that stops to take the
// credentials says so of whatever it is asked; one of an aggregated API, of its own kinds only.
func (r *reader) refused(ctx context.Context, err error, is *snapshot.Kind) error {
	var no *refusal
	if !errors.As(err, &no) {
		return err
	}
	if no.code == http.StatusUnauthorized {
		var other *refusal
		again := r.ask(ctx, "/api", "application/json", &struct{}{})
		if again != nil && !errors.As(again, &other) || isCode(again, http.StatusUnauthorized) {
			return again
		}
	}
	if no.broken() {
		r.broken = no
	}
	is.Listing, is.Why = snapshot.KindRefused, no.why
	return nil
}
