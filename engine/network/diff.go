package network

import (
	"slices"
	"sync"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Difference is what two sources disagree on: the connections of the workloads that
// both have, with what somebody changed to make them so, and apart from them the
// workloads that only one of them has.
type Difference struct {
	// Edits are all that was changed and a policy could see, whether or not it had
	// an effect: policies, namespaces, nodes, facts, doubts, and then pods.
	Edits []*Edit
	// Effects are the connections that differ, those of one cause together, in the
	// order of Edits.
	Effects []Effect
	// Removed and Added are the workloads, or members of them, that only the old or
	// the new source has.
	Removed, Added []Resident
	// Undecided is a connection that may differ or not: it is unknown on both sides,
	// and something was changed that may matter to it. Nil when there is none; it is
	// one of perhaps many.
	Undecided *Undecided
}

// IsEmpty reports whether nothing differs, for certain.
func (d *Difference) IsEmpty() bool {
	return len(d.Effects) == 0 && len(d.Removed) == 0 && len(d.Added) == 0 && d.Undecided == nil
}

// IsCertain reports whether nothing of it depends on a fact that is missing.
func (d *Difference) IsCertain() bool {
	for i := range d.Effects {
		if e := &d.Effects[i]; e.Was == verdict.Unknown || e.Now == verdict.Unknown {
			return false
		}
	}
	unsure := func(r Resident) bool { return len(r.Unknown) > 0 }
	return d.Undecided == nil && !slices.ContainsFunc(d.Added, unsure) && !slices.ContainsFunc(d.Removed, unsure)
}

// A ChangeKind says what became of all that passes between two ends.
type ChangeKind string

// The kinds; they are stable.
const (
	ChangeAdded    ChangeKind = "added"    // nothing passed, something does
	ChangeRemoved  ChangeKind = "removed"  // something passed, nothing does
	ChangeWidened  ChangeKind = "widened"  // what passed still does, and more
	ChangeNarrowed ChangeKind = "narrowed" // not all of what passed still does, and no more
	ChangeMoved    ChangeKind = "changed"  // some no longer passes, and other does
	ChangeUnknown  ChangeKind = "became unknown"
	ChangeKnown    ChangeKind = "became known"
)

// An Effect is one thing that happened to one or more connections.
type Effect struct {
	Kind     ChangeKind
	Was, Now verdict.Verdict
	// Ports are those that went from Was to Now. Before and After are all that surely
	// passes between the same ends.
	Ports, Before, After flow.Ports
	Causes               []*Edit
	Proof                Proof
	Witness              Witness
	// Between are the ends, sorted; each pair is in an effect once.
	Between []Between
}

// Between are the two ends of a connection.
type Between struct {
	From Party `json:"from"`
	To   Party `json:"to"`
}

// A Proof says how the causes of an effect are known. The zero value is none.
type Proof string

// The proofs; they are stable.
const (
	// ProofEach: to undo any one of the causes is enough to undo the effect.
	ProofEach Proof = "each"
	// ProofTogether: all causes have to be undone, and none of them can be left out.
	ProofTogether Proof = "together"
	// ProofAmong: the causes are among these; it was too much work to find which.
	ProofAmong Proof = "among"
)

// A Witness is one attempt that the sources answer differently, as each sees it: a pod
// that was changed is another in each.
type Witness struct {
	Old, New Attempt
	// OldSteps and NewSteps are what egress and ingress answer.
	OldSteps, NewSteps [2]verdict.Step
}

// A Resident is a workload, or members of one, that only one source has.
type Resident struct {
	Party  Party
	Origin verdict.Origin
	// Members says that the other source has the workload, without these.
	Members bool
	// Connections are those to and from it that are surely let through. One between
	// two whole workloads of one side is told of its source only.
	Connections []Connection
	// Unknown are those that may be.
	Unknown []Connection
}

// An Undecided connection is unknown in both sources; Edits may matter to it.
type Undecided struct {
	Between
	Edits []*Edit
}

// Aside are pods of the new estate whose connections a comparison leaves out: those To some
// of them, and those From some. Nil leaves out none.
type Aside struct{ To, From func(*snapshot.Pod) bool }

// Diff compares two engines over the same kind of source.
func Diff(old, next *Engine) *Difference { return DiffBeside(old, next, Aside{}) }

// DiffBeside is Diff of all connections but some.
func DiffBeside(old, next *Engine, aside Aside) *Difference {
	j := join(compiled(old, next))
	c := newCollector(j)
	c.toAside, c.fromAside = j.spotsOf(aside.To), j.spotsOf(aside.From)
	for w := range j.workloads {
		c.workload(int32(w))
	}
	out := &Difference{Edits: j.edits.list, Effects: c.finished(), Undecided: c.undecided()}
	out.Removed, out.Added = residents(j, before), residents(j, after)
	return out
}

// compiled compiles both, at the same time.
func compiled(old, next *Engine) (a, b *estate) {
	var wait sync.WaitGroup
	wait.Go(func() { a = old.compiled() })
	b = next.compiled()
	wait.Wait()
	return a, b
}

// An age tells the two sources apart.
type age int

const (
	before age = iota
	after
)

var ages = []age{before, after}
