// Package compile makes of intents what each layer of an estate has to say: one backend a
// file. A backend never makes anything wider than what was asked; what it cannot express
// is a Gap. The same intents and the same estate give the same artefacts, in the same order.
package compile

import (
	"cmp"
	"slices"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Job is what is to be compiled: intents that were checked against an estate.
type Job struct {
	World *snapshot.Snapshot
	// Now decides which accesses have ended; zero where nobody knows the time.
	Now snapshot.Moment
	// Sites are the servers that have a perimeter, in the order of their names.
	Sites []*Site
}

// A Site is one server with all that is asked about it.
type Site struct {
	Server    *snapshot.Server
	Perimeter *intent.Perimeter
	// Accesses are those that have not ended, by namespace and name; Expired the others.
	Accesses, Expired []*intent.Access
}

// A Backend compiles one layer of one site, or of the whole job.
type Backend struct {
	Name    string
	Compile func(*Job, *Output)
}

// An Output is what backends made.
type Output struct {
	Artefacts []artefact.Artefact
	Gaps      []artefact.Gap
	Notes     []artefact.Note
}

// An Error is an intent that cannot be compiled, or not as it stands. Nothing is compiled
// where there is one.
type Error struct {
	Origin verdict.Origin
	// Text says what is wrong, Fix what to write instead; empty where that is not known.
	Text, Fix string
	// Warning says that it does not keep from compiling.
	Warning bool
}

// sorted puts artefacts in the order in which they may be written: by backend as they are
// listed, then by object.
func (o *Output) sorted(backends []Backend) {
	place := func(name string) int {
		return slices.IndexFunc(backends, func(b Backend) bool { return b.Name == name })
	}
	slices.SortStableFunc(o.Artefacts, func(a, b artefact.Artefact) int {
		return cmp.Or(place(a.Backend)-place(b.Backend), a.Ref.Compare(b.Ref))
	})
	slices.SortStableFunc(o.Gaps, func(a, b artefact.Gap) int {
		return cmp.Or(place(a.Backend)-place(b.Backend), cmp.Compare(a.Origin.Object, b.Origin.Object), cmp.Compare(a.Origin.Field, b.Origin.Field))
	})
}

// Compile asks all backends.
func Compile(job *Job, backends []Backend) *Output {
	out := &Output{}
	for _, b := range backends {
		b.Compile(job, out)
	}
	out.sorted(backends)
	return out
}
