package stackgres

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Odd objects are Problems or nothing, never a panic.
func TestOddObjects(t *testing.T) {
	for _, spec := range []string{
		"", "null", "[]", "7", "{instances: 1000000000}", "{instances: -5}", "{postgres: []}", "{postgres: {version: []}}",
		"{pods: {customContainers: [null]}}", "{pods: {customContainers: [{ports: [null]}]}}",
		"{postgresServices: {primary: {customPorts: [{port: 1, targetPort: {}}]}}}", "{managedSql: {scripts: [null, {sgScript: \"\"}]}}",
		"{configurations: {backups: [null], pooling: {pgBouncer: {pgbouncer.ini: {databases: {x: null}}}}}}",
		"{replicateFrom: {instance: {external: null}}}", "{distributedLogs: {sgDistributedLogs: \".\"}}",
		"{coordinator: {instances: x}, shards: {clusters: 100000}}", "{shards: {clusters: -1}}", "{type: citus, shards: {overrides: [null, {index: 9}]}}",
		"{sgCluster: x, op: \"\"}", "{adminui: {service: {type: 7}}}", "{scripts: [null]}", "{op: benchmark, sgCluster: x, benchmark: []}",
	} {
		for _, kind := range Adapter.Kinds {
			text := "apiVersion: stackgres.io/v1\nkind: " + kind.Kind + "\nmetadata: {name: x, namespace: n}\nspec: " + spec + "\n"
			if kind.Kind != "SGCluster" {
				text += "---\n" + strings.Replace(shop("  configurations: {sgPoolingConfig: x, sgPostgresConfig: x}\n  managedSql: {scripts: [{sgScript: x}]}"),
					"name: shop, namespace: pg", "name: x, namespace: n", 1)
			}
			w := worldtest.World(t, text)
			Adapt(w)
			for _, s := range w.Snapshot.Servers {
				if s.Workload == nil || len(s.Ports) == 0 {
					t.Errorf("%s %s: %+v", kind.Kind, spec, s)
				}
			}
		}
	}
}

// The web console is a Service of the estate where it is opened, not elsewhere.
func TestConsole(t *testing.T) {
	const config = "apiVersion: stackgres.io/v1\nkind: SGConfig\nmetadata: {name: c, namespace: stackgres}\nspec: {adminui: {service: {TYPE}}}\n"
	for text, want := range map[string]string{"type: ClusterIP": "", "": "", "type: NodePort, nodePort: 30443": "NodePort", "type: LoadBalancer": "LoadBalancer"} {
		w := worldtest.World(t, strings.Replace(config, "TYPE", text, 1))
		Adapt(w)
		var got string
		if s := w.Service("stackgres", "stackgres-restapi"); s != nil {
			got = s.Type
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// What a release left behind in pg_hba.conf is not passed over.
func TestUpgradeBefore113(t *testing.T) {
	const upgrade = "---\napiVersion: stackgres.io/v1\nkind: SGDbOps\nmetadata: {name: u, namespace: pg}\nspec: {sgCluster: shop, op: majorVersionUpgrade}\n"
	for _, c := range []struct {
		release, text string
		want          bool
	}{{"1.12.0", shop("") + upgrade, true}, {"1.13.0", shop("") + upgrade, false}, {"1.12.0", shop(""), false}} {
		w := worldtest.World(t, c.text)
		w.Snapshot.Facts.OperatorVersions = map[string]string{Name: c.release}
		Adapt(w)
		if got := asks(w.Snapshot.Servers[0], "trusts remote users"); got != c.want {
			t.Errorf("%s: %t", c.release, got)
		}
	}
}

func asks(s *snapshot.Server, what string) bool {
	for _, u := range s.Unsettled {
		if strings.Contains(u.What, what) {
			return true
		}
	}
	return false
}
