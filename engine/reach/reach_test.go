package reach

import (
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
