package change

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/internal/manifests"
)

// An estate is what somebody keeps in a repository, in the parts that people edit.
type estate struct {
	spaces   map[string]string // the label team of each namespace
	clients  []*deployment
	hba      []string // of the CloudNativePG cluster
	idents   []string
	roles    []string // as JSON
	super    bool
	pooler   *[]string // the lines of its pg_hba; nil for no Pooler
	poolerNo string    // parameters of the Pooler
	release  string    // of the operator
	plain    *plain
	stack    *stack
	policies []*policy
	tiers    []*policy
	cidrs    []string
	outside  string
	route    bool
	// resolvers are Deployments of kube-system, those with app dns as resolvers are labelled.
	resolvers []*deployment
}

// A deployment is a Deployment.
type deployment struct{ space, name, app string }

// A plain is a StatefulSet of PostgreSQL with its Service.
type plain struct {
	hba             []string
	ssl             bool
	kind            string
	port, container int
	app             string
}

// A stack is an SGCluster.
type stack struct {
	hba            []string
	envoy, pooling bool
	ssl            bool
}

// A policy is a NetworkPolicy, or with a tier one of the cluster.
type policy struct {
	space, name, app string
	egress           bool
	peers            []string // as YAML
	names            string   // the peer that names may be asked of; empty for none
	ports            []int
	action           string
}

