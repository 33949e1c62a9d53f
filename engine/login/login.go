// Package login says what a PostgreSQL server of 13 to 18 answers first to an attempt
// to connect: from the request for encryption through pg_hba.conf, the demand for a
// certificate and pg_ident.conf to the message that the client sees (PostgreSQL
// backend_startup.c, auth.c, hba.c).
package login

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/role"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Server is what decides besides the attempt.
type Server struct {
	// Version is the major version; zero is the newest known.
	Version int
	// SSL is the setting ssl of a build that has it; ClientCA says that ssl_ca_file is
	// set; GSSAPI, that the build has it.
	SSL, ClientCA, GSSAPI bool
	// MD5 says that password_encryption is md5.
	MD5 bool
	// Roles are the server's; nil: none is known.
	Roles *role.Set
	// HBA and Maps are the files in force. A pg_ident.conf with errors was read at
	// start: there are no maps.
	HBA  hba.File
	Maps ident.File
	// MapsUnknown says that Maps is not what the server has: what a map allows is not
	// known.
	MapsUnknown bool
	// Index finds records of HBA faster; nil: they are asked one after the other.
	Index *hba.Index
}

// An Attempt is one connection.
type Attempt struct {
	// Local is a Unix socket; TLS and GSS are what the client asks for first.
	Local, TLS, GSS bool
	// Cert is the certificate that the client has; nil: none.
	Cert *Certificate
	User string
	// Database is "" where the client names none.
	Database string
	// Replication is the parameter of that name; nil: not sent.
	Replication *string
	// Client is where a TCP connection comes from, and Host how the server writes that.
	Client hba.Client
	Host   string
	// OSUser is the user at the other end of the socket, and IdentUser what an ident
	// server at the client says; "" for none.
	OSUser, IdentUser string
	// OSUserUnknown says that the first is not known.
	OSUserUnknown bool
}

// A Certificate is what the server looks at in one.
type Certificate struct {
	// CommonName is the first of the subject; "" for none. DN is the subject as RFC 2253
	// writes it, last RDN first.
	CommonName, DN string
	// Trusted says that a CA of ssl_ca_file signed it.
	Trusted bool
}

// An Outcome is the kind of the first answer. The zero value is Unknown.
type Outcome uint8

// The outcomes. Trust to IdentOK are AuthenticationOk; SCRAM to GSS ask the client
// for more; the others end the connection.
const (
	Unknown Outcome = iota
	Trust
	CertOK
	PeerOK
	IdentOK
	SCRAM
	OAuth
	MD5
	Password // in clear text: password, ldap, pam, radius, bsd
	GSS
	Reject
	NoEntry
	CertRequired
	CertFail
	PeerFail
	IdentFail
	NoRootStore
	Error
	TLSFail
	SSLRefused
)

var outcomes = []string{"unknown", "trust", "cert-ok", "peer-ok", "ident-ok", "scram", "oauth", "md5", "password", "gss",
	"reject", "no-entry", "cert-required", "cert-fail", "peer-fail", "ident-fail", "no-root-store", "error", "tls-fail", "ssl-refused"}

// String returns the word for the outcome.
func (o Outcome) String() string { return outcomes[o] }

// Admits reports whether the client is let in, or asked for a secret that lets it in.
func (o Outcome) Admits() bool { return o >= Trust && o <= GSS }

// The reasons of an Answer, besides those of package hba.
const (
	EncryptionRefused  verdict.Reason = "login/encryption-refused"
	GSSRefused         verdict.Reason = "login/gss-refused"
	CertificateInvalid verdict.Reason = "login/certificate-not-trusted"
	BadReplication     verdict.Reason = "login/bad-replication"
	NoUser             verdict.Reason = "login/no-user"
	BadPacket          verdict.Reason = "login/bad-packet"
	NoCA               verdict.Reason = "login/no-ca"
	NoCertificate      verdict.Reason = "login/no-certificate"
	NameMismatch       verdict.Reason = "login/name-does-not-map"
	NoIdentServer      verdict.Reason = "login/no-ident-server"
	NoOSUser           verdict.Reason = "login/no-os-user"
	NoLDAPServer       verdict.Reason = "login/no-ldap-server"
	UnknownSecret      verdict.Reason = "login/secret-unknown" //nolint:gosec // a reason, not a secret
	UnknownPrincipal   verdict.Reason = "login/principal-unknown"
	UnknownOSUser      verdict.Reason = "login/os-user-unknown"
	UnknownMap         verdict.Reason = "login/map-unknown"
)

