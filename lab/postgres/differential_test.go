//go:build linux

package postgres

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/internal/hbagen"
)

func TestMain(m *testing.M) {
	Inside()
	os.Exit(m.Run())
}

// Every run has the same random cases, this many a version, after the hand-written
// ones.
const (
	fixedSeed = 20261121
	someCases = 2000
)

// TestServersAgree asks real servers and the model the same.
func TestServersAgree(t *testing.T) {
	versions := wantedVersions(t)
	lab := startLab(t, versions)
	found := newTally(t, fixedSeed)
	eachVersion(versions, func(version int) {
		cases, err := hbagen.Tricky(version)
		if err != nil {
			t.Error(err)
			return
		}
		found.compare(lab, slices.Values(cases))
		n := 0
		found.compare(lab, func(yield func(hbacase.Case) bool) {
			for c := range hbagen.Random(fixedSeed, version) {
				if n++; n > someCases || !yield(c) {
					return
				}
			}
		})
	})
	found.report()
}

// TestFuzzServers goes on with random cases for PGMOAT_FUZZ_SECONDS, from
// PGMOAT_FUZZ_SEED or any seed.
func TestFuzzServers(t *testing.T) {
	seconds, err := strconv.Atoi(os.Getenv("PGMOAT_FUZZ_SECONDS"))
	if err != nil {
		t.Skip("PGMOAT_FUZZ_SECONDS is not set; make fuzz-servers sets it")
	}
	seed := rand.Uint64N(1 << 40)
	if text := os.Getenv("PGMOAT_FUZZ_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	versions := wantedVersions(t)
	lab := startLab(t, versions)
	found := newTally(t, seed)
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	eachVersion(versions, func(version int) {
		found.compare(lab, func(yield func(hbacase.Case) bool) {
			for c := range hbagen.Random(seed, version) {
				if time.Now().After(end) || !yield(c) {
					return
				}
			}
		})
	})
	found.report()
}

// wantedVersions are those of PGMOAT_VERSIONS, "13,18", or all.
func wantedVersions(t *testing.T) []int {
	t.Helper()
	text := os.Getenv("PGMOAT_VERSIONS")
	if text == "" {
		return hbagen.Versions
	}
	var out []int
	for word := range strings.SplitSeq(text, ",") {
		v, err := strconv.Atoi(word)
		if err != nil {
			t.Fatalf("PGMOAT_VERSIONS: %v", err)
		}
		out = append(out, v)
	}
	return out
}

// startLab skips where there can be no servers, except in CI, where a test that is
// skipped for ever would be missed by nobody.
func startLab(t *testing.T, versions []int) *Lab {
	t.Helper()
	lab, err := Start(versions...)
	if errors.Is(err, ErrUnavailable) && os.Getenv("CI") == "" {
		t.Skipf("skipped, nothing was compared with real servers: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return lab
}

// eachVersion runs the versions beside each other.
func eachVersion(versions []int, do func(version int)) {
	var group sync.WaitGroup
	for _, v := range versions {
		group.Go(func() { do(v) })
	}
	group.Wait()
}

// A tally counts, and prints what disagrees.
type tally struct {
	t     *testing.T
	seed  uint64
	begun time.Time

	mu                                             sync.Mutex
	cases, unknown, disagree, unobserved, rejected map[int]int
}

func newTally(t *testing.T, seed uint64) *tally {
	t.Logf("seed %d", seed)
	n := func() map[int]int { return map[int]int{} }
	return &tally{t: t, seed: seed, begun: time.Now(), cases: n(), unknown: n(), disagree: n(), unobserved: n(), rejected: n()}
}

// mayBeUnknown is how often the model may say that it does not know: what it says of 13
// is in docs/hba.md, and elsewhere a case has nothing that it could not know.
var mayBeUnknown = map[int]int{13: 20}

// maxPrinted is how many disagreements of a version are printed; all are counted.
const maxPrinted = 25

func (f *tally) count(what map[int]int, version int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	what[version]++
	return what[version]
}

// compare asks both and stops at the first error of the lab itself.
func (f *tally) compare(lab *Lab, cases iter.Seq[hbacase.Case]) {
	for c := range cases {
		f.count(f.cases, c.Server.Version)
		var err error
		if c.Attempt == nil {
			err = f.compareRules(lab, c)
		} else {
			err = f.compareAnswer(lab, c)
		}
		if err != nil {
			f.t.Errorf("the lab is broken: %v", err)
			return
		}
	}
}

func (f *tally) compareRules(lab *Lab, c hbacase.Case) error {
	got, err := lab.Rules(c)
	if err != nil {
		return err
	}
	version := c.Server.Version
	if got.Failure != "" || got.Crashed {
		f.count(f.unobserved, version)
		f.disagreement(c, got, nil, []string{"not observed: " + got.Failure})
		return nil
	}
	want := evaluateRules(c)
	f.disagreement(c, got, want, rulesDiffer(version, got.Rules, want))
	return nil
}

func (f *tally) compareAnswer(lab *Lab, c hbacase.Case) error {
	got, err := lab.Observe(c)
	if err != nil {
		return err
	}
	version := c.Server.Version
	switch {
	case got.Failure != "":
		f.count(f.unobserved, version)
		f.disagreement(c, got, nil, []string{"not observed: " + got.Failure})
		return nil
	case got.Load.HBA == "rejected":
		f.count(f.rejected, version) // the case without an attempt has compared that
		return nil
	}
	want := evaluate(c)
	if want.Outcome == "unknown" {
		if f.count(f.unknown, version) > mayBeUnknown[version] {
			f.t.Errorf("unknown: %s: %s", c.ID, want.Reason)
		}
		return nil
	}
	f.disagreement(c, got, want, answerDiffers(got, want))
	return nil
}

// disagreement prints a case that can be put to observe and to the model as it is.
func (f *tally) disagreement(c hbacase.Case, got, want any, differ []string) {
	if len(differ) == 0 || f.count(f.disagree, c.Server.Version) > maxPrinted {
		return
	}
	f.t.Errorf("seed %d: %s: %s\ncase:   %s\nserver: %s\nmodel:  %s",
		f.seed, c.ID, strings.Join(differ, ", "), oneLine(c), oneLine(got), oneLine(want))
}

func oneLine(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (f *tally) report() {
	took := time.Since(f.begun)
	for _, v := range hbagen.Versions {
		if n := f.cases[v]; n > 0 {
			f.t.Logf("PostgreSQL %d: %d cases, %d disagree; %d unknown to the model, %d of rejected files, %d not observed",
				v, n, f.disagree[v], f.unknown[v], f.rejected[v], f.unobserved[v])
		}
	}
	f.t.Logf("seed %d, %s", f.seed, took.Round(time.Second))
}

// answerDiffers names the fields of two answers that differ, of those that show.
func answerDiffers(got Observation, want hbacase.Answer) []string {
	var out []string
	differ := func(field string, a, b any) {
		if !slices.Contains(got.Blind, field) && oneLine(a) != oneLine(b) {
			out = append(out, fmt.Sprintf("%s: %s, not %s", field, oneLine(a), oneLine(b)))
		}
	}
	if !slices.Contains(got.Among, want.Outcome) {
		differ("outcome", got.Outcome, want.Outcome)
	}
	differ("file", got.File, want.File)
	differ("line", got.Line, want.Line)
	differ("method", got.Method, want.Method)
	differ("options", emptyAsNil(got.Options), emptyAsNil(want.Options))
	differ("sqlstate", got.SQLState, want.SQLState)
	differ("message", got.Message, want.Message)
	return out
}

// rulesDiffer names the first row of each list that differs.
func rulesDiffer(version int, got, want hbacase.Rules) []string {
	var out []string
	if got.Load != want.Load {
		out = append(out, fmt.Sprintf("load: %v, not %v", got.Load, want.Load))
	}
	out = append(out, rowsDiffer("rule", got.Rules, want.Rules)...)
	if version >= 15 {
		out = append(out, rowsDiffer("mapping", got.Mappings, want.Mappings)...)
	}
	return out
}

func rowsDiffer[R any](what string, got, want []R) []string {
	for i := range max(len(got), len(want)) {
		a, b := "nothing", "nothing"
		if i < len(got) {
			a = oneLine(got[i])
		}
		if i < len(want) {
			b = oneLine(want[i])
		}
		if a != b {
			return []string{fmt.Sprintf("%s %d: %s, not %s", what, i, a, b)}
		}
	}
	return nil
}

func emptyAsNil(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	return s
}
