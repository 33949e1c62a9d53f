package cnpg

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

const settled = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: pg
  namespace: shop
  annotations: {cnpg.io/validation: disabled, cnpg.io/podPatch: "[]", example.com/x: other}
spec:
  imageName: x:17
  enableSuperuserAccess: true
  superuserSecret: {name: root}
  inheritedMetadata: {labels: {role: ours, cnpg.io/cluster: theirs, team: money}}
  podSecurityContext: {runAsUser: 0, fsGroup: 1000000}
  env: [{name: PGPASSWORD, value: hunter2}]
  bootstrap: {initdb: {postInitSQL: ["ALTER ROLE x PASSWORD 'hunter2'"]}}
  externalClusters: [{name: eu, connectionParameters: {host: db.eu, sslmode: prefer, password: hunter2}}]
  managed: {roles: [{name: boss, superuser: true, bypassrls: true, login: true, passwordSecret: {name: boss-password}}]}
  plugins: [{name: x.example.com, parameters: {apiToken: hunter2, size: "3"}}]
  postgresql:
    parameters: {password_encryption: md5, unix_socket_permissions: "0777", archive_mode: "on", ext.password: hunter2}
---
apiVersion: v1
kind: Secret
metadata: {name: boss-password, namespace: shop, annotations: {cnpg.io/passwordPassthrough: enabled}}
type: kubernetes.io/basic-auth
---
apiVersion: v1
kind: Secret
metadata: {name: unrelated, namespace: shop, annotations: {cnpg.io/passwordPassthrough: enabled}}
`

// What rules ask for is there with its place; what may be a secret is not.
func TestSettings(t *testing.T) {
	w := worldtest.World(t, settled)
	Adapt(w)
	s := w.Snapshot.Servers[0]
	for key, want := range map[string]string{
		"annotation.cnpg.io/validation":                          "disabled",
		"annotation.cnpg.io/passwordPassthrough":                 "enabled",
		"spec.enableSuperuserAccess":                             "true",
		"spec.superuserSecret.name":                              "root",
		"spec.podSecurityContext.runAsUser":                      "0",
		"spec.podSecurityContext.fsGroup":                        "1000000",
		"spec.managed.roles[0].superuser":                        "true",
		"spec.managed.roles[0].bypassrls":                        "true",
		"spec.managed.roles[0].passwordSecret.name":              "boss-password",
		"spec.externalClusters[0].connectionParameters.sslmode":  "prefer",
		"spec.externalClusters[0].connectionParameters.password": "***",
		"spec.plugins[0].parameters.apiToken":                    "***",
		"spec.plugins[0].parameters.size":                        "3",
		"postgresql.password_encryption":                         "md5",
		"postgresql.ext.password":                                "***",
	} {
		got, ok := s.Setting(key)
		if got.Value != want || got.Default || !ok || got.Origin.Field == "" {
			t.Errorf("%s: %+v", key, got)
		}
	}
	for _, absent := range []string{"spec.podSecurityContext.runAsNonRoot", "postgresql.unix_socket_permissions", "annotation.example.com/x"} {
		if got, ok := s.Setting(absent); ok {
			t.Errorf("%+v", got)
		}
	}
	passed := 0
	for _, x := range s.Settings {
		if strings.Contains(x.Value, "hunter2") {
			t.Errorf("%s holds a secret", x.Key)
		}
		if x.Key == "annotation.cnpg.io/passwordPassthrough" {
			passed++
		}
	}
	if passed != 1 {
		t.Errorf("%d Secrets are passed through, of which one is a role's", passed)
	}
}

func TestSettingsWarn(t *testing.T) {
	w := worldtest.World(t, settled)
	Adapt(w)
	codes := map[string]int{}
	for _, x := range w.Snapshot.Warnings {
		codes[x.Code]++
	}
	if codes["cnpg/fixed-parameter"] != 1 || codes["cnpg/pod-patch"] != 1 || codes["cnpg/own-label"] != 2 {
		t.Errorf("%v", w.Snapshot.Warnings)
	}
}

// A label that the operator and the user both set has either value.
func TestContestedLabels(t *testing.T) {
	w := worldtest.World(t, settled)
	Adapt(w)
	for _, p := range w.Snapshot.Servers[0].Workload.Pods {
		for k, want := range map[string]netpol.Match{"team=money": netpol.Yes, "cnpg.io/cluster=pg": netpol.Unsure} {
			key, value, _ := strings.Cut(k, "=")
			selector := netpol.Selector{{Key: key, Op: netpol.In, Values: []string{value}}}
			if got := selector.Match(p.Labels); got != want {
				t.Errorf("%s: %s %v", p.Ref(), k, got)
			}
		}
		if role := (netpol.Selector{{Key: "role", Op: netpol.In, Values: []string{"primary"}}}); p.Part == snapshot.Primary && role.Match(p.Labels) != netpol.Unsure {
			t.Errorf("%s: role %v", p.Ref(), role.Match(p.Labels))
		}
	}
}
