package stackgres

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// of is the server of an SGCluster of release 1.18.6.
func of(t *testing.T, text string) *snapshot.Server {
	t.Helper()
	w := worldtest.World(t, text)
	w.Snapshot.Facts.OperatorVersions = map[string]string{Name: "1.18.6"}
	Adapt(w)
	return w.Snapshot.Servers[0]
}

// What the operator drops of PostgreSQL's parameters; those of TLS, password_encryption
// and hba_file it takes.
func TestParameters(t *testing.T) {
	for name, dropped := range map[string]bool{
		"listen_addresses": true, "port": true, "archive_mode": true, "archive_command": true, "wal_log_hints": true, "log_destination": true,
		"logging_collector": true, "Port": true,
		"ssl": false, "ssl_min_protocol_version": false, "ssl_ca_file": false, "password_encryption": false, "hba_file": false, "log_connections": false,
	} {
		s := of(t, shop("  configurations: {sgPostgresConfig: tuned}")+"---\napiVersion: stackgres.io/v1\nkind: SGPostgresConfig\n"+
			"metadata: {name: tuned, namespace: pg}\nspec: {postgresql.conf: {"+name+": \"a-value\"}}\n")
		got, _ := s.Setting("postgresql." + strings.ToLower(name))
		heeded := slices.ContainsFunc(s.Unheeded, func(u snapshot.Unheeded) bool { return u.Field == name })
		if (got.Value == "a-value") == dropped || heeded != dropped {
			t.Errorf("%s: %+v, dropped %t", name, got, heeded)
		}
	}
}

// What the operator drops of PgBouncer's parameters; what clients have to do for TLS it
// takes.
func TestPoolingParameters(t *testing.T) {
	for name, dropped := range map[string]bool{
		"auth_type": true, "auth_query": true, "auth_user": true, "listen_addr": true, "listen_port": true, "unix_socket_dir": true, "server_tls_sslmode": true,
		"client_tls_sslmode": false, "pool_mode": false, "max_client_conn": false,
	} {
		s := of(t, shop("  configurations: {sgPoolingConfig: p}")+"---\napiVersion: stackgres.io/v1\nkind: SGPoolingConfig\n"+
			"metadata: {name: p, namespace: pg}\nspec: {pgBouncer: {pgbouncer.ini: {pgbouncer: {"+name+": require}}}}\n")
		got := slices.ContainsFunc(s.Unheeded, func(u snapshot.Unheeded) bool { return u.Field == name })
		if got != dropped {
			t.Errorf("%s: %+v", name, s.Unheeded)
		}
	}
}

// TLS of pooled clients is asked for by PgBouncer alone.
func TestPoolingTLS(t *testing.T) {
	for mode, want := range map[string]verdict.Verdict{"": verdict.Allow, "allow": verdict.Allow, "prefer": verdict.Allow, "require": verdict.Deny} {
		config := ""
		if mode != "" {
			config = "client_tls_sslmode: " + mode
		}
		s := of(t, shop("  pods: {disableEnvoy: true}\n  configurations: {sgPoolingConfig: p}")+"---\napiVersion: stackgres.io/v1\nkind: SGPoolingConfig\n"+
			"metadata: {name: p, namespace: pg}\nspec: {pgBouncer: {pgbouncer.ini: {pgbouncer: {"+config+"}}}}\n")
		plain := hba.Session{Database: hba.Named("x"), User: hba.Named("app"), Client: hba.Client{Prefixes: prefixes(t, "192.0.2.1/32")}}
		if got := hba.Decide(*s.Ports[0].Pooler, plain).Verdict; got != want {
			t.Errorf("%q: plain text %s", mode, got)
		}
	}
}

