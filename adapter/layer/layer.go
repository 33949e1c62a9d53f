// Package layer puts what one source delivers over what another one did: a pull request over
// the cluster it is for. What it returns is what the cluster would be, as far as anybody can
// tell who has not run its controllers.
package layer

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Over returns base with the objects of next in the place of those of the same group, kind,
// namespace and name, and the others of next at the end. Neither batch is changed.
//
// An object that says what the one in its place said already leaves it there, as a second
// "kubectl apply" would, with its pods and addresses; people edit it where next has it. Any
// other takes the place as a whole, with what the API server keeps for its owner: see
// replaced. The objects that controllers made of the one that was there go, where this
// program works out anew what will come of the new one: see remade.
//
// Where both were read from one cluster, what base holds and next looked for in vain is gone.
//
// All else of both is kept, but what base said of documents that next replaces: what was
// wrong with them is no longer there.
func Over(base, next object.Batch) object.Batch {
	l := newLayers(base, next)
	for _, o := range next.Objects {
		l.put(o)
	}
	l.drop(l.vanished(next.Coverage))
	l.drop(l.offspring())
	out := l.remaining()
	out.Problems = joined(l.unmoved(base.Problems), next.Problems)
	out.Skipped = joined(base.Skipped, next.Skipped)
	out.Ignored, out.Unused = base.Ignored+next.Ignored, base.Unused+next.Unused
	out.Missing = joined(l.stillMissing(base.Missing), next.Missing)
	out.Warnings = joined(l.stillWarned(base.Warnings), next.Warnings)
	out.Inputs = joined(base.Inputs, next.Inputs)
	var w *snapshot.Warning
	if out.Coverage, w = merged(base, next); w != nil {
		out.Warnings = joined(out.Warnings, []snapshot.Warning{*w})
	}
	return out
}

// joined appends what is not there yet; both nil stay nil.
func joined[T comparable](base, next []T) []T {
	there := make(map[T]bool, len(base))
	for _, b := range base {
		there[b] = true
	}
	out := slices.Clip(base)
	for _, n := range next {
		if !there[n] {
			out = append(out, n)
		}
	}
	return out
}

// An identity is what two objects of a cluster do not share.
type identity struct {
	object.Type
	namespace, name string
}

func identityOf(o object.Object) identity { return identity{o.Type(), o.Namespace, o.Name} }

// generated reports whether the name is that of metadata.generateName, which makes another
// object each time.
func generated(o object.Object) bool { return strings.HasSuffix(o.Name, "-") }

// layers are objects that one batch after the other wrote.
type layers struct {
	base, next object.Batch
	objects    []object.Object
	at         map[identity]int // of base
	// fresh are those that next wrote, and gone those that are to go, by their place.
	fresh, gone map[int]bool
	// replaced names what next has, as origins do.
	replaced map[string]bool
	// changed are those of which controllers will make other things.
	changed []parent
}

func newLayers(base, next object.Batch) *layers {
	l := &layers{
		base: base, next: next, objects: slices.Clone(base.Objects), at: make(map[identity]int, len(base.Objects)),
		fresh: map[int]bool{}, gone: map[int]bool{}, replaced: map[string]bool{},
	}
	for i, o := range base.Objects {
		l.at[identityOf(o)] = i
	}
	return l
}

// put writes an object of next.
func (l *layers) put(o object.Object) {
	l.replaced[o.Ref().String()] = true
	i, ok := l.at[identityOf(o)]
	if !ok || generated(o) || l.fresh[i] {
		l.fresh[len(l.objects)] = true
		l.objects = append(l.objects, o)
		return
	}
	old := l.objects[i]
	now, same := replaced(old, o)
	l.objects[i], l.fresh[i] = now, true
	if !same && remade(o.Type()) {
		l.changed = append(l.changed, parent{old, now})
	}
}

func (l *layers) drop(places []int) {
	for _, i := range places {
		l.gone[i] = true
	}
}

// remaining is the batch of the objects, in which origins of documents that count no more
// stay as they are.
func (l *layers) remaining() object.Batch {
	var out object.Batch
	old := map[verdict.Origin]bool{}
	for i, o := range l.base.Objects {
		if l.gone[i] || l.fresh[i] {
			old[o.Origin()] = true
		}
	}
	if len(l.objects) > len(l.gone) {
		out.Objects = make([]object.Object, 0, len(l.objects)-len(l.gone))
	}
	for i, o := range l.objects {
		if !l.gone[i] {
			out.Objects = append(out.Objects, o)
		}
	}
	out.Locate = located(l.base.Locate, l.next.Locate, old)
	return out
}

// located asks next and then base, which is not asked about old.
func located(base, next func(verdict.Origin) verdict.Origin, old map[verdict.Origin]bool) func(verdict.Origin) verdict.Origin {
	if base == nil {
		return next
	}
	return func(o verdict.Origin) verdict.Origin {
		if next != nil {
			if at := next(o); at != o {
				return at
			}
		}
		if old[verdict.Origin{File: o.File, Line: o.Line, Object: o.Object}] {
			return o
		}
		return base(o)
	}
}
