package tlsrules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// TLS1002 finds private keys of CAs that others than the operator read. How bad it is
// depends on who logs in with nothing but a certificate.
var TLS1002 = &audit.Rule{
	ID:       "TLS1002",
	Title:    "who reads the CA's key makes certificates for any role",
	Severity: audit.Low,
	Why: `CloudNativePG keeps the key of its CA beside the certificate, and grants the Secret to
the ServiceAccounts of instances and poolers, since Kubernetes grants Secrets whole.
Code that runs in one of them signs a certificate for any role that a line of
pg_hba.conf takes one of: at least streaming_replica, which copies every database. No
list of revoked certificates undoes it.`,
	Setting: `apiVersion: v1
kind: Secret
metadata: {name: ledger-clients, namespace: payments}
stringData: {ca.crt: ""}
`,
	Bad: cluster(`  postgresql:
    pg_hba:
      - hostssl ledger app 10.0.0.0/8 cert
`),
	Good: cluster(`  certificates:
    clientCASecret: ledger-clients
    replicationTLSSecret: ledger-replica
    serverCASecret: ledger-clients
    serverTLSSecret: ledger-tls
  postgresql:
    pg_hba:
      - hostssl ledger app 10.0.0.0/8 cert
`),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(s *snapshot.Server) {
			for _, d := range files(s.TLS.Certificates) {
				if d.CanSign != verdict.Deny && len(d.Readers) > 0 && (slices.Contains(d.uses, useClientCA) || slices.Contains(d.uses, useServerCA)) {
					p.Report(signs(s, d))
				}
			}
		})
	},
}

func signs(s *snapshot.Server, d dated) audit.Finding {
	out := audit.Finding{Subject: s.Ref(), Certain: d.CanSign == verdict.Allow, Origin: d.Origin}
	holds := "holds the private key of its CA"
	if !out.Certain {
		holds = "may hold the private key of its CA, which was not read"
	}
	who := fmt.Sprintf("Secret %s %s, and is read by %s", d.Secret, holds, words.List(d.Readers))
	if !slices.Contains(d.uses, useClientCA) {
		out.Message = who + ": code that runs there makes a certificate with which another host passes for the server"
		out.Fix = "take ca.key out of the Secret, and bring the server's certificate too:" + bring("serverCASecret", "serverTLSSecret")
		return out
	}
	line, severity := worstCertLine(s)
	out.Severity = severity
	out.Message = who + ": code that runs there makes certificates for every role that logs in with one"
	if line != nil {
		out.Message += ", by " + words.Quoted(line) + " too"
		out.Also = append(out.Also, line.Origin)
	}
	out.Fix = "bring a CA whose key stays outside the cluster, with the certificates that it signs; a Pooler then needs authQuerySecret or serverTLSSecret of its own:" +
		bring("clientCASecret", "replicationTLSSecret")
	return out
}

// bring are the lines that name two Secrets of one's own.
func bring(ca, leaf string) string {
	return fmt.Sprintf("\nspec:\n  certificates:\n    %s: <Secret with ca.crt and no ca.key>\n    %s: <Secret of type kubernetes.io/tls>", ca, leaf)
}

// worstCertLine returns the line of a person's that a certificate alone is enough for,
// one that superusers come through before others, with what that makes of the finding.
func worstCertLine(s *snapshot.Server) (*hba.Record, audit.Severity) {
	var worst *hba.Record
	for i := range s.HBA.Records {
		r := &s.HBA.Records[i]
		if !words.Written(r) || !byCertificate(r) {
			continue
		}
		if admitsSuperuser(s, r) {
			return r, audit.High
		}
		if worst == nil {
			worst = r
		}
	}
	if worst == nil {
		return nil, audit.NoSeverity
	}
	return worst, audit.Medium
}

// byCertificate reports whether a record asks for a certificate and nothing else.
func byCertificate(r *hba.Record) bool {
	return r.Method == "cert" || r.Method == "trust" && r.ClientCert() != hba.NoClientCert
}

func admitsSuperuser(s *snapshot.Server, r *hba.Record) bool {
	return slices.ContainsFunc(s.Roles, func(role snapshot.Role) bool {
		return role.Superuser && r.MatchUsers(&hba.Session{User: hba.Named(role.Name)}) == hba.Yes
	})
}
