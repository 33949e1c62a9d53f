//go:build linux

package pgbouncer

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// TestTLSModes asks who gets in under each client_tls_sslmode, which is asked before
// the file is read and of nobody on the Unix socket.
func TestTLSModes(t *testing.T) {
	lab := startLab(t)
	plain, shown, rogue := Attempt{From: "10.1.2.3"}, Attempt{From: "10.1.2.3", TLS: true, Cert: "bob"}, Attempt{From: "10.1.2.3", TLS: true, Cert: "bob", Rogue: true}
	bare, local := Attempt{From: "10.1.2.3", TLS: true}, Attempt{OSUser: "app"}
	attempts := []Attempt{plain, bare, shown, rogue, local}
	for mode, want := range map[string][]string{
		"disable":     {In, TLSRefused, TLSRefused, TLSRefused, In},
		"allow":       {In, In, In, TLSFailed, In},
		"prefer":      {In, In, In, TLSFailed, In},
		"require":     {TLSRequired, In, In, TLSFailed, In},
		"verify-ca":   {TLSRequired, TLSFailed, In, TLSFailed, In},
		"verify-full": {TLSRequired, TLSFailed, In, TLSFailed, In},
	} {
		s := Setup{HBA: "host all all 10.0.0.0/8 trust\nlocal all all trust\n", TLSMode: mode, User: forced}
		for i := range attempts {
			attempts[i].User, attempts[i].Database = "app", "ledger"
		}
		_, answers, err := lab.Try(s, attempts...)
		if err != nil {
			t.Fatal(err)
		}
		f := modelled(s, lab.Release).UnderTLSMode(mode, verdict.Origin{})
		for i, a := range attempts {
			if answers[i].Outcome != want[i] {
				t.Errorf("%s: %+v is %+v, not %q", mode, a, answers[i], want[i])
			}
			if got := admits(f, a) && (!a.TLS || mode != "disable"); got != (want[i] == In) && !a.Rogue {
				t.Errorf("%s: the model admits %+v: %t", mode, a, got)
			}
		}
	}
}

// admits reports whether the record that decides lets the attempt in, certificate
// included.
func admits(f hba.File, a Attempt) bool {
	r := hba.Decide(f, session(a))
	return r.Verdict == verdict.Allow && (r.Record.ClientCert() == hba.NoClientCert || a.Cert != "")
}

// TestReplication: until 1.23 the parameter is an error, whatever the file says.
func TestReplication(t *testing.T) {
	lab := lab118(t)
	s := Setup{HBA: "host all all 0.0.0.0/0 trust\n", User: forced}
	for _, value := range []string{"true", "database"} {
		_, answers, err := lab.Try(s, Attempt{From: "10.1.2.3", User: "app", Database: "ledger", Replication: value})
		if err != nil || answers[0].Outcome != "unsupported startup parameter: replication" {
			t.Errorf("%s: %+v %v", value, answers, err)
		}
	}
	physical := session(Attempt{From: "10.1.2.3", User: "app", Database: "ledger"})
	physical.Replication = true
	if got := hba.Decide(modelled(s, lab.Release), physical); got.Verdict != verdict.Deny {
		t.Errorf("the model: %s", got.Verdict)
	}
}

// TestUnreadableFile: without a file nobody gets in, at start and on reload alike, but
// the administrator on the Unix socket, whom no file is asked about: the lab itself is
// that one.
func TestUnreadableFile(t *testing.T) {
	lab := startLab(t)
	open := Setup{HBA: "host all all 0.0.0.0/0 trust\n", User: forced}
	shut := open
	shut.Unreadable = true
	for i, want := range []string{Rejected, In, Rejected} {
		_, answers, err := lab.Try([]Setup{shut, open, shut}[i], Attempt{From: "10.1.2.3", User: "app", Database: "ledger"})
		if err != nil || answers[0].Outcome != want {
			t.Errorf("%d: %+v %v, not %q", i, answers, err, want)
		}
	}
}

