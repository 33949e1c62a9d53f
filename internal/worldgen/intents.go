package worldgen

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// WriteIntents adds a perimeter around each of the servers that WriteServers wrote, and
// accesses to them: of applications of two teams each, every tenth by addresses outside.
func WriteIntents(dir string, servers, accesses int, seed uint64) error {
	g := &intentGen{Rand: rand.New(rand.NewPCG(seed, 5))}
	for n := range servers {
		g.add(`
apiVersion: pgmoat.dev/v1alpha1
kind: PostgresPerimeter
metadata: {name: %[1]s, namespace: %[2]s}
spec: {server: {name: %[1]s}, network: {clientNamespaces: {}}}
`, serverName(n), serverNamespace(n))
	}
	for i := range accesses {
		g.access(i, i%servers)
	}
	return os.WriteFile(filepath.Join(dir, "intents.yaml"), []byte(g.text.String()), 0o600)
}

func serverName(n int) string      { return fmt.Sprintf("team-db-%03d", n) }
func serverNamespace(n int) string { return fmt.Sprintf("data-%02d", n%databaseNamespaces) }

type intentGen struct {
	*rand.Rand
	text strings.Builder
}

// add writes a document.
func (g *intentGen) add(format string, args ...any) {
	fmt.Fprintf(&g.text, strings.TrimLeft(format, "\n")+"---\n", args...)
}

func (g *intentGen) access(i, server int) {
	from := fmt.Sprintf("{namespaces: [team-%04d, team-%04d], podSelector: {matchExpressions: [{key: app, operator: In, values: [app-%d, app-%d]}]}}",
		g.IntN(400), g.IntN(400), g.IntN(5), g.IntN(5))
	if i%10 == 0 {
		from = fmt.Sprintf("{cidrs: [192.0.2.%d/32]}", i%250)
	}
	g.add(`
apiVersion: pgmoat.dev/v1alpha1
kind: PostgresAccess
metadata: {name: access-%04[1]d, namespace: %[2]s}
spec:
  server: {name: %[3]s}
  from: [%[4]s]
  to: [{databases: [shop%[5]d], role: app%[6]d}]
`, i, serverNamespace(server), serverName(server), from, i%4, i%7)
}