func yamlMap(pairs ...string) string {
	var out []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, pairs[i]+": "+pairs[i+1])
		}
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func quoted(lines []string) string {
	var out []string
	for _, l := range lines {
		out = append(out, fmt.Sprintf("%q", l))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// documents writes the estate as somebody would.
func (e *estate) documents() []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, ns := range slices.Sorted(maps.Keys(e.spaces)) {
		add("apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: %s}", ns, yamlMap("team", e.spaces[ns]))
	}
	for _, c := range e.resolvers {
		add("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: %s}\nspec:\n  selector: {matchLabels: {n: %s}}\n"+
			"  template: {metadata: {labels: {n: %s, k8s-app: %s}}, spec: {containers: [{name: c, image: c}]}}", c.name, c.space, c.name, c.name, c.app)
	}
	for _, c := range e.clients {
		add("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: %s}\nspec:\n  selector: {matchLabels: {app: %s}}\n"+
			"  template: {metadata: {labels: {app: %s}}, spec: {containers: [{name: c, image: c}]}}", c.name, c.space, c.app, c.app)
	}
	add("apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: ledger, namespace: data}\nspec:\n  instances: 2\n  storage: {size: 1Gi}\n"+
		"  imageName: ghcr.io/cloudnative-pg/postgresql:17\n  enableSuperuserAccess: %v\n  bootstrap: {initdb: {database: ledger, owner: app}}\n"+
		"  podSelectorRefs: [{name: web, selector: {matchLabels: {app: web}}}]\n  managed: {roles: [%s]}\n  postgresql:\n    pg_hba: %s\n    pg_ident: %s", e.super, strings.Join(e.roles, ", "), quoted(e.hba), quoted(e.idents))
	if e.pooler != nil {
		add("apiVersion: postgresql.cnpg.io/v1\nkind: Pooler\nmetadata: {name: pool, namespace: data}\nspec:\n  cluster: {name: ledger}\n  instances: 1\n  type: rw\n"+
			"  pgbouncer: {poolMode: session, parameters: {%s}, pg_hba: %s}", e.poolerNo, quoted(*e.pooler))
	}
	if p := e.plain; p != nil {
		add("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: crm, namespace: data}\ndata:\n  pg_hba.conf: |\n    %s", strings.Join(p.hba, "\n    "))
		add("apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: crm, namespace: data}\nspec:\n  serviceName: crm\n  selector: {matchLabels: {app: crm}}\n"+
			"  template:\n    metadata: {labels: {app: crm, tier: %s}}\n    spec:\n      containers:\n      - name: postgres\n        image: postgres:16\n"+
			"        args: [-c, hba_file=/etc/pg/pg_hba.conf, -c, ssl=%s, -c, ssl_cert_file=/tls/tls.crt, -c, ssl_key_file=/tls/tls.key]\n"+
			"        ports: [{name: pg, containerPort: %d}]\n        volumeMounts: [{name: hba, mountPath: /etc/pg}]\n      volumes: [{name: hba, configMap: {name: crm}}]",
			p.app, map[bool]string{true: "on", false: "off"}[p.ssl], 5432)
		add("apiVersion: v1\nkind: Service\nmetadata: {name: crm, namespace: data}\nspec: {type: %s, selector: {tier: a}, ports: [{port: %d, targetPort: %d}]}", p.kind, p.port, p.container)
	}
	if s := e.stack; s != nil {
		add("apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: events, namespace: data}\nspec:\n  instances: 1\n  postgres: {version: '16', ssl: {enabled: %v}}\n"+
			"  pods: {disableEnvoy: %v, disableConnectionPooling: %v, persistentVolume: {size: 1Gi}}\n"+
			"  configurations: {patroni: {dynamicConfig: {postgresql: {pg_hba: %s}}}}", s.ssl, !s.envoy, !s.pooling, quoted(s.hba))
	}
	for _, p := range e.policies {
		dir, who := "ingress", "from"
		if p.egress {
			dir, who = "egress", "to"
		}
		add("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: %s, namespace: %s}\nspec:\n  podSelector: %s\n  policyTypes: [%s]\n  %s: [{%s: [%s]%s}%s]",
			p.name, p.space, selectorText(p.app), strings.ToUpper(dir[:1])+dir[1:], dir, who, strings.Join(p.peers, ", "), p.portsText(), p.namesText())
	}
	for i, p := range e.tiers {
		add("apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: %s}\nspec:\n  tier: Admin\n  priority: %d\n"+
			"  subject: {pods: {namespaceSelector: {}, podSelector: %s}}\n  ingress: [{action: %s, from: [{namespaces: {}}]}]", p.name, i, selectorText(p.app), p.action)
	}
	if e.route {
		add("apiVersion: gateway.networking.k8s.io/v1alpha2\nkind: TCPRoute\nmetadata: {name: edge, namespace: data}\nspec: {parentRefs: [{name: gw}], rules: [{backendRefs: [{name: ledger-rw, port: 5432}]}]}")
	}
	return out
}

func selectorText(app string) string {
	if app == "" {
		return "{}"
	}
	key, value, ok := strings.Cut(app, "=")
	if !ok {
		key, value = "app", app
	}
	return "{matchLabels: {" + key + ": " + value + "}}"
}

func (p *policy) portsText() string {
	var out []string
	for _, n := range p.ports {
		out = append(out, fmt.Sprintf("{port: %d}", n))
	}
	if len(out) == 0 {
		return ""
	}
	return ", ports: [" + strings.Join(out, ", ") + "]"
}

func (p *policy) namesText() string {
	if !p.egress || p.names == "" {
		return ""
	}
	return ", {to: [" + p.names + "], ports: [{port: 53, protocol: UDP}]}"
}

func (e *estate) facts() string {
	out := "estate: complete\ncni: {name: calico, enforces: true}\n"
	if len(e.cidrs) > 0 {
		out += "podCIDRs: [" + strings.Join(e.cidrs, ", ") + "]\n"
	}
	if e.outside != "" {
		out += "outside: [{name: vpn, cidrs: [" + e.outside + "]}]\n"
	}
	if e.release != "" {
		out += "operators: {cloudnative-pg: {namespace: data, version: " + e.release + "}}\n"
	}
	return out
}

func (e *estate) engine(t *testing.T) *reach.Engine {
	t.Helper()
	return reach.New(manifests.Servers(t, e.facts(), e.documents()...))
}

var hbaLines = []string{
	"hostssl all app all scram-sha-256", "host all all 10.0.0.0/8 reject", "host ledger all all md5", "host all app 10.1.0.0/16 trust",
	"hostssl all app all cert", "hostnossl all all all reject", "host all all all scram-sha-256", "host ledger +staff all scram-sha-256",
	"host sameuser all all trust", "host ledger,other app all md5", "host all app,clerk 192.0.2.0/24 scram-sha-256", "host all /^cl all scram-sha-256",
	"host all all all reject", "hostssl all clerk all scram-sha-256 clientcert=verify-full map=people", "host replication all all md5",
}

// clusterLines are those and one that asks for pods.
var clusterLines = append(slices.Clone(hbaLines), "host all app ${podselector:web} trust", "host all all ${podselector:web} reject")

var managedRoles = []string{"{name: clerk, ensure: present, login: true}", "{name: clerk, ensure: present, login: true, inRoles: [staff]}",
	"{name: clerk, ensure: present, login: false}", "{name: boss, ensure: present, login: true, superuser: true}"}

var peers = []string{"{podSelector: {matchLabels: {app: web}}}", "{namespaceSelector: {}}", "{namespaceSelector: {matchLabels: {team: x}}, podSelector: {}}",
	"{namespaceSelector: {matchLabels: {team: z}}, podSelector: {matchLabels: {app: web}}}", "{ipBlock: {cidr: 192.0.2.0/24}}", "{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}",
	"{podSelector: {matchLabels: {cnpg.io/poolerName: pool}}}", "{podSelector: {}}"}

// resolverPeers are how people name the cluster's resolvers.
var resolverPeers = []string{"{namespaceSelector: {matchLabels: {team: x}}}", "{namespaceSelector: {}, podSelector: {matchLabels: {n: core}}}",
	"{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: kube-dns}}}"}

type gen struct{ *rand.Rand }

func (g gen) one(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g gen, list ...T) T { return list[g.IntN(len(list))] }

func (g gen) some(most int, list []string) []string {
	out := []string{}
	for range g.IntN(most + 1) {
		out = append(out, pick(g, list...))
	}
	return out
}

// randomEstate makes a small one in which every layer has something to say.
func randomEstate(seed uint64) *estate {
	g := gen{rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // worlds, not secrets
	e := &estate{spaces: map[string]string{"data": pick(g, "x", "z", ""), "shop": pick(g, "x", "z")}, hba: g.some(3, clusterLines), super: g.one(2)}
	for i := range 2 {
		e.clients = append(e.clients, &deployment{pick(g, "data", "shop", "shop"), fmt.Sprint("c", i), pick(g, "web", "job")})
	}
	if g.one(3) {
		e.roles = []string{pick(g, managedRoles...)}
	}
	if g.one(3) {
		e.idents = []string{"people /^(.*)$ clerk"}
	}
	if g.one(3) {
		lines := g.some(2, hbaLines)
		e.pooler = &lines
	}
	if g.one(3) {
		e.plain = &plain{hba: append(g.some(2, hbaLines), "host all all all md5"), ssl: g.one(2), kind: pick(g, "ClusterIP", "NodePort", "LoadBalancer"), port: 5432, container: 5432, app: "a"}
	}
	if g.one(4) {
		e.stack = &stack{hba: g.some(2, hbaLines), envoy: g.one(2), pooling: g.one(2), ssl: g.one(2)}
	}
	for i := range g.IntN(4) {
		e.policies = append(e.policies, g.policy(i))
	}
	if g.one(4) {
		e.tiers = []*policy{g.tier(0)}
	}
	if g.one(2) {
		e.cidrs = []string{"10.1.0.0/16"}
	}
	if g.one(2) {
		e.outside = pick(g, "192.0.2.0/24", "198.51.100.0/24")
	}
	e.route = g.one(5)
	e.release = pick(g, "", "1.30.0", "1.24.0")
	if g.one(2) {
		e.spaces["kube-system"] = pick(g, "x", "z")
	}
	for _, name := range []string{"core", "other"} {
		if g.one(2) {
			e.resolvers = append(e.resolvers, &deployment{"kube-system", name, pick(g, "kube-dns", "metrics")})
		}
	}
	return e
}

func (g gen) policy(i int) *policy {
	p := &policy{space: pick(g, "data", "data", "shop"), name: fmt.Sprint("p", i), app: pick(g, "", "web", "cnpg.io/cluster=ledger", "crm"), egress: g.one(4)}
	for range 1 + g.IntN(2) {
		p.peers = append(p.peers, pick(g, peers...))
	}
	if g.one(2) {
		p.ports = []int{pick(g, 5432, 5433, 6432, 8000)}
	}
	if p.egress && g.one(2) {
		p.names = pick(g, resolverPeers...)
	}
	return p
}

func (g gen) tier(i int) *policy {
	return &policy{name: fmt.Sprint("t", i), app: pick(g, "", "cnpg.io/cluster=ledger", "crm"), action: pick(g, "Deny", "Accept", "Pass")}
}

// An edit is what one person does, and the objects that he has touched; none for facts.
type edit struct {
	name string
	do   func(gen, *estate) []string
}

// line adds, takes or moves a line of a file.
func line(g gen, list, from []string) []string {
	list = slices.Clone(list)
	switch n := len(list); {
	case n > 1 && g.one(3):
		i := g.IntN(n - 1)
		list[i], list[i+1] = list[i+1], list[i]
		return list
	case n > 0 && g.one(2):
		i := g.IntN(n)
		return slices.Delete(list, i, i+1)
	}
	return slices.Insert(list, g.IntN(len(list)+1), pick(g, from...))
}

const ledger = "Cluster data/ledger"

var everyEdit = []edit{
	{"hba", func(g gen, e *estate) []string { e.hba = line(g, e.hba, clusterLines); return []string{ledger} }},
	{"ident", func(g gen, e *estate) []string {
		e.idents = pick(g, nil, []string{"people /^(.*)$ clerk"}, []string{"people clerk clerk"})
		return []string{ledger}
	}},
	{"roles", func(g gen, e *estate) []string { e.roles = g.some(1, managedRoles); return []string{ledger} }},
	{"superuser", func(_ gen, e *estate) []string { e.super = !e.super; return []string{ledger} }},
	{"relabel", func(g gen, e *estate) []string {
		c := pick(g, e.clients...)
		c.app = pick(g, "web", "job", "other")
		return []string{"Deployment " + c.space + "/" + c.name}
	}},
	{"client", func(g gen, e *estate) []string {
		if g.one(2) {
			c := e.clients[0]
			e.clients = e.clients[1:]
			return []string{"Deployment " + c.space + "/" + c.name}
		}
		e.clients = append(e.clients, &deployment{"shop", "new", pick(g, "web", "job")})
		return []string{"Deployment shop/new"}
	}},
	{"namespace", func(g gen, e *estate) []string {
		ns := pick(g, "data", "shop")
		e.spaces[ns] = pick(g, "x", "z", "")
		return []string{"Namespace " + ns}
	}},
	{"policy", func(g gen, e *estate) []string {
		if len(e.policies) == 0 || g.one(3) {
			e.policies = append(e.policies, g.policy(9))
			return []string{"NetworkPolicy " + e.policies[len(e.policies)-1].space + "/p9"}
		}
		i := g.IntN(len(e.policies))
		p := e.policies[i]
		object := []string{"NetworkPolicy " + p.space + "/" + p.name}
		switch g.IntN(4) {
		case 0:
			e.policies = slices.Delete(e.policies, i, i+1)
		case 1:
			p.peers = append(p.peers, pick(g, peers...))
		case 2:
			p.ports = []int{pick(g, 5432, 6432, 8000)}
		default:
			p.app = pick(g, "", "web", "cnpg.io/cluster=ledger", "crm")
		}
		return object
	}},
	{"tier", func(g gen, e *estate) []string {
		e.tiers = []*policy{g.tier(0)}
		return []string{"ClusterNetworkPolicy t0"}
	}},
	{"pooler", func(g gen, e *estate) []string {
		switch {
		case e.pooler == nil:
			lines := g.some(2, hbaLines)
			e.pooler = &lines
		case g.one(3):
			e.pooler = nil
		case g.one(2):
			e.poolerNo = "client_tls_sslmode: " + pick(g, "disable", "require", "prefer")
		default:
			lines := line(g, *e.pooler, hbaLines)
			e.pooler = &lines
		}
		return []string{"Pooler data/pool", ledger, "Service data/pool"}
	}},
	{"plain", func(g gen, e *estate) []string {
		objects := []string{"StatefulSet data/crm", "Service data/crm", "ConfigMap data/crm"}
		p := e.plain
		switch {
		case p == nil:
			e.plain = &plain{hba: []string{"host all all all md5"}, kind: "ClusterIP", port: 5432, container: 5432, app: "a"}
		case g.one(6):
			e.plain = nil
		case g.one(4):
			p.ssl = !p.ssl
		case g.one(3):
			p.kind = pick(g, "ClusterIP", "NodePort", "LoadBalancer")
		case g.one(3):
			p.port, p.container = pick(g, 5432, 6000), pick(g, 5432, 5433)
		case g.one(2):
			p.app = pick(g, "a", "b")
		default:
			p.hba = line(g, p.hba, hbaLines)
		}
		return objects
	}},
	{"stack", func(g gen, e *estate) []string {
		objects := []string{"SGCluster data/events", "Service data/events", "Service data/events-replicas", "Service data/events-primary"}
		s := e.stack
		switch {
		case s == nil:
			e.stack = &stack{}
		case g.one(6):
			e.stack = nil
		case g.one(4):
			s.envoy = !s.envoy
		case g.one(3):
			s.pooling = !s.pooling
		case g.one(3):
			s.ssl = !s.ssl
		default:
			s.hba = line(g, s.hba, hbaLines)
		}
		return objects
	}},
	{"facts", func(g gen, e *estate) []string {
		switch g.IntN(3) {
		case 0:
			e.cidrs = pick(g, nil, []string{"10.1.0.0/16"}, []string{"172.16.0.0/12"})
		case 1:
			e.outside = pick(g, "", "192.0.2.0/24", "198.51.100.0/24")
		default:
			e.release = pick(g, "", "1.30.0", "1.24.0")
		}
		return nil
	}},
	{"resolver", func(g gen, e *estate) []string {
		if len(e.resolvers) > 0 && g.one(2) {
			c := e.resolvers[0]
			c.app = map[bool]string{true: "metrics", false: "kube-dns"}[c.app == "kube-dns"]
			return []string{"Deployment kube-system/" + c.name}
		}
		if len(e.resolvers) > 0 {
			c := e.resolvers[0]
			e.resolvers = e.resolvers[1:]
			return []string{"Deployment kube-system/" + c.name}
		}
		e.resolvers = append(e.resolvers, &deployment{"kube-system", "core", "kube-dns"})
		return []string{"Deployment kube-system/core"}
	}},
	{"resolvers' namespace", func(g gen, e *estate) []string {
		e.spaces["kube-system"] = pick(g, "x", "z")
		return []string{"Namespace kube-system"}
	}},
	{"route", func(_ gen, e *estate) []string { e.route = !e.route; return []string{"TCPRoute data/edge"} }},
}
