package prove

import (
	"slices"
	"strconv"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A domain is what a label may be: absent, one of some values, or any value but some.
// The zero value is empty: no label is in it.
type domain struct {
	absent bool
	// values are those of the domain, or those that are not where except is set; sorted.
	values []string
	except bool
}

// anything is every label and none.
var anything = domain{absent: true, except: true}

// domainOf is what a requirement lets a label be (metav1.LabelSelectorRequirement: NotIn
// holds of an absent label, too).
func domainOf(r netpol.Requirement) domain {
	switch r.Op {
	case netpol.In:
		return domain{values: sortedValues(r.Values)}
	case netpol.NotIn:
		return domain{absent: true, values: sortedValues(r.Values), except: true}
	case netpol.Exists:
		return domain{except: true}
	case netpol.DoesNotExist:
		return domain{absent: true}
	}
	return domain{}
}

func sortedValues(values []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}

func (d domain) isEmpty() bool { return !d.absent && !d.except && len(d.values) == 0 }

// others is everything that is not in the domain.
func (d domain) others() domain { return domain{!d.absent, d.values, !d.except} }

func (d domain) and(o domain) domain {
	out := domain{absent: d.absent && o.absent, except: d.except && o.except}
	switch {
	case out.except:
		out.values = sortedValues(slices.Concat(d.values, o.values))
	case d.except:
		out.values = o.allowed(d)
	default:
		out.values = d.allowed(o)
	}
	return out
}

// allowed are the values of a domain that lists them which are in another, too.
func (d domain) allowed(o domain) []string {
	var out []string
	for _, v := range d.values {
		if slices.Contains(o.values, v) != o.except {
			out = append(out, v)
		}
	}
	return out
}

// any picks a label of the domain: none at all where that will do, else a value that
// nobody asks for. False where it is to be absent.
func (d domain) any() (value string, there bool) {
	switch {
	case d.absent:
		return "", false
	case !d.except:
		return d.values[0], true
	}
	value = "another"
	for n := 2; slices.Contains(d.values, value); n++ {
		value = "another-" + strconv.Itoa(n)
	}
	return value, true
}

// A place says whose label a key is of.
type place struct {
	ofNamespace bool
	key         string
}

// A box is the pods whose labels, and whose namespace's, are in its domains; of keys that
// it does not have they may be anything. Boxes are never changed: narrower ones are made.
type box []bound

type bound struct {
	at place
	is domain
}

// with is the box with a domain narrowed; false where nothing is left.
func (b box) with(p place, d domain) (box, bool) {
	i := slices.IndexFunc(b, func(x bound) bool { return x.at == p })
	if i < 0 {
		if d.isEmpty() {
			return nil, false
		}
		return append(slices.Clip(b), bound{p, d}), true
	}
	narrowed := b[i].is.and(d)
	if narrowed.isEmpty() {
		return nil, false
	}
	out := slices.Clone(b)
	out[i].is = narrowed
	return out, true
}

// A condition is one requirement on a pod or on its namespace.
type condition struct {
	at place
	is domain
}

func conditions(s netpol.Selector, ofNamespace bool) []condition {
	out := make([]condition, len(s))
	for i, r := range s {
		out[i] = condition{place{ofNamespace, r.Key}, domainOf(r)}
	}
	return out
}

// A kind is a box without the pods that meet all conditions of some list.
type kind struct {
	in  box
	but [][]condition
}

// meet is the box with all conditions; false where nothing meets them.
func (b box) meet(all []condition) (box, bool) {
	for _, c := range all {
		var some bool
		if b, some = b.with(c.at, c.is); !some {
			return nil, false
		}
	}
	return b, true
}

// witness narrows the box of a kind to a part that is surely of the kind; false where
// there is none.
func (k kind) witness() (box, bool) {
	for i, all := range k.but {
		if _, some := k.in.meet(all); !some {
			continue
		}
		rest := kind{but: k.but[i+1:]}
		for _, c := range all {
			if in, left := k.in.with(c.at, c.is.others()); left {
				rest.in = in
				if w, found := rest.witness(); found {
					return w, true
				}
			}
		}
		return nil, false
	}
	return k.in, true
}

// divide splits a kind by lists of conditions: one kind for each set of lists that some pod
// meets. False where there are too many of them.
func divide(all kind, by [][]condition) ([]kind, bool) {
	out := []kind{all}
	for _, conditions := range by {
		var next []kind
		for _, k := range out {
			if in, some := k.in.meet(conditions); some {
				next = append(next, kind{in, k.but}.unlessEmpty()...)
			}
			next = append(next, kind{k.in, append(slices.Clip(k.but), conditions)}.unlessEmpty()...)
		}
		if out = next; len(out) > maxTold {
			return out, false
		}
	}
	return out, true
}

func (k kind) unlessEmpty() []kind {
	if _, found := k.witness(); !found {
		return nil
	}
	return []kind{k}
}

// labels picks the labels of one pod of the box, or of its namespace. A name that nobody asks
// for is left out: whoever makes the namespace gives it one.
func (b box) labels(ofNamespace bool) map[string]string {
	out := map[string]string{}
	for _, x := range b {
		if x.at == (place{true, snapshot.MetadataName}) && x.is.except {
			continue
		}
		if value, there := x.is.any(); there && x.at.ofNamespace == ofNamespace {
			out[x.at.key] = value
		}
	}
	return out
}
