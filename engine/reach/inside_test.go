package reach

import (
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func (b *builder) inside(s *snapshot.Server, how Inside, session Session) Decision {
	return New(b.world).Decide(Question{Inside: how, To: Target{Server: s}, Session: session})
}

// A forwarded port arrives from 127.0.0.1 in the pod, past every policy: only the lines
// for loopback decide.
func TestPortForwardIsLoopback(t *testing.T) {
	b := estate()
	s := b.server("payments", "host all all 127.0.0.1/32 trust", "local all all trust", "host all all all reject")
	b.policy("payments", "closed", netpol.Ingress, selector("app", "db"), nil)
	d := b.inside(s, PortForward, app)
	wantVerdict(t, d, verdict.Allow)
	wantPath(t, through(t, d, "port-forward"), verdict.Allow, SeenLoopback)
	if slices.ContainsFunc(d.Paths, func(p Path) bool { return p.Service != nil }) {
		t.Error("a path through a Service that nobody named")
	}
	if !slices.Contains(d.NotDecided, verdict.RBAC) {
		t.Errorf("not decided: %v; RBAC says who may", d.NotDecided)
	}
	s.HBA = records("local all all trust", "host all all 10.0.0.0/8 trust")
	wantVerdict(t, b.inside(s, PortForward, app), verdict.Deny)
	s.HBA = records("hostnossl all all samehost trust")
	wantVerdict(t, b.inside(s, PortForward, app), verdict.Deny)
	wantVerdict(t, b.inside(s, PortForward, Session{Database: "ledger", Role: "app"}), verdict.Allow)
	s.TLS.Enabled, s.HBA = verdict.Deny, records("host all all 127.0.0.1/32 trust")
	wantVerdict(t, b.inside(s, PortForward, app), verdict.Deny)
}

// exec has the Unix socket, where peer asks for the operating system's user, and loopback.
func TestExecHasTheSocket(t *testing.T) {
	b := estate()
	s := b.server("payments", "local all all peer", "host all all all reject")
	super := Session{Database: "postgres", Role: "postgres", TLS: true}
	wantVerdict(t, b.inside(s, Exec, super), verdict.Unknown)
	s.SystemUser = "postgres"
	d := b.inside(s, Exec, super)
	wantVerdict(t, d, verdict.Allow)
	wantPath(t, d.Paths[0], verdict.Allow, SeenSocket)
	wantVerdict(t, b.inside(s, Exec, app), verdict.Deny)
	wantVerdict(t, b.inside(s, PortForward, super), verdict.Deny)
	s.HBA = records("local all all reject", "host all all ::1/128 trust", "host all all 127.0.0.0/8 trust")
	wantVerdict(t, b.inside(s, Exec, super), verdict.Allow)
}

// A certificate is nobody's identity on a Unix socket.
func TestACertificateIsNoPeer(t *testing.T) {
	b := estate()
	s := b.server("payments", "local all all peer")
	session := app
	session.Cert = "app"
	wantVerdict(t, b.inside(s, Exec, session), verdict.Unknown)
	s.SystemUser = "postgres"
	wantVerdict(t, b.inside(s, Exec, session), verdict.Deny)
}

// A pooler inside the pod decides first what comes through its port, and it is not the
// process that exec starts which then comes over the socket.
func TestThroughAPoolerInThePod(t *testing.T) {
	b := estate()
	s := b.server("payments", "local all all peer")
	s.SystemUser = "postgres"
	file := records("host all postgres 127.0.0.1/32 md5")
	s.Ports = append([]snapshot.ServerPort{{Name: "pooled", Port: 6432, Sees: snapshot.SeesSocket, Pooler: &file}}, s.Ports...)
	at := func(how Inside, role string) Decision {
		return New(b.world).Decide(Question{Inside: how, To: Target{Server: s}, Port: 6432, Session: Session{Database: "ledger", Role: role}})
	}
	wantVerdict(t, at(PortForward, "app"), verdict.Deny)
	wantVerdict(t, at(PortForward, "postgres"), verdict.Unknown)
	wantVerdict(t, at(Exec, "postgres"), verdict.Unknown)
	s.HBA = records("local all all trust")
	d := at(PortForward, "postgres")
	wantVerdict(t, d, verdict.Allow)
	if p := d.Paths[0]; p.Sees != SeenLoopback || p.ServerSees != SeenSocket || p.Method != "md5" {
		t.Errorf("the pooler sees %d, the server %d, and %s is asked for", p.Sees, p.ServerSees, p.Method)
	}
}

// In a pooler's pod PgBouncer sees loopback, and the server the pooler's address.
func TestInsideAPooler(t *testing.T) {
	b := estate()
	s := b.server("payments", "host all all all scram-sha-256")
	p := b.pooler(s, "host all all 127.0.0.1/32 trust", "host all all all reject")
	d := New(b.world).Decide(Question{Inside: PortForward, To: Target{Server: s, Pooler: p}, Session: app})
	wantVerdict(t, d, verdict.Allow)
	if got := d.Paths[0]; got.Sees != SeenLoopback || got.ServerSees != SeenPooler || got.Method != "trust" {
		t.Errorf("the pooler sees %d, the server %d, and %s is asked for", got.Sees, got.ServerSees, got.Method)
	}
	b.policy("payments", "db", netpol.Ingress, selector("app", "db"), nil)
	wantVerdict(t, New(b.world).Decide(Question{Inside: Exec, To: Target{Server: s, Pooler: p}, Session: app}), verdict.Deny)
}

// kubectl asks the API server for the pods behind a Service: no name is resolved, and no
// load balancer passed.
func TestPortForwardToAService(t *testing.T) {
	b := estate()
	s := b.server("payments", "host all all 127.0.0.1/32 trust")
	b.policy("kube-system", "dns", netpol.Ingress, &netpol.Selector{}, nil)
	d := New(b.world).Decide(Question{Inside: PortForward, To: Target{Server: s, Service: s.Services[0]}, Session: app})
	wantVerdict(t, d, verdict.Allow)
	if n := len(d.Paths); n != 2 {
		t.Errorf("%d paths, want one to each primary", n)
	}
	s.Services[0].Selector = *selector("app", "nobody")
	wantVerdict(t, New(b.world).Decide(Question{Inside: PortForward, To: Target{Server: s, Service: s.Services[0]}, Session: app}), verdict.Deny)
}

// "What that role is at the server": with a role of its own the pooler's session is
// decided for that one, while its own file is asked about the client's.
func TestAPoolerMayBecomeAnotherRole(t *testing.T) {
	b := estate()
	web := b.client("payments", "web")
	s := b.server("payments", "hostssl all pooled all scram-sha-256", "host all all all reject")
	p := b.pooler(s, "host all app all scram-sha-256")
	wantVerdict(t, ask(b, web, Target{Server: s, Pooler: p}, app), verdict.Deny)
	p.Becomes = "pooled"
	wantVerdict(t, ask(b, web, Target{Server: s, Pooler: p}, app), verdict.Allow)
	wantVerdict(t, ask(b, web, Target{Server: s, Pooler: p}, Session{Database: "ledger", Role: "pooled", TLS: true}), verdict.Deny)
}

// server_tls_sslmode says how the pooler's own session comes: whatever the client did.
func TestThePoolersOwnTLS(t *testing.T) {
	b := estate()
	web := b.client("payments", "web")
	s := b.server("payments")
	p := b.pooler(s, "host all all all scram-sha-256")
	for _, c := range []struct {
		mode, line string
		tls, want  verdict.Verdict
	}{
		{"", "hostssl all all all md5", verdict.Allow, verdict.Unknown},
		{"", "hostnossl all all all md5", verdict.Deny, verdict.Unknown},
		{"", "host all all all md5", verdict.Allow, verdict.Allow},
		{"", "local all all md5", verdict.Allow, verdict.Deny},
		{"disable", "hostssl all all all md5", verdict.Allow, verdict.Deny},
		{"disable", "hostnossl all all all md5", verdict.Allow, verdict.Allow},
		{"verify-full", "hostssl all all all md5", verdict.Allow, verdict.Allow},
		{"require", "host all all all md5", verdict.Deny, verdict.Deny},
		{"prefer", "hostnossl all all all md5", verdict.Allow, verdict.Deny},
		{"prefer", "hostnossl all all all md5", verdict.Deny, verdict.Allow},
		{"prefer", "hostnossl all all all md5", verdict.Unknown, verdict.Unknown},
		{"prefer", "local all all md5", verdict.Unknown, verdict.Deny},
		{"allow", "hostssl all all all md5", verdict.Allow, verdict.Unknown},
	} {
		p.ServerTLS, s.HBA, s.TLS.Enabled = c.mode, records(c.line), c.tls
		if got := ask(b, web, Target{Server: s, Pooler: p}, Session{Database: "ledger", Role: "app"}).Verdict; got != c.want {
			t.Errorf("%q with %q where TLS is %s: %s, want %s", c.mode, c.line, c.tls, got, c.want)
		}
	}
}

// A flow that is a session is one at a pooler too.
func TestVitalSessionsAtAPooler(t *testing.T) {
	b := estate()
	exporter := b.client("monitoring", "exporter")
	s := b.server("payments", "host all all all reject")
	p := b.pooler(s, "host pgbouncer stats all trust")
	s.Vital = []snapshot.VitalFlow{{ID: "metrics", Phase: snapshot.Monitoring, Role: "stats", Database: "pgbouncer",
		From: snapshot.VitalPeer{Pods: []*snapshot.Pod{exporter}}, To: snapshot.VitalPeer{Pods: p.Workload.Pods},
		Ports: []flow.PortRange{{Protocol: flow.TCP, From: 5432, To: 5432}}}}
	wantFlow := func(want verdict.Verdict) {
		t.Helper()
		if d := New(b.world).Vital(s)[0]; d.Verdict != want {
			t.Errorf("%s, want %s: %v", d.Verdict, want, d.Steps)
		}
	}
	wantFlow(verdict.Allow) // the console is the pooler's own
	p.HBA = records("host all all all reject")
	wantFlow(verdict.Deny)
	s.Vital[0].Database, p.HBA = "ledger", records("host all all all trust")
	wantFlow(verdict.Deny)
	s.HBA = hba.File{Records: records("host all all all trust").Records}
	wantFlow(verdict.Allow)
}

// Names are resolved on the node or behind the Service, and nobody here knows which: with
// one of them cut the flow may be.
func TestOneOfTwoResolvers(t *testing.T) {
	b := estate()
	s := b.server("payments", "host all all all scram-sha-256")
	dns := b.client("kube-system", "coredns", "k8s-app", "kube-dns")
	s.Vital = []snapshot.VitalFlow{{ID: "dns", Phase: snapshot.Steady, From: snapshot.VitalPeer{Pods: s.Members()},
		To:    snapshot.VitalPeer{Pods: []*snapshot.Pod{dns}, Outside: outside("169.254.20.10/32").Outside},
		Ports: []flow.PortRange{{Protocol: flow.TCP, From: 53, To: 53}}}}
	for _, c := range []struct {
		to   []netpol.Peer
		want verdict.Verdict
	}{
		{[]netpol.Peer{podsAnywhere(selector("k8s-app", "kube-dns"))}, verdict.Unknown},
		{[]netpol.Peer{block("169.254.20.10/32")}, verdict.Unknown},
		{[]netpol.Peer{block("169.254.20.10/32"), podsAnywhere(selector("k8s-app", "kube-dns"))}, verdict.Allow},
		{[]netpol.Peer{block("192.0.2.0/24")}, verdict.Deny},
	} {
		b.world.Policies = nil
		b.policy("payments", "egress", netpol.Egress, selector("app", "db"), c.to, 53)
		if d := New(b.world).Vital(s)[0]; d.Verdict != c.want {
			t.Errorf("%v: %s, want %s", c.to, d.Verdict, c.want)
		}
	}
}

// A pooler that lets physical replication in asks the server for it too.
func TestReplicationThroughAPooler(t *testing.T) {
	b := estate()
	web := b.client("payments", "web")
	s := b.server("payments", "host all all all scram-sha-256", "host replication all all reject")
	p := b.pooler(s, "host replication all all scram-sha-256")
	q := Session{Role: "app", Replication: true, TLS: true}
	wantVerdict(t, ask(b, web, Target{Server: s, Pooler: p}, q), verdict.Deny)
	s.HBA = records("host replication all all scram-sha-256")
	wantVerdict(t, ask(b, web, Target{Server: s, Pooler: p}, q), verdict.Allow)
}

// What had to be assumed of a peer is told, and nothing that facts say or that a peer
// without labels leaves open.
func TestVitalAssumptions(t *testing.T) {
	port := []flow.PortRange{{Protocol: flow.TCP, From: 53, To: 53}}
	described := func(pairs ...string) snapshot.VitalPeer {
		return snapshot.VitalPeer{Name: "somebody", Namespace: "kube-system", Labels: labels(pairs...)}
	}
	server := snapshot.VitalPeer{Name: snapshot.KubeAPIServer, OutsideUnknown: true}
	for _, c := range []struct {
		name string
		flow snapshot.VitalFlow
		dns  *snapshot.DNS
		want string
	}{
		{"names", snapshot.VitalFlow{ID: "dns", To: described("k8s-app", "kube-dns")}, nil, snapshot.AssumeClusterDNS},
		{"names, told", snapshot.VitalFlow{ID: "dns", To: described("k8s-app", "kube-dns")}, DefaultDNS, ""},
		{"the API server", snapshot.VitalFlow{ID: "kube-apiserver", To: server}, nil, snapshot.AssumeAPIServer},
		{"from the API server", snapshot.VitalFlow{ID: "webhook", From: server}, nil, snapshot.AssumeAPIServer},
		{"the operator", snapshot.VitalFlow{ID: "operator-status", From: described("app", "operator")}, nil, snapshot.AssumeOperator},
		{"a store behind a Service", snapshot.VitalFlow{ID: "backup", To: described()}, nil, ""},
	} {
		b := estate()
		s := b.server("payments", "host all all all scram-sha-256")
		b.world.Facts.DNS = c.dns
		own := snapshot.VitalPeer{Pods: s.Members()}
		f := c.flow
		if f.Ports = port; f.From.Name == "" {
			f.From = own
		}
		if f.To.Name == "" {
			f.To = own
		}
		s.Vital = []snapshot.VitalFlow{f}
		got := New(b.world).Vital(s)[0].Assumptions
		for _, code := range []string{snapshot.AssumeClusterDNS, snapshot.AssumeAPIServer, snapshot.AssumeOperator} {
			if slices.Contains(got, code) != (code == c.want) {
				t.Errorf("%s: %v, want %q", c.name, got, c.want)
			}
		}
	}
}

// The kube-apiserver asks an operator that was not read: policies of its namespace say
// whether it gets there, and without any nothing is in its way.
func TestFromOutsideToWhoWasNotRead(t *testing.T) {
	b := estate()
	s := b.server("payments", "host all all all scram-sha-256")
	s.Vital = []snapshot.VitalFlow{{ID: "webhook", Phase: snapshot.Steady,
		From:  snapshot.VitalPeer{Name: snapshot.KubeAPIServer, Outside: outside("192.0.2.10/32").Outside},
		To:    snapshot.VitalPeer{Name: "the operator", Namespace: "operators", Labels: labels("app", "operator")},
		Ports: []flow.PortRange{{Protocol: flow.TCP, From: 9443, To: 9443}}}}
	if d := New(b.world).Vital(s)[0]; d.Verdict != verdict.Allow {
		t.Errorf("%s: %v", d.Verdict, d.Steps)
	}
	b.policy("operators", "deny", netpol.Ingress, &netpol.Selector{}, nil)
	if d := New(b.world).Vital(s)[0]; d.Verdict != verdict.Deny {
		t.Errorf("%s: %v", d.Verdict, d.Steps)
	}
}

// A flow to a name that leads to nobody is cut whatever the network lets through; one to
// a Service that was not read rests on an assumption, and on nothing where the estate is
// said to be complete.
func TestVitalNames(t *testing.T) {
	unread := snapshot.Ref{Kind: "Service", Namespace: "store", Name: "minio"}
	for _, c := range []struct {
		name   string
		to     snapshot.VitalPeer
		facts  snapshot.Facts
		want   verdict.Verdict
		assume bool
	}{
		{"lost", snapshot.VitalPeer{Lost: &verdict.Step{Layer: verdict.Service, Verdict: verdict.Deny}}, snapshot.Facts{}, verdict.Deny, false},
		{"not read", snapshot.VitalPeer{Unread: unread}, snapshot.Facts{}, verdict.Allow, true},
		{"not read, complete", snapshot.VitalPeer{Unread: unread}, snapshot.Facts{Complete: true}, verdict.Unknown, false},
		{"not read, strict", snapshot.VitalPeer{Unread: unread}, snapshot.Facts{Strict: true, Enforces: verdict.Allow}, verdict.Unknown, true},
		{"made by an operator", snapshot.VitalPeer{Unread: snapshot.Ref{Kind: "Service", Namespace: "payments", Name: "db"}}, snapshot.Facts{Complete: true}, verdict.Allow, false},
	} {
		b := estate()
		b.world.Facts = c.facts
		s := b.server("payments", "host all all all scram-sha-256")
		b.world.Services = append(b.world.Services, b.service("payments", "db", 5432, *selector("app", "db")))
		c.to.Name, c.to.Namespace = "the store", "store"
		s.Vital = []snapshot.VitalFlow{{ID: "backup", From: snapshot.VitalPeer{Pods: s.Members()}, To: c.to,
			Ports: []flow.PortRange{{Protocol: flow.TCP, From: 9000, To: 9000}}}}
		d := New(b.world).Vital(s)[0]
		if d.Verdict != c.want || slices.Contains(d.Assumptions, snapshot.AssumeServiceUnread) != c.assume {
			t.Errorf("%s: %s %v %v", c.name, d.Verdict, d.Assumptions, d.Steps)
		}
	}
}
