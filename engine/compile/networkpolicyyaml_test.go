package compile_test

import (
	"net/netip"
	"testing"

	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/internal/artefacts"
	"github.com/pgmoat/pgmoat/internal/manifests"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// What is made is accepted by the reader of Kubernetes objects, with its checks, and means
// there what it meant here: the database lives, its client gets in, and nobody else.
func TestWrittenAndRead(t *testing.T) {
	world := manifests.Servers(t, "apiServer: {addresses: [192.0.2.1], ports: [6443]}", `
apiVersion: acid.zalan.do/v1
kind: postgresql
metadata: {name: ledger, namespace: shop}
spec: {teamId: acid, numberOfInstances: 2, postgresql: {version: "17"}, enableConnectionPooler: true, users: {app: []}, databases: {app: app}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template: {metadata: {labels: {app: api}}, spec: {containers: [{name: c, image: x}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other, namespace: shop}
spec:
  selector: {matchLabels: {app: other}}
  template: {metadata: {labels: {app: other}}, spec: {containers: [{name: c, image: x}]}}
`)
	server := intent.ServerRef{Namespace: "shop", Name: "ledger"}
	office := intent.Peer{Names: []string{"office"}, Addresses: flow.AddressesOf(netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32"))}
	api := intent.Peer{
		Namespaces: []string{"shop", "web"},
		Pods:       &netpol.Selector{{Key: "app", Op: netpol.In, Values: []string{"api", "worker"}}, {Key: "debug", Op: netpol.DoesNotExist}},
	}
	in := intent.Intents{
		Perimeters: []*intent.Perimeter{{
			Namespace: "shop", Name: "ledger", Server: server, EgressIsolated: true, AdminTier: &intent.AdminTier{Priority: 5},
			Backup: []intent.Destination{{Name: "store", To: office, Ports: []intent.Port{{Protocol: flow.TCP, From: 443, To: 445}}}},
		}},
		Accesses: []*intent.Access{{
			Namespace: "shop", Name: "api", Server: server, From: []intent.Peer{api, office}, Client: intent.ClientEgress{Isolation: intent.WhereIsolated},
			To: []intent.Entry{{Databases: []string{"app"}, Role: "app", Endpoint: intent.ReadWrite, Authentication: intent.SCRAM, Pooler: "ledger-pooler"}},
		}},
	}
	job, errs := compile.Plan(in, world, 0)
	for _, e := range errs {
		t.Errorf("%+v", e)
	}
	out := compile.Compile(job, []compile.Backend{compile.NetworkPolicy, compile.ClusterNetworkPolicy, compile.RBAC})
	after := artefacts.Applied(t, world, out)
	if n := len(after.Policies); n < 8 || len(after.ClusterPolicies) != 2 {
		t.Errorf("%d policies, %d of the cluster", n, len(after.ClusterPolicies))
	}
	e := reach.New(after)
	for _, d := range e.Vital(after.Servers[0]) {
		if !d.Flow.Optional && d.Verdict != verdict.Allow && !outside(d.Flow) {
			t.Errorf("%s: %s", d.Flow.What, d.Verdict)
		}
	}
	for _, a := range e.WhoCan(after.Servers[0]) {
		if a.Verdict == verdict.Allow && a.From.Kind == "Deployment" && a.From.Name != "api" && a.From.Name != "ledger-pooler" {
			t.Errorf("%s gets in as %s", a.From, a.Role)
		}
		if a.From.Name == "api" && a.Database == "app" && a.Role == "app" && a.Verdict != verdict.Allow {
			t.Errorf("%s as %s: %s", a.From, a.Role, a.Verdict)
		}
	}
}

func outside(f snapshot.VitalFlow) bool { return f.To.OutsideUnknown || f.From.OutsideUnknown }
