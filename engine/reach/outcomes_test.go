package reach

import (
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// What is made of verdicts alone is what the closed list says.
func TestOutcomesAgreeWithTheClosedList(t *testing.T) {
	for seed := range uint64(400) {
		e := New(random(seed))
		for _, s := range e.World.Servers {
			o := e.Outcomes(s, NamesOf(s), e.Cuts(s))
			list := e.WhoCan(s)
			for i, p := range e.Pods() {
				compare(t, seed, p.Ref(), o.Lists[o.Pods[i]], about(list, func(a Access) bool { return slices.Contains(a.Members, p) }))
			}
			for i, atom := range o.Atoms {
				compare(t, seed, snapshot.Ref{Name: atom.Text()}, o.Lists[o.Outside[i]], about(list, func(a Access) bool { return !a.Outside.Intersect(atom).IsEmpty() }))
			}
			for i, in := range Insiders() {
				compare(t, seed, in.Ref, o.Lists[o.Inside[i]], about(list, func(a Access) bool { return a.From == in.Ref }))
			}
		}
	}
}

func about(list []Access, is func(Access) bool) []Access {
	return slices.DeleteFunc(slices.Clone(list), func(a Access) bool { return !is(a) })
}

func compare(t *testing.T, seed uint64, who snapshot.Ref, got, want []Access) {
	t.Helper()
	if !slices.EqualFunc(got, want, sameAnswer) {
		t.Fatalf("seed %d: %s: outcomes have\n%v\nthe closed list\n%v", seed, who, short(got), short(want))
	}
}

func short(list []Access) (out [][]any) {
	for _, a := range list {
		out = append(out, []any{a.Database, a.Role, a.Verdict, a.Logins})
	}
	return out
}
