package world_test

import (
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func TestPasses(t *testing.T) {
	for image, want := range map[string]string{
		"edoburu/pgbouncer:1.23":                                "PgBouncer",
		"registry:5000/x/crunchy-pgbouncer@sha256:0":            "PgBouncer",
		"bitnami/pgpool:4":                                      "Pgpool-II",
		"pgpool/pgpool2":                                        "Pgpool-II",
		"ghcr.io/postgresml/pgcat:latest":                       "PgCat",
		"haproxy:3":                                             "haproxy",
		"prometheuscommunity/pgbouncer-exporter":                "",
		"postgres:17":                                           "",
		"example.com/pgbouncer/web:1":                           "",
		"registry.example/odyssey-game:1":                       "",
		"percona/percona-postgresql-operator:2.7-ppg-pgbouncer": "",
	} {
		if got := world.Passes(image, 5432); got != want {
			t.Errorf("%s: %q, want %q", image, got, want)
		}
	}
	if got := world.Passes("haproxy:3", 443); got != "" {
		t.Errorf("a proxy of the web: %s", got)
	}
}

const pooled = `apiVersion: apps/v1
kind: Deployment
metadata: {name: mine, namespace: shop}
spec: {selector: {matchLabels: {app: mine}}, template: {metadata: {labels: {app: mine}}, spec: {containers: [{name: c, image: pgbouncer}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: made, namespace: shop}
spec: {selector: {matchLabels: {app: made}}, template: {metadata: {labels: {app: made}}, spec: {containers: [{name: c, image: pgbouncer}]}}}
`

// The pooler of a server is not one that nobody understands.
func TestPassers(t *testing.T) {
	w := worldtest.World(t, pooled)
	made := w.Find(snapshot.Ref{Kind: "Deployment", Namespace: "shop", Name: "made"})
	w.Snapshot.Servers = []*snapshot.Server{{Workload: &snapshot.Workload{}, Poolers: []*snapshot.Pooler{{Workload: made}}}}
	if got := world.Passers(w); len(got) != 1 || got[0].Name != "mine" || got[0].Passes != "PgBouncer" || made.Passes != "" {
		t.Errorf("%v", got)
	}
}
