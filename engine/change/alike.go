package change

import (
	"reflect"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// alike reports whether two values of one type say the same wherever they stand: all of
// them is compared, through pointers, but for where things are written. Functions are
// not alike unless both are nil.
func alike(a, b any) bool {
	return (&likeness{seen: map[pointers]bool{}}).same(reflect.ValueOf(a), reflect.ValueOf(b))
}

// A likeness is one comparison; seen are the pointers on the way or done, which makes an
// end of circles.
type likeness struct{ seen map[pointers]bool }

type pointers struct {
	a, b uintptr
	of   reflect.Type // a struct and its first field have one address
}

var originType = reflect.TypeFor[verdict.Origin]()

func (l *likeness) same(a, b reflect.Value) bool {
	if !a.IsValid() || !b.IsValid() {
		return a.IsValid() == b.IsValid()
	}
	if a.Type() != b.Type() {
		return false
	}
	if a.Type() == originType {
		return true
	}
	switch a.Kind() {
	case reflect.Pointer:
		return l.pointed(a, b)
	case reflect.Interface:
		return l.same(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if !l.same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice, reflect.Array:
		return l.listed(a, b)
	case reflect.Map:
		return l.mapped(a, b)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return a.IsNil() && b.IsNil()
	default:
		return a.Equal(b)
	}
}

func (l *likeness) pointed(a, b reflect.Value) bool {
	p := pointers{a.Pointer(), b.Pointer(), a.Type()}
	switch {
	case p.a == p.b:
		return true
	case p.a == 0 || p.b == 0:
		return false
	case l.seen[p]:
		return true
	}
	l.seen[p] = true
	return l.same(a.Elem(), b.Elem())
}

func (l *likeness) listed(a, b reflect.Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if !l.same(a.Index(i), b.Index(i)) {
			return false
		}
	}
	return true
}

func (l *likeness) mapped(a, b reflect.Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	for it := a.MapRange(); it.Next(); {
		other := b.MapIndex(it.Key())
		if !other.IsValid() || !l.same(it.Value(), other) {
			return false
		}
	}
	return true
}
