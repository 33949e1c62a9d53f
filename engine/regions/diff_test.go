package regions

import (
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/hba"
)

var (
	seeds = flag.Int("seeds", 400, "how many random files to compare with the twin")
	seed  = flag.Int("seed", 0, "the first seed")
)

// Every sample whose outcomes differ is in exactly one region, with its outcomes;
// every other one is in none.
func TestDiffAgreesWithTheTwin(t *testing.T) {
	for i := *seed; i < *seed+*seeds; i++ {
		k := newCase(i)
		old, next := parse(t, k.oldText, k.oldVer), parse(t, k.newText, k.newVer)
		result, err := Diff(old, next, k.ctx)
		if err != nil {
			t.Fatalf("%s%v", k, err)
		}
		if result.Incomplete {
			t.Fatalf("%sincomplete", k)
		}
		for _, s := range k.dice.samples([]string{k.oldText, k.newText}, namings(old, next)) {
			checkSample(t, k, result, s, old, next)
		}
		for _, r := range result.Regions {
			checkWitness(t, k, r, old, next)
			if doubtful(r.Conditions) && !strings.Contains(k.oldText+k.newText, `\1`) {
				t.Fatalf("%sthe expressions have automata, but %+v", k, r)
			}
		}
		if t.Failed() {
			return
		}
	}
}

func checkSample(t *testing.T, k known, result Result, s sample, old, next hba.File) {
	t.Helper()
	i, j := dullDecide(k.ctx, s, old), dullDecide(k.ctx, s, next)
	before, what1 := dullEnd(s, recordAt(old, i))
	after, what2 := dullEnd(s, recordAt(next, j))
	var in []Region
	for _, r := range result.Regions {
		if s.in(k.ctx, r) {
			in = append(in, r)
		}
	}
	differs := before != after || what1 != what2
	switch {
	case !differs && len(in) > 0:
		t.Fatalf("%s%s\nends alike (%d %s), but is in %+v", k, s, i, before, in)
	case differs && len(in) != 1:
		t.Fatalf("%s%s\n%d %s, then %d %s, but is in %d regions %+v\nof %+v", k, s, i, before, j, after, len(in), in, result.Regions)
	case differs && (in[0].Old.Index != i || in[0].New.Index != j || in[0].Old.Kind != before || in[0].New.Kind != after):
		t.Fatalf("%s%s\n%d %s, then %d %s, but the region says %+v", k, s, i, before, j, after, in[0])
	case differs && in[0].Wording != sameTerms(before, after, what1, what2):
		t.Fatalf("%s%s\nwording %+v", k, s, in[0])
	}
}

func sameTerms(a, b Kind, what1, what2 string) bool {
	asIs := func(k Kind) bool { return k == Trust || k == Cert }
	return a.Refuses() && b.Refuses() || asIs(a) && asIs(b) || !a.Refuses() && !b.Refuses() && what1 == what2
}

// Where the budget ends, what is said is right and the rest is said to be left out.
func TestDiffWithinABudget(t *testing.T) {
	incomplete := 0
	for i := *seed; i < *seed+*seeds; i++ {
		k := newCase(i)
		k.ctx.Budget = 1 + k.dice.IntN(400)
		old, next := parse(t, k.oldText, k.oldVer), parse(t, k.newText, k.newVer)
		result, err := Diff(old, next, k.ctx)
		if err != nil {
			t.Fatal(k, err)
		}
		if len(result.LeftOut) > 0 != result.Incomplete || result.Incomplete && (result.Same() || result.SameAdmission()) {
			t.Fatalf("%sincomplete %t, but left out: %+v", k, result.Incomplete, result.LeftOut)
		}
		if result.Incomplete {
			incomplete++
		}
		for _, s := range k.dice.samples([]string{k.oldText, k.newText}, namings(old, next)) {
			left := slices.ContainsFunc(result.LeftOut, func(r Region) bool { return s.in(k.ctx, r) })
			if !left {
				checkSample(t, k, result, s, old, next)
				continue
			}
			if slices.ContainsFunc(result.Regions, func(r Region) bool { return s.in(k.ctx, r) }) {
				t.Fatalf("%s%s\nis left out and in %+v", k, s, result.Regions)
			}
		}
	}
	if incomplete < *seeds/10 {
		t.Errorf("the budget ended in %d cases only", incomplete)
	}
}

// A witness gets the outcomes of its region.
func checkWitness(t *testing.T, k known, r Region, old, next hba.File) {
	t.Helper()
	s := witness(r)
	if doubtful(r.Witness.Conditions) { // nobody knows a name that it matches
		return
	}
	for _, c := range r.Witness.Conditions {
		if s.holds(k.ctx, c) != c.Holds {
			t.Fatalf("%sthe witness %s cannot be where %+v", k, s, c)
		}
	}
	if !s.in(k.ctx, r) {
		t.Fatalf("%sthe witness %s is not in %+v", k, s, r)
	}
	if i, j := dullDecide(k.ctx, s, old), dullDecide(k.ctx, s, next); i != r.Old.Index || j != r.New.Index {
		t.Fatalf("%sthe witness %s ends at %d and %d, not as %+v", k, s, i, j, r)
	}
	for _, side := range []struct {
		file hba.File
		want Outcome
	}{{old, r.Old}, {next, r.New}} {
		got := hba.Decide(side.file, k.ctx.Session(r.Witness))
		index := -1
		if got.Record != nil {
			for i := range side.file.Records {
				if &side.file.Records[i] == got.Record {
					index = i
				}
			}
		}
		if got.Certain() && index != side.want.Index {
			t.Fatalf("%shba.Decide sends the witness %+v to %d, not as %+v", k, r.Witness, index, r)
		}
	}
}

// witness is a region's witness in the world that it assumes.
func witness(r Region) sample {
	s := sample{Attempt: r.Witness, lines: map[string]bool{}}
	if r.Witness.Certificate != NoCertificate {
		s.named = map[string]bool{
			dullNaming(r.Old.Record): r.Witness.Certificate&(OfUser|OfUserByOld) != 0,
		}
		if n := dullNaming(r.New.Record); n != dullNaming(r.Old.Record) {
			s.named[n] = r.Witness.Certificate&(OfUser|OfUserByNew) != 0
		}
	}
	for _, c := range r.Witness.Conditions {
		switch {
		case c.Kind == MemberOf && c.Holds:
			s.groups, s.exists = append(s.groups, c.Name), true
		case c.Kind == MemberOfDatabase && c.Holds:
			s.groups, s.exists = append(s.groups, s.Database), true
		case c.Kind == UserExists && c.Holds:
			s.exists = true
		case c.Kind == ClientName && c.Holds && len(c.Name) > len(s.hostName):
			s.hostName = c.Name
		case c.Kind == SameHost:
			s.sameHost = c.Holds
			s.sameNet = s.sameNet || c.Holds
		case c.Kind == SameNet:
			s.sameNet = s.sameNet || c.Holds
		case c.Kind == FromPods:
			s.pods = c.Holds
		case c.Kind == LineIsThere:
			s.lines[c.Name] = c.Holds
		}
	}
	if len(s.hostName) > 0 && s.hostName[0] == '.' {
		s.hostName = "some" + s.hostName
	}
	return s
}
