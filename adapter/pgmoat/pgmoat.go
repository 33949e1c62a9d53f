// Package pgmoat reads the objects of pgmoat itself: PostgresPerimeter, PostgresAccess and
// AccessInvariant. It holds a document against the CustomResourceDefinition by the API
// server's own code, so that a file is refused for what a cluster refuses it for, in the
// same words, before anybody applies it.
package pgmoat

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/api/v1alpha1"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/spelling"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Wants reports whether Read looks at objects of the type: all of our group, also those of
// a kind that is not ours, and those of our kinds in a group that is nearly ours or none.
// Both are misspelt: passed over, they would ask for nothing.
func Wants(t object.Type) bool {
	if t.Group == v1alpha1.GroupVersion.Group {
		return true
	}
	near := t.Group == "" || strings.Contains(strings.ToLower(t.Group), "pgmoat") ||
		spelling.Distance(t.Group, v1alpha1.GroupVersion.Group) <= 3
	return near && slices.Contains(kindNames(), t.Kind)
}

// Read reads the objects of ours; others are not looked at. The facts explain names of
// ranges outside the cluster. A document that has any fault is among the Problems, one for
// each fault, and nothing of it is an intent: half of what was asked may be more than what
// was asked.
func Read(batch object.Batch, facts snapshot.Facts) intent.Intents {
	r := reader{
		locate:    batch.Locate,
		facts:     facts,
		contested: map[string]bool{},
		selectors: map[string]*netpol.Selector{},
	}
	r.unread(batch.Problems)
	for _, o := range r.ours(batch.Objects) {
		if !r.contested[o.Ref().String()] {
			r.object(o)
		}
	}
	r.sort()
	return r.out
}

// A reader collects what was asked.
type reader struct {
	locate func(verdict.Origin) verdict.Origin
	facts  snapshot.Facts
	// contested are objects that have a Problem before anybody looks inside: of one that is
	// there twice, nobody can say which is meant.
	contested map[string]bool
	// selectors gives those that are written identically one address, as package kube does.
	selectors map[string]*netpol.Selector
	out       intent.Intents
}

// unread takes over what the source could not read of documents that say they are ours:
// one without a name, or one that is there twice.
func (r *reader) unread(problems []snapshot.Problem) {
	for _, p := range problems {
		kind, _, _ := strings.Cut(p.Origin.Object, " ")
		if slices.Contains(kindNames(), kind) {
			r.out.Problems = append(r.out.Problems, p)
			r.contested[p.Origin.Object] = true
		}
	}
}

// ours returns the objects of our group, each once.
func (r *reader) ours(objects []object.Object) []object.Object {
	var out []object.Object
	seen := map[snapshot.Ref]object.Object{}
	for _, o := range objects {
		if !Wants(o.Type()) {
			continue
		}
		first, again := seen[o.Ref()]
		switch {
		case !again:
			seen[o.Ref()] = o
			out = append(out, o)
		case !bytes.Equal(first.JSON, o.JSON):
			r.contested[o.Ref().String()] = true
			r.refuse(o, fmt.Errorf("is also at %s, with other content", first.Origin()))
		}
	}
	return out
}

func (r *reader) object(o object.Object) {
	stored, faults := check(o)
	if len(faults) == 0 {
		faults = r.convert(o, stored)
	}
	for _, f := range faults {
		r.refuse(o, f)
	}
}

func (r *reader) refuse(o object.Object, err error) {
	p := o.Problem(err)
	if r.locate != nil {
		p.Origin = r.locate(p.Origin)
	}
	r.out.Problems = append(r.out.Problems, p)
}

func (r *reader) sort() {
	slices.SortStableFunc(r.out.Perimeters, func(a, b *intent.Perimeter) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(r.out.Accesses, func(a, b *intent.Access) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(r.out.Invariants, func(a, b *intent.Invariant) int {
		return cmp.Compare(a.Name, b.Name)
	})
}

// fault is what is wrong at a field.
func fault(field, format string, args ...any) *object.Fault {
	return &object.Fault{Field: field, Err: fmt.Errorf(format, args...)}
}
