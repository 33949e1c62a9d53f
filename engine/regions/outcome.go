package regions

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
)

// Kind is what a client can tell of an outcome.
type Kind string

// The kinds. Those that PostgreSQL has a method for are named like it; Cleartext
// is password, ldap, pam, radius and bsd, which a client cannot tell apart.
const (
	NoEntry             Kind = "no entry"
	Reject              Kind = "reject"
	CertificateRequired Kind = "certificate required"
	CertificateRefused  Kind = "certificate refused" // valid, but not of this user; told when the method is through
	Trust               Kind = "trust"
	SCRAM               Kind = "scram-sha-256"
	MD5                 Kind = "md5"
	Cleartext           Kind = "password"
	GSSAPI              Kind = "gss"
	SSPI                Kind = "sspi"
	Cert                Kind = "cert"
	Peer                Kind = "peer"
	Ident               Kind = "ident"
	OAuth               Kind = "oauth"
)

// Refuses reports whether nobody gets in, whatever the client sends.
func (k Kind) Refuses() bool {
	return k == NoEntry || k == Reject || k == CertificateRequired || k == CertificateRefused
}

func kindOf(method string) Kind {
	switch method {
	case "ldap", "pam", "radius", "bsd":
		return Cleartext
	}
	return Kind(method)
}

// Certificates is a set of kinds of client certificates. One that the server's CA
// did not sign ends the TLS handshake before any record.
type Certificates uint8

// The kinds. OfUser and OfOther are valid ones whose name is, by the record's
// clientname and map, the user's or not. OfUserByOld and OfUserByNew are the user's
// by the one record only, and exist where the two read names differently.
const (
	NoCertificate Certificates = 1 << iota
	OfUser
	OfOther
	OfUserByOld
	OfUserByNew

	AnyCertificate = NoCertificate | OfUser | OfOther | OfUserByOld | OfUserByNew
)

// holder is one kind of certificate as the two records see it.
type holder struct {
	kind         Certificates
	has          bool
	byOld, byNew bool
}

// The first three are all where both records read names alike.
var holders = []holder{
	{kind: NoCertificate},
	{kind: OfUser, has: true, byOld: true, byNew: true},
	{kind: OfOther, has: true},
	{kind: OfUserByOld, has: true, byOld: true},
	{kind: OfUserByNew, has: true, byNew: true},
}

// An action is what a record does with an attempt that it decides.
type action struct {
	method  string
	cert    hba.ClientCert
	naming  string // how a certificate's name becomes a user
	options string
}

// noEntry is the action of no record.
var noEntry = &action{method: string(NoEntry)}

func (p *program) action(r *hba.Record) int32 {
	a := &action{method: r.Method, cert: r.ClientCert(), options: canonical(r.Options)}
	if a.cert == hba.VerifyFull {
		name, ok := r.Option("clientname")
		if !ok {
			name = "CN"
		}
		a.naming = name + " " + r.Map() // auth.c CheckCertAuth asks the record's map, whatever its method
	}
	if a.method == "cert" {
		a.options = "" // the map is part of naming
	}
	id := strings.Join([]string{a.method, a.cert.String(), a.naming, a.options}, "\x00")
	return p.actions.id(id, func() *action { return a })
}

// defaults are options that change nothing.
var defaults = map[string]string{
	"include_realm": "1", "compat_realm": "1", "krb_realm": "", "map": "", "pamservice": "postgresql",
	"pam_use_hostname": "0", "ldaptls": "0", "upn_username": "0", "delegate_ident_mapping": "0",
}

var switches = []string{"include_realm", "compat_realm", "pam_use_hostname", "ldaptls", "upn_username", "delegate_ident_mapping"}

// canonical writes the options that change authentication, sorted; of duplicates
// the later one wins, and a switch is on by "1" only.
func canonical(options []hba.Option) string {
	values := map[string]string{}
	for _, o := range options {
		if slices.Contains(switches, o.Name) && o.Value != "1" {
			o.Value = "0"
		}
		values[o.Name] = o.Value
	}
	var out []string
	for name, value := range values {
		if d, ok := defaults[name]; (!ok || d != value) && name != "clientcert" && name != "clientname" {
			out = append(out, name+"="+value)
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\x00")
}

// An effect is an action for one kind of certificate. Equal effects are the same
// to client and server; equal terms let the same attempts in.
type effect struct {
	kind    Kind
	running string // the method that asks for credentials, with its options
}

func (a *action) effect(has, named bool) effect {
	method := a.method + "\x00" + a.options
	switch {
	case a.cert != hba.NoClientCert && !has:
		return effect{kind: CertificateRequired} // asked before the method, also on reject
	case a.method == "reject" || a == noEntry:
		return effect{kind: Kind(a.method)}
	case a.cert == hba.VerifyFull && !named:
		return effect{CertificateRefused, method}
	}
	return effect{kindOf(a.method), method}
}

// terms are what has to be shown to get in.
func (e effect) terms() string {
	switch {
	case e.kind.Refuses():
		return "refused"
	case e.kind == Trust || e.kind == Cert: // whose certificate has been looked at
		return "as is"
	}
	return e.running
}