// The certificate that the operator makes is renewed when a twelfth of its life is left,
// or a day.
func TestRenewal(t *testing.T) {
	for duration, want := range map[string][2]int{
		"": {9360, 780}, "P365D": {8760, 730}, "P12D": {288, 24}, "P24D": {576, 48}, "P6D": {144, 24}, "PT30H": {30, 24},
	} {
		ssl := ""
		if duration != "" {
			ssl = ", ssl: {duration: " + duration + "}"
		}
		s := of(t, strings.Replace(shop(""), `{version: "16"}`, `{version: "16"`+ssl+`}`, 1))
		c := s.TLS.Certificates[0]
		if c.Lifetime != want[0] || c.RenewBefore != want[1] || c.Subject != "stackgres" || c.Secret != "pg/shop-ssl" || s.TLS.ClientCA != verdict.Deny {
			t.Errorf("%s: %+v", duration, c)
		}
	}
}

// A certificate that the Secret shows is what clients see; the operator's own has no name
// at all.
func TestSecretOfTheCertificate(t *testing.T) {
	for _, c := range []struct {
		ssl, secret, key string
		known            string
	}{
		{"", "shop-ssl", "tls.crt", "db.shop"},
		{"", "other", "tls.crt", ""},
		{"", "shop-ssl", "ca.crt", ""},
		{", ssl: {certificateSecretKeySelector: {name: mine, key: c}, privateKeySecretKeySelector: {name: mine, key: k}}", "mine", "c", "db.shop"},
	} {
		w := worldtest.World(t, strings.Replace(shop(""), `{version: "16"}`, `{version: "16"`+c.ssl+`}`, 1))
		w.Snapshot.Facts.OperatorVersions = map[string]string{Name: "1.18.6"}
		w.Snapshot.Secrets = []*snapshot.Secret{{Namespace: "pg", Name: c.secret, Certificates: []snapshot.SecretCertificate{{Key: c.key, Names: []string{"db.shop"}, NotAfter: 7}}}}
		Adapt(w)
		if got := strings.Join(w.Snapshot.Servers[0].TLS.Names, " "); got != c.known {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// Whom a standby cluster follows, and as whom.
func TestReplicateFrom(t *testing.T) {
	for spec, want := range map[string]string{
		"instance: {external: {host: 192.0.2.5, port: 5444}}": "TCP 5444 replicator",
		"instance: {external: {host: 192.0.2.5}}":             "TCP 5432 replicator",
	} {
		s := of(t, shop("  replicateFrom: {"+spec+"}"))
		got := ""
		for _, f := range s.Vital {
			if f.ID == "external" {
				got = flow.PortsOf(f.Ports...).String() + " " + f.Role
			}
		}
		if got != want {
			t.Errorf("%s: %q", spec, got)
		}
	}
}

// What selects the members selects no other pod of the namespace: a label that is the
// cluster's name alone has jobs too.
func TestOnlyMembersHaveTheClusterLabel(t *testing.T) {
	s := of(t, shop("  instances: 2\n  configurations: {backups: [{sgObjectStorage: x, cronSchedule: \"0 5 * * *\"}]}")+
		"---\napiVersion: stackgres.io/v1\nkind: SGBackup\nmetadata: {name: now, namespace: pg}\nspec: {sgCluster: shop}\n"+
		"---\napiVersion: stackgres.io/v1\nkind: SGDbOps\nmetadata: {name: up, namespace: pg}\nspec: {sgCluster: shop, op: vacuum}\n")
	apps := map[string]bool{}
	for _, p := range s.Workload.Pods {
		member := p.Part == snapshot.Primary || p.Part == snapshot.Replica
		if (p.Labels.Set["stackgres.io/cluster"] == "true") != member || member && p.Labels.Set["app"] != "StackGresCluster" {
			t.Errorf("%s: %v", p.Part, p.Labels)
		}
		if !member {
			apps[p.Labels.Set["app"]] = true
			if p.Labels.Set["app"] == "StackGresCluster" && (p.Labels.Set["stackgres.io/cluster-name"] != "shop" || p.Labels.Set["stackgres.io/scheduled-backup"] != "true") {
				t.Errorf("%s: %v", p.Part, p.Labels)
			}
		}
	}
	for _, app := range []string{"StackGresCluster", "StackGresBackup", "StackGresDbOps"} {
		if !apps[app] {
			t.Errorf("no job with app=%s", app)
		}
	}
}
