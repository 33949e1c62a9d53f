package hba

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// SSLModes are the values of client_tls_sslmode and server_tls_sslmode (PgBouncer manual).
var SSLModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// UnderTLSMode adds what client_tls_sslmode asks of every client over TCP before the
// file is read: from require on TLS, from verify-ca on a certificate of the CA too
// (PgBouncer manual, client_tls_sslmode). It has the form of a record before all
// others, on line zero and with this origin, and of the option clientcert. Unix
// sockets are never asked.
//
// Modes that ask nothing, and words that are none, leave the file as it is. What
// disable refuses, clients that insist on TLS, no file can say.
func (f File) UnderTLSMode(mode string, origin verdict.Origin) File {
	verified := mode == "verify-ca" || mode == "verify-full"
	if !verified && mode != "require" {
		return f
	}
	all := Token{Text: "all"}
	records := []Record{{
		Raw: "hostnossl all,replication all all reject", Type: HostNoSSL, Method: "reject", Origin: origin,
		Databases: []Token{all, {Text: "replication"}}, Users: []Token{all}, Address: Address{Kind: AnyAddress},
	}}
	for _, r := range f.Records {
		if verified && r.Type != Local {
			r.Options = append(slices.Clone(r.Options), Option{"clientcert", "verify-ca"})
		}
		records = append(records, r)
	}
	f.Records = records
	return f
}

// authTypes are the values of auth_type that say one method for everybody, and the
// word for it in a file.
var authTypes = map[string]string{"md5": "md5", "scram-sha-256": "scram-sha-256", "plain": "password", "trust": "trust", "any": "trust",
	"cert": "cert", "pam": "pam", "ldap": "ldap"}

// PgBouncerAuthType is what a PgBouncer of this release asks of clients where its
// auth_type is not hba, in the form of a file with the one origin: everybody is asked
// the same, in every database. Any other value, and hba, is a file of which nothing is
// known.
func PgBouncerAuthType(authType, release string, origin verdict.Origin) File {
	f := File{Dialect: PgBouncer, Version: likePgBouncer}
	method, known := authTypes[authType]
	if !known {
		f.Errors = []Error{{Message: fmt.Sprintf("what PgBouncer asks with auth_type = %s is not known", authType),
			Origin: origin, Missing: true}}
		return f
	}
	types := []Type{Local, Host}
	if method == "cert" { // without TLS nobody has a certificate to show
		types = []Type{HostSSL}
	}
	for _, t := range types {
		r := Record{Type: t, Databases: []Token{{Text: "all"}}, Users: []Token{{Text: "all"}},
			Address: Address{Kind: AnyAddress}, Method: method, Origin: origin, Raw: "auth_type = " + authType}
		f.Records = append(f.Records, r)
		r.Databases = []Token{{Text: "replication"}}
		switch releaseOf(release).since(replicationSince) {
		case Unsure:
			r.Maybe = releaseSettles
			f.Records = append(f.Records, r)
		case Yes:
			f.Records = append(f.Records, r)
		}
	}
	return f
}
