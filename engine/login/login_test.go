package login_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/pgmoat/pgmoat/engine/login"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/role"
)

// server makes one of a version with a file, and with roles of every kind of secret.
func server(version int, text string) *login.Server {
	roles := role.New(role.Role{Name: "app", Secret: role.SCRAM}, role.Role{Name: "old", Secret: role.MD5},
		role.Role{Name: "gone", Secret: role.MD5, Expired: true}, role.Role{Name: "none"}, role.Role{Name: "dev"})
	roles.Grant("dev", "app")
	return &login.Server{Version: version, SSL: true, ClientCA: true, GSSAPI: true, MD5: version == 13, Roles: roles.Close(),
		HBA:  hba.Parse([]hba.Source{{Text: text}}, version),
		Maps: ident.Parse([]hba.Source{{Text: "m bob app\nm /^(.*)@x$ \\1"}}, version)}
}

// from makes an attempt of app on shop over TCP.
func from(change func(*login.Attempt)) login.Attempt {
	a := login.Attempt{User: "app", Database: "shop", Host: "10.1.2.3", Client: hba.ClientAt(netip.MustParseAddr("10.1.2.3"))}
	change(&a)
	return a
}

func as(user string) login.Attempt { return from(func(a *login.Attempt) { a.User = user }) }

func tls(cn string) login.Attempt {
	return from(func(a *login.Attempt) {
		a.TLS = true
		if cn != "" {
			a.Cert = &login.Certificate{CommonName: cn, DN: "CN=" + cn + ",O=Acme", Trusted: cn != "forged"}
		}
	})
}

func local(os string) login.Attempt {
	return from(func(a *login.Attempt) { a.Local, a.OSUser = true, os })
}

func replicating(value string) login.Attempt {
	return from(func(a *login.Attempt) { a.Replication = &value })
}

// Each case is a sentence of what was observed on servers: outcome, SQLSTATE, message.
func TestDecide(t *testing.T) {
	for _, c := range []struct {
		sentence string
		version  int
		file     string
		attempt  login.Attempt
		want     string
	}{
		{"trust", 18, "host all all all trust", as("nobody"), "trust"},
		{"reject", 18, "host all all all reject", as("app"), `reject 28000 pg_hba.conf rejects connection for host "10.1.2.3", user "app", database "shop", no encryption`},
		{"no line", 18, "local all all trust", tls(""), `no-entry 28000 no pg_hba.conf entry for host "10.1.2.3", user "app", database "shop", SSL encryption`},
		{"13 has other words", 13, "local all all trust", tls(""), `no-entry 28000 no pg_hba.conf entry for host "10.1.2.3", user "app", database "shop", SSL on`},
		{"over a socket", 18, "host all all all trust", local("x"), `no-entry 28000 no pg_hba.conf entry for host "[local]", user "app", database "shop", no encryption`},
		{"physical replication", 18, "host all all all trust", replicating("On"), `no-entry 28000 no pg_hba.conf entry for replication connection from host "10.1.2.3", user "app", no encryption`},
		{"logical replication is of a database", 18, "host all all all trust", replicating("database"), "trust"},
		{"13: but not in its words", 13, "host all all all reject", replicating("database"), `reject 28000 pg_hba.conf rejects replication connection for host "10.1.2.3", user "app", SSL off`},
		{"a value that is neither", 18, "host all all all trust", replicating("DATABASE"), `error 22023 invalid value for parameter "replication": "DATABASE"`},
		{"an ambiguous one", 18, "host all all all trust", replicating("o"), `error 22023 invalid value for parameter "replication": "o"`},
		{"false", 18, "host all all all trust", replicating("f"), "trust"},
		{"no user", 18, "host all all all trust", as(""), "error 28000 no PostgreSQL user name specified in startup packet"},

		{"scram for everybody", 18, "host all all all scram-sha-256", as("old"), "scram"},
		{"md5 with a SCRAM secret", 18, "host all all all md5", as("app"), "scram"},
		{"md5 with an MD5 secret", 18, "host all all all md5", as("old"), "md5"},
		{"md5 without a secret: as password_encryption", 18, "host all all all md5", as("none"), "scram"},
		{"which is md5 in 13", 13, "host all all all md5", as("nobody"), "md5"},
		{"an expired one is none", 18, "host all all all md5", as("gone"), "scram"},
		{"cleartext", 18, "host all all all password", as("app"), "password"},
		{"ldap", 18, "host all all all ldap ldapserver=x ldapprefix=c", as("app"), "password"},
		{"ldap without a server", 18, "host all all all ldap ldapprefix=c", as("app"), `error 28000 LDAP authentication failed for user "app"`},
		{"gss", 18, "host all all all gss", as("app"), "gss"},
		{"oauth", 18, "host all all all oauth issuer=i scope=s", as("app"), "oauth"},

		{"TLS where there is none", 18, "host all all all trust", from(func(a *login.Attempt) { a.Local, a.TLS = true, true }), "ssl-refused"},
		{"a certificate of nobody's ends the handshake", 18, "host all all all trust", tls("forged"), "tls-fail"},
		{"cert", 18, "hostssl all all all cert", tls("app"), "cert-ok"},
		{"cert of somebody else", 18, "hostssl all all all cert", tls("bob"), `cert-fail 28000 certificate authentication failed for user "app"`},
		{"cert by a map", 18, "hostssl all all all cert map=m", tls("bob"), "cert-ok"},
		{"cert by an expression", 18, "hostssl all all all cert map=m", tls("app@x"), "cert-ok"},
		{"cert by DN", 18, "hostssl all all all cert clientname=DN", tls("app"), `cert-fail 28000 certificate authentication failed for user "app"`},
		{"cert without one", 18, "hostssl all all all cert", tls(""), "cert-required 28000 connection requires a valid client certificate"},
		{"a certificate is asked for before a reject", 18, "hostssl all all all reject clientcert=verify-ca", tls(""), "cert-required 28000 connection requires a valid client certificate"},
		{"verify-full looks at the name when the method is through", 18, "hostssl all all all trust clientcert=verify-full", tls("bob"), `cert-fail 28000 "trust" authentication failed for user "app"`},
		{"and after the password", 18, "hostssl all all all scram-sha-256 clientcert=verify-full", tls("bob"), "scram"},
		{"verify-ca does not look", 18, "hostssl all all all trust clientcert=verify-ca", tls("bob"), "trust"},

		{"peer", 18, "local all all peer", local("app"), "peer-ok"},
		{"peer of another", 18, "local all all peer", local("bob"), `peer-fail 28000 Peer authentication failed for user "app"`},
		{"peer by a map", 18, "local all all peer map=m", local("bob"), "peer-ok"},
		{"a map that is not there", 18, "local all all peer map=none", local("app"), `peer-fail 28000 Peer authentication failed for user "app"`},
		{"ident without a server", 18, "host all all all ident", as("app"), `ident-fail 28000 Ident authentication failed for user "app"`},
		{"ident", 18, "host all all all ident", from(func(a *login.Attempt) { a.IdentUser = "app" }), "ident-ok"},

		{"a member", 18, "host all +dev all trust", as("app"), "trust"},
		{"the first that matches decides", 18, "host all +dev all reject\nhost all all all trust", as("old"), "trust"},
		{"a file that is not loaded", 18, "host all all all", as("app"), "error"},
	} {
		got := login.Decide(server(c.version, c.file), c.attempt)
		text := got.Outcome.String()
		if got.SQLState != "" {
			text = fmt.Sprintf("%s %s %s", text, got.SQLState, got.Message)
		}
		if text != c.want {
			t.Errorf("%s: %d %s\ngot  %s\nwant %s", c.sentence, c.version, c.file, text, c.want)
		}
	}
}

