//go:build linux

package compiled

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/lab/postgres"
)

// How many random estates sessions are tried in, and how many with each server.
const (
	someEstates  = 60
	sessionsEach = 40
)

// TestServers: real servers load the complete pg_hba.conf and pg_ident.conf of each
// operator; they ask for what was declared who was declared, and refuse others. The engine
// says the same of each session.
func TestServers(t *testing.T) {
	lab, err := postgres.Start(13, 14, 15, 16, 17, 18)
	f := &servers{T: t, lab: begun(t, lab, err), skipped: map[string]int{}}
	m := exampleOf(t, "company/mended")
	m.intents = allOf(t, "../../examples/company/access")
	st, errs := m.told(t)
	if st == nil {
		t.Fatal(errs)
	}
	all := map[int][]*desk{}
	add := func(st *story, r *rand.Rand) {
		for _, d := range st.desks(r) {
			if why := d.whyNot(); why != "" {
				f.skipped[why]++
				continue
			}
			all[d.served.Version] = append(all[d.served.Version], d)
		}
	}
	add(st, rand.New(rand.NewPCG(0, 2)))
	first, n := seeds(t, someEstates)
	for seed := first; seed < first+uint64(n); seed++ { //nolint:gosec // a small number
		if st := randomStory(t, seed, slices.Concat(examples, withPooler)); st != nil {
			add(st, rand.New(rand.NewPCG(seed, 19)))
		}
	}
	var versions sync.WaitGroup
	for _, desks := range all {
		versions.Go(func() {
			for _, d := range desks {
				f.compare(d)
			}
		})
	}
	versions.Wait()
	f.report()
}

// servers counts what real ones answered.
type servers struct {
	*testing.T
	lab     *postgres.Lab
	skipped map[string]int

	mu                                                              sync.Mutex
	files, ours, sessions, in, kept, unsure, claimed, alive, mapped int
	operators                                                       map[string]int
}

func (f *servers) report() {
	f.Helper()
	f.Logf("%d files, %d of them compiled, by operator %v; left out: %v", f.files, f.ours, f.operators, f.skipped)
	f.Logf("%d sessions: %d get in as was declared, %d of them by a map, and %d that keep servers alive, %d are refused of whom nobody said anything, %d may get in beside others; the engine was unsure of %d",
		f.sessions, f.claimed, f.mapped, f.alive, f.kept, f.in, f.unsure)
	if f.claimed < 50 || f.alive < 20 || f.mapped == 0 || f.kept < 100 || len(f.operators) < 6 {
		f.Error("hardly anything was compared")
	}
}

// count adds to the numbers.
func (f *servers) count(add func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	add()
}

func (f *servers) compare(d *desk) {
	if wrong := f.loads(d); wrong != "" {
		f.Errorf("%s: %s\n%s", d.name, wrong, d.describe(f.T))
		return
	}
	var wrong []string
	for _, s := range d.sessions(sessionsEach, "") {
		wrong = append(wrong, f.session(d, s)...)
	}
	if len(wrong) > 0 {
		f.Errorf("%s: %d sessions are not as they should be\n%s\n%s", d.name, len(wrong), strings.Join(wrong[:min(len(wrong), 6)], "\n"), d.describe(f.T))
	}
}

// loads asks the server what it makes of the files.
func (f *servers) loads(d *desk) string {
	got, err := f.lab.Rules(hbacase.Case{Server: d.served})
	f.count(func() {
		f.files++
		if f.operators == nil {
			f.operators = map[string]int{}
		}
		if d.written() {
			f.ours++
			f.operators[d.later.Operator]++
		}
	})
	want := hbacase.Load{HBA: hbacase.Loaded(d.later.HBA.Errors), Ident: hbacase.Loaded(d.later.Maps.Errors)}
	switch {
	case err != nil:
		return "the lab is broken: " + err.Error()
	case got.Failure != "" || got.Crashed:
		return "not observed: " + got.Failure
	case d.written() && want != hbacase.Load{HBA: "loaded", Ident: "loaded"}:
		return fmt.Sprintf("compiled, and yet %+v", want)
	case want != got.Load:
		return fmt.Sprintf("the server says %+v, the model %+v: %q", got.Load, want, got.Log)
	}
	for _, r := range got.Rules.Rules {
		if r.Error != nil && (d.served.SSL || !strings.Contains(*r.Error, "SSL is disabled")) { // which a gap tells
			return fmt.Sprintf("line %d: %s", r.LineNumber, *r.Error)
		}
	}
	for _, m := range got.Mappings {
		if m.Error != nil {
			return fmt.Sprintf("line %d of pg_ident.conf: %s", m.LineNumber, *m.Error)
		}
	}
	return ""
}

// session makes one attempt and says what is wrong with its outcome.
func (f *servers) session(d *desk, s session) []string {
	got, err := f.lab.Observe(hbacase.Case{ID: json.RawMessage("1"), Server: d.served, Attempt: d.attempt(s)})
	switch {
	case err != nil:
		return []string{"the lab is broken: " + err.Error()}
	case got.Failure != "":
		return []string{fmt.Sprintf("  %s: not observed: %s", s, got.Failure)}
	case got.Load.HBA == "rejected":
		return nil // the engine knows of no answer, and there is none
	}
	outcomes := append([]string{got.Outcome}, got.Among...)
	var out []string
	want, steps := d.predicted(s)
	if want != nil && !slices.ContainsFunc(outcomes, func(o string) bool { return slices.Contains(want, o) }) {
		out = append(out, fmt.Sprintf("  %s: %s by %s, the engine says %q: %+v", s, got.Outcome, lineOf(got), want, steps))
	}
	c := claim{may: true}
	if d.written() {
		c = d.claim(s)
	}
	if why := c.broken(outcomes); why != "" {
		out = append(out, fmt.Sprintf("  %s: %s by %s: %s", s, got.Outcome, lineOf(got), why))
	}
	f.count(func() { f.tally(want, c, s) })
	return out
}

func (f *servers) tally(want []string, c claim, s session) {
	f.sessions++
	if slices.Contains(c.must, "cert-ok") && s.Cert != s.Role {
		f.mapped++
	}
	if want == nil {
		f.unsure++
	}
	switch {
	case c.alive:
		f.alive++
	case len(c.must) > 0:
		f.claimed++
	case c.may:
		f.in++
	default:
		f.kept++
	}
}

func lineOf(o postgres.Observation) string {
	if o.Line == nil {
		return "no line that shows"
	}
	return fmt.Sprintf("line %d", *o.Line)
}
