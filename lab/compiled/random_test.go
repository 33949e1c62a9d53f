//go:build linux

package compiled

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

type gen struct{ *rand.Rand }

// one in n.
func (g *gen) one(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *gen, from ...T) T { return from[g.IntN(len(from))] }

// guests are workloads beside those of the example, in namespaces of their own and in
// those of servers, and policies that nobody of pgmoat has written.
func (g *gen) guests(world *snapshot.Snapshot) string {
	var b strings.Builder
	places := []string{"red", "blue"}
	for _, name := range places {
		fmt.Fprintf(&b, "---\n{apiVersion: v1, kind: Namespace, metadata: {name: %s, labels: {team: %q}}}\n", name, pick(g, "x", "y"))
	}
	for _, s := range world.Servers {
		if at := s.Ref().Namespace; !slices.Contains(places, at) {
			places = append(places, at)
			b.WriteString(secret(at))
		}
	}
	for i := range 3 + g.IntN(3) {
		port, host := "name: http, ", g.one(12)
		if host { // what a named port means there is left open
			port = ""
		}
		labels := fmt.Sprintf("{app: %q, role: %q}", pick(g, "x", "y"), pick(g, "x", "y"))
		fmt.Fprintf(&b, `---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: guest-%d, namespace: %s}, spec: {selector: {matchLabels: %[3]s}, template: {metadata: {labels: %[3]s},
 spec: {serviceAccountName: %[4]s, hostNetwork: %[5]t, containers: [{name: main, image: i, ports: [{%[6]scontainerPort: 8080}]}]}}}}
`, i, pick(g, places...), labels, pick(g, "app", "batch", "default"), host, port)
	}
	for i := range g.IntN(4) {
		fmt.Fprintf(&b, "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: foreign-%d, namespace: %s}, spec: %s}\n",
			i, pick(g, places...), g.policy())
	}
	return b.String()
}

func (g *gen) policy() string {
	types, rules := pick(g, "[Ingress]", "[Egress]", "[Ingress, Egress]"), ""
	for _, d := range [][2]string{{"ingress", "from"}, {"egress", "to"}} {
		if !g.one(3) && strings.Contains(strings.ToLower(types), d[0]) {
			rules += fmt.Sprintf(", %s: [{%s: [%s], ports: [{port: %s}, {port: 80, endPort: %d}]}]", d[0], d[1], g.foreignPeer(), pick(g, "5432", "9187", "http", "53"), pick(g, 80, 443, 9000))
		}
	}
	return fmt.Sprintf("{podSelector: %s, policyTypes: %s%s}", pick(g, "{}", "{matchLabels: {app: x}}", "{matchLabels: {role: x}}", "{matchExpressions: [{key: app, operator: NotIn, values: [x]}]}"), types, rules)
}

func (g *gen) foreignPeer() string {
	return pick(g, "{podSelector: {}}", "{podSelector: {matchLabels: {app: x}}}", "{namespaceSelector: {}}", "{namespaceSelector: {matchLabels: {team: x}}, podSelector: {matchLabels: {role: x}}}",
		"{ipBlock: {cidr: 203.0.113.0/24}}", "{ipBlock: {cidr: 0.0.0.0/0, except: [10.244.0.0/16]}}")
}

// issued is a Secret with a certificate that is not issued to a role's own name, but to this.
const issued, issuedTo = "issued", "client.example"

func secret(namespace string) string {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: issuedTo}, NotAfter: time.Unix(4e9, 0)}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil { // the same each time
		panic(err)
	}
	crt := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return fmt.Sprintf("---\n{apiVersion: v1, kind: Secret, metadata: {name: %s, namespace: %s}, type: Opaque, data: {tls.crt: %s}}\n",
		issued, namespace, base64.StdEncoding.EncodeToString(crt))
}

// The names that intents are about: PgBouncer of the lab knows the first roles.
var (
	roleNames     = []string{"app", "bob", "ledger", "report"}
	databaseNames = []string{"ledger", "app", "orders"}
)

// intents are a perimeter and accesses for each of the servers, now and then for all but one.
func (g *gen) intents(world *snapshot.Snapshot) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	skip := -1
	if len(world.Servers) > 1 && g.one(4) {
		skip = g.IntN(len(world.Servers))
	}
	for i, s := range world.Servers {
		if i == skip || (s.Parent != snapshot.Ref{}) {
			continue
		}
		ref := s.Ref()
		add("---\n{apiVersion: pgmoat.dev/v1alpha1, kind: PostgresPerimeter, metadata: {name: p%d, namespace: %s}, spec: {server: {name: %s, kind: %s}%s}}\n",
			i, ref.Namespace, ref.Name, ref.Kind, g.perimeter(10+i))
		for n := range 2 + g.IntN(3) {
			add("---\n{apiVersion: pgmoat.dev/v1alpha1, kind: PostgresAccess, metadata: {name: a%d-%d, namespace: %s}, spec: {server: {name: %s, kind: %s},\n from: [%s], to: [%s]%s}}\n",
				i, n, ref.Namespace, ref.Name, ref.Kind, g.list(g.peer, world, s), g.list(g.entry, world, s), g.clientEgress())
		}
	}
	return out
}

