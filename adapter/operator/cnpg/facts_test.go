package cnpg

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The line of spec.postgresql.ldap stands between the user's and the catch-all; a reject
// of the user's keeps everybody from it.
func TestLDAPLine(t *testing.T) {
	for spec, want := range map[string]string{
		`server: l, port: 1389, scheme: ldaps, bindAsAuth: {prefix: "uid=", suffix: ",dc=x"}`:           `ldapserver=l ldapport=1389 ldapscheme=ldaps ldapprefix=uid= ldapsuffix=",dc=x"`,
		`server: l, tls: true, bindSearchAuth: {baseDN: dc, bindDN: cn, searchFilter: "(a=$username)"}`: `ldapserver=l ldaptls=1 ldapbasedn=dc ldapbinddn=cn ldapsearchfilter=(a=$username)`,
		`server: l, port: 1389`: "",
	} {
		s := adaptedBy(t, "1.30.0", cluster1(`postgresql: {pg_hba: ["host all all 192.0.2.0/24 reject"], ldap: {`+spec+`}}`))
		var got []string
		for _, r := range s.HBA.Records[5:] {
			got = append(got, r.String())
		}
		lines := []string{"host all all 192.0.2.0/24 reject", "host all all all scram-sha-256"}
		if want != "" {
			lines = slices.Insert(lines, 1, "host all all 0.0.0.0/0 ldap "+want)
		}
		if !slices.Equal(got, lines) || len(s.HBA.Errors) > 0 {
			t.Errorf("%s: %q %v", spec, got, s.HBA.Errors)
		}
	}
}

func TestLDAPPorts(t *testing.T) {
	for spec, want := range map[string]string{"": "TCP 389", "scheme: ldap,": "TCP 389", "scheme: ldaps,": "TCP 636", "scheme: ldaps, port: 1636,": "TCP 1636"} {
		got := flowsOf(adaptedBy(t, "1.30.0", cluster1(`postgresql: {ldap: {`+spec+` server: 192.0.2.9, bindAsAuth: {}}}`)))
		if line := "ldap steady: primary → 192.0.2.9/32 " + want; !slices.Contains(got, line) {
			t.Errorf("no %s among\n%s", line, strings.Join(got, "\n"))
		}
	}
}

// What a reference to pods selects: pods of the Cluster's own namespace whatever their
// phase, all of them where the selector is empty, and those of the host network by their
// node's address.
func TestPodSelectors(t *testing.T) {
	const pods = `
---
apiVersion: v1
kind: Pod
metadata: {name: done, namespace: shop, labels: {app: done}}
spec: {containers: [{name: c, image: i}]}
status: {phase: Succeeded, podIPs: [{ip: 10.0.0.9}]}
---
apiVersion: v1
kind: Pod
metadata: {name: host, namespace: shop, labels: {app: host}}
spec: {hostNetwork: true, containers: [{name: c, image: i}]}
`
	client := func(namespace, app string) hba.Client {
		return hba.Client{Pod: true, Namespace: namespace, Labels: netpol.Labels{Set: map[string]string{"app": app}}}
	}
	for _, c := range []struct {
		selector string
		client   hba.Client
		want     netpol.Match
	}{
		{"matchLabels: {app: done}", client("shop", "done"), netpol.Yes},
		{"matchLabels: {app: done}", client("shop", "api"), netpol.No},
		{"matchLabels: {app: done}", client("other", "done"), netpol.No},
		{"", client("shop", "api"), netpol.Yes},
		{"", client("other", "api"), netpol.No},
		{"matchExpressions: [{key: app, operator: NotIn, values: [done]}]", client("shop", "done"), netpol.No},
	} {
		s := adaptedBy(t, "1.30.0", cluster1(`podSelectorRefs: [{name: x, selector: {`+c.selector+`}}], postgresql: {pg_hba: ["host all all ${podselector:x} trust"]}`)+pods)
		if got := s.HBA.Records[5].MatchAddress(&c.client); got != c.want {
			t.Errorf("{%s} and %v: %v", c.selector, c.client, got)
		}
	}
	for selector, want := range map[string]bool{"matchLabels: {app: done}": false, "matchLabels: {app: host}": true, "": true} {
		s := adaptedBy(t, "1.30.0", cluster1(`podSelectorRefs: [{name: x, selector: {`+selector+`}}], postgresql: {pg_hba: ["host all all ${podselector:x} trust"]}`)+pods)
		if got := s.HBA.Records[5].Address.Nodes; got != want {
			t.Errorf("{%s}: nodes %t", selector, got)
		}
	}
}

