package operatorrules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// OPR1003 finds fields that the operator leaves out, or puts its own values over.
var OPR1003 = &audit.Rule{
	ID:       "OPR1003",
	Title:    "a setting that the operator does not take",
	Severity: audit.Medium,
	Why: `Operators keep some parameters, and some lines, for themselves. What a user writes of
them is accepted and then left out of the file that PostgreSQL or PgBouncer reads. The
manifest says one thing, the server does another, and only its log or SHOW tells.`,
	Setting: `apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: events, namespace: analytics}
spec:
  instances: 1
  postgres: {version: "17"}
  pods: {disableEnvoy: true, persistentVolume: {size: 1Gi}}
  configurations: {sgPostgresConfig: settings}
---
`,
	Bad: `apiVersion: stackgres.io/v1
kind: SGPostgresConfig
metadata: {name: settings, namespace: analytics}
spec: {postgresVersion: "17", postgresql.conf: {listen_addresses: "localhost"}}
`,
	Good: `apiVersion: stackgres.io/v1
kind: SGPostgresConfig
metadata: {name: settings, namespace: analytics}
spec: {postgresVersion: "17", postgresql.conf: {log_connections: "on"}}
`,
	Needs: []audit.Fact{audit.Servers},
	Run: unheeded(snapshot.Overruled, func(u snapshot.Unheeded) string {
		return field(u) + " does nothing: " + u.Why
	}),
}
