package reach

import (
	"net/netip"

	"github.com/pgmoat/pgmoat/engine/login"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// unknownHost stands in a message for an address that is not known.
const unknownHost = "(the client's address)"

// sees adds what the client of a settled step is told first: the outcome, and for an
// error its SQLSTATE and message. A pooler has words of its own, and in a whole list
// nobody reads them.
func (e *Engine) sees(step *verdict.Step, c client, s *snapshot.Server, r *hba.Record) {
	if e.listing != nil || step.Layer != verdict.HBA || step.Verdict == verdict.Unknown || c.session.Database == AnyOther || c.session.Role == AnyOther {
		return
	}
	server := login.Server{Version: s.Version, SSL: true, ClientCA: s.TLS.ClientCA != verdict.Deny, GSSAPI: true, MapsUnknown: true}
	got := login.Meet(&server, e.attempt(c), r)
	told(step, got)
}

// told adds an answer to a step.
func told(step *verdict.Step, got login.Answer) {
	if got.Outcome == login.Unknown || got.Outcome.Admits() != (step.Verdict == verdict.Allow) {
		return // what the step does not ask, the next one does
	}
	step.Facts["outcome"] = got.Outcome.String()
	if got.SQLState != "" {
		step.Facts["sqlstate"], step.Facts["message"] = got.SQLState, got.Message
	}
}

// mapped adds what a client is told whose identity may not log in as the role.
func (e *Engine) mapped(step verdict.Step, method string, c client) verdict.Step {
	if step.Verdict == verdict.Deny && e.listing == nil && c.session.Role != AnyOther {
		told(&step, login.NotMapped(method, c.session.Role))
	}
	return step
}

// attempt is the client as the server meets it.
func (e *Engine) attempt(c client) login.Attempt {
	a := login.Attempt{TLS: c.tls, User: c.session.Role, Database: c.session.Database, Host: unknownHost, OSUserUnknown: true}
	if c.session.Replication {
		physical := "true"
		a.Replication, a.Database = &physical, ""
	}
	if c.session.Cert != "" {
		a.Cert = &login.Certificate{CommonName: c.session.Cert, Trusted: true}
	}
	switch {
	case c.Sees == snapshot.SeesSocket:
		a.Local, a.TLS = true, false
	case c.Sees == snapshot.SeesLoopback:
		a.Host = "127.0.0.1"
	case c.from.Pod != nil && len(c.from.Pod.Addresses) == 1:
		a.Host = hba.AddressText(c.from.Pod.Addresses[0].Unmap())
	default:
		if one, ok := single(c.from.Outside); ok {
			a.Host = hba.AddressText(one)
		}
	}
	return a
}

// single returns the address of a set that has just one.
func single(a flow.Addresses) (netip.Addr, bool) {
	prefixes := a.Prefixes()
	if len(prefixes) != 1 || !prefixes[0].IsSingleIP() {
		return netip.Addr{}, false
	}
	return prefixes[0].Addr(), true
}
