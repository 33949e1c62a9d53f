package known

import (
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func adaptedServer(t *testing.T, text string) *snapshot.Server {
	t.Helper()
	w := worldtest.World(t, text)
	for _, a := range Adapters() {
		a.Adapt(w)
	}
	if len(w.Snapshot.Servers) != 1 {
		t.Fatalf("%d servers of %s", len(w.Snapshot.Servers), text)
	}
	return w.Snapshot.Servers[0]
}

// Each operator has its word for a database that is not to run.
func TestStopped(t *testing.T) {
	const cnpg, stop = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db, namespace: shop", "}\nspec: {instances: 1}\n"
	for _, c := range []struct{ text, want string }{
		{cnpg + `, annotations: {cnpg.io/hibernation: "on"}` + stop, "metadata.annotations[cnpg.io/hibernation]"},
		{cnpg + `, annotations: {cnpg.io/hibernation: "off"}` + stop, ""},
		{hippo + "spec: {shutdown: true, instances: [{}]}", "spec.shutdown"},
		{hippo + "spec: {shutdown: false, instances: [{}]}", ""},
		{"apiVersion: pgv2.percona.com/v2\nkind: PerconaPGCluster\nmetadata: {name: db, namespace: shop}\nspec: {pause: true, instances: [{}]}", "spec.pause"},
		{"apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: db, namespace: shop}\nspec: {instances: 0}", "spec.instances"},
		{"apiVersion: acid.zalan.do/v1\nkind: postgresql\nmetadata: {name: db, namespace: shop}\nspec: {numberOfInstances: 0}", "spec.numberOfInstances"},
		{"apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop}\nspec: {replicas: 0, template: {spec: {containers: [{name: db, image: postgres}]}}}", "spec.replicas"},
	} {
		if got := adaptedServer(t, c.text).Stopped.Field; got != c.want {
			t.Errorf("%s: %q, want %q", c.text, got, c.want)
		}
	}
}

const hippo = "apiVersion: postgres-operator.crunchydata.com/v1beta1\nkind: PostgresCluster\nmetadata: {name: db, namespace: shop}\n"

// A pooler may be stopped while its server runs.
func TestStoppedPooler(t *testing.T) {
	pooler := "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db, namespace: shop}\nspec: {instances: 1}\n---\n" +
		"apiVersion: postgresql.cnpg.io/v1\nkind: Pooler\nmetadata: {name: pool, namespace: shop}\n"
	for text, want := range map[string]string{
		pooler + "spec: {cluster: {name: db}, instances: 0}":                 "spec.instances",
		pooler + "spec: {cluster: {name: db}, pgbouncer: {paused: true}}":    "spec.pgbouncer.paused",
		pooler + "spec: {cluster: {name: db}}":                               "",
		hippo + "spec: {instances: [{}], proxy: {pgBouncer: {replicas: 0}}}": "spec.proxy.pgBouncer.replicas",
	} {
		s := adaptedServer(t, text)
		if got := s.Poolers[0].Stopped.Field; got != want || !s.Stopped.IsZero() {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
