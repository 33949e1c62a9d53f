// Package regions reasons about pg_hba.conf as sets of attempts: where two files
// differ, which records are never reached, which attempts a record decides. An
// attempt is a transport, a client address, a database or physical replication, a
// user and a client certificate; the first record that matches decides it. All
// attempts are covered, none twice, and what the files cannot tell (memberships,
// host names, the server's interfaces) is a condition, never a guess.
//
// Users are divided first, then databases, then addresses, then conditions, each
// time with the records that attempts so far can still meet; where those are the
// same in both files, or settled otherwise, nothing is divided further. Not asked
// is whether the server offers TLS or GSSAPI encryption at all, and
// db_user_namespace, which 17 removed.
package regions

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/role"
)

// A Context is what is known of the server beside its files.
type Context struct {
	// Roles are all roles of the server; nil: nothing is known of them. Where several
	// questions are asked at once they are closed.
	Roles *role.Set
	// Interfaces are the server's addresses, each with its network's length, lo
	// included; nil: not known.
	Interfaces []netip.Prefix
	// Budget bounds the work of one question, counted in records looked at, so that
	// the same question always ends at the same place. Zero is DefaultBudget.
	Budget int
}

// DefaultBudget is some seconds of work.
const DefaultBudget = 50_000_000

// ErrNotLoaded says that the server would not load a file: its records are not the
// rules in force.
var ErrNotLoaded = errors.New("the server does not load the file")

// Transport is how a client comes to the server.
type Transport uint8

// The transports.
const (
	Socket Transport = iota // Unix
	Plain                   // TCP, not encrypted
	TLS
	GSS
)

var allTransports = []Transport{Socket, Plain, TLS, GSS}

// String returns one word.
func (t Transport) String() string { return []string{"socket", "plain", "tls", "gss"}[t] }

// Transports is a set.
type Transports uint8

// Of returns the set of these transports.
func Of(list ...Transport) Transports {
	var out Transports
	for _, t := range list {
		out |= 1 << t
	}
	return out
}

// Has reports whether the transport is in the set.
func (s Transports) Has(t Transport) bool { return s&(1<<t) != 0 }

// List returns the transports in order.
func (s Transports) List() []Transport {
	var out []Transport
	for _, t := range allTransports {
		if s.Has(t) {
			out = append(out, t)
		}
	}
	return out
}

// A Region is a set of attempts that all end alike: those whose transport, user,
// database, address and certificate are in the sets and whose Conditions hold.
// Regions of one answer are disjoint.
type Region struct {
	Transports Transports
	Users      NameSet
	Databases  NameSet
	// Addresses is empty for the socket, which has none.
	Addresses AddressSet
	// Certificates counts over TLS only; elsewhere there is none.
	Certificates Certificates
	Conditions   []Condition
	// Old and New are the outcomes; a question about one file has only Old.
	Old, New Outcome
	// Wording says that only what the client is told differs: the same attempts get
	// in, on the same terms.
	Wording bool
	Witness Attempt
}

// An Outcome is what becomes of an attempt.
type Outcome struct {
	// Record is the one that decides; nil: none matches.
	Record *hba.Record
	// Index is its place among the records; -1 without one.
	Index int
	Kind  Kind
}

// An Attempt is one session that somebody could try.
type Attempt struct {
	Transport   Transport
	Address     netip.Addr // not valid on the socket
	Database    string     // empty for physical replication
	Replication bool
	User        string
	Certificate Certificates // one of them
	Conditions  []Condition  // what is assumed beside
}

// Session returns the attempt as model/hba asks about it. A host name and what an
// opaque expression matches cannot be told there and stay Unsure.
func (c Context) Session(a Attempt) hba.Session {
	s := hba.Session{
		Local: a.Transport == Socket, TLS: a.Transport == TLS, GSS: a.Transport == GSS,
		Database: hba.Named(a.Database), User: hba.Named(a.User), Replication: a.Replication,
		Member: func(user, group string) hba.Match { return c.member(a, user, group) },
	}
	if a.Address.IsValid() {
		s.Client = hba.ClientAt(a.Address)
	}
	for _, cond := range a.Conditions {
		switch {
		case cond.Kind == SameHost:
			s.Client.ServerHost = answer(cond.Holds)
		case cond.Kind == FromPods && cond.Holds:
			s.Client.Pod, s.Client.Namespace = true, cond.Pods.Namespace
			s.Client.Labels = labels(cond.Pods.Pods)
		}
	}
	return s
}

// labels returns labels that a selector takes, if any can be.
func labels(s netpol.Selector) netpol.Labels {
	out := netpol.Labels{Set: map[string]string{}}
	for _, r := range s {
		switch {
		case r.Op == netpol.In && len(r.Values) > 0:
			out.Set[r.Key] = r.Values[0]
		case r.Op == netpol.Exists:
			out.Set[r.Key] = ""
		}
	}
	return out
}

// member answers from the roles, or from what the attempt assumes.
func (c Context) member(a Attempt, user, group string) hba.Match {
	if c.Roles != nil {
		return answer(c.Roles.Member(user, group))
	}
	for _, cond := range a.Conditions {
		switch {
		case user != a.User:
		case cond.Kind == MemberOf && cond.Name == group && user != group,
			cond.Kind == MemberOfDatabase && a.Database == group && user != group,
			cond.Kind == UserExists && user == group:
			return answer(cond.Holds)
		}
	}
	return hba.Unsure
}

func answer(b bool) hba.Match {
	if b {
		return hba.Yes
	}
	return hba.No
}

// loaded refuses files that are not in force.
func loaded(files ...hba.File) error {
	for _, f := range files {
		if len(f.Errors) > 0 {
			return fmt.Errorf("line %d: %s: %w", f.Errors[0].Line, f.Errors[0].Message, ErrNotLoaded)
		}
	}
	return nil
}
