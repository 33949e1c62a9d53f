package tlsrules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// TLS1009 finds roles with a certificate of their own that opens nothing.
var TLS1009 = &audit.Rule{
	ID:       "TLS1009",
	Title:    "a client certificate that no line of pg_hba.conf asks for",
	Severity: audit.Medium,
	Why: `With spec.clientCertificate CloudNativePG issues a role a certificate, and that is all: a
line of pg_hba.conf has to take it. Without one the role logs in by its password, or not
at all, and the certificate says nothing. Where the Secret of the client CA has no key,
none is issued in the first place.`,
	Setting: roleWithCertificate,
	Bad:     cluster("  postgresql: {pg_hba: [\"hostssl ledger app 10.0.0.0/8 scram-sha-256\"]}\n"),
	Good:    cluster("  postgresql: {pg_hba: [\"hostssl ledger app 10.0.0.0/8 cert\"]}\n"),
	Needs:   []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(s *snapshot.Server) {
			for _, c := range s.TLS.Certificates {
				if !slices.Contains([]string{useServer, useServerCA, useClientCA, useReplication, usePooler}, c.Use) {
					promised(p, s, c)
				}
			}
		})
	},
}

const roleWithCertificate = `apiVersion: postgresql.cnpg.io/v1
kind: DatabaseRole
metadata: {name: app, namespace: payments}
spec:
  cluster: {name: ledger}
  name: app
  login: true
  clientCertificate: {}
`

// promised reports a role's certificate that is not issued, or not asked for.
func promised(p *audit.Pass, s *snapshot.Server, c snapshot.Certificate) {
	out := audit.Finding{Subject: s.Ref(), Origin: c.Origin, Certain: true}
	ca, known := certificate(s, useClientCA)
	if known && ca.CanSign == verdict.Deny {
		out.Message = fmt.Sprintf("role %s gets no certificate: Secret %s of the client CA has no ca.key to sign it with", c.Use, ca.Secret)
		out.Fix = "issue the certificate where the CA's key is, and leave spec.clientCertificate out"
		p.Report(out)
		return
	}
	asked := asksFor(s, c.Use)
	if asked == hba.Yes {
		return
	}
	out.Certain = asked == hba.No && len(s.HBA.Errors) == 0
	out.Message = fmt.Sprintf("no line of pg_hba.conf of %s asks role %s for its certificate: the one in Secret %s opens nothing", s.Ref(), c.Use, c.Secret)
	out.Fix = fmt.Sprintf("write a line for it in the Cluster:\nspec:\n  postgresql:\n    pg_hba:\n      - hostssl <database> %s <addresses> cert", c.Use)
	p.Report(out)
}

// asksFor says whether some line asks the role for a certificate.
func asksFor(s *snapshot.Server, role string) hba.Match {
	session := &hba.Session{TLS: true, User: hba.Named(role)}
	out := hba.No
	for i := range s.HBA.Records {
		r := &s.HBA.Records[i]
		if r.Method == "reject" || r.ClientCert() == hba.NoClientCert {
			continue
		}
		switch r.MatchUsers(session) {
		case hba.Yes:
			return hba.Yes
		case hba.Unsure:
			out = hba.Unsure
		case hba.No:
		}
	}
	return out
}
