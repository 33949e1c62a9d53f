package change

import (
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func login(v verdict.Verdict, method string, tls bool) []reach.Login {
	return []reach.Login{{Verdict: v, Method: method, TLS: tls, Routes: []reach.Route{{Member: "db", Port: 5432}}}}
}

// A changed way opens where it asks for less or where there was none, and cuts where it
// asks for something else.
func TestOpensOrCuts(t *testing.T) {
	const yes, unknown = verdict.Allow, verdict.Unknown
	for _, c := range []struct {
		name                         string
		kind                         Kind
		gained, lost                 []reach.Login
		opens, mayOpen, cuts, mayCut bool
	}{
		{"nothing before", Opened, login(yes, "md5", true), nil, true, false, false, false},
		{"nothing now", Cut, nil, login(yes, "md5", true), false, false, true, false},
		{"a password kept better", Changed, login(yes, "scram-sha-256", true), login(yes, "md5", true), false, false, false, false},
		{"a password kept worse", Changed, login(yes, "md5", true), login(yes, "scram-sha-256", true), true, false, false, false},
		{"no password any more", Changed, login(yes, "trust", true), login(yes, "md5", true), true, false, false, false},
		{"a password at last", Changed, login(yes, "md5", true), login(yes, "trust", true), false, false, true, false},
		{"another credential", Changed, login(yes, "ldap", true), login(yes, "md5", true), true, false, true, false},
		{"plain text besides", Changed, login(yes, "md5", false), nil, true, false, false, false},
		{"no plain text any more", Changed, nil, login(yes, "md5", false), false, false, true, false},
		{"in doubt now", MayCut, login(unknown, "md5", true), login(yes, "md5", true), false, false, false, true},
		{"one of two ways in doubt now", Changed, login(unknown, "md5", true), login(yes, "md5", true), false, false, false, true},
		{"another way, in doubt", Changed, login(unknown, "md5", false), nil, false, true, false, false},
		{"settled", Opened, login(yes, "md5", true), login(unknown, "", true), true, false, false, false},
		{"settled the other way", NoDoubt, nil, login(unknown, "", true), false, false, false, false},
	} {
		d := &Difference{Rows: []Row{{Kind: c.kind, Gained: c.gained, Lost: c.lost}}}
		opens, mayOpen := d.Opens()
		cuts, mayCut := d.Cuts()
		if opens != c.opens || mayOpen != c.mayOpen || cuts != c.cuts || mayCut != c.mayCut {
			t.Errorf("%s: opens %v, may %v, cuts %v, may %v", c.name, opens, mayOpen, cuts, mayCut)
		}
	}
}

// Lines that stand elsewhere, in the place of another, or in one version only are told
// apart, and undone they are what they were.
func TestCompareFiles(t *testing.T) {
	self := func(s *string) string { return *s }
	for _, c := range []struct {
		old, next []string
		edits     int
	}{
		{[]string{"a", "b", "c"}, []string{"a", "b", "c"}, 0},
		{[]string{"a", "b", "c"}, []string{"a", "x", "c"}, 1},
		{[]string{"a", "b", "c"}, []string{"b", "a", "c"}, 1},
		{[]string{"a", "b", "c"}, []string{"a", "c"}, 1},
		{[]string{"a", "b"}, []string{"a", "x", "y", "b"}, 2},
		{[]string{"a", "b", "c", "d"}, []string{"d", "x", "b", "y"}, 5},
		{nil, []string{"a"}, 1},
		{[]string{"m", "o", "z", "y"}, []string{"n", "z", "y", "m"}, 2},
		{[]string{"a", "a", "b"}, []string{"a", "b", "a"}, 1},
	} {
		f := compareFiles([2][]string{c.old, c.next}, self)
		if len(f.edits) != c.edits {
			t.Errorf("%v to %v: %d edits", c.old, c.next, len(f.edits))
		}
		all := map[int]bool{}
		for i := range f.edits {
			all[i] = true
		}
		if got := f.without(all); !slices.Equal(got, c.old) {
			t.Errorf("%v to %v undone is %v", c.old, c.next, got)
		}
		if got := f.without(nil); !slices.Equal(got, c.next) {
			t.Errorf("%v to %v is %v", c.old, c.next, got)
		}
	}
}
