package tlsrules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// TLS1008 finds what is asked about TLS where a proxy has ended it. What sessions the
// proxy takes without TLS is HBA1003's.
var TLS1008 = &audit.Rule{
	ID:       "TLS1008",
	Title:    "TLS is asked for behind a proxy that ends it",
	Severity: audit.High,
	Why: `Where TLS ends at a proxy in the pod, as at StackGres's Envoy, PostgreSQL and PgBouncer
see every session without it. A hostssl line then never matches, nor does anything that
asks for a client's certificate; a hostnossl line matches everybody, and a reject there
shuts the door for all; and a client_tls_sslmode of require refuses every client.`,
	Bad:   stack(hostSSL + "  pods: {disableEnvoy: false, persistentVolume: {size: 1Gi}}\n"),
	Good:  stack(hostSSL + "  pods: {disableEnvoy: true, persistentVolume: {size: 1Gi}}\n"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(s *snapshot.Server) {
			ends := terminates(s)
			if !ends && !mayTerminate(s) {
				return
			}
			for i := range s.HBA.Records {
				if r := &s.HBA.Records[i]; words.Written(r) {
					behindProxy(p, s, r, ends)
				}
			}
			if set, ok := demanded(s); ok {
				p.Report(audit.Finding{Subject: s.Ref(), Certain: ends, Origin: set.Origin, Fix: withoutProxy,
					Message: fmt.Sprintf("client_tls_sslmode %s refuses every client of the pooler of %s: %s", set.Value, s.Ref(), endsAt(ends))})
			}
		})
	},
}

const hostSSL = `  postgres: {version: "17", ssl: {enabled: true}}
  configurations:
    patroni: {dynamicConfig: {postgresql: {pg_hba: ["hostssl all app 10.0.0.0/8 scram-sha-256"]}}}
`

// mayTerminate reports whether it is not known what stands before PostgreSQL.
func mayTerminate(s *snapshot.Server) bool {
	return slices.ContainsFunc(s.Ports, func(port snapshot.ServerPort) bool { return port.Maybe != "" && port.Terminates })
}

func endsAt(sure bool) string {
	if sure {
		return "TLS ends at the proxy before it"
	}
	return "TLS may end at a proxy before it, whether Envoy is in the pods is not known"
}

func behindProxy(p *audit.Pass, s *snapshot.Server, r *hba.Record, ends bool) {
	means := ""
	switch {
	case r.Type == hba.HostSSL:
		means = "matches no session"
	case r.Type == hba.HostNoSSL && r.Method == "reject":
		means = "refuses sessions with TLS too"
	default:
		return
	}
	p.Report(audit.Finding{Subject: s.Ref(), Certain: ends, Origin: r.Origin, Fix: withoutProxy,
		Message: fmt.Sprintf("%s of %s %s: %s", words.Quoted(r), s.Ref(), means, endsAt(ends))})
}

// demanded is the setting with which PgBouncer refuses sessions without TLS.
func demanded(s *snapshot.Server) (snapshot.Setting, bool) {
	set, ok := s.Setting("pgbouncer.client_tls_sslmode")
	return set, ok && slices.Contains([]string{"require", "verify-ca", "verify-full"}, set.Value)
}

const withoutProxy = "run without the proxy:\nspec:\n  pods:\n    disableEnvoy: true"
