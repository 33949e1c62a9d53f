package tlsrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// TLS1006 finds poolers that take any server for theirs. verify-ca is enough where the CA
// is the cluster's own.
var TLS1006 = &audit.Rule{
	ID:       "TLS1006",
	Title:    "the pooler does not check whom it talks to",
	Severity: audit.Medium,
	Why: `Sessions go on from the pooler to the server in another TLS session, of which clients
see nothing. With server_tls_sslmode require any certificate will do; prefer and allow
go on in plain text where TLS fails; disable never tries. Whoever answers in the
server's place, or listens between the two, reads every session of every client.
PgBouncer's own default is prefer, and was disable before 1.20.`,
	Setting: cluster(""),
	Bad:     pooler("    parameters: {server_tls_sslmode: require}\n"),
	Good:    pooler("    parameters: {server_tls_sslmode: verify-ca}\n"),
	Needs:   []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(s *snapshot.Server) {
			for _, pooler := range s.Poolers {
				trusting(p, s, pooler)
			}
		})
	},
}

// modes say what comes of a server_tls_sslmode.
var modes = map[string]string{
	"disable": "it talks to the server in plain text",
	"allow":   "it talks to the server in plain text wherever that is taken",
	"prefer":  "it goes on in plain text where TLS fails, and takes any server for its own",
	"require": "it takes any server for its own",
}

func trusting(p *audit.Pass, s *snapshot.Server, pooler *snapshot.Pooler) {
	const key = "pgbouncer.server_tls_sslmode"
	set, _ := settingOf(s, pooler.Origin.Object, key)
	out := audit.Finding{Subject: pooler.Ref(), Certain: true, Origin: or(set.Origin, pooler.Origin), Fix: verifying[s.Operator]}
	comes, loose := modes[pooler.ServerTLS]
	switch {
	case pooler.ServerTLS == "":
		p.Skip(pooler.Ref(), "whether the pooler verifies the server is not known: its server_tls_sslmode was not read")
		return
	case !loose || s.TLS.Enabled == verdict.Deny:
		return
	case pooler.ServerTLS == "disable" || pooler.ServerTLS == "allow":
		out.Severity = audit.High
	case s.Operator == snapshot.Zalando: // the image's, which no field changes
		out.Severity = audit.Low
	}
	out.Message = fmt.Sprintf("server_tls_sslmode of %s is %s: %s", pooler.Ref(), pooler.ServerTLS, comes)
	p.Report(out)
}

// verifying is how each operator has its poolers verify the server.
var verifying = map[string]string{
	snapshot.CloudNativePG: "leave it out, the operator writes verify-ca, or write:\nspec:\n  pgbouncer:\n    parameters:\n      server_tls_sslmode: verify-ca",
	snapshot.Crunchy:       verifyFull,
	snapshot.Percona:       verifyFull,
	snapshot.Zalando: "the operator's image has the setting fixed; an image of your own can have server_tls_sslmode = verify-ca with a server_tls_ca_file:\n" +
		"spec:\n  connectionPooler:\n    dockerImage: <image>",
}

const verifyFull = "leave it out, the operator writes verify-full, or write:\nspec:\n  proxy:\n    pgBouncer:\n      config:\n        global:\n          server_tls_sslmode: verify-full"
