package compile

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/internal/manifests"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

const shop = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: web, labels: {team: web}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: shop}
spec: {instances: 2, backup: {barmanObjectStore: {destinationPath: "s3://b/", endpointURL: "https://s3.example.com"}}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: ledger-pool, namespace: shop}
spec: {cluster: {name: ledger}, type: rw, instances: 1, pgbouncer: {poolMode: session}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api, tier: back}}
    spec: {serviceAccountName: api, containers: [{name: c, image: x}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: front, namespace: web}
spec:
  selector: {matchLabels: {app: front}}
  template:
    metadata: {labels: {app: front}}
    spec: {containers: [{name: c, image: x}]}
`

func origin(object, field string) verdict.Origin { return verdict.Origin{Object: object, Field: field} }

func labelled(namespace, key, value string) intent.Peer {
	return intent.Peer{
		Namespaces: []string{namespace}, Pods: &netpol.Selector{{Key: key, Op: netpol.In, Values: []string{value}}}, Origin: origin("access", "spec.from[0]"),
	}
}

var ledger = intent.ServerRef{Namespace: "shop", Name: "ledger", Origin: origin("access", "spec.server")}

// ask is a perimeter and an access that nothing is wrong with.
func ask() (*intent.Perimeter, *intent.Access) {
	p := &intent.Perimeter{Namespace: "shop", Name: "ledger", Server: ledger, Origin: origin("perimeter", "")}
	a := &intent.Access{
		Namespace: "shop", Name: "api", Server: ledger, From: []intent.Peer{labelled("shop", "app", "api")}, Origin: origin("access", ""),
		To: []intent.Entry{{Databases: []string{"app"}, Role: "app", Endpoint: intent.ReadWrite, Authentication: intent.SCRAM, Origin: origin("access", "spec.to[0]")}},
	}
	return p, a
}

// An asked is the intents of a case.
type asked struct {
	p []*intent.Perimeter
	a []*intent.Access
}

// Every bad intent is told with the field to edit and what to write there.
func TestBadIntents(t *testing.T) {
	world := manifests.Servers(t, "podCIDRs: [10.244.0.0/16]", shop)
	for _, c := range []struct {
		name   string
		change func(p *intent.Perimeter, a *intent.Access) asked
		// Want is in the error, Fix in what to write; both empty for no error.
		field, want, fix string
		warning          bool
	}{
		{name: "nothing wrong"},
		{name: "unknown server", want: "no server ledgr", fix: "did you mean Cluster shop/ledger?", field: "spec.server",
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				p.Server.Name = "ledgr"
				return asked{p: []*intent.Perimeter{p}}
			}},
		{name: "another kind", want: "no server StatefulSet ledger", fix: "did you mean Cluster shop/ledger?", field: "spec.server",
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				a.Server.Kind = "StatefulSet"
				return asked{[]*intent.Perimeter{p}, []*intent.Access{a}}
			}},
		{name: "two perimeters", want: "has a perimeter already: shop/ledger", fix: "keep one of them",
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				other := *p
				other.Name = "second"
				return asked{p: []*intent.Perimeter{p, &other}}
			}},
		{name: "no perimeter", want: "has no perimeter", fix: "write a PostgresPerimeter for ledger",
			change: func(p *intent.Perimeter, a *intent.Access) asked { return asked{a: []*intent.Access{a}} }},
		{name: "nobody", want: "no pod of the estate", fix: "did you mean app: api?", field: "spec.from[0]", warning: true,
			change: from(labelled("shop", "app", "apo"))},
		{name: "nobody by the key", want: "no pod of the estate", fix: "did you mean tier: back?", warning: true,
			change: from(labelled("shop", "teir", "back"))},
		{name: "nobody near", want: "no pod of the estate", fix: "none with these labels", warning: true,
			change: from(labelled("shop", "run", "unheard-of"))},
		{name: "elsewhere", want: "no pod of the estate", fix: "did you mean namespaces: [web]?", warning: true,
			change: from(labelled("shop", "app", "front"))},
		{name: "another service account", want: "no pod of the estate", fix: "these pods run as api", warning: true,
			change: from(intent.Peer{Namespaces: []string{"shop"}, Pods: labelled("shop", "app", "api").Pods, ServiceAccounts: []string{"apo"}})},
		{name: "no namespace has the labels", want: "no pod of the estate", fix: "no namespace of the estate has these labels", warning: true,
			change: from(intent.Peer{NamespaceSelector: &netpol.Selector{{Key: "team", Op: netpol.In, Values: []string{"nobody"}}}, Pods: &netpol.Selector{}})},
		{name: "no namespace", want: "no pod of the estate", fix: "namespace shp is not in the estate; the nearest is shop", warning: true,
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				a.From[0] = labelled("shp", "app", "api")
				return asked{[]*intent.Perimeter{p}, []*intent.Access{a}}
			}},
		{name: "addresses of pods", want: "10.0.0.0/8 holds addresses of pods (10.244.0.0/16)", fix: "name pods by namespace", field: "spec.from[0]", warning: true,
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				a.From[0] = intent.Peer{Names: []string{"10.0.0.0/8"}, Addresses: flow.AddressesOf(netip.MustParsePrefix("10.0.0.0/8")), Origin: origin("access", "spec.from[0]")}
				return asked{[]*intent.Perimeter{p}, []*intent.Access{a}}
			}},
		{name: "reserved by the operator", want: "the operator (cloudnative-pg) keeps", field: "spec.to[0].role",
			change: role("streaming_replica")},
		{name: "reserved by prefix", want: "keeps for itself", change: role("cnpg_metrics_exporter")},
		{name: "PostgreSQL's own", want: "PostgreSQL's own roles", change: role("pg_monitor")},
		{name: "no role", want: "no role can be called that", field: "spec.to[0].role", change: role("public")},
		{name: "a role that sounds like none", change: role("PUBLIC")},
		{name: "a database without clients", want: "takes no connections", field: "spec.to[0].databases[1]",
			change: entry(func(e *intent.Entry) { e.Databases = []string{"app", "template0"} })},
		{name: "a replica to read from", change: entry(func(e *intent.Entry) { e.Endpoint = intent.ReadOnly })},
		{name: "the pooler's console", want: "console of the pooler", field: "spec.to[0].databases[0]",
			change: entry(func(e *intent.Entry) { e.Databases, e.Pooler = []string{"pgbouncer"}, "ledger-pool" })},
		{name: "a database of the console's name", change: entry(func(e *intent.Entry) { e.Databases = []string{"pgbouncer"} })},
		{name: "superuser", want: "is the superuser", fix: "spec.superuser: Remote", change: role("postgres")},
		{name: "superuser where it may",
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				p.RemoteSuperuser, a.To[0].Role = true, "postgres"
				return asked{[]*intent.Perimeter{p}, []*intent.Access{a}}
			}},
		{name: "long name", want: "64 bytes", fix: "use a shorter name", change: role(strings.Repeat("é", 32))},
		{name: "unknown pooler", want: "has no pooler pool", fix: "its poolers are ledger-pool", field: "spec.to[0].pooler",
			change: entry(func(e *intent.Entry) { e.Pooler = "pool" })},
		{name: "known pooler", change: entry(func(e *intent.Entry) { e.Pooler = "ledger-pool" })},
		{name: "pooler of the other part", want: "leads to the primary only",
			change: entry(func(e *intent.Entry) { e.Pooler, e.Endpoint = "ledger-pool", intent.ReadOnly })},
		{name: "no TLS", want: "requires TLS", fix: "spec.tls.required: false", field: "spec.to[0].tls",
			change: entry(func(e *intent.Entry) { e.PlainText = true })},
		{name: "no TLS where it may be",
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				p.PlainText, a.To[0].PlainText = true, true
				return asked{[]*intent.Perimeter{p}, []*intent.Access{a}}
			}},
		{name: "certificate", change: entry(func(e *intent.Entry) { e.Authentication = intent.Certificate })},
		{name: "two methods", want: "another authentication", fix: "the same authentication",
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				b := *a
				b.Name, b.From = "other", []intent.Peer{labelled("shop", "tier", "back")}
				b.To = []intent.Entry{a.To[0]}
				b.To[0].Authentication = intent.Certificate
				return asked{[]*intent.Perimeter{p}, []*intent.Access{a, &b}}
			}},
		{name: "two methods for others",
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				b := *a
				b.Name, b.From = "other", []intent.Peer{labelled("web", "app", "front")}
				b.To = []intent.Entry{a.To[0]}
				b.To[0].Authentication = intent.Certificate
				return asked{[]*intent.Perimeter{p}, []*intent.Access{a, &b}}
			}},
		{name: "isolation without consent", want: "the perimeter may not write there", fix: "clientNamespaces",
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				a.From[0], a.Client.Isolation = labelled("web", "app", "front"), intent.Isolate
				return asked{[]*intent.Perimeter{p}, []*intent.Access{a}}
			}},
		{name: "isolation with consent",
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				p.ClientNamespaces = &netpol.Selector{{Key: "team", Op: netpol.In, Values: []string{"web"}}}
				a.From[0], a.Client.Isolation = labelled("web", "app", "front"), intent.Isolate
				return asked{[]*intent.Perimeter{p}, []*intent.Access{a}}
			}},
		{name: "isolation of the server", want: "is one of them", fix: "narrow the selector",
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				a.From[0].Pods, a.Client.Isolation = &netpol.Selector{}, intent.Isolate
				return asked{[]*intent.Perimeter{p}, []*intent.Access{a}}
			}},
		{name: "isolated and never", want: "closes the way out", fix: "WhereIsolated",
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				b := *a
				b.Name, b.Client.Isolation = "other", intent.NeverIsolate
				a.Client.Isolation = intent.Isolate
				return asked{[]*intent.Perimeter{p}, []*intent.Access{a, &b}}
			}},
		{name: "namespace of others", want: "namespace shop is not the server's alone: Deployment shop/api", fix: "defaultDeny: false",
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				p.Owned = &intent.OwnedNamespace{DefaultDeny: true}
				p.Backup = []intent.Destination{everything("s3", 443)}
				return asked{p: []*intent.Perimeter{p}}
			}},
		{name: "closed to its store", want: "address that nobody wrote down", fix: "spec.backup",
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				p.EgressIsolated = true
				return asked{p: []*intent.Perimeter{p}}
			}},
		{name: "store named",
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				p.EgressIsolated = true
				p.Backup = []intent.Destination{everything("s3", 443)}
				return asked{p: []*intent.Perimeter{p}}
			}},
		{name: "unknown range", want: "no addresses are known of bastion", fix: "facts file",
			change: func(p *intent.Perimeter, a *intent.Access) asked {
				a.From[0] = intent.Peer{Names: []string{"bastion"}}
				return asked{[]*intent.Perimeter{p}, []*intent.Access{a}}
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, a := ask()
			in := asked{[]*intent.Perimeter{p}, []*intent.Access{a}}
			if c.change != nil {
				in = c.change(p, a)
			}
			_, errs := Plan(intent.Intents{Perimeters: in.p, Accesses: in.a}, world, 0)
			switch {
			case c.want == "" && len(errs) == 0:
				return
			case c.want == "":
				t.Fatalf("%+v", errs)
			case len(errs) != 1:
				t.Fatalf("%d errors: %+v", len(errs), errs)
			}
			e := errs[0]
			if !strings.Contains(e.Text, c.want) || !strings.Contains(e.Fix, c.fix) || e.Warning != c.warning || c.field != "" && e.Origin.Field != c.field {
				t.Errorf("%+v", e)
			}
		})
	}
}

func from(peer intent.Peer) func(*intent.Perimeter, *intent.Access) asked {
	return func(p *intent.Perimeter, a *intent.Access) asked {
		peer.Origin = origin("access", "spec.from[0]")
		a.From[0] = peer
		return asked{[]*intent.Perimeter{p}, []*intent.Access{a}}
	}
}

// A statement about a server that is not there holds whatever anybody writes.
func TestInvariantAboutNobody(t *testing.T) {
	world := manifests.Servers(t, "podCIDRs: [10.244.0.0/16]", shop)
	for _, c := range []struct {
		to   intent.ServerSelector
		want string
	}{
		{to: intent.ServerSelector{}},
		{to: intent.ServerSelector{Names: []string{"ledger"}}},
		{to: intent.ServerSelector{Names: []string{"ledger"}, Namespaces: []string{"shop"}}},
		{to: intent.ServerSelector{Names: []string{"ledger"}, Namespaces: []string{"web"}}, want: "to.names[0]"},
		{to: intent.ServerSelector{Names: []string{"ledger", "ledgr"}}, want: "to.names[1]"},
	} {
		v := &intent.Invariant{Never: &intent.Sessions{To: c.to, Origin: origin("invariant", "spec.never")}}
		_, errs := Plan(intent.Intents{Invariants: []*intent.Invariant{v}}, world, 0)
		switch {
		case c.want == "" && len(errs) == 0:
		case len(errs) != 1 || !errs[0].Warning || errs[0].Origin.Field != "spec.never."+c.want || errs[0].Fix != "did you mean Cluster shop/ledger?":
			t.Errorf("%+v: %+v", c.to, errs)
		}
	}
}

func role(name string) func(*intent.Perimeter, *intent.Access) asked {
	return entry(func(e *intent.Entry) { e.Role = name })
}

func entry(change func(*intent.Entry)) func(*intent.Perimeter, *intent.Access) asked {
	return func(p *intent.Perimeter, a *intent.Access) asked {
		change(&a.To[0])
		return asked{[]*intent.Perimeter{p}, []*intent.Access{a}}
	}
}

// An access that has ended asks for nothing, and is listed.
func TestExpired(t *testing.T) {
	world := manifests.Servers(t, "", shop)
	p, a := ask()
	a.Until = 100
	in := intent.Intents{Perimeters: []*intent.Perimeter{p}, Accesses: []*intent.Access{a}}
	for now, want := range map[snapshot.Moment][2]int{0: {1, 0}, 99: {1, 0}, 100: {0, 1}} {
		job, errs := Plan(in, world, now)
		if len(errs) > 0 || len(job.Sites[0].Accesses) != want[0] || len(job.Sites[0].Expired) != want[1] {
			t.Errorf("at %d: %+v %+v", now, job.Sites[0], errs)
		}
	}
}

// Two policies of the Admin tier do not share a priority.
func TestPriorities(t *testing.T) {
	world := *manifests.Servers(t, "", shop)
	world.ClusterPolicies = append(world.ClusterPolicies, &netpol.Policy{Kind: clusterPolicyKind, Name: "theirs", Tier: netpol.Admin, Priority: 7})
	p, _ := ask()
	p.AdminTier = &intent.AdminTier{Priority: 7}
	_, errs := Plan(intent.Intents{Perimeters: []*intent.Perimeter{p}}, &world, 0)
	if len(errs) != 1 || !strings.Contains(errs[0].Text, "taken by ClusterNetworkPolicy theirs") || errs[0].Fix != "priority: 8" {
		t.Errorf("%+v", errs)
	}

	all := netpol.Selector{}
	denies := &netpol.Policy{Kind: clusterPolicyKind, Name: "company", Tier: netpol.Admin, Priority: 500, Namespaces: &all}
	denies.Rules[netpol.Ingress] = []netpol.Rule{{Action: netpol.Deny, Peers: []netpol.Peer{{Namespaces: &all}}, AnyPort: true}}
	world.ClusterPolicies = []*netpol.Policy{denies}
	for priority, want := range map[int]bool{7: false, 501: true} {
		p.AdminTier.Priority = priority
		_, errs := Plan(intent.Intents{Perimeters: []*intent.Perimeter{p}}, &world, 0)
		if len(errs) == 0 != want || !want && errs[0].Fix != "priority: 501" {
			t.Errorf("%d: %+v", priority, errs)
		}
	}
}

func TestNames(t *testing.T) {
	long := strings.Repeat("a", 70)
	for _, c := range []struct {
		parts []string
		want  string
	}{
		{[]string{"perimeter-db", "", "closed"}, "perimeter-db-closed"},
		{[]string{"perimeter-db", "join job", "closed"}, "perimeter-db-join-job-closed"},
		{[]string{"access", "a.b"}, "access-a.b"},
	} {
		if got := name(c.parts...); got != c.want {
			t.Errorf("%q: %s", c.parts, got)
		}
	}
	if a, b := name(long, "x"), name(long, "y"); len(a) > maxName || a == b {
		t.Errorf("%s, %s", a, b)
	}
	if a, b := name("a_b"), name("a-b"); a == b || b != "a-b" {
		t.Errorf("%s, %s", a, b)
	}
}

var office = intent.Peer{Names: []string{"office"}, Addresses: flow.AddressesOf(netip.MustParsePrefix("203.0.113.0/24"))}

// An entry that leads to replicas alone, by its endpoint or by its pooler, is warned of
// where there is none.
func TestNoReplica(t *testing.T) {
	const zalando = `
apiVersion: acid.zalan.do/v1
kind: postgresql
metadata: {name: ledger, namespace: shop}
spec: {teamId: shop, numberOfInstances: N, enableConnectionPooler: true, enableReplicaConnectionPooler: true}
`
	for instances, alone := range map[string]bool{"1": true, "2": false} {
		world := manifests.Servers(t, "", strings.Replace(zalando, "N", instances, 1))
		for _, c := range []struct {
			pooler   string
			endpoint intent.Endpoint
			warned   bool
		}{
			{"ledger-pooler-repl", intent.AnyEndpoint, true}, {"ledger-pooler-repl", intent.ReadOnly, true},
			{"ledger-pooler", intent.AnyEndpoint, false}, {"", intent.ReadOnly, true}, {"", intent.AnyEndpoint, false},
		} {
			p, a := ask()
			a.From = []intent.Peer{{Names: []string{"o"}, Addresses: flow.AddressesOf(netip.MustParsePrefix("203.0.113.0/24"))}}
			a.To[0].Pooler, a.To[0].Endpoint = c.pooler, c.endpoint
			_, errs := Plan(intent.Intents{Perimeters: []*intent.Perimeter{p}, Accesses: []*intent.Access{a}}, world, 0)
			if got := len(errs) == 1 && errs[0].Warning && strings.HasPrefix(errs[0].Fix, "add an instance"); got != (c.warned && alone) || len(errs) > 1 {
				t.Errorf("%s instances, pooler %q: %+v", instances, c.pooler, errs)
			}
		}
	}
}
