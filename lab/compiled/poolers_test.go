//go:build linux

package compiled

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/lab/pgbouncer"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// How many random estates poolers are tried in; the examples are those that have one of
// CloudNativePG's, which alone reads a file.
const somePoolers = 40

var withPooler = examples[:2]

// TestPoolers: a real PgBouncer reads every line of the files that are compiled for
// poolers, and asks and refuses whom it should. The engine says the same.
func TestPoolers(t *testing.T) {
	lab, err := pgbouncer.Start()
	f := &poolers{T: t, lab: begun(t, lab, err)}
	m := exampleOf(t, "company/mended")
	m.intents = allOf(t, "../../examples/company/access")
	st, errs := m.told(t)
	if st == nil {
		t.Fatal(errs)
	}
	f.story(st, rand.New(rand.NewPCG(0, 3)))
	first, n := seeds(t, somePoolers)
	for seed := first; seed < first+uint64(n); seed++ { //nolint:gosec // a small number
		if st := randomStory(t, seed, withPooler); st != nil {
			f.story(st, rand.New(rand.NewPCG(seed, 20)))
		}
	}
	t.Logf("%d files, %d sessions: %d get in as was declared, %d are refused, %d as others may; the engine was unsure of %d",
		f.files, f.sessions, f.claimed, f.kept, f.sessions-f.claimed-f.kept, f.unsure)
	if f.files < 10 || f.claimed < 20 || f.kept < 100 {
		t.Error("hardly anything was compared")
	}
}

// poolers counts what a real one answered.
type poolers struct {
	*testing.T
	lab                                    *pgbouncer.Lab
	files, sessions, claimed, kept, unsure int
}

func (f *poolers) story(st *story, r *rand.Rand) {
	f.Helper()
	for _, d := range st.desks(r) {
		for _, p := range d.later.Poolers {
			if p.Workload.Kind == "Pooler" {
				f.compare(&counter{d, p})
			}
		}
	}
}

// A counter is a pooler before a desk.
type counter struct {
	*desk
	pooler *snapshot.Pooler
}

// file is what PgBouncer reads, line by line, also what the model takes it to pass over.
func (c *counter) file() string {
	lines := map[int]string{}
	for _, r := range c.pooler.HBA.Records {
		lines[r.Line] = r.Raw
	}
	for _, e := range c.pooler.HBA.Skipped {
		lines[e.Line] = e.Raw
	}
	var b strings.Builder
	for n := range 1 + slices.Max(append(keysOf(lines), 0)) {
		if n > 0 {
			b.WriteString(lines[n] + "\n")
		}
	}
	return b.String()
}

func keysOf(m map[int]string) []int {
	var out []int
	for k := range m {
		out = append(out, k)
	}
	return out
}

// mode is client_tls_sslmode, which stands in the file on line zero where it asks for TLS.
func (c *counter) mode() string {
	if slices.ContainsFunc(c.pooler.HBA.Records, func(r hba.Record) bool { return r.Line == 0 }) {
		return "require"
	}
	return "prefer"
}

func (f *poolers) compare(c *counter) {
	f.Helper()
	setup := pgbouncer.Setup{HBA: c.file(), TLSMode: c.mode(), User: "app"}
	sessions := c.sessions(sessionsEach, c.pooler.Ref().Name)
	attempts := make([]pgbouncer.Attempt, len(sessions))
	for i := range sessions {
		s := &sessions[i]
		s.Replication, s.Cert = false, ""
		attempts[i] = pgbouncer.Attempt{From: s.from.at.String(), TLS: s.TLS, User: s.Role, Database: s.Database}
	}
	skipped, answers, err := f.lab.Try(setup, attempts...)
	if err != nil {
		f.Fatalf("%s: the lab is broken: %v\n%s", c.name, err, setup.HBA)
	}
	f.files++
	var wrong []string
	if len(skipped) > 0 {
		wrong = append(wrong, fmt.Sprintf("  lines %d are passed over", skipped))
	}
	for i, s := range sessions {
		wrong = append(wrong, f.session(c, s, answers[i])...)
	}
	if len(wrong) > 0 {
		f.Errorf("%s: %s: %d sessions are not as they should be\n%s\n%s\n%s", c.name, c.pooler.Ref(), len(wrong), strings.Join(wrong[:min(len(wrong), 6)], "\n"), setup.HBA, c.describe(f.T))
	}
}

// closed are the outcomes for whom nothing was declared.
var closed = []string{pgbouncer.Rejected, pgbouncer.TLSRequired, pgbouncer.TLSRefused}

func (f *poolers) session(c *counter, s session, got pgbouncer.Answer) []string {
	if got.Failure != "" {
		return []string{fmt.Sprintf("  %s: not observed: %s", s, got.Failure)}
	}
	f.sessions++
	var out []string
	asks, is := c.asks(s), slices.Contains([]string{pgbouncer.SCRAM, pgbouncer.MD5, pgbouncer.Password, pgbouncer.In}, got.Outcome)
	if !is && !slices.Contains(closed, got.Outcome) {
		out = append(out, fmt.Sprintf("  %s: %s", s, got.Outcome))
	}
	want, steps := c.predicted(s)
	switch {
	case want == verdict.Unknown:
		f.unsure++
	case (want == verdict.Allow) != is:
		out = append(out, fmt.Sprintf("  %s: %s, the engine says %s: %+v", s, got.Outcome, want, steps))
	}
	switch may := c.told(s, c.pooler.Ref()); {
	case asks:
		f.claimed++
		if got.Outcome != pgbouncer.SCRAM {
			out = append(out, fmt.Sprintf("  %s: %s, and it is asked for", s, got.Outcome))
		}
	case !may:
		f.kept++
		if is {
			out = append(out, fmt.Sprintf("  %s: %s, and nobody asks for it", s, got.Outcome))
		}
	}
	return out
}

// asks reports whether an entry asks for the session at the pooler.
func (c *counter) asks(s session) bool {
	for _, a := range c.Accesses {
		for i := range a.To {
			e := &a.To[i]
			plain := e.PlainText && c.Perimeter.PlainText && c.mode() != "require"
			if e.Pooler == c.pooler.Ref().Name && e.Role == s.Role && slices.Contains(e.Databases, s.Database) && (s.TLS || plain) &&
				e.Authentication == intent.SCRAM && !c.refused(e) && anyPeer(c.world, a.From, a.Namespace, s.from) {
				return true
			}
		}
	}
	return false
}

// predicted is what the engine says of the pooler's own decision.
func (c *counter) predicted(s session) (verdict.Verdict, []verdict.Step) {
	q := reach.Question{From: s.endpoint(), To: reach.Target{Server: c.later, Pooler: c.pooler}, Session: s.Session}
	for _, p := range c.engine.Decide(q).Paths {
		if p.Service != nil || p.Pooler != c.pooler || p.Through != "" {
			continue
		}
		var own []verdict.Verdict
		for _, step := range p.Steps {
			if step.Layer == verdict.Pooler {
				own = append(own, step.Verdict)
			}
		}
		return verdict.All(own...), p.Steps
	}
	return verdict.Unknown, nil
}
