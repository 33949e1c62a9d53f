package crunchy

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func TestAdapt(t *testing.T) { worldtest.Run(t, Adapt) }

const ruled = `apiVersion: postgres-operator.crunchydata.com/v1
kind: PostgresCluster
metadata: {name: db, namespace: shop}
spec:
  postgresVersion: 17
  instances: [{name: main}]
  authentication: {rules: [{hba: "hostssl all app all cert"}]}
`

func adapted(t *testing.T, text string, facts snapshot.Facts) *operator.World {
	t.Helper()
	w := worldtest.World(t, text)
	w.Snapshot.Facts = facts
	Adapt(w)
	return w
}

// Where nothing tells of the release, the rule and the default are both in doubt; a
// stated release settles it, and an object that was read live has what it has.
func TestRuleInDoubt(t *testing.T) {
	stated := func(version string) snapshot.Facts {
		return snapshot.Facts{OperatorVersions: map[string]string{Name: version}}
	}
	for _, c := range []struct {
		name  string
		facts snapshot.Facts
		want  string // the lines after the operator's, those in doubt with a question mark
	}{
		{"unknown", snapshot.Facts{}, "cert? scram-sha-256?"},
		{"6.0.3", stated("6.0.3"), "cert"},
		{"5.8.0", stated("5.8.0"), "md5"},
	} {
		s := adapted(t, ruled, c.facts).Snapshot.Servers[0]
		var got []string
		for _, r := range s.HBA.Records[4:] {
			word := r.Method
			if r.Maybe != "" {
				word += "?"
			}
			got = append(got, word)
		}
		if said := strings.Join(got, " "); said != c.want {
			t.Errorf("%s: %s, want %s", c.name, said, c.want)
		}
		if doubts := len(s.Unsettled) > 0; doubts != strings.Contains(c.want, "?") {
			t.Errorf("%s: %v", c.name, s.Unsettled)
		}
	}
	w := worldtest.World(t, ruled)
	w.Objects["PostgresCluster."+group][0].Source.File = "" // as a live cluster has it
	Adapt(w)
	if f := w.Snapshot.Servers[0].HBA; len(f.Records) != 5 || f.Records[4].Maybe != "" {
		t.Errorf("live: %v", f.Records)
	}
}

// A number that would fill the memory is a Problem, and not that many pods.
func TestReplicas(t *testing.T) {
	w := adapted(t, strings.Replace(ruled, "name: main", "name: main, replicas: 1099511627776", 1), snapshot.Facts{})
	if n := len(w.Snapshot.Servers[0].Members()); n != 200 || len(w.Snapshot.Problems) != 1 {
		t.Errorf("%d members, %v", n, w.Snapshot.Problems)
	}
}

// What a cloud's annotation says of a load balancer that is yet to be made, and whose
// address pods see.
func TestExposure(t *testing.T) {
	w := adapted(t, ruled+`  service:
    type: LoadBalancer
    externalTrafficPolicy: Local
    metadata: {annotations: {service.beta.kubernetes.io/azure-load-balancer-internal: "true"}}
`, snapshot.Facts{})
	s := w.Service("shop", "db-ha")
	if s.Internal.String() != "allow" || !s.KeepsClient || s.InternalOrigin.Field != "spec.service.metadata.annotations" {
		t.Errorf("%+v", s)
	}
}

// A Secret that was read tells of its certificate; one that somebody brings and nobody
// read has names that are not known.
func TestSecretRead(t *testing.T) {
	w := worldtest.World(t, ruled+"  customTLSSecret: {name: mine}\n  customReplicationTLSSecret: {name: repl}\n")
	w.Snapshot.Secrets = []*snapshot.Secret{{Namespace: "shop", Name: "repl", Certificates: []snapshot.SecretCertificate{
		{Key: "tls.crt", Subject: "_crunchyrepl", NotAfter: 7}}}}
	Adapt(w)
	tls := w.Snapshot.Servers[0].TLS
	if tls.NamesKnown {
		t.Error("names of an unread certificate are known")
	}
	for _, c := range tls.Certificates {
		if c.Use == "replication" && (c.NotAfter != 7 || c.Secret != "shop/repl" || c.Lifetime != 0) {
			t.Errorf("%+v", c)
		}
	}
}

// A parameter that names another file leaves nothing of Patroni's to rely on, not even
// that a client whom no line of it is about is refused.
func TestOtherFiles(t *testing.T) {
	section := "  patroni: {dynamicConfiguration: {postgresql: {pg_hba: [host app app 10.0.0.0/8 md5], parameters: {%s: /x}}}}\n"
	unsure := func(parameter string) (hbaErrors, mapErrors []hba.Error) {
		s := adapted(t, strings.SplitN(ruled, "  authentication", 2)[0]+strings.Replace(section, "%s", parameter, 1), snapshot.Facts{}).Snapshot.Servers[0]
		return s.HBA.Errors, s.Maps.Errors
	}
	if errs, maps := unsure("hba_file"); len(errs) != 1 || !errs[0].Missing || !strings.HasSuffix(errs[0].Origin.Field, "parameters.hba_file") || len(maps) != 0 {
		t.Errorf("hba_file: %v %v", errs, maps)
	}
	if errs, maps := unsure("ident_file"); len(errs) != 0 || len(maps) != 1 || !maps[0].Missing {
		t.Errorf("ident_file: %v %v", errs, maps)
	}
	if errs, maps := unsure("work_mem"); len(errs)+len(maps) != 0 {
		t.Errorf("work_mem: %v %v", errs, maps)
	}
}

// Odd input is a Problem at most, and never a panic.
func TestOddInput(t *testing.T) {
	for _, spec := range []string{
		"null", "[]", "7", "{instances: [null], users: [null], proxy: {pgBouncer: {config: {databases: {a: ''}}}}}",
		"{instances: [{}], backups: {pgbackrest: {repos: [null, {s3: {}}], restore: null}}, dataSource: {postgresCluster: {}, volumes: {}}}",
		"{instances: [{}], patroni: {dynamicConfiguration: {postgresql: [1]}}, authentication: {rules: [null, {hba: ''}, {options: {a: null}}]}}",
		"{instances: [{}], patroni: {dynamicConfiguration: {postgresql: {pg_hba: [[], {}, null], parameters: 3}}}, port: 99999999}",
		"{instances: [{}], standby: {host: ':', port: -1}, customTLSSecret: {}, customReplicationTLSSecret: {items: [null]}}",
		"{instances: [{}], dataSource: {pgbackrest: {}}, service: {loadBalancerSourceRanges: [x]}, userInterface: {pgAdmin: {}}}",
	} {
		adapted(t, "apiVersion: "+group+"/v1\nkind: PostgresCluster\nmetadata: {name: odd, namespace: shop}\nspec: "+spec+"\n", snapshot.Facts{})
	}
}

// Of a mode with which PgBouncer does not start nobody knows whether it asks for TLS.
func TestPoolersServerTLS(t *testing.T) {
	for mode, want := range map[string]string{"": "verify-full", "disable": "disable", "on": ""} {
		global := ""
		if mode != "" {
			global = "server_tls_sslmode: \"" + mode + "\""
		}
		w := adapted(t, ruled+"  proxy: {pgBouncer: {config: {global: {"+global+"}}}}\n", snapshot.Facts{})
		if got := w.Snapshot.Servers[0].Poolers[0].ServerTLS; got != want || (len(w.Snapshot.Problems) > 0) != (want == "") {
			t.Errorf("%q: %q, want %q: %v", mode, got, want, w.Snapshot.Problems)
		}
	}
}
