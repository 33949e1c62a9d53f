package kube

import (
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// What is read ahead comes in the order of the list, each with its own outcome, and no
// further than it is taken.
func TestAhead(t *testing.T) {
	odd := errors.New("odd")
	read := func(n int) (string, error) {
		if n%2 == 1 {
			return "", odd
		}
		return strconv.Itoa(n), nil
	}
	for _, n := range []int{0, 1, step, step + 1, batch - 1, batch, 2*batch + 7} {
		list := make([]int, n)
		for i := range list {
			list[i] = i
		}
		next := 0
		for i, r := range ahead(list, read) {
			want, err := read(i)
			if i != next || r.value != want || !errors.Is(r.err, err) {
				t.Fatalf("of %d: %d is %q, %v where %d is next", n, i, r.value, r.err, next)
			}
			next++
		}
		if next != n {
			t.Errorf("%d of %d", next, n)
		}
	}
	for i := range ahead([]int{0, 1, 2}, read) {
		if i == 1 {
			break
		}
		if i > 1 {
			t.Error("on after the end")
		}
	}
}

// Objects are read side by side, and yet Convert tells of them in their order: of those that
// cannot be read, too.
func TestConvertKeepsOrder(t *testing.T) {
	var objects []object.Object
	for i := range 2*batch + 100 {
		replicas := "1"
		if i%7 == 3 {
			replicas = `"many"`
		}
		o, err := object.New(fmt.Appendf(nil, `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"w%d"},"spec":{"replicas":%s}}`, i, replicas),
			object.Source{}, "shop")
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	s := &snapshot.Snapshot{}
	Convert(objects, s)
	var got []string
	good, bad := s.Workloads, s.Problems
	for i := range objects {
		name := ""
		switch {
		case i%7 == 3 && len(bad) > 0:
			name, bad = bad[0].Origin.Object, bad[1:]
		case i%7 != 3 && len(good) > 0:
			name, good = good[0].String(), good[1:]
		}
		if name != objects[i].Ref().String() {
			got = append(got, fmt.Sprintf("%s at %d", name, i))
		}
	}
	if len(got)+len(good)+len(bad) > 0 {
		t.Errorf("%d out of place, first %.1q; %d and %d too many", len(got), got, len(good), len(bad))
	}
}
