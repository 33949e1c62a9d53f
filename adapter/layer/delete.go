package layer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/spelling"
)

// Delete returns the batch without the objects, and without all that Kubernetes takes away
// with them: what they alone own, directly or through others, the endpoints of a Service, and
// everything in a Namespace. What was wrong with the documents of such objects is no longer
// said. An object that is not there is an error, which names those that may have been meant.
// The batch itself is not changed.
//
// What an operator made without saying that it owns it (Zalando's, as it is installed by
// default) stays: name it as well.
func Delete(b object.Batch, refs ...Ref) (object.Batch, error) {
	d := deletion{batch: b, gone: map[int]bool{}, named: map[string]bool{}, namespaces: map[string]bool{}}
	for _, r := range refs {
		if err := d.take(r); err != nil {
			return b, fmt.Errorf("%s: %w", r, err)
		}
	}
	if len(refs) == 0 {
		return b, nil
	}
	d.cascade()
	return d.remaining(), nil
}

// A deletion is what goes.
type deletion struct {
	batch object.Batch
	gone  map[int]bool
	// named are objects by the name that origins have.
	named      map[string]bool
	namespaces map[string]bool
}

func (d *deletion) take(r Ref) error {
	found, err := d.find(r)
	if err != nil {
		return err
	}
	for _, i := range found {
		d.remove(i)
	}
	if r.names(object.Type{Kind: "Namespace"}) && d.inhabited(r.Name) {
		d.namespaces[r.Name] = true
		d.named["Namespace "+r.Name] = true
		return nil
	}
	if len(found) > 0 || d.faulty(r) {
		return nil
	}
	return d.unknown(r)
}

// find returns the places of the object; several, where it was generated.
func (d *deletion) find(r Ref) ([]int, error) {
	var out []int
	for i, o := range d.batch.Objects {
		if o.Namespace != r.Namespace || o.Name != r.Name || !r.names(o.Type()) {
			continue
		}
		if len(out) > 0 && d.batch.Objects[out[0]].Group() != o.Group() {
			first := d.batch.Objects[out[0]]
			return nil, fmt.Errorf("%w: write %s or %s", errSeveral, first.Type(), o.Type())
		}
		out = append(out, i)
	}
	return out, nil
}

// inhabited reports whether there is such a namespace, declared or not.
func (d *deletion) inhabited(name string) bool {
	return slices.ContainsFunc(d.batch.Objects, func(o object.Object) bool {
		return o.Namespace == name || o.Name == name && o.Type() == (object.Type{Kind: "Namespace"})
	})
}

// faulty takes an object that could not be read: its document is known by what is wrong with
// it.
func (d *deletion) faulty(r Ref) bool {
	found := false
	for _, p := range d.batch.Problems {
		kind, name, ok := strings.Cut(p.Origin.Object, " ")
		want := r.Name
		if r.Namespace != "" {
			want = r.Namespace + "/" + r.Name
		}
		if ok && name == want && r.calls(kind) {
			d.named[p.Origin.Object], found = true, true
		}
	}
	return found
}

// calls reports whether the words may mean a kind of whatever group.
func (r Ref) calls(kind string) bool {
	k := strings.ToLower(kind)
	return r.Kind == k || r.Kind == plural(kind) || strings.EqualFold(short[r.Kind].Kind, kind)
}

func (d *deletion) remove(i int) {
	d.gone[i] = true
	d.named[d.batch.Objects[i].Ref().String()] = true
}

// cascade removes what goes with what was named.
func (d *deletion) cascade() {
	f := newFamily(d.batch.Objects, nil)
	var todo []int
	for i, o := range d.batch.Objects {
		if d.namespaces[o.Namespace] && o.Namespace != "" || d.gone[i] {
			d.remove(i)
			todo = append(todo, i)
		}
	}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		below := slices.Clone(f.made[at])
		if by := d.batch.Objects[at]; by.Type() == serviceType {
			below = append(below, d.endpoints(by)...)
		}
		for _, i := range below {
			if !d.gone[i] && d.orphan(f, i) {
				d.remove(i)
				todo = append(todo, i)
			}
		}
	}
}

func (d *deletion) endpoints(service object.Object) []int {
	var out []int
	for i, o := range d.batch.Objects {
		if endpointsFor(o, service) {
			out = append(out, i)
		}
	}
	return out
}

// orphan reports whether all owners that an object has go: the garbage collector of
// Kubernetes waits for the last.
func (d *deletion) orphan(f *family, i int) bool {
	for _, at := range f.owners(d.batch.Objects[i]) {
		if !d.gone[at] {
			return false
		}
	}
	return true
}

// remaining is the batch without what goes.
func (d *deletion) remaining() object.Batch {
	out := d.batch
	out.Objects = nil
	left := map[string]bool{}
	for i, o := range d.batch.Objects {
		if !d.gone[i] {
			out.Objects = append(out.Objects, o)
			left[o.Ref().String()] = true // where its name is, it is of another group
		}
	}
	settled := func(object string) bool { return d.named[object] && !left[object] }
	out.Problems = slices.DeleteFunc(slices.Clone(out.Problems), func(p snapshot.Problem) bool {
		return settled(p.Origin.Object) || d.inside(p.Origin.Object)
	})
	out.Warnings = slices.DeleteFunc(slices.Clone(out.Warnings), func(w snapshot.Warning) bool {
		return settled(w.Origin.Object) || d.inside(w.Origin.Object)
	})
	out.Missing = slices.DeleteFunc(slices.Clone(out.Missing), func(m snapshot.Missing) bool {
		gone := settled(m.By.String()) || d.namespaces[m.By.Namespace] && m.By.Namespace != ""
		return gone && m.By.Kind != "Application" // without a finalizer, what it deployed stays
	})
	return out
}

// inside reports whether an object, by its name in origins, lives in a namespace that goes.
func (d *deletion) inside(object string) bool {
	_, name, _ := strings.Cut(object, " ")
	namespace, _, ok := strings.Cut(name, "/")
	return ok && d.namespaces[namespace]
}

// maxNear is how many names are told that may have been meant.
const maxNear = 3

// unknown is the error for an object that is not there.
func (d *deletion) unknown(r Ref) error {
	name := r.Name
	if r.Namespace != "" {
		name = r.Namespace + "/" + r.Name
	}
	var kinds, names []string
	known := false
	for _, o := range d.batch.Objects {
		kinds = append(kinds, strings.ToLower(o.Kind))
		if r.names(o.Type()) {
			known = true
			names = append(names, strings.TrimPrefix(o.Ref().String(), o.Kind+" "))
		}
	}
	if !known {
		return fmt.Errorf("no object of this kind was read%s", near(r.Kind, kinds))
	}
	return fmt.Errorf("there is no such object%s", near(name, names))
}

// near lists the words that somebody may have meant, the nearest first: those that differ in
// a letter or two, and those of the same name in another namespace.
func near(text string, words []string) string {
	slices.Sort(words)
	words = slices.Compact(words)
	distance := func(w string) int {
		if _, name, ok := strings.Cut(w, "/"); ok && strings.HasSuffix(text, "/"+name) {
			return 1
		}
		return spelling.Distance(strings.ToLower(text), strings.ToLower(w))
	}
	words = slices.DeleteFunc(words, func(w string) bool { return distance(w) > max(2, len(text)/3) })
	slices.SortStableFunc(words, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	if len(words) == 0 {
		return ""
	}
	return ": did you mean " + strings.Join(words[:min(maxNear, len(words))], " or ") + "?"
}
