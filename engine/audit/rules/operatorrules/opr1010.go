package operatorrules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// OPR1010 finds StackGres clusters with Envoy in their pods because nobody says anything.
var OPR1010 = &audit.Rule{
	ID:       "OPR1010",
	Title:    "Envoy stands before the database because nobody said otherwise",
	Severity: audit.Medium,
	Why: `An SGCluster that was stored before its definition had a default for
spec.pods.disableEnvoy has no value, and the operator takes none for false: Envoy is in
the pods, whatever today's documentation says. Then TLS ends before PostgreSQL, which
sees 127.0.0.1 or its socket in place of every client, so that no pg_hba.conf line
restricts by address; the ports are 7432, 7433 and 8008; and Envoy's administration is on
port 8001 of every address, without a password.`,
	Bad: `apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: events, namespace: analytics, uid: 6c5ba1ce-0000-4000-8000-000000000001}
spec:
  instances: 1
  postgres: {version: "17"}
  pods: {persistentVolume: {size: 1Gi}}
`,
	Good: `apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: events, namespace: analytics, uid: 6c5ba1ce-0000-4000-8000-000000000001}
spec:
  instances: 1
  postgres: {version: "17"}
  pods: {disableEnvoy: true, persistentVolume: {size: 1Gi}}
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, s := range p.World.Servers {
			set, ok := s.Setting("spec.pods.disableEnvoy")
			if !ok || !set.Default || set.Value != "false" {
				continue
			}
			p.Report(audit.Finding{Subject: s.Ref(), Origin: set.Origin, Certain: true, Message: byDefault(s),
				Fix: "write spec.pods.disableEnvoy: true, restart the cluster, and give policies its ports (6432, 5432, 8009); or write false, so that it is said"})
		}
	},
}

func byDefault(s *snapshot.Server) string {
	return "nobody says spec.pods.disableEnvoy, and Envoy is in the pods of " + s.Ref().String() +
		": PostgreSQL sees no client's address and no TLS, and ports are 7432, 7433 and 8008"
}
