package tlsrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// TLS1007 finds lines that ask for certificates which the server cannot check. Lines that
// no session with TLS comes to are TLS1008's and HBA1010's.
var TLS1007 = &audit.Rule{
	ID:       "TLS1007",
	Title:    "a line asks for client certificates, and the server has no CA for them",
	Severity: audit.High,
	Why: `To check a client's certificate the server needs ssl_ca_file. Without it PostgreSQL
loads a line with method cert or clientcert all the same, and refuses every session
that comes to it: "client certificates can only be checked if a root certificate store
is available". StackGres never sets the parameter, Zalando only with spec.tls.caFile.`,
	Bad:   postgresql("      - hostssl all app 10.0.0.0/8 cert\n", "{secretName: db-tls}"),
	Good:  postgresql("      - hostssl all app 10.0.0.0/8 cert\n", "{secretName: db-tls, caFile: ca.crt}"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(s *snapshot.Server) {
			if s.TLS.ClientCA == verdict.Allow || s.TLS.Enabled == verdict.Deny || terminates(s) {
				return
			}
			for i := range s.HBA.Records {
				if r := &s.HBA.Records[i]; words.Written(r) && r.ClientCert() != hba.NoClientCert {
					p.Report(unchecked(s, r))
				}
			}
		})
	},
}

func unchecked(s *snapshot.Server, r *hba.Record) audit.Finding {
	out := audit.Finding{Subject: s.Ref(), Origin: r.Origin, Certain: s.TLS.ClientCA == verdict.Deny,
		Message: fmt.Sprintf("%s of %s asks for a client certificate, and the server has no CA to check one: it refuses every session of the line", words.Quoted(r), s.Ref()),
		Fix:     clientCA[s.Operator]}
	if !out.Certain {
		out.Message = fmt.Sprintf("%s of %s asks for a client certificate, and whether the server has a CA to check one is not known", words.Quoted(r), s.Ref())
	}
	if out.Fix == "" {
		out.Fix = "set ssl_ca_file to a file with the CA, or write scram-sha-256"
	}
	return out
}

// clientCA is how each operator gives the server a CA of client certificates.
var clientCA = map[string]string{
	snapshot.StackGres: "write scram-sha-256; or mount a CA into the pods, and name it in the SGPostgresConfig:\nspec:\n  postgresql.conf:\n    ssl_ca_file: <path>",
	snapshot.Zalando:   "name the file in the Secret that has the CA of client certificates:\nspec:\n  tls:\n    secretName: <Secret>\n    caFile: ca.crt",
}

// terminates reports whether TLS ends before PostgreSQL on every way to it.
func terminates(s *snapshot.Server) bool {
	some := false
	for _, port := range s.Ports {
		if port.Maybe != "" || port.Pooler == nil && !port.Terminates {
			return false
		}
		some = some || port.Terminates
	}
	return some
}
