package known

import (
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// An estate is a database of one operator, with poolers and jobs beside it.
type estate struct {
	text string
	// members select the instances and nothing else, whoever of them leads.
	members netpol.Selector
	// named selects by the cluster's name alone, which other pods have too.
	named netpol.Selector
	// role is the label that tells who leads, by the value leader, empty where it hangs on
	// Patroni's version.
	role, leader      string
	poolers           int
	operator, version string
}

func is(pairs ...string) (out netpol.Selector) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, netpol.Requirement{Key: pairs[i], Op: netpol.In, Values: []string{pairs[i+1]}})
	}
	return out
}

const pgoLabel = "postgres-operator.crunchydata.com/"

var estates = map[string]estate{
	"CloudNativePG": {
		text: `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: db, namespace: shop}
spec: {instances: 3, imageName: "x:17"}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pool, namespace: shop}
spec: {cluster: {name: db}}
`,
		members: is("cnpg.io/cluster", "db", "cnpg.io/podRole", "instance"), named: is("cnpg.io/cluster", "db"),
		role: "cnpg.io/instanceRole", leader: "primary",
		poolers: 1, operator: "cloudnative-pg", version: "1.30.0",
	},
	"StackGres": {
		text: `apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: db, namespace: shop}
spec: {instances: 2, postgres: {version: "17"}, pods: {disableEnvoy: true}, configurations: {backups: [{sgObjectStorage: x, cronSchedule: "0 5 * * *"}]}}
---
apiVersion: stackgres.io/v1
kind: SGDbOps
metadata: {name: up, namespace: shop}
spec: {sgCluster: db, op: vacuum}
`,
		members: is("app", "StackGresCluster", "stackgres.io/cluster-name", "db", "stackgres.io/cluster", "true"),
		named:   is("stackgres.io/cluster-name", "db"),
		role:    "role", poolers: 0, operator: "stackgres", version: "1.18.6",
	},
	"Zalando": {
		text: `apiVersion: acid.zalan.do/v1
kind: postgresql
metadata: {name: db, namespace: shop}
spec: {numberOfInstances: 2, postgresql: {version: "17"}, enableConnectionPooler: true, enableReplicaConnectionPooler: true, enableLogicalBackup: true}
`,
		members: is("application", "spilo", "cluster-name", "db"), named: is("cluster-name", "db"),
		role: "spilo-role", leader: "master", poolers: 2, operator: "zalando", version: "2.0.1",
	},
	"Crunchy": {
		text: `apiVersion: postgres-operator.crunchydata.com/v1beta1
kind: PostgresCluster
metadata: {name: db, namespace: shop}
spec:
  postgresVersion: 17
  instances: [{name: one, replicas: 2}]
  proxy: {pgBouncer: {}}
  backups: {pgbackrest: {repos: [{name: repo1, volume: {}, schedules: {full: "0 1 * * 0"}}]}}
`,
		members: is(pgoLabel+"cluster", "db", pgoLabel+"data", "postgres"), named: is(pgoLabel+"cluster", "db"),
		role: pgoLabel + "role", leader: "master", poolers: 1, operator: "crunchy", version: "6.0.3",
	},
	"Percona": {
		text: `apiVersion: pgv2.percona.com/v2
kind: PerconaPGCluster
metadata: {name: db, namespace: shop}
spec:
  crVersion: 3.0.0
  postgresVersion: 17
  instances: [{name: one, replicas: 2}]
  proxy: {pgBouncer: {}}
  backups: {pgbackrest: {repos: [{name: repo1, volume: {}, schedules: {full: "0 1 * * 0"}}]}}
`,
		members: is(pgoLabel+"cluster", "db", pgoLabel+"data", "postgres"), named: is(pgoLabel+"cluster", "db"),
		role: pgoLabel + "role", leader: "primary", poolers: 1, operator: "percona", version: "3.0.0",
	},
}

// The labels that tell members from poolers and jobs, before any of them runs; and each
// member is there in both roles, since either may be its own after a failover.
func TestMembersBeforeTheyRun(t *testing.T) {
	for name, e := range estates {
		t.Run(name, func(t *testing.T) {
			w := worldtest.World(t, e.text)
			w.Snapshot.Facts.OperatorVersions = map[string]string{e.operator: e.version}
			for _, a := range Adapters() {
				a.Adapt(w)
			}
			if len(w.Snapshot.Servers) != 1 || len(w.Snapshot.Problems) > 0 {
				t.Fatal(len(w.Snapshot.Servers), w.Snapshot.Problems)
			}
			s := w.Snapshot.Servers[0]
			e.checkMembers(t, s)
			e.checkOthers(t, s)
		})
	}
}

func (e estate) checkMembers(t *testing.T, s *snapshot.Server) {
	t.Helper()
	parts := map[string][]string{}
	for _, p := range s.Members() {
		if e.members.Match(p.Labels) != netpol.Yes {
			t.Errorf("%s is not selected: %v", p.Name, p.Labels)
		}
		want := map[string]string{snapshot.Primary: e.leader, snapshot.Replica: "replica"}[p.Part]
		if role := p.Labels.Set[e.role]; role != want {
			t.Errorf("%s as %s has the role %q", p.Name, p.Part, role)
		}
		parts[p.Instance] = append(parts[p.Instance], p.Part)
	}
	if len(parts) < 2 {
		t.Errorf("instances %v", parts)
	}
	for instance, as := range parts {
		if slices.Sort(as); !slices.Equal(as, []string{snapshot.Primary, snapshot.Replica}) {
			t.Errorf("%s is there as %v", instance, as)
		}
	}
}

// checkOthers: a selector by the cluster's name alone takes poolers and jobs for members.
func (e estate) checkOthers(t *testing.T, s *snapshot.Server) {
	t.Helper()
	taken, parts := 0, []string{}
	check := func(p *snapshot.Pod) {
		parts = append(parts, p.Part)
		if e.members.Match(p.Labels) != netpol.No {
			t.Errorf("%s %s is selected: %v", p.Name, p.Part, p.Labels)
		}
		if e.named.Match(p.Labels) != netpol.No {
			taken++
		}
	}
	members := s.Members()
	for _, p := range s.Workload.Pods {
		if !slices.Contains(members, p) {
			check(p)
		}
	}
	for _, b := range s.Poolers {
		for _, p := range b.Workload.Pods {
			check(p)
		}
	}
	if len(s.Poolers) != e.poolers || taken == 0 {
		t.Errorf("%d poolers; %d of %v have the cluster's name", len(s.Poolers), taken, parts)
	}
}
