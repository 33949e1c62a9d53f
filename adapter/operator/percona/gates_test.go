package percona

import (
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// What releases brought, each from its own on: the release before does not have it.
func TestGates(t *testing.T) {
	last := func(s *snapshot.Server) string { return s.HBA.Records[len(s.HBA.Records)-1].String() }
	for what, c := range map[string]struct {
		before, from, spec string
		has                func(*snapshot.Server) bool
	}{
		"scram-sha-256 in the default line": {"2.8.9", "2.9.0", "", func(s *snapshot.Server) bool { return last(s) == "hostssl all all all scram-sha-256" }},
		"spec.authentication": {"2.8.9", "2.9.0", `, authentication: {rules: [{hba: "hostssl all app all cert"}]}`,
			func(s *snapshot.Server) bool { return last(s) == "hostssl all app all cert" }},
		"no pooler that nobody asks for": {"2.8.9", "2.9.0", "", func(s *snapshot.Server) bool { return len(s.Poolers) == 0 }},
		"primary in the role label": {"2.9.9", "3.0.0", "", func(s *snapshot.Server) bool {
			return s.Members()[0].Labels.Set["postgres-operator.crunchydata.com/role"] == "primary"
		}},
		"a root of the cluster's own": {"2.4.9", "2.5.0", "", func(s *snapshot.Server) bool {
			return s.TLS.Certificates[0].Secret == "shop/db-cluster-ca-cert"
		}},
		"a seccomp profile": {"2.4.9", "2.5.0", "", func(s *snapshot.Server) bool {
			return !slices.ContainsFunc(s.Members()[0].Demands, func(d snapshot.Demand) bool { return d.Kind == snapshot.NoSeccomp })
		}},
		"labels of its own": {"2.2.9", "2.3.0", "", func(s *snapshot.Server) bool {
			return s.Members()[0].Labels.Set["app.kubernetes.io/name"] == "percona-postgresql"
		}},
		"schemas of users": {"2.5.9", "2.6.0", "", func(s *snapshot.Server) bool {
			got, _ := s.Setting("spec.autoCreateUserSchema")
			return got.Value == "true"
		}},
	} {
		for release, want := range map[string]bool{c.before: false, c.from: true} {
			w := worldtest.World(t, "apiVersion: pgv2.percona.com/v2\nkind: PerconaPGCluster\nmetadata: {name: db, namespace: shop}\n"+
				"spec: {crVersion: "+release+", postgresVersion: 17, instances: [{name: a}]"+c.spec+"}\n")
			w.Snapshot.Facts.OperatorVersions = map[string]string{Name: release}
			Adapt(w)
			if got := c.has(w.Snapshot.Servers[0]); got != want {
				t.Errorf("%s: %s has it: %t", what, release, got)
			}
		}
	}
}

// With cert-manager certificates live as long as spec.tls says, and a year where it says
// nothing; without, as Crunchy's.
func TestLifetimes(t *testing.T) {
	const manager = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: cm, namespace: cert-manager, labels: {app.kubernetes.io/name: cert-manager}}\n"
	for _, c := range []struct {
		spec, more string
		leaf, ca   int
	}{
		{"", "", 8760, 87600},
		{"", manager, 8760, 8760},
		{", tls: {certValidityDuration: 2160h, caValidityDuration: 26280h}", manager, 2160, 26280},
		{", tls: {certValidityDuration: 2160h}", manager, 2160, 8760},
		{", tls: {caValidityDuration: 26280h}", manager, 8760, 26280},
		{", tls: {certValidityDuration: 2160h}", "", 0, 0},
	} {
		w := worldtest.World(t, "apiVersion: pgv2.percona.com/v2\nkind: PerconaPGCluster\nmetadata: {name: db, namespace: shop}\n"+
			"spec: {crVersion: 3.0.0, postgresVersion: 17, instances: [{name: a}]"+c.spec+"}\n"+c.more)
		w.Snapshot.Facts.OperatorVersions = map[string]string{Name: "3.0.0"}
		Adapt(w)
		for _, cert := range w.Snapshot.Servers[0].TLS.Certificates {
			want := c.leaf
			if cert.Use == "server CA" || cert.Use == "client CA" {
				want = c.ca
			}
			if cert.Lifetime != want {
				t.Errorf("%s%s: %s lives %d hours, want %d", c.spec, c.more, cert.Use, cert.Lifetime, want)
			}
		}
	}
}
