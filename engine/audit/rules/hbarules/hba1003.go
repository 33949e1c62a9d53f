package hbarules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// HBA1003 finds files that let a session without TLS in from the network: one
// finding a file, at the first record of a person's, else at the operator's.
var HBA1003 = &audit.Rule{
	ID:       "HBA1003",
	Title:    "sessions without TLS are let in",
	Severity: audit.High,
	Why: `A "host" record matches sessions with TLS and without. libpq's default
(sslmode=prefer) falls back to plain text when TLS fails, and a client that was
never told to use TLS does not. Then data, and with weak methods the password,
cross the network readable; and nothing tells a server from an impostor.`,
	Bad:   cluster("host ledger app 10.0.0.0/8 scram-sha-256", "host all all all reject"),
	Good:  cluster("hostssl ledger app 10.0.0.0/8 scram-sha-256", "host all all all reject"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			if first, how := f.firstPlain(); first != nil {
				p.Report(plainText(f, first, how))
			}
		})
	},
}

// firstPlain returns the record to tell about: one that a person wrote, before the
// operator's.
func (f file) firstPlain() (first *hba.Record, best reached) {
	for i := range f.hba.Records {
		r := &f.hba.Records[i]
		if r.Method == "reject" || r.ClientCert() != hba.NoClientCert {
			continue
		}
		how := f.reach(r, probe{plainOnly: true})
		if how == never {
			continue
		}
		better := first == nil || how > best || how == best && words.Written(r) && !words.Written(first)
		if better {
			first, best = r, how
		}
	}
	return first, best
}

func plainText(f file, r *hba.Record, how reached) audit.Finding {
	out := f.finding(r, how == surely)
	out.Message = fmt.Sprintf("%s in %s lets in sessions without TLS: what they say can be read on the way", line(r), f.name())
	switch {
	case f.ends:
		out.Certain = false
		out.Message = fmt.Sprintf("TLS ends before %s: it cannot ask for it, and whether the proxy takes sessions without is not known", f.ref)
		out.Fix = "run without the proxy (StackGres: spec.pods.disableEnvoy: true), and refuse plain text first:" + f.listed("hostnossl all all all reject")
	case !f.tls:
		out.Message = fmt.Sprintf("%s offers no TLS, and %s in its rules lets sessions in without: what they say can be read on the way", f.ref, line(r))
		out.Fix = f.switchOn() + ", then refuse plain text first:" + f.listed("hostnossl all all all reject")
	case f.sidecar:
		out.Fix = "let the pooler refuse plain text, in the SGPoolingConfig:\nspec:\n  pgBouncer:\n    pgbouncer.ini:\n      pgbouncer:\n        client_tls_sslmode: require"
	case f.pooler:
		out.Fix = "let the pooler refuse plain text:\n" + f.requiring()
	default:
		out.Fix = "write hostssl in place of host, and refuse plain text as the first of " + f.where() + ":" + f.listed("hostnossl all all all reject")
	}
	return out
}

// switchOn says how the server, or the pooler before it, gets TLS.
func (f file) switchOn() string {
	switch {
	case f.pooler:
		return "let the pooler take TLS:\n" + f.requiring()
	case f.server.Operator == snapshot.StackGres && !f.sidecar:
		return "switch TLS on (spec.postgres.ssl.enabled: true)"
	}
	return "give the server a certificate and switch ssl on"
}

// requiring are the lines with which the pooler takes TLS and nothing else.
func (f file) requiring() string {
	switch f.server.Operator {
	case snapshot.Crunchy, snapshot.Percona:
		return "spec:\n  proxy:\n    pgBouncer:\n      config:\n        global:\n          client_tls_sslmode: require"
	case snapshot.Zalando:
		return "in the image of spec.connectionPooler.dockerImage: client_tls_sslmode = require"
	}
	return "spec:\n  pgbouncer:\n    parameters:\n      client_tls_sslmode: require"
}
