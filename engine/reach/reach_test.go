package reach

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

var app = Session{Database: "ledger", Role: "app", TLS: true}

func ask(b *builder, from *snapshot.Pod, to Target, s Session) Decision {
	return New(b.world).Decide(Question{From: network.PodEndpoint(from), To: to, Session: s})
}

func wantVerdict(t *testing.T, d Decision, want verdict.Verdict) {
	t.Helper()
	if d.Verdict != want {
		t.Errorf("verdict %s, want %s", d.Verdict, want)
		for _, p := range d.Paths {
			t.Logf("%s %s", p.Verdict, p.Method)
			for _, s := range p.Steps {
				t.Logf("   %s %s %s %v", s.Layer, s.Verdict, s.Reason, s.Facts)
			}
		}
	}
}

// "A Service that leads nowhere explains why can … svc/x fails; it never counts as
// protection."
func TestABrokenServiceNeverProtects(t *testing.T) {
	b := estate()
	web := b.client("shop", "web")
	s := b.server("payments", "host all all all scram-sha-256")
	s.Services = []*snapshot.Service{b.service("payments", "typo", 5432, *selector("app", "bd"))}
	wantVerdict(t, ask(b, web, Target{Server: s, Service: s.Services[0]}, app), verdict.Deny)
	wantVerdict(t, ask(b, web, Target{Server: s}, app), verdict.Allow)
}

// A circle of names never resolves, although both Services were read.
func TestACircleOfNames(t *testing.T) {
	b := estate()
	web := b.client("shop", "web")
	s := b.server("payments", "host all all all scram-sha-256")
	for name, next := range map[string]string{"a": "b", "b": "a"} {
		b.world.Services = append(b.world.Services, &snapshot.Service{Namespace: "payments", Name: name, Type: "ExternalName",
			ExternalName: next + ".payments.svc.cluster.local"})
	}
	wantVerdict(t, ask(b, web, Target{Server: s, Service: b.world.Services[len(b.world.Services)-1]}, app), verdict.Deny)
}

// "Policy ports are pod ports, after DNAT."
func TestPoliciesNamePodPorts(t *testing.T) {
	b := estate()
	web := b.client("payments", "web", "app", "web")
	s := b.server("payments", "host all all all scram-sha-256")
	s.Ports[0].Port = 6432
	s.Services[0].Ports[0].Target = 6432
	b.policy("payments", "db", netpol.Ingress, selector("app", "db"), []netpol.Peer{pods(selector("app", "web"))}, 5432)
	wantVerdict(t, ask(b, web, Target{Server: s}, app), verdict.Deny)
}

// "Along one path a Deny decides whatever is unknown elsewhere; else an Unknown
// makes the answer Unknown."
func TestADenyDecidesWhateverIsUnknown(t *testing.T) {
	b := estate()
	web := b.client("shop", "web")
	s := b.server("payments", "host all all 10.1.0.0/16 scram-sha-256")
	wantVerdict(t, ask(b, web, Target{Server: s}, app), verdict.Unknown)
	b.policy("payments", "closed", netpol.Ingress, selector("app", "db"), nil)
	wantVerdict(t, ask(b, web, Target{Server: s}, app), verdict.Deny)
}

// A name has to be resolved before a Service can be used; the pod's address needs
// no name.
func TestWithoutDNSAServiceIsNotFound(t *testing.T) {
	b := estate()
	web := b.client("shop", "web", "app", "web")
	s := b.server("payments", "host all all all scram-sha-256")
	b.policy("shop", "egress", netpol.Egress, selector("app", "web"), []netpol.Peer{podsAnywhere(selector("app", "db"))}, 5432)
	d := ask(b, web, Target{Server: s, Service: s.Services[0]}, app)
	wantVerdict(t, d, verdict.Deny)
	if step := d.Paths[0].Steps[1]; step.Reason != "dns/cut" {
		t.Errorf("reason %s, want dns/cut", step.Reason)
	}
	wantVerdict(t, ask(b, web, Target{Server: s}, app), verdict.Allow)
}

