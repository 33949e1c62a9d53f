package known

import (
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// Every kind that an adapter looks for is asked for: what nobody asks for is never read.
func TestKinds(t *testing.T) {
	want := map[string][]string{
		"postgresql.cnpg.io":  {"Cluster", "Pooler", "Database", "DatabaseRole", "Subscription", "Backup"},
		"barmancloud.cnpg.io": {"ObjectStore"},
		"stackgres.io": {
			"SGCluster", "SGShardedCluster", "SGDistributedLogs", "SGPoolingConfig", "SGPostgresConfig", "SGScript", "SGDbOps", "SGBackup",
			"SGConfig", "SGObjectStorage",
		},
		"acid.zalan.do":                     {"postgresql", "OperatorConfiguration", "PostgresTeam"},
		"postgres-operator.crunchydata.com": {"PostgresCluster", "PGUpgrade", "PGAdmin"},
		"pgv2.percona.com":                  {"PerconaPGCluster", "PerconaPGUpgrade"},
		"upstream.pgv2.percona.com":         nil, // what Percona's operator makes, and no server
	}
	asked := map[string][]string{}
	for _, a := range Adapters() {
		for _, k := range a.Kinds {
			asked[k.Group] = append(asked[k.Group], k.Kind)
		}
	}
	for group, kinds := range want {
		if len(kinds) != len(asked[group]) {
			t.Errorf("%s: %v are asked for, want %v", group, asked[group], kinds)
		}
		for _, kind := range kinds {
			if !slices.Contains(asked[group], kind) {
				t.Errorf("nobody asks for %s of %s", kind, group)
			}
		}
	}
}

// Of the definitions of kinds and of ConfigMaps those are read that tell an operator's
// release or settings.
func TestWants(t *testing.T) {
	definition, configMap := object.Type{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}, object.Type{Kind: "ConfigMap"}
	for _, c := range []struct {
		t    object.Type
		text string
		want bool
	}{
		{definition, "clusters.postgresql.cnpg.io", true},
		{definition, "sgclusters.stackgres.io", true},
		{definition, "postgresqls.acid.zalan.do", true},
		{definition, "certificates.cert-manager.io", false},
		{configMap, "cnpg-controller-manager-config", true},
		{configMap, "cluster_name_label: x", true},
		{configMap, "index.html: x", false},
	} {
		got := false
		for _, a := range Adapters() {
			got = got || a.Wants != nil && a.Wants(c.t, []byte(c.text))
		}
		if got != c.want {
			t.Errorf("%s %q: %t", c.t, c.text, got)
		}
	}
}
