package regions

import (
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/model/hba"
)

func eachFile(t *testing.T, check func(k known, f hba.File, samples []sample)) {
	for i := *seed; i < *seed+*seeds; i++ {
		k := newCase(i)
		f := parse(t, k.newText, k.newVer)
		check(k, f, k.dice.samples([]string{k.newText}, namings(f)))
		if t.Failed() {
			return
		}
	}
}

// No sample is decided by a shadowed record, its covers take what it matches, and
// every other record decides its witness.
func TestShadowedAgreesWithTheTwin(t *testing.T) {
	eachFile(t, func(k known, f hba.File, samples []sample) {
		shadows, err := Shadowed(f, k.ctx)
		if err != nil {
			t.Fatal(k, err)
		}
		by := map[int]Shadow{}
		for _, s := range shadows {
			by[s.Record] = s
		}
		for _, s := range samples {
			if i := dullDecide(k.ctx, s, f); i >= 0 {
				if sh, ok := by[i]; ok && !sh.Undecided {
					t.Fatalf("%s%s\nis decided by %d, which is shadowed: %+v", k, s, i, sh)
				}
			}
			for _, sh := range shadows {
				if !sh.Undecided && dullMatch(k.ctx, s, f.Records[sh.Record], version(f)) && !slices.ContainsFunc(sh.Covers, func(c int) bool {
					return c < sh.Record && dullMatch(k.ctx, s, f.Records[c], version(f))
				}) {
					t.Fatalf("%s%s\nmatches %d, but none of its covers: %+v", k, s, sh.Record, sh)
				}
			}
		}
		survey, err := newSurvey(f, k.ctx)
		if err != nil {
			t.Fatal(k, err)
		}
		for i := range f.Records {
			if _, ok := by[i]; !ok {
				a := survey.reached(survey.item(int32(i)), survey.earlier(int32(i))).witness
				s := witness(Region{Witness: *a, Old: Outcome{Record: &f.Records[i]}})
				if got := dullDecide(k.ctx, s, f); got != i {
					t.Fatalf("%sthe witness %s of %d is decided by %d", k, s, i, got)
				}
			}
		}
	})
}

// Leaving out any one of the covers lets some attempt through.
func TestCoversAreNeeded(t *testing.T) {
	for i := *seed; i < *seed+*seeds; i++ {
		k := newCase(i)
		f := parse(t, k.newText, k.newVer)
		shadows, err := Shadowed(f, k.ctx)
		if err != nil {
			t.Fatal(k, err)
		}
		for _, s := range shadows {
			for leave := range s.Covers {
				var fewer hba.File
				fewer.Version = f.Version
				for at, c := range append(slices.Clone(s.Covers), s.Record) {
					if at != leave {
						fewer.Records = append(fewer.Records, f.Records[c])
					}
				}
				again, err := Shadowed(fewer, k.ctx)
				if err != nil {
					t.Fatal(k, err)
				}
				if slices.ContainsFunc(again, func(s Shadow) bool { return s.Record == len(fewer.Records)-1 && !s.Undecided }) {
					t.Fatalf("%s%+v does not need %d", k, s, s.Covers[leave])
				}
			}
		}
	}
}

// Every sample that a weaker record takes from one that is not shadowed is of a pair
// that is listed, and every listed pair's witness is such a sample.
func TestOverlapsAgreeWithTheTwin(t *testing.T) {
	eachFile(t, func(k known, f hba.File, samples []sample) {
		pairs, incomplete, err := Overlaps(f, k.ctx)
		shadows, err2 := Shadowed(f, k.ctx)
		if err != nil || err2 != nil || incomplete {
			t.Fatal(k, err, err2, incomplete)
		}
		listed := map[[2]int]bool{}
		for _, p := range pairs {
			listed[[2]int{p.Earlier, p.Later}] = true
			s := witness(Region{Witness: p.Witness, Old: Outcome{Record: &f.Records[p.Earlier]}})
			if Strength(f.Records[p.Earlier]) >= Strength(f.Records[p.Later]) {
				t.Fatalf("%s%+v: the earlier one is no weaker", k, p)
			}
			if doubtful(p.Witness.Conditions) {
				continue
			}
			if got := dullDecide(k.ctx, s, f); got != p.Earlier || !dullMatch(k.ctx, s, f.Records[p.Later], version(f)) {
				t.Fatalf("%s%s is decided by %d, not as %+v", k, s, got, p)
			}
		}
		for _, s := range samples {
			i := dullDecide(k.ctx, s, f)
			for j := i + 1; i >= 0 && j < len(f.Records); j++ {
				dead := slices.ContainsFunc(shadows, func(s Shadow) bool { return s.Record == j })
				weaker := Strength(f.Records[i]) < Strength(f.Records[j])
				if !dead && weaker && dullMatch(k.ctx, s, f.Records[j], version(f)) && !listed[[2]int{i, j}] {
					t.Fatalf("%s%s\n%d takes it from %d, which is not listed: %+v", k, s, i, j, pairs)
				}
			}
		}
	})
}

// Every sample that a wanted record decides is in exactly one region.
func TestReachAgreesWithTheTwin(t *testing.T) {
	eachFile(t, func(k known, f hba.File, samples []sample) {
		var within *hba.Record
		if k.seed%2 == 0 {
			within = &parse(t, k.oldText, k.newVer).Records[0]
		}
		wanted := func(r *hba.Record) bool { return r.Method == "trust" || r.Method == "ident" }
		result, err := Reach(f, k.ctx, within, wanted)
		if err != nil || result.Incomplete {
			t.Fatal(k, err, result.Incomplete)
		}
		for _, s := range samples {
			i := dullDecide(k.ctx, s, f)
			want := 0
			if i >= 0 && wanted(&f.Records[i]) && (within == nil || dullMatch(k.ctx, s, *within, version(f))) {
				want = 1
			}
			got := 0
			for _, r := range result.Regions {
				if s.in(k.ctx, r) {
					got++
					if r.Old.Index != i {
						t.Fatalf("%s%s\nis decided by %d, but is in %+v", k, s, i, r)
					}
				}
			}
			if got != want {
				t.Fatalf("%s%s\nis decided by %d and in %d regions of %+v", k, s, i, got, result.Regions)
			}
		}
		for _, r := range result.Regions {
			if s := witness(r); !doubtful(r.Witness.Conditions) && dullDecide(k.ctx, s, f) != r.Old.Index {
				t.Fatalf("%sthe witness %s is not decided as %+v", k, s, r)
			}
		}
	})
}