// With the reject behind it a reference restricts; without, whoever it leaves out asks for
// a password below.
func TestReferencesNeedTheReject(t *testing.T) {
	stranger := hba.Session{TLS: true, Database: hba.Named("app"), User: hba.Named("app"), Client: hba.Client{Pod: true, Namespace: "shop",
		Labels: netpol.Labels{Set: map[string]string{"app": "stranger"}}}}
	for lines, want := range map[string]verdict.Verdict{
		`"host all all ${podselector:x} scram-sha-256"`:                            verdict.Allow,
		`"host all all ${podselector:x} scram-sha-256", "host all all all reject"`: verdict.Deny,
	} {
		s := adaptedBy(t, "1.30.0", cluster1(`podSelectorRefs: [{name: x, selector: {matchLabels: {app: api}}}], postgresql: {pg_hba: [`+lines+`]}`))
		if got := hba.Decide(s.HBA, stranger).Verdict; got != want {
			t.Errorf("%s: %s", lines, got)
		}
		for role, database := range map[string]string{"streaming_replica": "postgres", "cnpg_pooler_pgbouncer": "app"} {
			own := stranger
			own.User, own.Database = hba.Named(role), hba.Named(database)
			if got := hba.Decide(s.HBA, own); got.Verdict != verdict.Allow || got.Record.Method != "cert" {
				t.Errorf("%s: %s is judged by %v", lines, role, got)
			}
		}
	}
}

// The names of the operator's roles and of PostgreSQL's are refused.
func TestReservedRoles(t *testing.T) {
	for role, refused := range map[string]bool{
		"postgres": true, "streaming_replica": true, "pg_monitor": true, "cnpg_pooler_pgbouncer": true, "cnpg": false, "page": false, "clerk": false,
	} {
		w := worldtest.World(t, cluster1("instances: 1")+`
---
apiVersion: postgresql.cnpg.io/v1
kind: DatabaseRole
metadata: {name: r, namespace: shop}
spec: {cluster: {name: pg}, name: `+role+`, login: true, superuser: true}
`)
		w.Snapshot.Facts.OperatorVersions = map[string]string{Name: "1.30.0"}
		Adapt(w)
		made := slices.ContainsFunc(w.Snapshot.Servers[0].Roles, func(r snapshot.Role) bool { return r.Name == role && r.Origin.Object == "DatabaseRole shop/r" })
		if made == refused || (len(w.Snapshot.Problems) > 0) != refused {
			t.Errorf("%s: made %t, %v", role, made, w.Snapshot.Problems)
		}
	}
}

// A certificate of a DatabaseRole needs a role that logs in.
func TestClientCertificateNeedsLogin(t *testing.T) {
	for login, warned := range map[string]bool{"true": false, "false": true} {
		w := worldtest.World(t, cluster1("instances: 1")+`
---
apiVersion: postgresql.cnpg.io/v1
kind: DatabaseRole
metadata: {name: r, namespace: shop}
spec: {cluster: {name: pg}, name: clerk, login: `+login+`, clientCertificate: {}}
`)
		w.Snapshot.Facts.OperatorVersions = map[string]string{Name: "1.30.0"}
		Adapt(w)
		if got := slices.ContainsFunc(w.Snapshot.Warnings, func(x snapshot.Warning) bool { return x.Code == "cnpg/client-certificate" }); got != warned {
			t.Errorf("login %s: %v", login, w.Snapshot.Warnings)
		}
	}
}

// A Pooler leads to the instances of its type, and all types to Services of the Cluster.
func TestPoolerTypes(t *testing.T) {
	for typ, want := range map[string]string{"": "pg-rw primary", "rw": "pg-rw primary", "ro": "pg-ro replica", "r": "pg-r "} {
		s := adaptedBy(t, "1.30.0", cluster1("instances: 2")+"---\napiVersion: postgresql.cnpg.io/v1\nkind: Pooler\nmetadata: {name: pool, namespace: shop}\n"+
			"spec: {cluster: {name: pg}, type: \""+typ+"\"}\n")
		p := s.Poolers[0]
		if got := p.Target + " " + p.Part; got != want {
			t.Errorf("%q: %q", typ, got)
		}
		to := map[string]string{"primary": "primary", "replica": "replica", "": "primary, replica"}[p.Part]
		if line := "pooler steady: pool → " + to + " TCP 5432"; !slices.Contains(flowsOf(s), line) {
			t.Errorf("%q: no %s among\n%s", typ, line, strings.Join(flowsOf(s), "\n"))
		}
	}
}