// "Behind a pooler PostgreSQL sees the pooler's address": its file is asked about
// the pooler, and its own file about the client.
func TestAPoolerIsAHop(t *testing.T) {
	b := estate()
	web := b.client("payments", "web", "app", "web")
	s := b.server("payments", "hostssl all all all scram-sha-256")
	b.policy("payments", "db", netpol.Ingress, selector("app", "db"), []netpol.Peer{pods(selector("app", "pool"))}, 5432)
	wantVerdict(t, ask(b, web, Target{Server: s}, app), verdict.Deny)
	p := b.pooler(s, "host all app all scram-sha-256")
	wantVerdict(t, ask(b, web, Target{Server: s, Pooler: p}, app), verdict.Allow)
	wantVerdict(t, ask(b, web, Target{Server: s}, app), verdict.Allow)
	wantVerdict(t, ask(b, web, Target{Server: s, Pooler: p}, Session{Database: "ledger", Role: "other", TLS: true}), verdict.Deny)
}

// "connection requires a valid client certificate": a cert record refuses whoever
// has none, and whoever has one for another role.
func TestCertificates(t *testing.T) {
	b := estate()
	web := b.client("shop", "web")
	s := b.server("payments", "hostssl all all all cert")
	for cert, want := range map[string]verdict.Verdict{"": verdict.Deny, "app": verdict.Allow, "other": verdict.Deny} {
		session := app
		session.Cert = cert
		wantVerdict(t, ask(b, web, Target{Server: s}, session), want)
	}
	s.TLS.ClientCA = verdict.Deny
	session := app
	session.Cert = "app"
	wantVerdict(t, ask(b, web, Target{Server: s}, session), verdict.Deny)
}

// With ssl off the server refuses TLS; a client that does without is served.
func TestWithoutTLSOnTheServer(t *testing.T) {
	b := estate()
	web := b.client("shop", "web")
	s := b.server("payments", "host all all all scram-sha-256")
	s.TLS.Enabled = verdict.Deny
	wantVerdict(t, ask(b, web, Target{Server: s}, app), verdict.Deny)
	wantVerdict(t, ask(b, web, Target{Server: s}, Session{Database: "ledger", Role: "app"}), verdict.Allow)
}

// Two parts of one instance are one pod: ledger-1 as primary never meets ledger-1
// as replica.
func TestAnInstanceDoesNotMeetItself(t *testing.T) {
	b := estate()
	s := b.server("payments", "host all all all scram-sha-256")
	members := s.Members()
	d := ask(b, members[0], Target{Server: s, Members: members[1:2]}, app)
	if len(d.Paths) != 0 || d.Verdict != verdict.Deny {
		t.Errorf("%d paths, %s", len(d.Paths), d.Verdict)
	}
}

// An object of a layer that nobody decides yet leaves the answer open.
func TestAMeshObjectLeavesTheAnswerOpen(t *testing.T) {
	b := estate()
	web := b.client("shop", "web")
	s := b.server("payments", "host all all all scram-sha-256")
	b.world.Unmodelled = []snapshot.Unmodelled{{Layer: verdict.Mesh, Namespaces: []string{"payments"}}}
	wantVerdict(t, ask(b, web, Target{Server: s}, app), verdict.Unknown)
}

// "--strict turns each into Unknown."
func TestStrictAcceptsNoAssumption(t *testing.T) {
	b := estate()
	web := b.client("shop", "web")
	s := b.server("payments", "host all all all scram-sha-256")
	b.world.Facts.Strict = true
	wantVerdict(t, ask(b, web, Target{Server: s}, app), verdict.Unknown)
}

