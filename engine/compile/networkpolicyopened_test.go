package compile

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/internal/manifests"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
)

// frontOut is a policy of somebody else's that lets the front out: a selector of clients,
// and a rule.
func frontOut(selector, rule string) string {
	return closedWeb + `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: front-out, namespace: web}
spec:
  podSelector: {` + selector + `}
  policyTypes: [Egress]
  egress: [{` + rule + `}]
`
}

// Where policies that are there open the way to the server already, all of it and for all
// clients, nothing is written on their side and no gap asks for it.
func TestClientsOpenedAlready(t *testing.T) {
	const front, database = "matchLabels: {app: front}", "to: [{namespaceSelector: {}, podSelector: {matchLabels: {cnpg.io/cluster: ledger}}}]"
	const pooler = "to: [{namespaceSelector: {}, podSelector: {matchLabels: {cnpg.io/poolerName: ledger-pool}}}]"
	const second = `
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: front-2, namespace: web}
spec:
  selector: {matchLabels: {app: front}}
  template:
    metadata: {labels: {app: front, canary: "true"}}
    spec: {containers: [{name: c, image: x}]}
`
	const stable = "matchExpressions: [{key: app, operator: In, values: [front]}, {key: canary, operator: DoesNotExist}]"
	for _, c := range []struct {
		name, documents string
		through         []string
		closed          bool
	}{
		{name: "everything", documents: frontOut(front, ""), through: []string{"", "ledger-pool"}},
		{name: "the database", documents: frontOut(front, database), through: []string{""}},
		{name: "another port", documents: frontOut(front, database+", ports: [{port: 5433}]"), through: []string{""}, closed: true},
		{name: "all ports but UDP", documents: frontOut(front, database+", ports: [{port: 5432, protocol: UDP}]"), through: []string{""}, closed: true},
		{name: "one of two ways", documents: frontOut(front, pooler), through: []string{"", "ledger-pool"}, closed: true},
		{name: "other clients", documents: frontOut("matchLabels: {app: back}", ""), through: []string{""}, closed: true},
		{name: "some of the clients", documents: frontOut(stable, "") + second, through: []string{""}, closed: true},
	} {
		world := manifests.Servers(t, "", c.documents)
		p, a := ask()
		a.From, a.Client.Isolation = []intent.Peer{labelled("web", "app", "front")}, intent.WhereIsolated
		one := a.To[0]
		a.To = nil
		for _, pooler := range c.through {
			one.Pooler = pooler
			a.To = append(a.To, one)
		}
		out := compiled(t, world, p, []*intent.Access{a}, NetworkPolicy)
		if got := out.hasGap("networkpolicy/client-closed"); got != c.closed {
			t.Errorf("%s: gap %t: %s", c.name, got, codes(out.Gaps))
		}
		p.ClientNamespaces = &netpol.Selector{}
		first := compiled(t, world, p, []*intent.Access{a}, NetworkPolicy)
		if got := strings.Contains(strings.Join(made(first), " "), "web/access-shop-api-egress"); got != c.closed {
			t.Errorf("%s: written %t: %q", c.name, got, made(first))
		}
		again := compiled(t, with(t, world, first), p, []*intent.Access{a}, NetworkPolicy)
		wantText(t, names(again), names(first))
	}
}

// A client to come has the labels that it has to have and no others: what lets out those of
// today by another label leaves it in.
func TestClientsOpenedToday(t *testing.T) {
	world := manifests.Servers(t, "", strings.Replace(frontOut("matchLabels: {tier: web}", ""), "labels: {app: front}}", "labels: {app: front, tier: web}}", 1))
	p, a := ask()
	a.From, a.Client.Isolation = []intent.Peer{labelled("web", "app", "front")}, intent.WhereIsolated
	if out := compiled(t, world, p, []*intent.Access{a}, NetworkPolicy); out.hasGap("networkpolicy/client-closed") {
		t.Errorf("all there are get out: %s", codes(out.Gaps))
	}
	p.ClientNamespaces = &netpol.Selector{}
	out := compiled(t, world, p, []*intent.Access{a}, NetworkPolicy)
	wantText(t, policy(t, world, out, "web/access-shop-api-egress-default-deny").Pods.String(), "app=front")
}

// Whoever monitors gets metrics, and no port that obeys, though it tells metrics too: not
// Patroni's REST API, nor Envoy's administration.
func TestMonitoringGetsNoControl(t *testing.T) {
	for spec, want := range map[string]string{
		"pods: {disableEnvoy: true}":                               "TCP 9187-9187",
		"pods: {disableEnvoy: false}":                              "TCP 9187-9187",
		"pods: {disableEnvoy: true, disableMetricsExporter: true}": "",
	} {
		world := stackGres(t, spec)
		p, _ := ask()
		p.Monitoring = []intent.Peer{labelled("monitoring", "app", "prometheus")}
		out := compiled(t, world, p, nil, NetworkPolicy)
		for _, c := range world.Servers[0].Control {
			told := c.Name == "patroni" || c.Name == "envoy admin"
			if told != hasNote(out, "networkpolicy/control-port", "("+c.Name+")") {
				t.Errorf("%s: notes of %s: %+v", spec, c.Name, out.Notes)
			}
		}
		if want == "" {
			if !out.hasGap("networkpolicy/no-metrics") || strings.Contains(names(out), "monitoring") {
				t.Errorf("%s: %s, %s", spec, codes(out.Gaps), made(out))
			}
			continue
		}
		wantText(t, text(policy(t, world, out, "shop/perimeter-ledger-monitoring"), netpol.Ingress),
			"kubernetes.io/metadata.name=monitoring / app=prometheus at "+want)
	}
}

func hasNote(out *Output, code, text string) bool {
	for _, n := range out.Notes {
		if n.Code == code && strings.Contains(n.Text, text) {
			return true
		}
	}
	return false
}
