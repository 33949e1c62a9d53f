package login

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/role"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// authenticate runs the method of the record that was chosen. A certificate is asked
// for first, even before a reject, and its name is looked at last (auth.c
// ClientAuthentication).
func (s *Server) authenticate(a Attempt, session hba.Session, r *hba.Record) Answer {
	demand := r.ClientCert()
	switch {
	case demand == hba.NoClientCert:
	case !s.ClientCA:
		return Answer{Outcome: NoRootStore, Reason: NoCA, SQLState: "F0000",
			Message: "client certificates can only be checked if a root certificate store is available"}
	case a.Cert == nil:
		return Answer{Outcome: CertRequired, Reason: NoCertificate, SQLState: invalidAuthorization,
			Message: "connection requires a valid client certificate"}
	}
	out := s.method(a, session, r)
	done := out.Outcome == Trust || out.Outcome == IdentOK || out.Outcome == CertOK
	if done && demand == hba.VerifyFull {
		return s.certificate(out, a, session, r)
	}
	return out
}

// method is the first answer of a method.
func (s *Server) method(a Attempt, session hba.Session, r *hba.Record) Answer {
	out := Answer{Reason: hba.Matched}
	switch r.Method {
	case "trust":
		out.Outcome = Trust
	case "cert":
		out.Outcome = CertOK
	case "reject":
		return Answer{Outcome: Reject, Reason: hba.Rejected, SQLState: invalidAuthorization,
			Message: s.refusal("pg_hba.conf rejects connection for", "pg_hba.conf rejects replication connection for", a, session)}
	case "scram-sha-256":
		out.Outcome = SCRAM
	case "md5":
		return s.md5(session)
	case "password", "pam", "radius", "bsd":
		out.Outcome = Password
	case "ldap":
		return s.ldap(session, r)
	case "gss", "sspi":
		return s.gss(session)
	case "oauth":
		out.Outcome = OAuth
	case "peer":
		return s.peer(a, session, r)
	case "ident":
		return s.ident(a, session, r)
	}
	return out
}

// md5 asks a role with a SCRAM secret for SCRAM; one without a secret gets what
// password_encryption says, not to be told apart (auth.c CheckPWChallengeAuth).
func (s *Server) md5(session hba.Session) Answer {
	if s.Roles == nil {
		return Answer{Outcome: Unknown, Reason: UnknownSecret}
	}
	who, _ := s.Roles.Lookup(session.User.String())
	asksMD5 := who.Secret == role.MD5
	if who.Secret == role.NoSecret || who.Expired {
		asksMD5 = s.MD5
	}
	if asksMD5 {
		return Answer{Outcome: MD5, Reason: hba.Matched}
	}
	return Answer{Outcome: SCRAM, Reason: hba.Matched}
}

// ldap fails before it asks where there is no server to ask, and none to look for by
// the base DN (auth.c InitializeLDAPConnection).
func (s *Server) ldap(session hba.Session, r *hba.Record) Answer {
	if !r.FindsLDAPServer() {
		return failed(Error, NoLDAPServer, "LDAP", session)
	}
	return Answer{Outcome: Password, Reason: hba.Matched}
}

// gss knows who the client is where the connection is encrypted with GSSAPI; an
// attempt does not say.
func (s *Server) gss(session hba.Session) Answer {
	if session.GSS {
		return Answer{Outcome: Unknown, Reason: UnknownPrincipal}
	}
	return Answer{Outcome: GSS, Reason: hba.Matched}
}

func (s *Server) peer(a Attempt, session hba.Session, r *hba.Record) Answer {
	switch {
	case a.OSUserUnknown:
		return Answer{Outcome: Unknown, Reason: UnknownOSUser}
	case a.OSUser == "":
		return failed(PeerFail, NoOSUser, "Peer", session)
	}
	return s.mapped(Answer{Outcome: PeerOK, Reason: hba.Matched}, failed(PeerFail, NameMismatch, "Peer", session), a.OSUser, session, r)
}

func (s *Server) ident(a Attempt, session hba.Session, r *hba.Record) Answer {
	a.IdentUser = identName(a.IdentUser)
	if a.IdentUser == "" {
		return failed(IdentFail, NoIdentServer, "Ident", session)
	}
	return s.mapped(Answer{Outcome: IdentOK, Reason: hba.Matched}, failed(IdentFail, NameMismatch, "Ident", session), a.IdentUser, session, r)
}

// identName is what the server reads of the name that an ident server gives: blanks
// before it are skipped, and it ends with the line (auth.c interpret_ident_response).
func identName(text string) string {
	text = strings.TrimLeft(text, " \t")
	line, _, _ := strings.Cut(text, "\r")
	return line[:min(len(line), maxIdentName)]
}

// maxIdentName is IDENT_USERNAME_MAX.
const maxIdentName = 512

// methodNames begin the message of a failure (auth.c auth_failed).
var methodNames = map[string]string{"trust": `"trust"`, "ident": "Ident", "peer": "Peer", "cert": "certificate"}

// certificate asks whether the certificate's name may log in as the role.
func (s *Server) certificate(ok Answer, a Attempt, session hba.Session, r *hba.Record) Answer {
	name := a.Cert.CommonName
	if r.ByDN() {
		name = a.Cert.DN
	}
	fail := failed(CertFail, NameMismatch, methodNames[r.Method], session)
	if name == "" {
		return fail
	}
	return s.mapped(ok, fail, name, session, r)
}

// NotMapped is the answer to a client whose identity may not log in as the role.
func NotMapped(method, role string) Answer {
	outcome := map[string]Outcome{"peer": PeerFail, "ident": IdentFail}[method]
	if outcome == Unknown {
		outcome = CertFail
	}
	name, ok := methodNames[method]
	if !ok { // asked only when the method is through
		return Answer{}
	}
	return failed(outcome, NameMismatch, name, hba.Session{User: hba.Named(role)})
}

func failed(o Outcome, reason verdict.Reason, method string, session hba.Session) Answer {
	return Answer{Outcome: o, Reason: reason, SQLState: invalidAuthorization,
		Message: method + ` authentication failed for user "` + session.User.String() + `"`}
}

// mapped asks pg_ident.conf whether the identity may log in as the role.
func (s *Server) mapped(ok, fail Answer, system string, session hba.Session, r *hba.Record) Answer {
	if s.MapsUnknown && r.Map() != "" {
		return Answer{Outcome: Unknown, Reason: UnknownMap}
	}
	maps := s.Maps
	missing := slices.ContainsFunc(maps.Errors, func(e hba.Error) bool { return e.Missing })
	if len(maps.Errors) > 0 && !missing { // read at start, it leaves no maps
		maps = ident.File{Version: maps.Version}
	}
	m := ident.Map(maps, r.Map(), system, session.User, session.Member)
	switch m.Match {
	case hba.Yes:
		ok.Mapping = m.Mapping
		return ok
	case hba.No:
		fail.Mapping = m.Mapping
		return fail
	}
	return Answer{Outcome: Unknown, Reason: UnknownMap, Mapping: m.Mapping}
}