// The Secrets that a user brings for a Pooler, each for what it is.
func TestPoolersOwnSecrets(t *testing.T) {
	s := adaptedBy(t, "1.30.0", cluster1("instances: 1")+`
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pool, namespace: shop}
spec:
  cluster: {name: pg}
  pgbouncer:
    authQuerySecret: {name: auth}
    serverTLSSecret: {name: out}
    clientTLSSecret: {name: in}
    clientCASecret: {name: ca-in}
    serverCASecret: {name: ca-out}
`)
	var got []string
	for _, x := range s.Secrets {
		if strings.HasPrefix(x.Origin.Object, "Pooler ") {
			got = append(got, x.Secret+" "+x.What+" "+x.Origin.Field)
		}
	}
	want := []string{
		"shop/auth pooler spec.pgbouncer.authQuerySecret.name", "shop/out pooler spec.pgbouncer.serverTLSSecret.name",
		"shop/in TLS spec.pgbouncer.clientTLSSecret.name", "shop/ca-in CA spec.pgbouncer.clientCASecret.name",
		"shop/ca-out CA spec.pgbouncer.serverCASecret.name",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for _, c := range s.TLS.Certificates {
		if slices.Contains(c.Readers, "ServiceAccount shop/pool") {
			t.Errorf("the pooler reads %s, which it does not need", c.Secret)
		}
	}
}

// TLS is on and its files are the operator's, whatever the user writes; the oldest
// protocol is the user's.
func TestTLSIsFixed(t *testing.T) {
	for name, value := range map[string]string{"ssl": "off", "ssl_ca_file": "/x", "hba_file": "/x", "listen_addresses": "localhost", "unix_socket_directories": "/x"} {
		w := worldtest.World(t, cluster1(fmt.Sprintf("postgresql: {parameters: {%s: %q, ssl_min_protocol_version: TLSv1.2}}", name, value)))
		Adapt(w)
		s := w.Snapshot.Servers[0]
		if got, _ := s.Setting("postgresql." + name); got.Value == value {
			t.Errorf("%s is taken", name)
		}
		if len(w.Snapshot.Warnings) != 1 || s.TLS.Enabled != verdict.Allow || s.TLS.MinProtocol != "TLSv1.2" {
			t.Errorf("%s: %v %+v", name, w.Snapshot.Warnings, s.TLS)
		}
	}
}

// A backup by snapshots is read from no object store, and a snapshot makes replicas only
// where WAL is archived.
func TestSnapshots(t *testing.T) {
	backup := func(method string) string {
		return cluster1(`bootstrap: {recovery: {backup: {name: last}}}`) +
			"---\napiVersion: postgresql.cnpg.io/v1\nkind: Backup\nmetadata: {name: last, namespace: shop}\nstatus: {method: " + method + "}\n"
	}
	stores := func(s *snapshot.Server) bool {
		return slices.ContainsFunc(s.Vital, func(f snapshot.VitalFlow) bool { return f.ID == "backup" })
	}
	if stores(adaptedBy(t, "1.30.0", backup("volumeSnapshot"))) || !stores(adaptedBy(t, "1.30.0", backup("barmanObjectStore"))) {
		t.Error("only a backup in an object store is read from one")
	}
	for spec, want := range map[string]string{
		"plugins: [{name: x, isWALArchiver: true}], backup: {volumeSnapshot: {}}":                                               "initdb join snapshot-recovery major-upgrade",
		"plugins: [{name: x, isWALArchiver: true, enabled: false}], backup: {volumeSnapshot: {}}":                               "initdb join major-upgrade",
		"plugins: [{name: x}], backup: {volumeSnapshot: {}}":                                                                    "initdb join major-upgrade",
		"plugins: [{name: x, isWALArchiver: true}], bootstrap: {recovery: {volumeSnapshots: {}}}":                               "snapshot-recovery join major-upgrade",
		"plugins: [{name: x, isWALArchiver: true}], backup: {volumeSnapshot: {}}, bootstrap: {recovery: {volumeSnapshots: {}}}": "snapshot-recovery join major-upgrade",
	} {
		var got []string
		for _, p := range adaptedBy(t, "1.30.0", cluster1("instances: 2, "+spec)).Workload.Pods {
			if job, ok := strings.CutSuffix(p.Part, jobSuffix); ok {
				got = append(got, job)
				if _, has := p.Labels.Set[podRoleLabel]; has || p.Labels.Set[jobLabel] != job || p.Labels.Set[clusterLabel] != "pg" {
					t.Errorf("%s has the labels %v", job, p.Labels)
				}
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q", spec, got)
		}
	}
}

// Each field by which pods leave the level restricted.
func TestDemands(t *testing.T) {
	for spec, want := range map[string]snapshot.DemandKind{
		"securityContext: {privileged: true}":                      snapshot.Privileged,
		"seccompProfile: {type: Unconfined}":                       snapshot.Unconfined,
		"podSecurityContext: {seccompProfile: {type: Unconfined}}": snapshot.Unconfined,
		"securityContext: {seccompProfile: {type: Unconfined}}":    snapshot.Unconfined,
		"securityContext: {allowPrivilegeEscalation: true}":        snapshot.Escalation,
		"postgresUID: 0":                                                        snapshot.Root,
		"podSecurityContext: {runAsUser: 0}":                                    snapshot.Root,
		"securityContext: {runAsUser: 0}":                                       snapshot.Root,
		"securityContext: {runAsNonRoot: false}":                                snapshot.Root,
		"securityContext: {capabilities: {add: [SYS_ADMIN]}}":                   snapshot.Capability,
		"securityContext: {runAsNonRoot: true, runAsUser: 26}, postgresUID: 26": 0,
	} {
		got := adaptedBy(t, "1.30.0", cluster1(spec)).Members()[0].Demands
		field, _, _ := strings.Cut(spec, ":")
		switch {
		case want == 0 && len(got) > 0:
			t.Errorf("%s: %v", spec, got)
		case want != 0 && (len(got) != 1 || got[0].Kind != want || !strings.HasPrefix(got[0].Origin.Field, "spec."+field)):
			t.Errorf("%s: %v", spec, got)
		}
	}
}

// A Pooler's lines are written as they stand: a reference to pods is the name of a host
// there, which none has.
func TestPoolersReplaceNoReference(t *testing.T) {
	s := adaptedBy(t, "1.30.0", cluster1(`podSelectorRefs: [{name: x, selector: {matchLabels: {app: api}}}]`)+`
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pool, namespace: shop}
spec: {cluster: {name: pg}, pgbouncer: {pg_hba: ["host all all ${podselector:x} trust", "host all all 10.0.0.0/8 reject"]}}
`)
	f := s.Poolers[0].HBA
	client := hba.Client{Pod: true, Namespace: "shop", Labels: netpol.Labels{Set: map[string]string{"app": "api"}}}
	for _, r := range f.Records {
		if r.Method == "trust" && r.MatchAddress(&client) == netpol.Yes {
			t.Errorf("%s admits the pods", r)
		}
	}
	var got []string
	for _, r := range adaptedBy(t, "1.30.0", cluster1("instances: 1")+`
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pool, namespace: shop}
spec: {cluster: {name: pg}, pgbouncer: {pg_hba: ["host all all 10.0.0.0/8 reject"]}}
`).Poolers[0].HBA.Records {
		got = append(got, r.String())
	}
	if want := []string{"local pgbouncer pgbouncer peer", "host all all 10.0.0.0/8 reject", "host all all 0.0.0.0/0 md5", "host all all ::/0 md5"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// What a Pooler asks of its clients before it reads any line.
func TestPoolersClientTLS(t *testing.T) {
	for mode, want := range map[string][2]verdict.Verdict{ // in plain text, over TLS
		"":        {verdict.Allow, verdict.Allow},
		"prefer":  {verdict.Allow, verdict.Allow},
		"require": {verdict.Deny, verdict.Allow},
		"disable": {verdict.Allow, verdict.Deny},
	} {
		parameters := ""
		if mode != "" {
			parameters = "client_tls_sslmode: " + mode
		}
		p := adaptedBy(t, "1.30.0", cluster1("instances: 1")+"---\napiVersion: postgresql.cnpg.io/v1\nkind: Pooler\nmetadata: {name: pool, namespace: shop}\n"+
			"spec: {cluster: {name: pg}, pgbouncer: {parameters: {"+parameters+"}}}\n").Poolers[0]
		session := hba.Session{Database: hba.Named("app"), User: hba.Named("app"), Client: hba.ClientAt(netip.MustParseAddr("10.1.0.5"))}
		plain := hba.Decide(p.HBA, session).Verdict
		session.TLS = true
		over := hba.Decide(p.HBA, session).Verdict
		if p.TLS.Enabled == verdict.Deny {
			over = verdict.Deny
		}
		if got := [2]verdict.Verdict{plain, over}; got != want {
			t.Errorf("%q: %v, want %v", mode, got, want)
		}
	}
}
