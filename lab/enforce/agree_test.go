//go:build linux

package enforce

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func TestMain(m *testing.M) {
	Inside()
	os.Exit(m.Run())
}

// start skips where there can be no lab, except in CI, where a test that is skipped
// for ever would be missed by nobody.
func start(t *testing.T) *Lab {
	t.Helper()
	lab, err := Start(groundOf(load(t, "")))
	if errors.Is(err, ErrUnavailable) && os.Getenv("CI") == "" {
		t.Skipf("skipped, nothing was compared with real packets: %v", err)
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

// Every run has the same random worlds, this many.
const (
	fixedSeed   = 20261121
	someWorlds  = 60
	packetsEach = 800
)

// TestPacketsAgree sends real packets and asks the engine about each.
func TestPacketsAgree(t *testing.T) {
	found := &tally{T: t, lab: start(t)}
	ground := load(t, "")
	for seed := uint64(fixedSeed); seed < fixedSeed+someWorlds; seed++ {
		found.random(ground, seed)
	}
	found.report()
}

// TestFuzzPackets goes on with random worlds for PGMOAT_FUZZ_SECONDS, from
// PGMOAT_FUZZ_SEED or any seed.
func TestFuzzPackets(t *testing.T) {
	seconds, err := strconv.Atoi(os.Getenv("PGMOAT_FUZZ_SECONDS"))
	if err != nil {
		t.Skip("PGMOAT_FUZZ_SECONDS is not set; make fuzz-packets sets it")
	}
	seed := rand.Uint64N(1 << 40)
	if text := os.Getenv("PGMOAT_FUZZ_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	found := &tally{T: t, lab: start(t)}
	ground := load(t, "")
	for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); seed++ {
		found.random(ground, seed)
	}
	found.report()
}

// A refusal by silence is seen, too: some worlds again, with fewer packets, as each
// has to be waited for.
func TestSilentRefusals(t *testing.T) {
	found := &tally{T: t, lab: start(t)}
	ground := load(t, "")
	for seed := uint64(fixedSeed); seed < fixedSeed+5; seed++ {
		world := randomWorld(ground, seed)
		r := rand.New(rand.NewPCG(seed, 8))
		found.compare(fmt.Sprintf("seed %d", seed), world, some(r, trials(world), 200), Drop)
	}
	found.report()
}

// A tally counts what the engine and packets said.
type tally struct {
	*testing.T
	lab                    *Lab
	worlds, agreed, unsure int
	// open are answers that were certain for the packet's family only.
	open  int
	wrong int
	// forgot and remembered are the answers of a forgetful engine: not sure, and right.
	forgot, remembered int
}

// random compares a random world; the engine may know less of it than the packets do.
func (f *tally) random(ground *snapshot.Snapshot, seed uint64) {
	f.Helper()
	world := randomWorld(ground, seed)
	r := rand.New(rand.NewPCG(seed, 8))
	f.compare(fmt.Sprintf("seed %d", seed), world, some(r, trials(world), packetsEach), Tell)
}

// compare asks the engine about each packet that was sent: what it knows of the whole
// world, and what it still knows when it has to do without some facts.
func (f *tally) compare(name string, world *snapshot.Snapshot, all []trial, how Refusal) []Outcome {
	f.Helper()
	outcomes := f.observe(name, world, all, how)
	knowing, forgetful := seenBy(world, world), seenBy(world, forget(world))
	if how == Drop {
		f.wait(knowing, all, outcomes)
	}
	f.worlds++
	var differ []string
	for i, t := range all {
		got := outcomes[i]
		if how == Drop && got == Refused {
			got = Silent // the node itself is told by its kernel
		}
		differ = append(differ, f.judge(knowing, t, got, how)...)
		differ = append(differ, f.doubt(forgetful, t, got, how)...)
	}
	f.wrong += len(differ)
	if len(differ) > 0 {
		f.Errorf("%s: packets and the engine differ %d times, among them\n%s\n%s",
			name, len(differ), strings.Join(differ[:min(len(differ), 8)], "\n"), text(world))
	}
	return outcomes
}

func (f *tally) observe(name string, world *snapshot.Snapshot, all []trial, how Refusal) []Outcome {
	f.Helper()
	rules := map[string]Ruleset{}
	for _, n := range groundOf(world).Nodes {
		var err error
		if rules[n.Name], err = Compile(world, n.Name, how); err != nil {
			f.Fatalf("%s: %v", name, err)
		}
	}
	attempts := make([]Attempt, len(all))
	for i, t := range all {
		attempts[i] = t.attempt()
	}
	outcomes, err := f.lab.Observe(rules, attempts, how)
	if err != nil {
		f.Fatalf("%s: %v\n%s\n%s\n%s", name, err, text(world), dump(f.T, rules["n1"]), dump(f.T, rules["n2"]))
	}
	return outcomes
}

// wait tries again, for as long as a busy machine may take, what was silent though the
// engine lets it pass: the rules that dropped it would drop it again.
func (f *tally) wait(v view, all []trial, outcomes []Outcome) {
	f.Helper()
	var late []int
	var attempts []Attempt
	for i, t := range all {
		if outcomes[i] == Silent && v.verdict(t, t.family()) == verdict.Allow {
			late, attempts = append(late, i), append(attempts, t.attempt())
		}
	}
	again, err := f.lab.Observe(nil, attempts, Tell)
	if err != nil {
		f.Fatal(err)
	}
	for i, o := range again {
		outcomes[late[i]] = o
	}
}

// judge says how the engine and a packet differ, if they do. It is asked twice: with
// the packet's family, and without, where it may know less but nothing else.
func (f *tally) judge(v view, t trial, got Outcome, how Refusal) []string {
	want, open := outcomeOf(v.verdict(t, t.family()), how), outcomeOf(v.verdict(t, network.AnyFamily), how)
	switch {
	case want == NoOutcome && open == NoOutcome:
		f.unsure++
		return nil
	case got != want || open != want && open != NoOutcome:
		return []string{v.differs(t, got)}
	case open == NoOutcome:
		f.open++
	}
	f.agreed++
	return nil
}

// doubt is judge for an engine that may be unsure of anything, but not wrong.
func (f *tally) doubt(v view, t trial, got Outcome, how Refusal) []string {
	for _, family := range []network.Family{t.family(), network.AnyFamily} {
		switch outcomeOf(v.verdict(t, family), how) {
		case NoOutcome:
			f.forgot++
		case got:
			f.remembered++
		default:
			return []string{v.differs(t, got)}
		}
	}
	return nil
}

// outcomeOf is what must become of a packet; NoOutcome where nobody knows.
func outcomeOf(v verdict.Verdict, how Refusal) Outcome {
	switch {
	case v == verdict.Allow:
		return Connected
	case v == verdict.Deny && how == Tell:
		return Refused
	case v == verdict.Deny:
		return Silent
	}
	return NoOutcome
}

// A view is an engine and what it has for the pods of the world that packets see.
type view struct {
	what   string
	engine *network.Engine
	pods   map[*snapshot.Pod]*snapshot.Pod
}

// seenBy is the view of one who reads a copy of the world.
func seenBy(world, read *snapshot.Snapshot) view {
	v := view{"the engine", network.New(read), map[*snapshot.Pod]*snapshot.Pod{}}
	if read.Facts.Strict {
		v.what = "the forgetful engine"
	}
	own := podsOf(read)
	for i, p := range podsOf(world) {
		v.pods[p] = own[i]
	}
	return v
}

func (v view) verdict(t trial, family network.Family) verdict.Verdict {
	var all []verdict.Verdict
	for _, step := range v.decide(t, family) {
		all = append(all, step.Verdict)
	}
	return verdict.All(all...)
}

func (v view) decide(t trial, family network.Family) []verdict.Step {
	a := network.Attempt{From: v.endpoint(t.from), To: v.endpoint(t.to), Protocol: t.protocol, Port: t.port, Family: family}
	return []verdict.Step{v.engine.Decide(netpol.Egress, a), v.engine.Decide(netpol.Ingress, a)}
}

func (v view) endpoint(e end) network.Endpoint {
	if e.pod == nil {
		return network.OutsideEndpoint(flow.AddressesOf(host(e.at)))
	}
	return network.PodEndpoint(v.pods[e.pod])
}

func (v view) differs(t trial, got Outcome) string {
	return fmt.Sprintf("  %s > %s (%s): the packet %s; %s says %s; for any family %s", t.from.name(), t.to.name(), t.attempt(),
		got, v.what, v.explain(t, t.family()), v.explain(t, network.AnyFamily))
}

func (v view) explain(t trial, family network.Family) string {
	var out []string
	for _, step := range v.decide(t, family) {
		out = append(out, fmt.Sprintf("%s %s (%s, %s)", step.Layer, step.Verdict, step.Reason, step.Origin))
	}
	return strings.Join(out, ", ")
}

func (f *tally) report() {
	f.Helper()
	f.Logf("%d worlds: %d packets as the engine says (%d of them only when it knows the family), %d where it is not sure",
		f.worlds, f.agreed, f.open, f.unsure)
	f.Logf("with facts forgotten: %d answers that hold, %d that are not sure; wrong answers: %d", f.remembered, f.forgot, f.wrong)
	if f.agreed == 0 {
		f.Error("nothing was compared")
	}
}