// TestComposition goes all the way: the client's address is PgBouncer's business, and
// PostgreSQL decides about PgBouncer's. The engine has to say the same of the same
// estate.
func TestComposition(t *testing.T) {
	lab := startLab(t)
	const open = "host all all 10.0.0.0/8 trust\n"
	app, bob := Attempt{From: "10.1.2.3", User: "app", Database: "ledger"}, Attempt{From: "10.1.2.3", User: "bob", Database: "ledger"}
	bobTLS := bob
	bobTLS.TLS = true
	for _, c := range []struct {
		what  string
		setup Setup
		a     Attempt
		want  string
	}{
		{"both open", Setup{HBA: open, ServerHBA: "host all all 10.9.9.9/32 trust\n"}, app, In},
		{"the server knows the client's address only", Setup{HBA: open, ServerHBA: "host all all 10.1.2.3/32 trust\n"}, app, ServerRejected},
		{"the server refuses the client's address only", Setup{HBA: open, ServerHBA: "host all all 10.1.2.3/32 reject\nhost all all all trust\n"}, app, In},
		{"the pooler knows its own address only", Setup{HBA: "host all all 10.9.9.9/32 trust\n", ServerHBA: "host all all all trust\n"}, app, Rejected},
		{"the pooler refuses", Setup{HBA: "host all app 10.0.0.0/8 reject\n" + open, ServerHBA: "host all all all trust\n"}, app, Rejected},
		{"and not the other", Setup{HBA: "host all app 10.0.0.0/8 reject\n" + open, ServerHBA: "host all all all trust\n"}, bob, In},
		{"the server refuses one role", Setup{HBA: open, ServerHBA: "host all app 10.9.9.9/32 reject\nhost all all all trust\n"}, app, ServerRejected},
		{"and not the other", Setup{HBA: open, ServerHBA: "host all app 10.9.9.9/32 reject\nhost all all all trust\n"}, bob, In},
		{"every session is another role's", Setup{HBA: open, User: "bob", ServerHBA: "host all bob 10.9.9.9/32 trust\n"}, app, In},
		{"which the server refuses", Setup{HBA: open, User: "bob", ServerHBA: "host all app 10.9.9.9/32 trust\n"}, app, ServerRejected},
		{"the pooler comes in plain text", Setup{HBA: open, ServerTLS: "disable", ServerHBA: "hostssl all all all trust\n"}, bobTLS, ServerRejected},
		{"the pooler comes over TLS", Setup{HBA: open, ServerTLS: "require", ServerHBA: "hostssl all all all trust\n"}, bob, In},
		{"over TLS, where plain text is wanted", Setup{HBA: open, ServerTLS: "prefer", ServerHBA: "hostnossl all all all trust\n"}, bob, ServerRejected},
		{"the client has to use TLS, the pooler not", Setup{HBA: "hostssl all all 10.0.0.0/8 trust\n", ServerTLS: "disable", ServerHBA: "hostnossl all all all trust\n"}, bobTLS, In},
		{"a line that the pooler passes over refuses nobody", Setup{HBA: "host all +app 10.0.0.0/8 reject\n" + open, ServerHBA: "host all all all trust\n"}, app, In},
	} {
		if c.setup.ServerTLS == "" {
			c.setup.ServerTLS = "disable"
		}
		_, answers, err := lab.Try(c.setup, c.a)
		if err != nil {
			t.Fatal(err)
		}
		got := answers[0]
		if got.Outcome != c.want {
			t.Errorf("%s: %+v, not %q", c.what, got, c.want)
		}
		if got.Outcome == ServerRejected && !strings.Contains(got.Message, `host "`+PoolerAddress+`"`) {
			t.Errorf("%s: the server decided about another address: %s", c.what, got.Message)
		}
		want := verdict.Deny
		if c.want == In {
			want = verdict.Allow
		}
		if d := decide(c.setup, lab.Release, c.a); d.Verdict != want {
			t.Errorf("%s: the engine says %s, the servers %q: %+v", c.what, d.Verdict, got.Outcome, d.Paths)
		}
	}
}

// decide asks the engine about an estate of a client, a pooler and a server.
func decide(s Setup, release string, a Attempt) reach.Decision {
	pod := func(kind, address string) *snapshot.Pod {
		w := &snapshot.Workload{Ref: snapshot.Ref{Kind: kind, Namespace: "lab", Name: strings.ToLower(kind)}}
		p := &snapshot.Pod{Workload: w, Namespace: "lab", Name: w.Name, Labels: netpol.Labels{Set: map[string]string{"app": w.Name}},
			Addresses: []netip.Addr{netip.MustParseAddr(address)}}
		w.Pods = []*snapshot.Pod{p}
		return p
	}
	client, bouncer, member := pod("Deployment", a.From), pod("Pooler", PoolerAddress), pod("Cluster", "10.9.9.10")
	member.Part, member.Instance = snapshot.Primary, "cluster-1"
	pooler := &snapshot.Pooler{Workload: bouncer.Workload, Port: bouncerPort, HBA: modelled(s, release), Part: snapshot.Primary,
		Becomes: s.User, ServerTLS: cmp.Or(s.ServerTLS, defaultServerTLS(release)), TLS: snapshot.TLS{Enabled: verdict.Allow, ClientCA: verdict.Allow}}
	var sources []hba.Source
	for line := range strings.Lines(s.ServerHBA) {
		sources = append(sources, hba.Source{Text: line})
	}
	server := &snapshot.Server{Workload: member.Workload, Version: 15, HBA: hba.Parse(sources, 15), Databases: []string{"ledger"},
		Ports: []snapshot.ServerPort{{Name: "postgres", Port: postgresPort, Sees: snapshot.SeesClient}}, Poolers: []*snapshot.Pooler{pooler},
		TLS: snapshot.TLS{Enabled: verdict.Allow}}
	for _, name := range Users {
		server.Roles = append(server.Roles, snapshot.Role{Name: name})
	}
	world := &snapshot.Snapshot{Namespaces: map[string]*snapshot.Namespace{}, Servers: []*snapshot.Server{server},
		Workloads: []*snapshot.Workload{client.Workload, bouncer.Workload, member.Workload}}
	return reach.New(world).Decide(reach.Question{From: network.PodEndpoint(client), To: reach.Target{Server: server, Pooler: pooler},
		Session: reach.Session{Database: a.Database, Role: a.User, TLS: a.TLS}})
}

// defaultServerTLS is prefer since 1.20, and disable before (PgBouncer NEWS, 1.20.0).
func defaultServerTLS(release string) string {
	var minor int
	if _, err := fmt.Sscanf(release, "1.%d", &minor); err == nil && minor < 20 {
		return "disable"
	}
	return "prefer"
}
