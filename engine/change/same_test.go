package change

import (
	"regexp"
	"testing"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// A server that is said to be the same has no rows when it is compared in full, and most
// servers that have none are said to be the same.
func TestWhatIsSameHasNoRows(t *testing.T) {
	skipped, equal := 0, 0
	for seed := range uint64(120) {
		old, next, _, _ := pairOf(seed, 1)
		c := newComparer(old.engine(t), next.engine(t))
		calm := c.calmness()
		for _, pair := range serverPairs(c.engines[before].World.Servers, c.engines[after].World.Servers) {
			same := calm.isSame(pair)
			tables := c.lists([]serverPair{pair})
			c.server(<-tables)
			rows := len(c.out.Rows) + len(c.out.Controls) + len(c.out.Added) + len(c.out.Removed)
			c.out = &Difference{}
			if same && rows > 0 {
				t.Fatalf("seed %d: %s is not the same", seed, pair.ref())
			}
			if rows == 0 {
				equal++
			}
			if same {
				skipped++
			}
		}
	}
	if skipped*3 < equal {
		t.Errorf("of %d servers that are the same only %d are seen to be", equal, skipped)
	}
	t.Logf("%d of %d", skipped, equal)
}

func TestAlike(t *testing.T) {
	type list struct {
		next *list
		name string
		at   verdict.Origin
		of   map[string][]int
		any  any
		call func()
	}
	circle := func(name, file string) *list {
		a := &list{name: name, at: verdict.Origin{File: file}, of: map[string][]int{"a": {1, 2}}, any: regexp.MustCompile("a+")}
		a.next = &list{name: "second", next: a}
		return a
	}
	tests := []struct {
		name string
		edit func(*list)
		want bool
	}{
		{"only the place", func(l *list) { l.at.Line = 7 }, true},
		{"a name", func(l *list) { l.name = "b" }, false},
		{"behind a pointer", func(l *list) { l.next.name = "b" }, false},
		{"a circle that is none", func(l *list) { l.next.next = nil }, false},
		{"another key", func(l *list) { l.of = map[string][]int{"b": {1, 2}} }, false},
		{"a value", func(l *list) { l.of["a"][1] = 3 }, false},
		{"a shorter value", func(l *list) { l.of["a"] = l.of["a"][:1] }, false},
		{"another type", func(l *list) { l.any = 7 }, false},
		{"nothing there", func(l *list) { l.any = nil }, false},
		{"unexported fields far inside", func(l *list) { l.any = regexp.MustCompile("b+") }, false},
		{"a function", func(l *list) { l.call = func() {} }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, b := circle("a", "old.yaml"), circle("a", "new.yaml")
			if !alike(a, b) {
				t.Fatal("two of the same are not alike")
			}
			test.edit(b)
			if got := alike(a, b); got != test.want {
				t.Errorf("alike is %v", got)
			}
			if got := alike(b, a); got != test.want {
				t.Errorf("turned around, alike is %v", got)
			}
		})
	}
}
