package roundtrip

import (
	"flag"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/internal/estategen"
)

var (
	estates     = flag.Uint64("estates", 200, "how many random estates to compile")
	firstEstate = flag.Uint64("estate", 0, "the first random estate")
	dump        = flag.Bool("dump", false, "print the files of each estate")
	shrink      = flag.Bool("shrink", false, "cut the files of an estate that fails down to what it fails for")
	only        = flag.String("class", "", "the class of faults to look for; empty for all")
	stop        = flag.Int("stop", 5, "how many estates may fail before the rest is left out")
)

// faults are all that is wrong with what was compiled of an estate.
func (t *trip) faults(note func(string)) (out []fault) {
	for _, check := range []func(func(string)) []fault{t.again, t.same, t.shut, t.alive, t.doors, t.open, t.closed, t.proved} {
		for _, f := range check(note) {
			if i := slices.IndexFunc(exceptions, func(e exception) bool { return e.is(t, f) }); i >= 0 {
				note("known: " + exceptions[i].name)
				continue
			}
			if *only != "" && f.class != *only {
				continue
			}
			out = append(out, f)
		}
	}
	return out
}

// TestRoundTrip: whoever was declared gets in, nobody else does but by what stood there
// before, nothing else changes, and what was compiled once is not changed again.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	refused, failed := 0, 0
	notes := map[string]int{}
	seeds := *estates
	if testing.Short() {
		seeds = min(seeds, 40)
	}
	for seed := *firstEstate; seed < *firstEstate+seeds && failed < *stop; seed++ {
		e := estategen.New(seed)
		if *dump {
			t.Logf("%s\n# facts\n%s", e.YAML(), e.FactsYAML())
		}
		tr, err := travel(dir, e)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(tr.refused) > 0 {
			refused++
			for _, fault := range tr.refused {
				notes["refused: "+kind(fault.Text)]++
			}
			continue
		}
		faults := tr.faults(func(n string) { notes[n]++ })
		if len(faults) == 0 {
			continue
		}
		failed++
		t.Errorf("seed %d (go test ./internal/roundtrip -estate %[1]d -estates 1 -dump): %d faults, the first of them\n%s", seed, len(faults), firsts(faults))
		if *shrink {
			small := smaller(dir, e, faults[0].class)
			again, _ := travel(dir, small)
			t.Logf("seed %d, smaller:\n%s\n# facts\n%s\n%s", seed, small.YAML(), small.FactsYAML(), firsts(again.faults(func(string) {})))
		}
	}
	t.Logf("%d of %d estates were refused", refused, seeds)
	for _, n := range slices.Sorted(maps.Keys(notes)) {
		t.Logf("%6d %s", notes[n], n)
	}
	if failed == 0 && refused*3 > int(seeds) && seeds > 20 {
		t.Errorf("%d of %d estates were refused", refused, seeds)
	}
}

// firsts are a fault of each class.
func firsts(faults []fault) string {
	seen := map[string]bool{}
	var out []string
	for _, f := range faults {
		if !seen[f.class] {
			seen[f.class] = true
			out = append(out, "  "+f.String())
		}
	}
	return strings.Join(out, "\n")
}

// kind is a text without its names.
func kind(text string) string {
	words := strings.Fields(text)
	words = slices.DeleteFunc(words, func(w string) bool { return strings.ContainsAny(w, `/"0123456789`) })
	return strings.Join(words, " ")
}
