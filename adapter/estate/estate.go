// Package estate builds the snapshot of an estate: it asks a source for objects,
// lets each adapter say what they mean, and puts all in order.
package estate

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/pgmoat/pgmoat/adapter/facts"
	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/kube"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/pgmoat"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	corev1 "k8s.io/api/core/v1"
)

// Options say what to read and what is known besides.
type Options struct {
	// Paths are files, directories and "-" for Stdin.
	Paths []string
	Stdin io.Reader
	// Skip are globs of files to leave out; see file.Options.
	Skip []string
	// Namespace is where objects live that name none; "default" when empty.
	Namespace string
	// FactsFile states what manifests cannot; empty for none.
	FactsFile string
	// CNI names the network plugin, before FactsFile and the objects; empty where
	// nobody does.
	CNI string
	// Strict turns assumptions into Unknown.
	Strict bool
	// Now is when certificates are looked at, where FactsFile does not say; zero leaves
	// their end out of answers.
	Now time.Time
	// Adapters are asked in this order.
	Adapters []operator.Adapter
	// Intents is where to put what the objects of pgmoat ask for; nil leaves them unread.
	// They say what is wanted, so that nothing of them, not even a fault, is in the snapshot.
	Intents *intent.Intents
	// Inputs is where to put each file that was read with its digest, FactsFile the last;
	// nil where nobody asks.
	Inputs *[]object.Input
}

// A Source delivers objects: files today, a rendered chart or a live cluster alike.
type Source func(context.Context, Wants) (object.Batch, error)

// Wants reports whether anybody will look at an object of the type that has this
// text, YAML or JSON.
type Wants func(t object.Type, text []byte) bool

// Load reads the estate that the paths hold. What could not be read is among the
// snapshot's Problems; an error means that there is nothing to ask about.
func Load(ctx context.Context, opts Options) (*snapshot.Snapshot, error) {
	if len(opts.Paths) == 0 {
		return nil, errors.New("no path was given")
	}
	return From(ctx, Files(opts), opts)
}

// Files is the source that reads the paths of the options.
func Files(opts Options) Source {
	return func(ctx context.Context, wants Wants) (object.Batch, error) {
		return file.Read(ctx, opts.Paths, file.Options{
			Stdin: opts.Stdin, Skip: opts.Skip, Namespace: opts.Namespace, Wants: wants, Digests: opts.Inputs != nil,
		})
	}
}

// From builds the snapshot of what a source delivers.
func From(ctx context.Context, source Source, opts Options) (*snapshot.Snapshot, error) {
	s := &snapshot.Snapshot{}
	stated, err := opts.state(s)
	if err != nil {
		return nil, err
	}
	batch, err := source(ctx, opts.wants())
	if err != nil {
		return nil, err
	}
	if opts.Inputs != nil {
		*opts.Inputs = slices.Concat(batch.Inputs, stated)
	}
	s.Problems, s.Skipped, s.Ignored, s.Locator = batch.Problems, batch.Skipped, batch.Ignored, batch.Locate
	cover(s, batch, Types(opts.Adapters, opts.Intents != nil))
	kube.Convert(batch.Objects, s)
	world := &operator.World{Snapshot: s, Objects: byType(batch.Objects)}
	for _, adapt := range opts.Adapters {
		adapt.Adapt(world)
	}
	if opts.Intents != nil {
		*opts.Intents = pgmoat.Read(batch, s.Facts)
		s.Problems = slices.DeleteFunc(s.Problems, func(p snapshot.Problem) bool { return slices.Contains(opts.Intents.Problems, p) })
	}
	arrange(s)
	return s, ctx.Err()
}

// state fills in what is known besides the objects, and returns the file that says so.
func (o Options) state(s *snapshot.Snapshot) (files []object.Input, err error) {
	if o.FactsFile != "" {
		var text []byte
		if s.Facts, text, err = facts.ReadText(o.FactsFile); err != nil {
			return nil, err
		}
		files = []object.Input{object.InputOf(o.FactsFile, text)}
	}
	s.Facts.Strict = o.Strict
	if s.Facts.Now == 0 && !o.Now.IsZero() {
		s.Facts.Now = snapshot.Moment(o.Now.Unix())
	}
	if o.CNI == "" {
		return files, nil
	}
	w, err := facts.NamePlugin(&s.Facts, o.CNI)
	if w != nil {
		s.Warnings = append(s.Warnings, *w)
	}
	return files, err
}

func (o Options) wants() Wants {
	asked := map[object.Type]bool{}
	for _, adapter := range o.Adapters {
		for _, t := range adapter.Kinds {
			asked[t] = true
		}
	}
	return func(t object.Type, text []byte) bool {
		return asked[t] || o.Intents != nil && pgmoat.Wants(t) || kube.Wants(t) || kube.TellsCNI(t, text) || kube.TellsRoutes(t, text) ||
			slices.ContainsFunc(o.Adapters, func(a operator.Adapter) bool { return a.Wants != nil && a.Wants(t, text) })
	}
}

// byType keys the objects by "Cluster.postgresql.cnpg.io" and "Service".
func byType(objects []object.Object) map[string][]object.Object {
	keys, counts := map[object.Type]string{}, map[string]int{}
	for _, o := range objects {
		t := o.Type()
		if keys[t] == "" {
			keys[t] = t.String()
		}
		counts[keys[t]]++
	}
	out := make(map[string][]object.Object, len(counts))
	for _, o := range objects {
		t := o.Type()
		if t == secretType {
			o = bare(o)
		}
		key := keys[t]
		if out[key] == nil {
			out[key] = make([]object.Object, 0, counts[key])
		}
		out[key] = append(out[key], o)
	}
	return out
}

var secretType = object.Type{Kind: "Secret"}

// bare is a Secret without what it holds: package kube alone gets to see that, and what
// may be known of it is in the snapshot. It is as partial as it was.
func bare(o object.Object) object.Object {
	o.JSON = []byte("{}")
	o.Annotations = maps.Clone(o.Annotations)
	delete(o.Annotations, corev1.LastAppliedConfigAnnotation)
	return o
}
