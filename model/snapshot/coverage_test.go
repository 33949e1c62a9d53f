package snapshot

import (
	"slices"
	"testing"
)

func TestHolds(t *testing.T) {
	whole := func(kinds ...Kind) *Snapshot { return &Snapshot{Coverage: &Coverage{Kinds: kinds}} }
	listed, absent := Kind{Name: "Service", Listing: KindListed}, Kind{Name: "Service", Listing: KindAbsent}
	refused := Kind{Name: "Service", Listing: KindRefused}
	there := Kind{Name: "Service", Listing: KindRefused, Namespaces: []string{"web"}}
	narrowed := whole(listed)
	narrowed.Coverage.Namespaces = []string{"db"}
	elsewhere := whole(listed)
	elsewhere.Missing = []Missing{{What: "a chart"}}
	for name, c := range map[string]struct {
		s             *Snapshot
		db, web, none bool
	}{
		"manifests":           {&Snapshot{}, false, false, false},
		"manifests, complete": {&Snapshot{Facts: Facts{Complete: true}}, true, true, true},
		"listed":              {whole(listed), true, true, true},
		"absent":              {whole(absent), true, true, true},
		"refused":             {whole(refused), false, false, false},
		"refused in one":      {whole(there), true, false, false},
		"nobody asked":        {whole(Kind{Name: "Pod", Listing: KindListed}), false, false, false},
		"nobody knows":        {whole(Kind{Name: "Service"}), false, false, false},
		"narrowed":            {narrowed, true, false, true},
		"more from elsewhere": {elsewhere, false, false, false},
	} {
		db, web, none := c.s.Holds("Service", "db"), c.s.Holds("Service", "web"), c.s.Holds("Service", "")
		if db != c.db || web != c.web || none != c.none {
			t.Errorf("%s: %t %t %t, want %t %t %t", name, db, web, none, c.db, c.web, c.none)
		}
	}
}

// What stands is sorted, and says the least that is needed.
func TestStanding(t *testing.T) {
	narrowed := &Coverage{Namespaces: []string{"db"}, Kinds: []Kind{{Name: "ConfigMap", Listing: KindRefused}, {Name: "Pod", Listing: KindListed}}}
	for name, c := range map[string]struct {
		s    Snapshot
		want []string
	}{
		"manifests": {Snapshot{}, []string{AssumeComplete}},
		"complete":  {Snapshot{Facts: Facts{Complete: true}}, nil},
		"all of it": {Snapshot{Coverage: narrowed, Missing: []Missing{{}}, Skipped: []string{"x"}},
			[]string{AssumeElsewhere, AssumeUnlisted, AssumeNarrowed, AssumeSkipped}},
		"whole, and nobody says so":        {Snapshot{Coverage: &Coverage{Kinds: []Kind{{Name: "Pod", Listing: KindListed}}}}, []string{AssumeComplete}},
		"a kind that decides is a problem": {Snapshot{Facts: Facts{Complete: true}, Coverage: &Coverage{Kinds: []Kind{{Name: "Pod", Decides: true}}}}, nil},
	} {
		got := c.s.Standing()
		if !slices.Equal(got, c.want) || !slices.IsSorted(got) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A coverage of nothing is no whole cluster.
func TestWhole(t *testing.T) {
	if (*Coverage)(nil).Whole() || (&Coverage{}).Whole() || !(&Coverage{Kinds: []Kind{{Name: "Pod"}}}).Whole() {
		t.Error("whole")
	}
}
