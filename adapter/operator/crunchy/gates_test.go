package crunchy

import (
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// What releases brought, each from its own on: the release before does not have it.
func TestGates(t *testing.T) {
	for what, c := range map[string]struct {
		before, from string
		has          func(*snapshot.Server) bool
	}{
		"spec.authentication": {"5.9.9", "6.0.0", func(s *snapshot.Server) bool { return last(s) == "hostssl all app all cert" }},
		"a seccomp profile": {"5.5.9", "5.6.0", func(s *snapshot.Server) bool {
			return !slices.ContainsFunc(s.Members()[0].Demands, func(d snapshot.Demand) bool { return d.Kind == snapshot.NoSeccomp })
		}},
	} {
		for release, want := range map[string]bool{c.before: false, c.from: true} {
			s := adapted(t, ruled, snapshot.Facts{OperatorVersions: map[string]string{Name: release}}).Snapshot.Servers[0]
			if c.has(s) != want {
				t.Errorf("%s: %s of %s: %s", what, last(s), release, s.Members()[0].Ref())
			}
		}
	}
}

func last(s *snapshot.Server) string { return s.HBA.Records[len(s.HBA.Records)-1].String() }

// One rule of the user's takes the default away from everybody; who is then in no line is
// refused without a reject.
func TestDefaultLine(t *testing.T) {
	const spec = "apiVersion: postgres-operator.crunchydata.com/v1\nkind: PostgresCluster\nmetadata: {name: db, namespace: shop}\n" +
		"spec: {postgresVersion: 17, instances: [{name: main}]"
	for more, want := range map[string]string{
		"":                              "hostssl all all all scram-sha-256",
		", authentication: {rules: []}": "hostssl all all all scram-sha-256",
		`, authentication: {rules: [{hba: "hostssl app app all cert"}]}`:                                   "hostssl app app all cert",
		`, patroni: {dynamicConfiguration: {postgresql: {pg_hba: ["hostssl app app all scram-sha-256"]}}}`: "hostssl app app all scram-sha-256",
	} {
		s := adapted(t, spec+more+"}\n", snapshot.Facts{OperatorVersions: map[string]string{Name: "6.0.3"}}).Snapshot.Servers[0]
		if got := last(s); got != want || len(s.HBA.Records) != 5 {
			t.Errorf("%s: %s of %d", more, got, len(s.HBA.Records))
		}
	}
}
