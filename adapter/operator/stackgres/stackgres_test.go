package stackgres

import (
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func TestAdapt(t *testing.T) { worldtest.Run(t, Adapt) }

// The table of modes, one line each [sg C/EnvoyUtil.java@1.18.6].
func TestModes(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name                  string
		disableEnvoy          *bool
		disablePooling        bool
		stored                bool
		apps, direct, patroni uint16
	}{
		{"the CRD's default", nil, false, false, 6432, 5432, 8009},
		{"no envoy", &yes, false, true, 6432, 5432, 8009},
		{"no envoy, no pooling", &yes, true, false, 5432, 5432, 8009},
		{"envoy", &no, false, false, 7432, 7433, 8008},
		{"envoy, no pooling", &no, true, false, 7432, 7433, 8008},
		{"stored before 1.17", nil, false, true, 7432, 7433, 8008},
	} {
		var s clusterSpec
		s.Pods.DisableEnvoy, s.Pods.DisableConnectionPooling = c.disableEnvoy, c.disablePooling
		m := s.mode(c.stored)
		if m.apps() != c.apps || m.direct() != c.direct || m.patroni() != c.patroni {
			t.Errorf("%s: %d %d %d", c.name, m.apps(), m.direct(), m.patroni())
		}
	}
}

// Pooled sessions arrive on the Unix socket under "local all all trust": no user
// line about addresses restricts them.
func TestPooledSessionsPassTheServersFile(t *testing.T) {
	w := worldtest.World(t, `apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: shop, namespace: pg}
spec:
  postgres: {version: "16"}
  configurations: {patroni: {dynamicConfig: {postgresql: {pg_hba: ["host all all all reject"]}}}}
`)
	Adapt(w)
	f := w.Snapshot.Servers[0].HBA
	r := hba.Decide(f, hba.Session{Local: true, Database: hba.Named("x"), User: hba.Named("app")})
	if r.Verdict != verdict.Allow || r.Record.Method != "trust" {
		t.Errorf("%+v", r)
	}
}

func TestOnlyAStoredObjectHasAUID(t *testing.T) {
	w := worldtest.World(t, "")
	o := object.Object{APIVersion: "stackgres.io/v1", Kind: "SGCluster", Namespace: "n", Name: "c", UID: "1", JSON: []byte(`{"spec":{}}`)}
	w.Objects["SGCluster.stackgres.io"] = []object.Object{o}
	Adapt(w)
	if got := w.Snapshot.Servers[0].Ports[0].Port; got != 7432 {
		t.Error(got)
	}
}