// An Answer is what the client sees first, and why.
type Answer struct {
	Outcome Outcome
	// Record is the one that decides; nil where none matches, none is asked, or several
	// Candidates end alike.
	Record *hba.Record
	// Candidates are the records that may decide, where that is not known.
	Candidates []*hba.Record
	// Mapping is the line of pg_ident.conf that lets the identity log in as the role.
	Mapping *ident.Mapping
	// SQLState and Message are the error's; "" where there is none.
	SQLState, Message string
	Reason            verdict.Reason
	// NotLoaded is the line for which the server would not take its pg_hba.conf.
	NotLoaded *hba.Error
}

// Class 28 is "invalid authorization specification".
const invalidAuthorization = "28000"

// Decide answers an attempt.
func Decide(s *Server, a Attempt) Answer {
	if out, done := s.notRunning(); done {
		return out
	}
	if out, done := s.encryption(a); done {
		return out
	}
	session, out, done := s.startup(a)
	if done {
		return out
	}
	r := s.find(&session)
	if !r.Certain() {
		return s.either(a, session, r)
	}
	return s.met(a, session, r.Record)
}

// notRunning answers where the server does not start with its pg_hba.conf. Where all
// errors of it are ours, that is not known.
func (s *Server) notRunning() (Answer, bool) {
	if len(s.HBA.Errors) == 0 {
		return Answer{}, false
	}
	out := Answer{Reason: hba.NotLoaded, NotLoaded: &s.HBA.Errors[0]}
	for i := range s.HBA.Errors {
		if e := &s.HBA.Errors[i]; !e.Missing {
			out.Outcome, out.NotLoaded = Error, e
			break
		}
	}
	return out, true
}

// either answers where several records may decide: as they all do, if they do.
func (s *Server) either(a Attempt, session hba.Session, r hba.Result) Answer {
	out := s.met(a, session, r.Candidates[0])
	others := r.Candidates[1:]
	if r.Implicit {
		others = append(slices.Clone(others), nil)
	}
	for _, other := range others {
		o := s.met(a, session, other)
		if o.Outcome != out.Outcome || o.SQLState != out.SQLState || o.Message != out.Message {
			return Answer{Outcome: Unknown, Reason: hba.Undecidable, Candidates: r.Candidates}
		}
	}
	out.Record, out.Mapping, out.Candidates = nil, nil, r.Candidates
	return out
}

// Meet answers an attempt of which it is known which record decides; nil: that none
// does.
func Meet(s *Server, a Attempt, r *hba.Record) Answer {
	session, out, done := s.startup(a)
	if done {
		return out
	}
	return s.met(a, session, r)
}

func (s *Server) met(a Attempt, session hba.Session, r *hba.Record) Answer {
	if r == nil {
		return Answer{Outcome: NoEntry, Reason: hba.NoRecord, SQLState: invalidAuthorization,
			Message: s.refusal("no pg_hba.conf entry for", "no pg_hba.conf entry for replication connection from", a, session)}
	}
	out := s.authenticate(a, session, r)
	out.Record = r
	return out
}

func (s *Server) find(session *hba.Session) hba.Result {
	if s.Index != nil {
		return s.Index.Decide(session)
	}
	return hba.Decide(s.HBA, *session)
}