// The closed list says of every client, database, role and way of presenting
// oneself what a single question says: the remembered conversations, the joined
// members and the arrivals change nothing.
func TestTheClosedListAgreesWithSingleQuestions(t *testing.T) {
	for seed := range uint64(300) {
		world := random(seed)
		e := New(world)
		s := world.Servers[0]
		list := e.WhoCan(s)
		for _, w := range world.Workloads {
			for _, p := range w.Pods {
				agree(t, e, s, p, list, seed)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func agree(t *testing.T, e *Engine, s *snapshot.Server, p *snapshot.Pod, list []Access, seed uint64) {
	t.Helper()
	want := map[[2]string]verdict.Verdict{}
	for _, session := range everySession(s) {
		cell := [2]string{session.Database, session.Role}
		d := e.Decide(Question{From: network.PodEndpoint(p), To: Target{Server: s}, Session: session})
		if known, ok := want[cell]; ok {
			want[cell] = verdict.Any(known, d.Verdict)
		} else {
			want[cell] = d.Verdict
		}
	}
	for cell, v := range want {
		if got := listed(list, p, cell); got != v {
			t.Errorf("seed %d: %s as %s on %s: closed list says %s, single questions %s", seed, p.Ref(), cell[1], cell[0], got, v)
		}
	}
}

// listed is what the closed list says of a pod; what it does not hold is refused.
func listed(list []Access, p *snapshot.Pod, cell [2]string) verdict.Verdict {
	for _, a := range list {
		if slicesHas(a, p) && a.Database == cell[0] && a.Role == cell[1] {
			return a.Verdict
		}
	}
	return verdict.Deny
}

func slicesHas(a Access, p *snapshot.Pod) bool {
	for _, m := range a.Members {
		if m == p {
			return true
		}
	}
	return false
}

// PostgreSQL 13 has clientcert=0 and clientcert=no-verify for "asks for none".
func TestClientCertOffIsNoDemand(t *testing.T) {
	b := estate()
	web := b.client("shop", "web")
	s := b.server("payments")
	for option, want := range map[string]verdict.Verdict{"0": verdict.Allow, "no-verify": verdict.Allow, "1": verdict.Deny} {
		s.HBA = hba.Parse([]hba.Source{{Text: "hostssl all all all scram-sha-256 clientcert=" + option}}, 13)
		wantVerdict(t, ask(b, web, Target{Server: s}, app), want)
	}
}

// A pod that is being deleted is found by no selector any more, though it still runs.
func TestALeavingPodIsNotSelected(t *testing.T) {
	b := estate()
	stays, leaves := b.client("payments", "stays", "app", "web"), b.client("payments", "leaves", "app", "web")
	leaves.Leaving = true
	s := b.server("payments")
	s.HBA = hba.Parse([]hba.Source{{Text: "host all all $PODS md5", Addresses: map[string]hba.Address{
		"$PODS": {Kind: hba.Pods, Namespace: "payments", Pods: *selector("app", "web")}}}}, 17)
	wantVerdict(t, ask(b, stays, Target{Server: s}, app), verdict.Allow)
	wantVerdict(t, ask(b, leaves, Target{Server: s}, app), verdict.Deny)
}

// What the API server refuses of a database's custom resource is no policy: what packets
// do is known, and only refusals by that server are in doubt.
func TestARefusedCustomResource(t *testing.T) {
	b := estate()
	web, cut := b.client("payments", "web", "app", "web"), b.client("payments", "cut")
	s := b.server("payments", "host ledger app all scram-sha-256")
	other := *s
	other.Workload = &snapshot.Workload{Ref: snapshot.Ref{Kind: "Cluster", Namespace: "payments", Name: "other"}, Pods: s.Workload.Pods}
	b.world.Servers = append(b.world.Servers, &other)
	b.policy("payments", "out", netpol.Egress, selector("app", "web"), []netpol.Peer{pods(selector("app", "db"))}, 5432)
	stranger := app
	stranger.Role = "stranger"
	ask := func(from *snapshot.Pod, to *snapshot.Server, s Session) Decision {
		return New(b.world).Decide(Question{From: network.PodEndpoint(from), To: Target{Server: to}, Session: s})
	}
	for _, c := range []struct {
		object       snapshot.Ref
		known        verdict.Verdict // of whom a policy lets through
		own, another verdict.Verdict // refused
	}{
		{other.Ref(), verdict.Allow, verdict.Deny, verdict.Unknown},
		{snapshot.Ref{Kind: "Pooler", Namespace: "payments", Name: "pool"}, verdict.Allow, verdict.Unknown, verdict.Unknown},
		{snapshot.Ref{}, verdict.Unknown, verdict.Unknown, verdict.Unknown},
	} {
		b.world.Problems = []snapshot.Problem{{Err: "refused", Namespace: "payments", Object: c.object}}
		wantVerdict(t, ask(web, s, app), c.known)
		wantVerdict(t, ask(cut, s, stranger), c.own)
		wantVerdict(t, ask(cut, &other, stranger), c.another)
	}
}

// Through a pooler that nobody understands somebody may come whom the server refuses; it
// is told where the pooler has the session itself, and no strict reader takes it.
func TestPoolersThatNobodyUnderstands(t *testing.T) {
	b := estate()
	web := b.client("shop", "web")
	pool := b.client("payments", "pool", "app", "pool")
	pool.Workload.Passes = "PgBouncer"
	s := b.server("payments")
	s.HBA = hba.Parse([]hba.Source{{Text: "host ledger app $PODS md5", Addresses: map[string]hba.Address{
		"$PODS": {Kind: hba.Pods, Namespace: "payments", Pods: *selector("app", "pool")}}}}, 17)
	told := func(d Decision) bool { return slices.Contains(d.Assumptions, snapshot.AssumePoolersKeep) }
	d := ask(b, web, Target{Server: s}, app)
	if wantVerdict(t, d, verdict.Deny); !told(d) {
		t.Errorf("%v", d.Assumptions)
	}
	stranger := app
	stranger.Role = "stranger"
	if d := ask(b, web, Target{Server: s}, stranger); d.Verdict != verdict.Deny || told(d) {
		t.Errorf("a role that the pooler does not get: %s %v", d.Verdict, d.Assumptions)
	}
	for _, a := range New(b.world).WhoCan(s) {
		if slices.Contains(a.Assumptions, snapshot.AssumePoolersKeep) != (a.From == pool.Workload.Ref) {
			t.Errorf("%s: %v", a.From, a.Assumptions)
		}
	}
	b.world.Facts.Strict, b.world.Facts.Enforces = true, verdict.Allow
	wantVerdict(t, ask(b, web, Target{Server: s}, app), verdict.Unknown)
}

// Where two records may decide and both ask for a credential, the client gets as far as
// showing one; where one of them rejects, or asks for a certificate, it is not known.
func TestEitherRecordAdmits(t *testing.T) {
	for lines, want := range map[string]struct {
		verdict verdict.Verdict
		method  string
	}{
		"hostssl all +people all pam\nhost all all all md5":                                      {verdict.Allow, "pam or md5"},
		"hostssl all +people all pam\nhost all +app2 all scram-sha-256\nhost all all all pam":    {verdict.Allow, "pam or scram-sha-256"},
		"hostssl all +people all reject\nhost all all all md5":                                   {verdict.Unknown, ""},
		"hostssl all +people all cert\nhost all all all md5":                                     {verdict.Unknown, ""},
		"hostssl all +people all pam":                                                            {verdict.Unknown, ""},
		"hostssl all +people all pam\nhost all +app2 all reject\nhost all all all scram-sha-256": {verdict.Unknown, ""},
	} {
		b := estate()
		web := b.client("shop", "web")
		s := b.server("payments", strings.Split(lines, "\n")...)
		d := ask(b, web, Target{Server: s}, app)
		if d.Verdict != want.verdict || want.method != "" && d.Paths[0].Method != want.method {
			t.Errorf("%q: %s %q", lines, d.Verdict, d.Paths[0].Method)
		}
	}
}

// A Service without a selector whose endpoints nobody has says which addresses they are.
func TestEndpointsBeyond(t *testing.T) {
	b := estate()
	web := b.client("shop", "web")
	s := b.server("payments", "host all all all scram-sha-256")
	for _, beyond := range [][]string{nil, {"10.9.9.9"}} {
		svc := &snapshot.Service{Namespace: "payments", Name: "far", Type: "ClusterIP", Beyond: beyond}
		d := ask(b, web, Target{Server: s, Service: svc}, app)
		wantVerdict(t, d, verdict.Unknown)
		says := func(step verdict.Step) bool {
			return step.Reason == "service/beyond" && step.Facts["addresses"] == "10.9.9.9"
		}
		if slices.ContainsFunc(d.Paths[0].Steps, says) != (beyond != nil) {
			t.Errorf("%v: %+v", beyond, d.Paths[0].Steps)
		}
	}
}

// A pooler that was told no database for it looks passwords up in the client's.
func TestPasswordLookupWithoutADatabase(t *testing.T) {
	b := estate()
	web := b.client("shop", "web")
	s := b.server("payments", "host ledger all all scram-sha-256")
	p := b.pooler(s, "host all all all md5")
	p.AuthUser, p.ServerTLS = "asker", "require"
	for database, want := range map[string]verdict.Verdict{"": verdict.Allow, "postgres": verdict.Deny} {
		p.AuthDatabase = database
		d := ask(b, web, Target{Server: s, Service: p.Services[0]}, app)
		wantVerdict(t, d, want)
	}
}

// The list tells databases apart that only the pooler's own role does.
func TestListTellsThePoolersDatabasesApart(t *testing.T) {
	b := estate()
	b.client("shop", "web")
	s := b.server("payments", "host ledger asker all reject", "host all all all scram-sha-256")
	s.Databases = []string{"ledger", "other"}
	p := b.pooler(s, "host all all all md5")
	p.AuthUser = "asker"
	pooled := map[string]bool{}
	for _, a := range New(b.world).WhoCan(s) {
		if a.From.Name != "web" || a.Role != AnyOther {
			continue
		}
		for _, l := range a.Logins {
			pooled[a.Database] = pooled[a.Database] || slices.ContainsFunc(l.Routes, func(r Route) bool { return r.Pooler != "" })
		}
	}
	if pooled["ledger"] || !pooled["other"] {
		t.Errorf("%v", pooled)
	}
}

// What does not run is answered as it will be, and that is told: of a server always, of a
// pooler where no other way is open.
func TestStopped(t *testing.T) {
	at := verdict.Origin{Object: "Cluster payments/db", Field: "spec.instances"}
	told := func(list []string) bool { return slices.Contains(list, snapshot.AssumeRuns) }
	for _, c := range []struct {
		server, pooler  verdict.Origin
		direct, through bool
	}{{verdict.Origin{}, verdict.Origin{}, false, false}, {at, verdict.Origin{}, true, true}, {verdict.Origin{}, at, false, true}} {
		b := estate()
		web := b.client("shop", "web")
		s := b.server("payments", "host all all all scram-sha-256")
		p := b.pooler(s, "host all all all md5")
		s.Stopped, p.Stopped = c.server, c.pooler
		if d := ask(b, web, Target{Server: s}, app); d.Verdict != verdict.Allow || told(d.Assumptions) != c.direct {
			t.Errorf("%+v: %s %v", c, d.Verdict, d.Assumptions)
		}
		if d := ask(b, web, Target{Server: s, Service: p.Services[0]}, app); d.Verdict != verdict.Allow || told(d.Assumptions) != c.through {
			t.Errorf("%+v through the pooler: %s %v", c, d.Verdict, d.Assumptions)
		}
		if a := New(b.world).WhoCan(s)[0]; told(a.Assumptions) != c.through {
			t.Errorf("%+v in the list: %v", c, a.Assumptions)
		}
	}
}

// A strict reader takes no answer about a server that does not run.
func TestStoppedStrictly(t *testing.T) {
	b := estate()
	web := b.client("shop", "web")
	s := b.server("payments", "host all all all scram-sha-256")
	s.Stopped = verdict.Origin{Object: "Cluster payments/db", Field: "spec.instances"}
	b.world.Facts = snapshot.Facts{Strict: true, Complete: true, Enforces: verdict.Allow, DNS: DefaultDNS}
	wantVerdict(t, ask(b, web, Target{Server: s}, app), verdict.Unknown)
	for _, a := range New(b.world).WhoCan(s) {
		if a.Verdict != verdict.Unknown || slices.ContainsFunc(a.Logins, func(l Login) bool { return l.Verdict == verdict.Allow }) {
			t.Errorf("%+v", a)
		}
	}
}

// A pooler of replicas has nobody to pass clients on to where there are none.
func TestPoolerWithoutMembers(t *testing.T) {
	b := estate()
	web := b.client("shop", "web")
	s := b.server("payments", "host all all all scram-sha-256")
	s.Workload.Pods = s.Workload.Pods[:1]
	p := b.pooler(s, "host all all all md5")
	p.Part = snapshot.Replica
	d := ask(b, web, Target{Server: s, Service: p.Services[0]}, app)
	wantVerdict(t, d, verdict.Deny)
	if !slices.ContainsFunc(d.Paths[0].Steps, func(s verdict.Step) bool { return s.Reason == "pooler/no-member" }) {
		t.Errorf("%+v", d.Paths[0].Steps)
	}
}
