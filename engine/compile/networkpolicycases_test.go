package compile

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/internal/manifests"
	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// policy is the policy of a name that was made; it fails the test where there is none.
func policy(t *testing.T, world *snapshot.Snapshot, out *Output, name string) *netpol.Policy {
	t.Helper()
	for _, p := range with(t, world, out).Policies {
		if p.FullName() == name {
			return p
		}
	}
	t.Fatalf("no %s among %s", name, strings.Join(made(out), ", "))
	return nil
}

func made(out *Output) []string {
	var names []string
	for _, a := range out.Artefacts {
		names = append(names, a.Ref.Namespace+"/"+a.Ref.Name)
	}
	return names
}

// text writes the rules of a direction: peers, then ports.
func text(p *netpol.Policy, dir netpol.Direction) string {
	var out []string
	for _, r := range p.Rules[dir] {
		var peers, ports []string
		for _, q := range r.Peers {
			if q.Block != nil {
				peers = append(peers, q.Block.Text)
				continue
			}
			peers = append(peers, q.Namespaces.String()+" / "+q.Pods.String())
		}
		for _, q := range r.Ports {
			ports = append(ports, fmt.Sprintf("%s %d-%d", q.Protocol, q.From, q.To))
		}
		out = append(out, strings.Join(peers, " or ")+" at "+strings.Join(ports, ", "))
	}
	return strings.Join(out, "\n")
}

