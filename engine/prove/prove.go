// Package prove holds decisions against intents: what an estate with its compiled
// artefacts admits is compared with what was declared, statement by statement. Each
// statement is proven, refuted by an attempt that anybody can repeat, or in doubt for want
// of a fact that is named.
package prove

import (
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Result says what became of a statement. The zero value is Unknown.
type Result uint8

// The results.
const (
	Unknown Result = iota
	Refuted
	Proven
)

// String returns PROVEN, REFUTED or UNKNOWN.
func (r Result) String() string {
	switch r {
	case Proven:
		return "PROVEN"
	case Refuted:
		return "REFUTED"
	}
	return "UNKNOWN"
}

// MarshalText writes what String returns.
func (r Result) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// A Kind says what a statement is about.
type Kind string

// The kinds; they are stable.
const (
	// Closed, of a perimeter: who was not declared gets no session at the server, by no
	// path; nor will a pod that does not exist yet.
	Closed Kind = "closed"
	// Within, of a perimeter: who was declared gets the databases, roles and ways that were
	// declared for him, and no others.
	Within Kind = "within"
	// Open, of an access: each of its clients gets each of its entries.
	Open Kind = "open"
	// Vital, of a perimeter: what the server needs to stay alive passes.
	Vital Kind = "vital"
	// Unchanged, of all perimeters together: no connection differs that is neither to nor
	// from a perimeter's server, nor of a client that an access isolates.
	Unchanged Kind = "unchanged"
	// Accept and Deny, of an attempt in the tests of an access: it gets in, or does not.
	Accept Kind = "accept"
	Deny   Kind = "deny"
	// Never and Only, of an invariant.
	Never Kind = "never"
	Only  Kind = "only"
	// Privileges, of an access: its roles have these privileges and no others.
	Privileges Kind = "privileges"
)

// A Statement is one thing that is to be true.
type Statement struct {
	Kind Kind
	// Of is the object that it comes from; zero for Unchanged.
	Of snapshot.Ref
	// Server is the one that it is about; zero for Unchanged and for invariants.
	Server snapshot.Ref
	// Origin is the part of the object, an entry of its tests.
	Origin verdict.Origin
	// Attempt is the one of Accept and Deny; nil for others.
	Attempt *intent.Attempt
	// Words are what the object says for people: an invariant's message, a test's why.
	Words  string
	Result Result
	// Asked counts the attempts that were decided, each a client with a database and a
	// role; for Unchanged the pairs of workloads, for Vital the flows.
	Asked int
	// Against are what refutes it, sorted; Doubts what leaves it open. Result is Refuted
	// where there is any Against, else Unknown where there is any doubt.
	Against []Counterexample
	Doubts  []Doubt
	// Assumptions are the codes of those that the answer rests on, sorted.
	Assumptions []string
}

// A Counterexample is what is admitted against a statement, or refused against it.
type Counterexample struct {
	// From are the clients that are alike in this, sorted: workloads, members of them,
	// parts of the outside, insiders. For Unchanged they are where connections begin.
	From []snapshot.Ref
	// Future describes pods that do not exist yet; From is then empty.
	Future *network.Virtual
	// To are where connections end, for Unchanged; nil for others.
	To []snapshot.Ref
	// Server is the one that is reached; zero for Unchanged.
	Server snapshot.Ref
	// Databases and Roles are those of all attempts that end alike; nil where the statement
	// is not about sessions.
	Databases, Roles []string
	// Login and Route are the way that is one too many; zero where one is missing.
	Login reach.Login
	Route reach.Route
	// Witness is one attempt; its Path is the way that decides, in the estate as it would
	// be. Was and Now are the answers without and with the artefacts.
	Witness Witness
	// Decides is the step of the object that admits, or refuses; what stands there before
	// anything is compiled is named before what was compiled.
	Decides verdict.Step
	// Ours says that no object that is there already decides it, but an artefact.
	Ours bool
	// Close are the smallest edits of policies that would turn it around; nil where none is
	// known.
	Close []network.Fix
	// Flow is the vital flow that is cut, for Vital; nil for others.
	Flow *snapshot.VitalFlow
	// Ports are those that differ, for Unchanged, and Change says how.
	Ports  flow.Ports
	Change network.ChangeKind
}

// A Witness is one attempt.
type Witness struct {
	From snapshot.Ref
	// Outside are the addresses of a client outside; empty for others.
	Outside flow.Addresses
	Session reach.Session
	Was     verdict.Verdict
	Now     verdict.Verdict
	Path    reach.Path
}

// A Doubt is why a statement cannot be decided.
type Doubt struct {
	// Reason is stable: "prove/no-catalogue", or that of the step that
	// is unknown.
	Reason verdict.Reason
	// From are the clients that it is about, Future pods that do not exist yet.
	From             []snapshot.Ref
	Future           *network.Virtual
	Databases, Roles []string
	// Step is the one that is unknown, with its facts; zero where Reason says all.
	Step verdict.Step
	// Origin is what somebody could add to; zero where nobody knows.
	Origin verdict.Origin
}

// The reasons of doubts that no step gives; they are stable.
const (
	// NoCatalogue: nothing tells which privileges roles have in the databases.
	NoCatalogue verdict.Reason = "prove/no-catalogue"
	// Unresolved: the client of a test is nobody that the estate has.
	Unresolved verdict.Reason = "prove/unresolved"
	// ClientUnsure: whether a client is one of those that an object means hangs on a label
	// or a method that nobody wrote down.
	ClientUnsure verdict.Reason = "prove/client-unsure"
	// Vacuous: a statement is about nobody, so that it says nothing.
	Vacuous verdict.Reason = "prove/vacuous"
	// Assumed: the answer rests on an assumption, and nothing is to be assumed.
	Assumed verdict.Reason = "prove/assumed"
	// TooMany: the pods that might come are of too many kinds to be asked one by one.
	TooMany verdict.Reason = "prove/too-many"
)

// A Client is whom a name in a test means: one endpoint for each member, or an insider.
type Client struct {
	Ref       snapshot.Ref
	Endpoints []network.Endpoint
	Inside    reach.Inside
}

// A Question is what is to be proven.
type Question struct {
	Intents intent.Intents
	// Job is the plan of the intents over Before.
	Job *compile.Job
	// Before is the estate as it is, After as it would be with the artefacts; the same one
	// where it is to be proven as it is.
	Before, After *reach.Engine
	// Find says whom a name in a test means, in the estate of After.
	Find func(name string) (Client, error)
}

// A Proof is all statements, in a stable order: by server, kind and object, Unchanged and
// the invariants last.
type Proof struct {
	Statements []Statement
}

// Result is Refuted where any statement is, else Unknown where any is, else Proven; Unknown
// where there is none.
func (p *Proof) Result() Result {
	out := Proven
	for _, s := range p.Statements {
		switch {
		case s.Result == Refuted:
			return Refuted
		case s.Result == Unknown:
			out = Unknown
		}
	}
	if len(p.Statements) == 0 {
		return Unknown
	}
	return out
}