func TestWhatIsNotThereRefuses(t *testing.T) {
	s := server(18, "hostssl all all all cert")
	s.ClientCA = false
	if got := login.Decide(s, tls("app")); got.Outcome != login.NoRootStore || got.SQLState != "F0000" {
		t.Errorf("%+v", got)
	}
	s.SSL = false
	if got := login.Decide(s, tls("app")); got.Outcome != login.SSLRefused {
		t.Errorf("%+v", got)
	}
}

// The zero value never opens the door, and what is not known is not guessed.
func TestDoubt(t *testing.T) {
	if got := login.Decide(&login.Server{}, as("app")); got.Outcome.Admits() {
		t.Errorf("a server of nothing: %s", got.Outcome)
	}
	for text, want := range map[string]login.Outcome{
		"host all +dev all reject\nhost all all all trust":           login.Unknown,
		"host all +dev all trust\nhost all all all trust":            login.Trust,
		"host all all db.example.com reject\nhost all all all trust": login.Unknown,
		"host all all all md5":                                       login.Unknown,
		"host all all all scram-sha-256":                             login.SCRAM,
	} {
		s := server(18, text)
		s.Roles = nil
		if got := login.Decide(s, as("app")); got.Outcome != want {
			t.Errorf("%q: %s", text, got.Outcome)
		}
	}
	s := server(18, "local all all peer map=m")
	s.MapsUnknown = true
	if got := login.Decide(s, local("app")); got.Outcome != login.Unknown || got.Reason != login.UnknownMap {
		t.Errorf("%+v", got)
	}
}

// Decide by the index is Decide.
func TestIndex(t *testing.T) {
	s := server(18, "host all +dev 10.0.0.0/8 md5\nhost all old all reject\nhostssl all all all cert")
	for _, a := range []login.Attempt{as("app"), as("old"), as("none"), tls("none"), replicating("1")} {
		s.Index = nil
		want := login.Decide(s, a)
		s.Index = hba.NewIndex(s.HBA)
		if got := login.Decide(s, a); got.Record != want.Record || got.Outcome != want.Outcome || got.Message != want.Message {
			t.Errorf("%+v: %+v, not %+v", a, got, want)
		}
	}
}