func wantText(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Clients that go through a pooler are let to the pooler and not to the server, at the
// port of its pods.
func TestThroughThePooler(t *testing.T) {
	world := manifests.Servers(t, "", shop)
	p, a := ask()
	a.To[0].Pooler = "ledger-pool"
	out := compiled(t, world, p, []*intent.Access{a}, NetworkPolicy)
	door := policy(t, world, out, "shop/access-api-ledger-pool-clients")
	wantText(t, door.Pods.String(), "cnpg.io/poolerName=ledger-pool")
	wantText(t, text(door, netpol.Ingress), "kubernetes.io/metadata.name=shop / app=api at TCP 5432-5432")
	if slices.Contains(made(out), "shop/access-api-clients") {
		t.Error("the clients get to the server too")
	}
	wantText(t, policy(t, world, out, "shop/perimeter-ledger-closed").Pods.String(), "cnpg.io/cluster=ledger,cnpg.io/podRole=instance")
}

// Members change places: no selector has a label that says which of them leads.
func TestNoRoleLabels(t *testing.T) {
	world := manifests.Servers(t, "", strings.Replace(shop, "instances: 2", "instances: 1", 1))
	p, a := ask()
	out := compiled(t, world, p, []*intent.Access{a}, NetworkPolicy)
	if text := names(out); strings.Contains(text, "instanceRole") || strings.Contains(text, "{role ") {
		t.Error(text)
	}
	w := &snapshot.Workload{Ref: snapshot.Ref{Kind: "StatefulSet", Name: "db"}}
	only := &snapshot.Pod{Workload: w, Name: "db-0", Labels: netpol.Labels{Set: map[string]string{
		"part-of": "shop", "role": "primary", "pod": "db-0", "app.kubernetes.io/version": "17", "pod-template-hash": "x"}}}
	other := &snapshot.Pod{Workload: &snapshot.Workload{}, Labels: netpol.Labels{Set: map[string]string{"part-of": "shop"}}}
	if s, left := described([]*snapshot.Pod{only}, nil); s.String() != "part-of=shop" || len(left) > 0 {
		t.Errorf("%s, %d left", s, len(left))
	}
	if s, left := described([]*snapshot.Pod{only}, []*snapshot.Pod{other}); len(left) != 1 {
		t.Errorf("%s, %d left", s, len(left))
	}
	other.Labels.Set["job"] = "backup" // which the pods have not
	if s, left := described([]*snapshot.Pod{only}, []*snapshot.Pod{other}); len(left) != 0 || s.String() != "part-of=shop,!job" {
		t.Errorf("%s, %d left", s, len(left))
	}
}

const closedWeb = shop + `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: web}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: back-closed, namespace: shop}
spec: {podSelector: {matchLabels: {tier: back}}, policyTypes: [Egress]}
`

// Egress is written only where it is closed already, selecting no pod whose way out is
// open, and in another namespace only with consent.
func TestClientEgress(t *testing.T) {
	world := manifests.Servers(t, "", closedWeb)
	p, a := ask()
	a.Client.Isolation = intent.WhereIsolated
	a.From = append(a.From, labelled("web", "app", "front"))
	out := compiled(t, world, p, []*intent.Access{a}, NetworkPolicy)
	way := policy(t, world, out, "shop/access-api-egress-back-closed")
	wantText(t, way.Pods.String(), "app=api,tier=back")
	wantText(t, text(way, netpol.Egress), "kubernetes.io/metadata.name=shop / cnpg.io/cluster=ledger,cnpg.io/podRole=instance at TCP 5432-5432")
	if way.Isolates != [2]bool{false, true} {
		t.Error("it isolates for ingress")
	}
	if got := codes(out.Gaps); got != "networkpolicy/client-dns networkpolicy/client-closed" {
		t.Error(got)
	}
	if !strings.Contains(out.Gaps[1].Consequence, "selects app=front: to pods cnpg.io/cluster=ledger,cnpg.io/podRole=instance of namespace shop, TCP 5432") {
		t.Error(out.Gaps[1].Consequence)
	}

	p.ClientNamespaces = &netpol.Selector{{Key: "team", Op: netpol.In, Values: []string{"web"}}}
	out = compiled(t, world, p, []*intent.Access{a}, NetworkPolicy)
	wantText(t, policy(t, world, out, "web/access-shop-api-from-2-egress-default-deny").Pods.String(), "app=front")

	open := manifests.Servers(t, "", shop)
	out = compiled(t, open, p, []*intent.Access{a}, NetworkPolicy)
	if slices.ContainsFunc(made(out), func(name string) bool { return strings.Contains(name, "egress") }) {
		t.Errorf("the way out was open: %s", made(out))
	}
	open.Unmodelled = []snapshot.Unmodelled{{
		Ref: snapshot.Ref{Kind: "CiliumNetworkPolicy", Namespace: "web", Name: "c"}, Layer: verdict.Ingress, Directions: [2]bool{false, true},
		Namespaces: []string{"web"},
	}}
	if got := codes(compiled(t, open, p, []*intent.Access{a}, NetworkPolicy).Gaps); got != "networkpolicy/dialect" {
		t.Error(got)
	}
	if !slices.ContainsFunc(out.Notes, func(n artefact.Note) bool { return n.Code == "networkpolicy/client-open" }) {
		t.Errorf("nothing is said of it: %v", out.Notes)
	}
}

// Isolate closes the way out but for the server, DNS over UDP and TCP, and what is listed.
func TestIsolatedClients(t *testing.T) {
	world := manifests.Servers(t, "dns: {namespace: dns, labels: {app: resolver}, port: 1053}", shop)
	p, a := ask()
	a.Client = intent.ClientEgress{Isolation: intent.Isolate, Needs: []intent.Destination{{
		Name: "payments", To: intent.Peer{Names: []string{"p"}, Addresses: flow.AddressesOf(netip.MustParsePrefix("2001:db8::/32"))},
		Ports: []intent.Port{{Protocol: flow.TCP, From: 443, To: 443}},
	}}}
	out := compiled(t, world, p, []*intent.Access{a}, NetworkPolicy)
	wantText(t, text(policy(t, world, out, "shop/access-api-isolated"), netpol.Egress), `kubernetes.io/metadata.name=shop / cnpg.io/cluster=ledger,cnpg.io/podRole=instance at TCP 5432-5432
kubernetes.io/metadata.name=dns / app=resolver at TCP 1053-1053, UDP 1053-1053
2001:db8::/32 at TCP 443-443`)
}

// Service accounts are carried by the labels of the pods that run as them, by all that stay:
// who else has all of them is let in too.
func TestServiceAccounts(t *testing.T) {
	world := manifests.Servers(t, "", shop)
	p, a := ask()
	a.From = []intent.Peer{{Namespaces: []string{"shop"}, ServiceAccounts: []string{"api"}}}
	out := compiled(t, world, p, []*intent.Access{a}, NetworkPolicy)
	wantText(t, text(policy(t, world, out, "shop/access-api-clients"), netpol.Ingress), "kubernetes.io/metadata.name=shop / app=api,tier=back at TCP 5432-5432")

	a.From[0].ServiceAccounts = []string{"nobody"}
	out = compiled(t, world, p, []*intent.Access{a}, NetworkPolicy)
	if codes(out.Gaps) != "networkpolicy/service-account" || slices.Contains(made(out), "shop/access-api-clients") {
		t.Errorf("%s, %s", codes(out.Gaps), made(out))
	}
}

// The API server's address is not known: its ports are open to all, and a gap says so.
// Where it is known, the rule has nothing else.
func TestAPIServer(t *testing.T) {
	for facts, want := range map[string]string{
		"": "0.0.0.0/0 or ::/0 at TCP 443-443, TCP 6443-6443",
		"apiServer: {addresses: [192.0.2.1], ports: [6443]}": "192.0.2.1/32 at TCP 6443-6443",
	} {
		world := manifests.Servers(t, facts, shop)
		p, a := ask()
		p.EgressIsolated = true
		p.Backup = []intent.Destination{everything("s3", 443)}
		out := compiled(t, world, p, []*intent.Access{a}, NetworkPolicy)
		got := text(policy(t, world, out, "shop/perimeter-ledger-steady"), netpol.Egress)
		if !strings.Contains(got, want) || strings.Contains(codes(out.Gaps), "networkpolicy/apiserver-unknown") != (facts == "") {
			t.Errorf("%q: %s; %s", facts, got, codes(out.Gaps))
		}
		wantText(t, text(policy(t, world, out, "shop/perimeter-ledger-backup"), netpol.Egress), "0.0.0.0/0 or ::/0 at TCP 443-443")
	}
}

// What this closed once is not taken for somebody else's closing: an estate with the
// policies of a closed perimeter gets open ones when the perimeter opens.
func TestOpenedAgain(t *testing.T) {
	world := manifests.Servers(t, "", shop)
	p, a := ask()
	p.Backup = []intent.Destination{everything("s3", 443)}
	p.EgressIsolated = true
	closed := compiled(t, world, p, []*intent.Access{a}, NetworkPolicy)
	p.EgressIsolated = false
	fresh := compiled(t, world, p, []*intent.Access{a}, NetworkPolicy)
	again := compiled(t, with(t, world, closed), p, []*intent.Access{a}, NetworkPolicy)
	wantText(t, names(again), names(fresh))
}

// A selector of clients that has no pod yet still opens the way in for those to come.
func TestClientsToCome(t *testing.T) {
	world := manifests.Servers(t, "", shop)
	p, a := ask()
	a.From = []intent.Peer{labelled("later", "app", "new")}
	out := compiled(t, world, p, []*intent.Access{a}, NetworkPolicy)
	wantText(t, text(policy(t, world, out, "shop/access-api-clients"), netpol.Ingress), "kubernetes.io/metadata.name=later / app=new at TCP 5432-5432")
}

func BenchmarkNetworkPolicies(b *testing.B) {
	world := worldgen.Estate(10_000, 1)
	in := intent.Intents{}
	var spaces []string
	for _, name := range sortedKeys(world.Namespaces) {
		if strings.HasPrefix(name, "team-") {
			spaces = append(spaces, name)
		}
	}
	for _, w := range world.Workloads {
		if len(world.Servers) == 200 || w.Kind != "StatefulSet" || !strings.HasPrefix(w.Name, "db-") {
			continue
		}
		for _, p := range w.Pods {
			p.Part = snapshot.Primary
		}
		ref := intent.ServerRef{Namespace: w.Namespace, Name: w.Name}
		world.Servers = append(world.Servers, &snapshot.Server{Workload: w, Ports: []snapshot.ServerPort{{Port: 5432}}})
		in.Perimeters = append(in.Perimeters, &intent.Perimeter{
			Namespace: w.Namespace, Name: w.Name, Server: ref, EgressIsolated: true, ClientNamespaces: &netpol.Selector{},
		})
		for i := range 5 {
			a := &intent.Access{Namespace: w.Namespace, Name: fmt.Sprintf("%s-%d", w.Name, i), Server: ref}
			a.From = []intent.Peer{labelled(spaces[(len(world.Servers)+i*7)%len(spaces)], "tier", "web")}
			a.Client.Isolation = intent.WhereIsolated
			a.To = []intent.Entry{{Databases: []string{"app"}, Role: fmt.Sprintf("app%d", i), Endpoint: intent.ReadWrite, Authentication: intent.SCRAM}}
			in.Accesses = append(in.Accesses, a)
		}
	}
	b.ResetTimer()
	for b.Loop() {
		job, errs := Plan(in, world, 0)
		if fatal(errs) {
			b.Fatal(errs)
		}
		if out := Compile(job, []Backend{NetworkPolicy}); len(out.Artefacts) < 2000 {
			b.Fatalf("%d accesses, %d artefacts", len(in.Accesses), len(out.Artefacts))
		}
	}
}

// A pooler in the server's own pods is another port of the same pods.
func TestPoolerInThePods(t *testing.T) {
	world := manifests.Servers(t, "operators: {stackgres: {version: 1.18.6}}", `
apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: ledger, namespace: shop}
spec: {instances: 2, postgres: {version: "16"}, pods: {persistentVolume: {size: 1Gi}}}
`)
	for pooler, want := range map[string]uint16{"": 5432, "ledger": 6432} {
		p, a := ask()
		a.To[0].Pooler = pooler
		out := compiled(t, world, p, []*intent.Access{a}, NetworkPolicy)
		wantText(t, text(policy(t, world, out, "shop/access-api-clients"), netpol.Ingress),
			fmt.Sprintf("kubernetes.io/metadata.name=shop / app=api at TCP %d-%d", want, want))
	}
}

// By every path the client of an access gets its packets to the server and nobody else
// does: through the pooler where that is asked, past its Service or not.
func TestEveryPath(t *testing.T) {
	world := manifests.Servers(t, "", shop)
	for _, pooler := range []string{"", "ledger-pool"} {
		p, a := ask()
		a.To[0].Pooler = pooler
		after := with(t, world, compiled(t, world, p, []*intent.Access{a}, NetworkPolicy))
		e, passed := reach.New(after), 0
		for _, w := range after.Workloads {
			if w.Kind != "Deployment" {
				continue
			}
			for _, path := range e.Decide(reach.Question{From: network.PodEndpoint(w.Pods[0]), To: reach.Target{Server: after.Servers[0]}, Session: reach.Session{Database: "app", Role: "app", TLS: true}}).Paths {
				through := path.Pooler != nil
				admitted := !slices.ContainsFunc(path.Steps, func(s verdict.Step) bool { return s.Layer == verdict.Ingress && s.Verdict == verdict.Deny })
				if admitted {
					passed++
				}
				if want := w.Name == "api" && through == (pooler != ""); admitted != want {
					t.Errorf("pooler %q: %s, through a pooler: %t: packets pass: %t", pooler, w.Ref, through, admitted)
				}
			}
		}
		if passed == 0 {
			t.Errorf("pooler %q: nobody gets in", pooler)
		}
	}
}