func (g *gen) list(item func(*snapshot.Snapshot, *snapshot.Server) string, world *snapshot.Snapshot, s *snapshot.Server) string {
	out := []string{item(world, s)}
	if g.one(3) {
		out = append(out, item(world, s))
	}
	return strings.Join(out, ", ")
}

func (g *gen) perimeter(priority int) string {
	var fields, network []string
	if g.one(2) {
		network = append(network, "egress: Isolated")
	}
	if g.one(2) {
		network = append(network, "clientNamespaces: "+pick(g, "{}", "{matchLabels: {team: x}}"))
	}
	if g.one(4) {
		network = append(network, fmt.Sprintf("adminTier: {priority: %d}", priority))
	}
	if len(network) > 0 {
		fields = append(fields, "network: {"+strings.Join(network, ", ")+"}")
	}
	if g.one(3) {
		fields = append(fields, "tls: {required: false}")
	}
	if g.one(5) {
		fields = append(fields, "superuser: Remote")
	}
	if g.one(2) {
		fields = append(fields, "monitoring: [{namespaces: [red], podSelector: {}}]")
	}
	if g.one(2) {
		fields = append(fields, `backup: [{name: store, to: {cidrs: ["198.51.100.0/24"]}, ports: [{port: 443}]}]`)
	}
	if len(fields) == 0 {
		return ""
	}
	return ", " + strings.Join(fields, ", ")
}

// peer is of pods that there are, mostly.
func (g *gen) peer(world *snapshot.Snapshot, s *snapshot.Server) string {
	switch g.IntN(8) {
	case 0:
		return `{cidrs: ["203.0.113.0/24"]}`
	case 1:
		return `{cidrs: ["203.0.113.0/25", "2001:db8:40::/48"]}`
	case 2:
		return "{serviceAccounts: [app]}"
	case 3:
		return "{namespaceSelector: {matchLabels: {team: x}}, podSelector: {matchLabels: {app: x}}}"
	case 4:
		return "{namespaces: [red, blue], podSelector: {matchExpressions: [{key: role, operator: In, values: [x]}]}}"
	}
	w := pick(g, world.Workloads...)
	labels := w.Pods[0].Labels.Set
	if len(labels) == 0 || w == s.Workload {
		return `{podSelector: {matchLabels: {app: "y"}}}`
	}
	key := pick(g, slices.Sorted(maps.Keys(labels))...)
	return fmt.Sprintf("{namespaces: [%s], podSelector: {matchLabels: {%q: %q}}}", w.Namespace, key, labels[key])
}

func (g *gen) entry(_ *snapshot.Snapshot, s *snapshot.Server) string {
	out := fmt.Sprintf("databases: [%s], role: %s", pick(g, databaseNames...), pick(g, roleNames...))
	if g.one(4) {
		out = fmt.Sprintf("databases: [%s], role: %s", strings.Join(databaseNames[:2], ", "), pick(g, roleNames...))
	}
	authentication := "SCRAM"
	if g.one(3) {
		authentication = pick(g, "Certificate", "SCRAMAndCertificate")
		out += ", authentication: " + authentication
		if g.one(2) {
			out += ", secret: " + issued
		}
	}
	if authentication == "SCRAM" && g.one(4) {
		out += ", tls: Optional"
	}
	out += ", endpoint: " + pick(g, "ReadWrite", "ReadWrite", "ReadOnly", "Any")
	if names := poolersOf(s); len(names) > 0 && g.one(2) {
		out += ", pooler: " + pick(g, names...)
	}
	return "{" + out + "}"
}

// poolersOf are the names that an entry may call poolers of a server by.
func poolersOf(s *snapshot.Server) []string {
	var out []string
	for _, p := range s.Poolers {
		out = append(out, p.Ref().Name)
	}
	if slices.ContainsFunc(s.Ports, func(p snapshot.ServerPort) bool { return p.Pooler != nil }) {
		out = append(out, s.Ref().Name)
	}
	return out
}

func (g *gen) clientEgress() string {
	switch g.IntN(5) {
	case 0:
		return ", clientEgress: {isolation: Isolate}"
	case 1:
		return `, clientEgress: {isolation: Isolate, needs: [{name: web, to: {cidrs: ["203.0.113.0/24"]}, ports: [{port: 443}]}]}`
	case 2:
		return ", clientEgress: {isolation: Never}"
	}
	return ""
}
