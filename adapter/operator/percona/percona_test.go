package percona

import (
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func TestAdapt(t *testing.T) { worldtest.Run(t, Adapt) }

// The role label of a primary is what tells, the most exact first.
func TestLeader(t *testing.T) {
	for text, want := range map[string]string{
		"spec: {instances: [{name: a}]}":                                                       "",
		"spec: {instances: [{name: a}], crVersion: 3.0.0}":                                     "primary",
		"spec: {instances: [{name: a}], crVersion: 2.6.0}":                                     "",
		"spec: {instances: [{name: a}]}\nstatus: {patroni: {version: 4.0.7}}":                  "primary",
		"spec: {instances: [{name: a}], crVersion: 3.0.0}\nstatus: {patroniVersion: 3.3.2}":    "master",
		"spec: {instances: [{name: a}], crVersion: x}\nstatus: {patroniVersion: not-a-number}": "",
	} {
		w := worldtest.World(t, "apiVersion: pgv2.percona.com/v2\nkind: PerconaPGCluster\nmetadata: {name: db, namespace: shop}\n"+text+"\n")
		Adapt(w)
		s := w.Snapshot.Servers[0]
		if got := s.Members()[0].Labels.Set["postgres-operator.crunchydata.com/role"]; got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// Odd input is a Problem at most, and never a panic.
func TestOddInput(t *testing.T) {
	for _, spec := range []string{
		"null", "[]", "{instances: [null], pmm: {enabled: true}, tls: {caValidityDuration: -1h}}",
		"{instances: [{securityContext: {}}], extensions: {custom: [null], storage: {type: s3}}, proxy: {pgBouncer: {}}}",
		"{instances: 3, secrets: {customTLSSecret: {}}, crVersion: 7, expose: {type: X, loadBalancerSourceRanges: [1]}}",
	} {
		w := worldtest.World(t, "apiVersion: pgv2.percona.com/v2\nkind: PerconaPGCluster\nmetadata: {name: odd, namespace: shop}\nspec: "+spec+"\n")
		w.Snapshot.Facts = snapshot.Facts{OperatorVersions: map[string]string{Name: "3.0.0"}}
		Adapt(w)
	}
}