// encryption is what comes before the startup packet.
func (s *Server) encryption(a Attempt) (Answer, bool) {
	switch {
	case a.GSS && (a.Local || !s.GSSAPI):
		return Answer{Outcome: Error, Reason: GSSRefused}, true
	case a.TLS && (a.Local || !s.SSL):
		return Answer{Outcome: SSLRefused, Reason: EncryptionRefused}, true
	case a.TLS && s.ClientCA && a.Cert != nil && (!a.Cert.Trusted || strings.Contains(a.Cert.CommonName+a.Cert.DN, "\x00")):
		return Answer{Outcome: TLSFail, Reason: CertificateInvalid}, true
	}
	return Answer{}, false
}

// startup reads the startup packet (backend_startup.c ProcessStartupPacket).
func (s *Server) startup(a Attempt) (hba.Session, Answer, bool) {
	session := hba.Session{Local: a.Local, TLS: a.TLS, GSS: a.GSS && !a.TLS, Client: a.Client, Member: s.member()}
	physical, ok := walsender(a.Replication)
	switch {
	case !ok:
		value, _, _ := strings.Cut(*a.Replication, "\x00")
		return session, Answer{Outcome: Error, Reason: BadReplication, SQLState: "22023",
			Message: `invalid value for parameter "replication": "` + value + `"`}, true
	case strings.Contains(a.User+a.Database, "\x00"): // which ends a text of the packet
		return session, Answer{Outcome: Error, Reason: BadPacket, SQLState: "08P01",
			Message: "invalid startup packet layout: expected terminator as last byte"}, true
	case a.User == "":
		return session, Answer{Outcome: Error, Reason: NoUser, SQLState: invalidAuthorization,
			Message: "no PostgreSQL user name specified in startup packet"}, true
	}
	session.User = hba.Named(a.User)
	if s.Roles != nil {
		session.Groups = s.Roles.Groups(session.User.String())
	}
	session.Replication = physical
	session.Database = hba.Named(cmp.Or(a.Database, a.User))
	return session, Answer{}, false
}

// walsender reads the parameter replication: a boolean asks for physical replication
// or none, "database" for a session of the database that also replicates.
func walsender(value *string) (physical, ok bool) {
	if value == nil || *value == "database" {
		return false, true
	}
	return parseBool(*value)
}

// parseBool takes what the server takes for a boolean: any beginning of a word that
// is not the beginning of another, in any case (bool.c parse_bool_with_len).
func parseBool(text string) (value, ok bool) {
	text = strings.ToLower(text)
	for _, w := range []struct {
		word  string
		least int
		value bool
	}{{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false}, {"on", 2, true}, {"off", 2, false}, {"1", 1, true}, {"0", 1, false}} {
		if len(text) >= w.least && strings.HasPrefix(w.word, text) {
			return w.value, true
		}
	}
	return false, false
}

// member answers +role by the server's roles.
func (s *Server) member() func(name, group string) hba.Match {
	if s.Roles == nil {
		return nil
	}
	return func(name, group string) hba.Match {
		if s.Roles.Member(name, group) {
			return hba.Yes
		}
		return hba.No
	}
}

// refusal words an error about the connection (auth.c ClientAuthentication). 13
// takes logical replication for replication here, too.
func (s *Server) refusal(what, whatReplication string, a Attempt, session hba.Session) string {
	host := a.Host
	if a.Local {
		host = "[local]"
	}
	replication := session.Replication || s.old() && a.Replication != nil && *a.Replication == "database"
	if replication {
		return whatReplication + ` host "` + host + `", user "` + session.User.String() + `", ` + s.encrypted(session)
	}
	return what + ` host "` + host + `", user "` + session.User.String() + `", database "` + session.Database.String() + `", ` + s.encrypted(session)
}

func (s *Server) old() bool { return s.Version == 13 }

func (s *Server) encrypted(session hba.Session) string {
	switch {
	case s.old() && session.TLS:
		return "SSL on"
	case s.old():
		return "SSL off"
	case session.GSS:
		return "GSS encryption"
	case session.TLS:
		return "SSL encryption"
	}
	return "no encryption"
}
