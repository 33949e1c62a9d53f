package worldgen

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// databaseNamespaces is how many namespaces hold servers; they are named "data-00" on.
const databaseNamespaces = 50

// WriteServers adds PostgreSQL servers to an estate of teams that Write wrote: three of
// five CloudNativePG, and the other operators in turn; a quarter with a pooler; most
// behind a policy for some applications, some for all of production, some behind none.
// Edited writes the same servers after a day's work: pg_hba lines loosened and removed,
// policies widened and dropped, a server moved to another selector, one more pooler.
func WriteServers(dir string, servers int, seed uint64, edited bool) error {
	g := &serverGen{Rand: rand.New(rand.NewPCG(seed, 3)), edited: edited}
	for n := range min(databaseNamespaces, servers) {
		fmt.Fprintf(&g.text, "apiVersion: v1\nkind: Namespace\nmetadata: {name: data-%02d, labels: {purpose: data}}\n", n)
		g.text.WriteString("---\n")
	}
	for n := range servers {
		g.server(n)
	}
	return os.WriteFile(filepath.Join(dir, "servers.yaml"), []byte(g.text.String()), 0o600)
}

type serverGen struct {
	*rand.Rand
	edited bool
	text   strings.Builder
}

// changes reports whether a day's work touched the server in some way: each way has
// its own few servers.
func (g *serverGen) changes(n, way int) bool { return g.edited && n%40 == way }

// add writes a document.
func (g *serverGen) add(format string, args ...any) {
	fmt.Fprintf(&g.text, strings.TrimLeft(format, "\n")+"---\n", args...)
}

// A databaseKind is how one operator writes a server down.
type databaseKind struct {
	write  func(g *serverGen, name, ns string, lines []string)
	label  string // of the members, as key: value
	pooler bool   // it can have one beside it
}

var databaseKinds = []databaseKind{
	{(*serverGen).cloudNative, "cnpg.io/cluster: %s", true},
	{(*serverGen).cloudNative, "cnpg.io/cluster: %s", true},
	{(*serverGen).cloudNative, "cnpg.io/cluster: %s", true},
	{(*serverGen).stackGres, "stackgres.io/cluster-name: %s", false},
	{(*serverGen).zalando, "cluster-name: %s", false},
	{(*serverGen).crunchy, "postgres-operator.crunchydata.com/cluster: %s", false},
	{(*serverGen).percona, "postgres-operator.crunchydata.com/cluster: %s", false},
}

func (g *serverGen) server(n int) {
	kind := databaseKinds[n%len(databaseKinds)]
	name, ns := serverName(n), serverNamespace(n)
	kind.write(g, name, ns, g.lines(n))
	if g.pooled(n, kind) {
		g.add(`
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: %s-pooler, namespace: %s}
spec: {cluster: {name: %s}, type: rw, instances: 2, pgbouncer: {poolMode: session, pg_hba: ["host all all 10.0.0.0/8 scram-sha-256"]}}
`, name, ns, name)
	}
	g.policies(n, ns, name, fmt.Sprintf(kind.label, name))
}

func (g *serverGen) pooled(n int, kind databaseKind) bool {
	has := g.IntN(4) == 0
	return kind.pooler && (has || g.changes(n, 7))
}

// lines are the server's own of pg_hba.conf.
func (g *serverGen) lines(n int) []string {
	var out []string
	for i := range 3 + g.IntN(10) {
		method := []string{"scram-sha-256", "scram-sha-256", "md5", "cert"}[g.IntN(4)]
		address := []string{"all", fmt.Sprintf("10.%d.0.0/16", g.IntN(250)), "10.0.0.0/8"}[g.IntN(3)]
		out = append(out, fmt.Sprintf("hostssl shop%d app%d %s %s", i%4, i, address, method))
	}
	if g.IntN(3) > 0 {
		out = append(out, "host all all all reject")
	}
	if g.changes(n, 1) {
		out = out[1:]
	}
	if g.changes(n, 2) {
		out = append([]string{"host all all all md5"}, out...)
	}
	return out
}

func quoted(lines []string) string { return `["` + strings.Join(lines, `", "`) + `"]` }

func (g *serverGen) cloudNative(name, ns string, lines []string) {
	g.add(`
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: %s, namespace: %s}
spec: {instances: 3, imageName: "registry.example/postgresql:17.2", postgresql: {pg_hba: %s}}
`, name, ns, quoted(lines))
}

func (g *serverGen) stackGres(name, ns string, lines []string) {
	g.add(`
apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: %s, namespace: %s}
spec: {instances: 2, postgres: {version: "17.2"}, pods: {disableEnvoy: true, persistentVolume: {size: 5Gi}}, configurations: {patroni: {dynamicConfig: {postgresql: {pg_hba: %s}}}}}
`, name, ns, quoted(lines))
}

func (g *serverGen) zalando(name, ns string, lines []string) {
	lines = append([]string{"local all all trust", "hostssl replication standby all md5", "hostssl all postgres all md5"}, lines...)
	g.add(`
apiVersion: acid.zalan.do/v1
kind: postgresql
metadata: {name: %s, namespace: %s}
spec: {teamId: team, numberOfInstances: 2, postgresql: {version: "17"}, volume: {size: 5Gi}, patroni: {pg_hba: %s}}
`, name, ns, quoted(lines))
}

func (g *serverGen) crunchy(name, ns string, lines []string) {
	g.add(`
apiVersion: postgres-operator.crunchydata.com/v1beta1
kind: PostgresCluster
metadata: {name: %s, namespace: %s}
spec: {postgresVersion: 17, instances: [{name: a, replicas: 2}], patroni: {dynamicConfiguration: {postgresql: {pg_hba: %s}}}}
`, name, ns, quoted(lines))
}

func (g *serverGen) percona(name, ns string, lines []string) {
	g.add(`
apiVersion: pgv2.percona.com/v2
kind: PerconaPGCluster
metadata: {name: %s, namespace: %s}
spec: {crVersion: 2.7.0, postgresVersion: 17, instances: [{name: a, replicas: 2}], patroni: {dynamicConfiguration: {postgresql: {pg_hba: %s}}}}
`, name, ns, quoted(lines))
}

// policies admits the server's clients.
func (g *serverGen) policies(n int, ns, name, label string) {
	kind, team := g.IntN(20), g.IntN(400)
	if g.changes(n, 4) {
		label = strings.Replace(label, name, name+"-old", 1)
	}
	from := fmt.Sprintf(`{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: team-%04d}}, podSelector: {matchExpressions: [{key: app, operator: In, values: [app-0, app-1, app-2]}]}}`, team)
	switch {
	case kind < 3 || g.changes(n, 3): // open
		return
	case kind < 6 || g.changes(n, 5):
		from = `{namespaceSelector: {matchLabels: {env: prod}}}`
	}
	g.add(`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: %s, namespace: %s}
spec:
  podSelector: {matchLabels: {%s}}
  policyTypes: [Ingress]
  ingress:
  - from: [%s, {podSelector: {matchLabels: {%s}}}]
    ports: [{port: 5432}, {port: 6432}, {port: 8008}, {port: 8009}]
  - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: cnpg-system}}}]
    ports: [{port: 8000}, {port: 8008}, {port: 5432}]
`, name, ns, label, from, label)
}
