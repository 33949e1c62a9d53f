package exposurerules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// EXP1015 finds Services that lead clients to a database that is not in the cluster.
var EXP1015 = &audit.Rule{
	ID:       "EXP1015",
	Title:    "a Service points to a database outside the cluster",
	Severity: audit.Low,
	Why: `A Service of type ExternalName, or one without a selector whose endpoints somebody writes
by hand, looks like a database of the cluster and is none. No policy here protects it; a
policy that isolates its clients admits them by ipBlock, for no podSelector selects it;
with ExternalName they ask for a certificate of a name that the server's has not, and are
mostly told to verify none. And whoever may change the Service or its endpoints is sent
everybody's passwords.`,
	Setting: database,
	Bad: `apiVersion: v1
kind: Service
metadata: {name: ledger, namespace: payments}
spec:
  type: ExternalName
  externalName: ledger.abcdefgh.eu-west-1.rds.amazonaws.com
  ports: [{port: 5432}]
`,
	Good: `apiVersion: v1
kind: Service
metadata: {name: crm, namespace: payments}
spec:
  type: ExternalName
  externalName: db.legacy.svc.cluster.local
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, svc := range p.World.Services {
			if svc.Synthetic || !svc.DeclaredAt.IsZero() || !isDatabase(svc) {
				continue
			}
			switch {
			case svc.Type == "ExternalName" && !inCluster(svc.ExternalName):
				p.Report(audit.Finding{Subject: svc.Ref(), Origin: svc.At("spec.externalName"), Certain: true,
					Message: fmt.Sprintf("clients of %s leave the cluster for %s, where no policy and no pg_hba.conf of this estate decides", svc.Ref(), svc.ExternalName),
					Fix:     elsewhere(svc.ExternalName)})
			case svc.Type != "ExternalName" && len(svc.Selector) == 0 && len(svc.Backends) == 0:
				p.Report(audit.Finding{Subject: svc.Ref(), Origin: svc.At("spec"),
					Message: fmt.Sprintf("clients of %s go where somebody wrote its endpoints, which may be outside the estate", svc.Ref()),
					Fix:     elsewhere("the server's name in its certificate")})
			}
		}
	},
}

func elsewhere(name string) string {
	return fmt.Sprintf("let clients connect to %s with sslmode=verify-full, limit their egress to its addresses by ipBlock, and who may change Services and EndpointSlices here", name)
}

// hosted are the ends of names under which providers offer PostgreSQL and nothing else.
var hosted = []string{".postgres.database.azure.com", ".neon.tech", ".supabase.co", ".postgresbridge.com"}

// isDatabase reports whether a Service is meant for PostgreSQL: by a port, by the name of
// one, or by whom it is an alias of.
func isDatabase(svc *snapshot.Service) bool {
	if slices.ContainsFunc(hosted, func(end string) bool { return strings.HasSuffix(strings.TrimSuffix(svc.ExternalName, "."), end) }) {
		return true
	}
	return slices.ContainsFunc(svc.Ports, func(sp snapshot.ServicePort) bool {
		return cmp.Or(sp.Target, sp.Port) == 5432 || sp.Port == 5432 || strings.Contains(sp.Name, "postgres")
	})
}

// inCluster reports whether a name is one that the cluster's DNS gives a Service.
func inCluster(name string) bool {
	parts := strings.Split(strings.TrimSuffix(name, "."), ".")
	return len(parts) >= 3 && parts[2] == "svc"
}
