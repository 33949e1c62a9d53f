package cnpg

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func adaptedBy(t *testing.T, release, in string) *snapshot.Server {
	t.Helper()
	w := worldtest.World(t, in)
	w.Snapshot.Facts.OperatorVersions = map[string]string{Name: release}
	Adapt(w)
	if len(w.Snapshot.Servers) != 1 {
		t.Fatal(w.Snapshot.Problems)
	}
	return w.Snapshot.Servers[0]
}

const gated = `instances: 2, serviceAccountName: shared,
  podSelectorRefs: [{name: api, selector: {matchLabels: {app: api}}}],
  postgresql: {pg_hba: ["host all all ${podselector:api} trust"]},
  managed: {services: {disabledDefaultServices: [ro], additional: [{selectorType: rw, serviceTemplate: {metadata: {name: extra}}}]}}`

const gatedObjects = `
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pool, namespace: shop}
spec: {cluster: {name: pg}, serviceAccountName: shared}
---
apiVersion: postgresql.cnpg.io/v1
kind: DatabaseRole
metadata: {name: clerk, namespace: shop}
spec: {cluster: {name: pg}, name: clerk, login: true}
`

// What releases brought, each from its own on: the release before does not have it.
func TestGates(t *testing.T) {
	in := cluster1(gated) + gatedObjects
	flow := func(id string) func(*snapshot.Server) bool {
		return func(s *snapshot.Server) bool {
			return slices.ContainsFunc(s.Vital, func(f snapshot.VitalFlow) bool { return f.ID == id })
		}
	}
	service := func(name string) func(*snapshot.Server) bool {
		return func(s *snapshot.Server) bool {
			return slices.ContainsFunc(s.Services, func(s *snapshot.Service) bool { return s.Name == name })
		}
	}
	for what, c := range map[string]struct {
		before, from string
		has          func(*snapshot.Server) bool
	}{
		"managed Services":       {"1.23.9", "1.24.0", service("extra")},
		"a Service that is left": {"1.23.9", "1.24.0", func(s *snapshot.Server) bool { return !service("pg-ro")(s) }},
		"the job of an upgrade": {"1.25.9", "1.26.0", func(s *snapshot.Server) bool {
			return slices.ContainsFunc(s.Workload.Pods, func(p *snapshot.Pod) bool { return p.Part == upgradeJob })
		}},
		"the isolation check": {"1.26.9", "1.27.0", flow("isolation-check")},
		"labels of instances": {"1.27.9", "1.28.0", func(s *snapshot.Server) bool {
			return s.Members()[0].Labels.Set["app.kubernetes.io/name"] == "postgresql"
		}},
		"labels of poolers": {"1.27.9", "1.28.0", func(s *snapshot.Server) bool {
			return s.Poolers[0].Workload.Pods[0].Labels.Set["app.kubernetes.io/component"] == "pooler"
		}},
		"a shared ServiceAccount": {"1.28.9", "1.29.0", func(s *snapshot.Server) bool { return s.Members()[0].ServiceAccount == "shared" }},
		"a pooler's ServiceAccount": {"1.28.9", "1.29.0", func(s *snapshot.Server) bool {
			return s.Poolers[0].Workload.Pods[0].ServiceAccount == "shared"
		}},
		"references to pods": {"1.28.9", "1.29.0", func(s *snapshot.Server) bool {
			return strings.HasPrefix(s.HBA.Records[len(s.HBA.Records)-2].Address.Name, "podselector:")
		}},
		"DatabaseRole": {"1.29.9", "1.30.0", func(s *snapshot.Server) bool {
			return slices.ContainsFunc(s.Roles, func(r snapshot.Role) bool { return r.Name == "clerk" })
		}},
		"the certificate at port 8000": {"1.29.9", "1.30.0", func(s *snapshot.Server) bool { return s.Control[0].Gives == snapshot.Guarded }},
	} {
		t.Run(what, func(t *testing.T) {
			if c.has(adaptedBy(t, c.before, in)) {
				t.Errorf("%s has it", c.before)
			}
			if !c.has(adaptedBy(t, c.from, in)) {
				t.Errorf("%s does not have it", c.from)
			}
		})
	}
}

// A release that is known from below settles what came before it, and nothing later.
func TestUnsettledAboveTheRelease(t *testing.T) {
	made := func(release string) string {
		return cluster1(gated) + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop, annotations: {cnpg.io/operatorVersion: " + release +
			"}, ownerReferences: [{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, name: pg}]}\n"
	}
	for what, c := range map[string]struct{ below, at string }{
		"the labels":             {"1.27.9", "1.28.0"},
		"which ServiceAccount":   {"1.28.9", "1.29.0"},
		"${podselector:api}":     {"1.28.9", "1.29.0"},
		"line 7 of pg_hba.conf ": {"1.29.0", "1.29.1"},
	} {
		for release, want := range map[string]bool{c.below: true, c.at: false} {
			s := adapted(t, worldtest.World(t, made(release)))
			got := slices.ContainsFunc(s.Unsettled, func(u snapshot.Unsettled) bool { return strings.Contains(u.What, what) })
			if got != want {
				t.Errorf("from %s on, %s is in doubt: %t", release, what, got)
			}
		}
	}
}

// The method of the catch-all is PostgreSQL's default of each version.
func TestCatchAll(t *testing.T) {
	for image, want := range map[string]string{
		"x:13": "md5", "x:14": "scram-sha-256", "x:18": "scram-sha-256", "x:latest": "scram-sha-256",
	} {
		records := adaptedBy(t, "1.30.0", strings.Replace(cluster1("instances: 1"), "x:17", image, 1)).HBA.Records
		if got := records[len(records)-1].String(); got != "host all all all "+want {
			t.Errorf("%s: %s", image, got)
		}
	}
}
