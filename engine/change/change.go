// Package change compares the whole answers of two estates: who reaches which server,
// in which role and how, and what a server needs to live. Each difference is told with
// an attempt that both answer differently, and with what somebody edited to make it so.
package change

import (
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Kind says what became of an answer.
type Kind string

// The kinds; they are stable.
const (
	Opened    Kind = "opened"       // refused or not known before, allowed now
	Cut       Kind = "cut"          // allowed before, refused now
	Changed   Kind = "changed"      // allowed in both, in other ways
	MayOpen   Kind = "may be open"  // refused before, not known now
	MayCut    Kind = "may be cut"   // allowed before, not known now
	NoDoubt   Kind = "not in doubt" // not known before, refused now
	InDoubt   Kind = "other doubt"  // not known in both, in other ways
	Unchanged Kind = ""             // the same
)

// kindOf names a change of verdicts.
func kindOf(was, now verdict.Verdict) Kind {
	switch {
	case was == now && now == verdict.Allow:
		return Changed
	case was == now && now == verdict.Unknown:
		return InDoubt
	case was == now:
		return Unchanged
	case now == verdict.Allow:
		return Opened
	case was == verdict.Allow && now == verdict.Deny:
		return Cut
	case was == verdict.Allow:
		return MayCut
	case now == verdict.Unknown:
		return MayOpen
	}
	return NoDoubt
}

// A Difference is all that two estates answer differently. Its lists are sorted by
// server, those that open something first.
type Difference struct {
	// Removed and Added are the servers that only one estate has; rows about them are
	// among Rows.
	Removed, Added []*snapshot.Server
	Rows           []Row
	Flows          []Flow
	Controls       []Control
	// Causes are all edits that were found, each once, whether or not they had an effect.
	Causes []Cause
}

// IsEmpty reports whether no answer differs.
func (d *Difference) IsEmpty() bool {
	return len(d.Rows) == 0 && len(d.Flows) == 0 && len(d.Controls) == 0
}

// Opens reports whether somebody gets in who did not, or by a way that he did not have,
// or reaches a control port; doubt says that somebody may. A way that asks for more than
// it did opens nothing.
func (d *Difference) Opens() (sure, doubt bool) {
	for i := range d.Rows {
		gains, mayGain := d.Rows[i].Opens()
		sure, doubt = sure || gains, doubt || mayGain
	}
	for _, c := range d.Controls {
		sure, doubt = sure || c.Kind == Opened, doubt || c.Kind == MayOpen
	}
	return sure, doubt
}

// Cuts reports whether somebody loses a way in, or a server a flow that it needs; doubt
// says that somebody may. Who needs a password as before, or none any more, loses nothing.
func (d *Difference) Cuts() (sure, doubt bool) {
	for i := range d.Rows {
		loses, mayLose := d.Rows[i].Cuts()
		sure, doubt = sure || loses, doubt || mayLose
	}
	for _, f := range d.Flows {
		sure, doubt = sure || f.Kind == Cut, doubt || f.Kind == MayCut
	}
	return sure, doubt
}

// Opens reports whether the clients of the row get in where they did not, or by asking for
// less; doubt says that they may.
func (r *Row) Opens() (sure, doubt bool) {
	was := waysOf(r.Lost)
	for p, now := range waysOf(r.Gained) {
		old, known := was[p]
		switch {
		case now.verdict == verdict.Unknown:
			doubt = doubt || !known
		case !known || old.verdict != verdict.Allow || !asksNoMore(old.method, now.method):
			sure = true
		}
	}
	return sure || r.Kind == Opened, doubt || r.Kind == MayOpen
}

// Cuts reports whether the clients of the row lose a way in; doubt says that they may.
func (r *Row) Cuts() (sure, doubt bool) {
	now := waysOf(r.Gained)
	for p, old := range waysOf(r.Lost) {
		next, known := now[p]
		switch {
		case r.Kind != Changed || old.verdict != verdict.Allow:
		case known && next.verdict == verdict.Unknown:
			doubt = true
		case !known || !asksNoMore(next.method, old.method) && (passwords[next.method] == 0 || passwords[old.method] == 0):
			sure = true
		}
	}
	return sure || r.Kind == Cut, doubt || r.Kind == MayCut
}

// A place is where and how a client presents itself.
type place struct {
	tls, cert bool
	route     reach.Route
}

// waysOf are what is asked for at each place; of more than one the best.
func waysOf(list []reach.Login) map[place]outcome {
	out := map[place]outcome{}
	for _, l := range list {
		for _, r := range l.Routes {
			p := place{l.TLS, l.Cert, unseen(r)}
			if known, has := out[p]; !has || known.verdict != verdict.Allow {
				out[p] = outcome{l.Verdict, l.Method}
			}
		}
	}
	return out
}

// passwords are the methods that ask for a password, the weakest first.
var passwords = map[string]int{"password": 1, "md5": 2, "scram-sha-256": 3}

// asksNoMore reports whether who passes the one method passes the other, too, as far as
// their names tell.
func asksNoMore(a, b string) bool {
	return a == b || a == "trust" || passwords[a] > 0 && passwords[a] <= passwords[b]
}

// A Row is a part of the closed list that differs: clients that got, and get, the same
// answers for some databases and roles of a server.
type Row struct {
	Kind   Kind
	Server snapshot.Ref
	// From are the clients, sorted: workloads, members of them, named parts of the
	// outside, insiders.
	From             []snapshot.Ref
	Databases, Roles []string
	Was, Now         verdict.Verdict
	// Gained and Lost are the ways in that only the new or the old estate has.
	Gained, Lost []reach.Login
	Witness      Witness
	// Causes are what was edited; empty where it was not found.
	Causes []Cause
	Proof  network.Proof
}

// A Witness is one attempt that the estates answer differently, with the path that
// decides in each; a path without steps is not there.
type Witness struct {
	From snapshot.Ref
	// Outside are the addresses of a client outside; empty for others.
	Outside  flow.Addresses
	Session  reach.Session
	Was, Now verdict.Verdict
	Old, New reach.Path
	// shown is the estate whose way in the other has not.
	shown age
}

// A Flow is a vital flow whose answer differs: Cut, MayCut, or Opened where it passes
// again. One that only the new estate needs and that does not pass is Cut, too.
type Flow struct {
	Kind     Kind
	Server   snapshot.Ref
	Flow     snapshot.VitalFlow
	Was, Now verdict.Verdict
	// Needed says that only the new estate needs it.
	Needed bool
	// Old and New are the steps that decide.
	Old, New []verdict.Step
	Causes   []Cause
	Proof    network.Proof
}

// A Control is clients whose way to a control port differs.
type Control struct {
	Kind     Kind
	Server   snapshot.Ref
	Port     snapshot.ControlPort
	From     []snapshot.Ref
	Was, Now verdict.Verdict
	Old, New verdict.Step
	Causes   []Cause
	Proof    network.Proof
}

// A Cause is one thing that is not the same in both estates.
type Cause struct {
	// Kind is "policy", "pod", "namespace", "node", "facts", "unmodelled", "problems" as
	// package network has them, or "service", "pg_hba", "pg_ident", "pooler", "tls",
	// "port", "role", "server", "workload", "route".
	Kind string
	// Change is network.ChangeAdded, ChangeRemoved or ChangeMoved.
	Change network.ChangeKind
	// Object names it as people do; Field is the part that was changed.
	Object, Field string
	// Was and Is are the part as text, where it is short.
	Was, Is string
	// Old and New are where it stands; zero where it is not.
	Old, New verdict.Origin
}
