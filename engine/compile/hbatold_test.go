package compile

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/internal/manifests"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A pooler in the server's pods that takes plain text is told of where the perimeter refuses
// that, and no layer carries it.
func TestHBAPoolerInsideTakesPlain(t *testing.T) {
	const require = "client_tls_sslmode: require"
	for _, test := range []struct {
		pods, mode string
		fix        string // empty for no gap
	}{
		{"disableEnvoy: true", "pool_mode: transaction", "set client_tls_sslmode=require in its SGPoolingConfig"},
		{"disableEnvoy: true", "client_tls_sslmode: prefer", "set client_tls_sslmode=require"},
		{"disableEnvoy: true", require, ""},
		{"disableEnvoy: false", "pool_mode: transaction", "set spec.pods.disableEnvoy: true"},
		{"disableEnvoy: true, disableConnectionPooling: true", "pool_mode: transaction", ""},
	} {
		world := manifests.Servers(t, "operators: {stackgres: {version: 1.18.6}}", `
apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: ledger, namespace: shop}
spec: {instances: 1, postgres: {version: "16", ssl: {enabled: true}}, pods: {`+test.pods+`}, configurations: {sgPoolingConfig: pc}}
---
apiVersion: stackgres.io/v1
kind: SGPoolingConfig
metadata: {name: pc, namespace: shop}
spec: {pgBouncer: {pgbouncer.ini: {pgbouncer: {`+test.mode+`}}}}
`)
		p, _ := ask()
		out := compiled(t, world, p, nil, HBA)
		if out.hasGap("hba/pooler-plain") != (test.fix != "") {
			t.Errorf("%s, %s: gaps are %s", test.pods, test.mode, codes(out.Gaps))
			continue
		}
		if test.fix != "" {
			if g := gapAt(t, out, "hba/pooler-plain"); g.Carried != "" || !strings.Contains(g.Consequence, test.fix) {
				t.Errorf("%s, %s: %+v", test.pods, test.mode, g)
			}
		}
		p.PlainText = true
		if out := compiled(t, world, p, nil, HBA); out.hasGap("hba/pooler-plain") {
			t.Errorf("%s, %s: nobody refuses plain text: %s", test.pods, test.mode, codes(out.Gaps))
		}
	}
}

// Where the perimeter leaves TLS to accesses, an entry through the pooler that asks for it
// is told of too.
func TestHBAEntryThroughPlainPooler(t *testing.T) {
	for _, optional := range []bool{true, false} {
		p, a := ask()
		p.PlainText, a.To[0].Pooler, a.To[0].PlainText = true, "ledger", optional
		out := compiled(t, stackGres(t, "pods: {disableEnvoy: true}"), p, []*intent.Access{a}, HBA)
		if out.hasGap("hba/pooler-plain") == optional {
			t.Errorf("optional %t: gaps are %s", optional, codes(out.Gaps))
		}
	}
}

// Where pg_hba.conf cannot tell clients apart, TLS that is left to some is left to all who
// come as the same role, which no layer carries.
func TestHBAPlainAlike(t *testing.T) {
	for _, test := range []struct {
		shape    fileShape
		role     string
		optional bool
		want     bool
	}{
		{shapes[5], "app", true, true},
		{shapes[5], "app", false, false},
		{shapes[5], "other", true, false},
		{shapes[0], "app", true, false}, // which selects pods
	} {
		e := hbaEstateOf(test.shape, 17)
		e.site.Perimeter.PlainText = true
		easy := scram("app", "ledger")
		easy.PlainText, easy.Origin = test.optional, e.origin("spec.to[0]")
		strict := scram(test.role, "ledger")
		strict.Origin = e.origin("spec.to[1]")
		e.access([]intent.Peer{podsOf("shop", "db")}, easy)
		e.access([]intent.Peer{podsOf("report", "db")}, strict)
		out := e.compiled(t, HBA)
		var told []artefact.Gap
		for _, g := range out.Gaps {
			if g.Code == "hba/plain-alike" && strings.Contains(g.What, e.server.Ref().String()) {
				told = append(told, g)
			}
		}
		if len(told) > 0 != test.want || test.want && (len(told) != 1 || told[0].Carried != "" || told[0].Origin != strict.Origin) {
			t.Errorf("%s, role %s, optional %t: %+v", test.shape.operator, test.role, test.optional, told)
		}
	}
}

// A line that lets standbys in goes, and whoever came by it is cut: that is told as a gap,
// but for lines that the server's own standbys need, which stay.
func TestHBAStandbysAreTold(t *testing.T) {
	for _, test := range []struct {
		shape fileShape
		line  string
		want  bool
	}{
		{shapes[5], "host replication repl 10.244.0.0/16 scram-sha-256", true},
		{shapes[5], "hostssl all,replication repl all scram-sha-256", true},
		{shapes[5], "host replication repl 10.244.0.0/16 reject", false},
		{shapes[5], "host replication repl 127.0.0.1/32 trust", false},
		{shapes[5], "local replication all trust", false},
		{shapes[5], `host "replication" repl 10.244.0.0/16 scram-sha-256`, false},
		{shapes[2], "hostssl replication standby all md5", false},
		{shapes[2], "hostssl replication logical all md5", true},
		{shapes[0], "hostssl replication streaming_replica all cert", false},
		{shapes[0], "hostssl replication other all scram-sha-256", true},
	} {
		e := hbaEstateOf(test.shape, 17, "local all all trust", test.line)
		out := e.compiled(t, HBA)
		if out.hasGap("hba/replication") != test.want {
			t.Errorf("%s: %s: gaps are %s", test.shape.operator, test.line, codes(out.Gaps))
			continue
		}
		if test.want {
			if g := gapAt(t, out, "hba/replication"); g.Carried != "" || g.Origin != e.origin(test.shape.field+"[1]") || !strings.Contains(g.Consequence, "which pods they are") {
				t.Errorf("%s: %+v", test.line, g)
			}
		}
	}
}

// No note shows a secret of a line that goes, whether the server reads it or not.
func TestHBADroppedKeepsSecrets(t *testing.T) {
	e := hbaEstateOf(shapes[0], 17, `host all app 10.3.0.0/16 ldap ldapurl="ldap://u:S3CRET@h/dc=x"`, "garbage S3CRET password=S3CRET", "host all app 10.0.0.0/8 scram S3CRET")
	e.server.HBA.Records = append(e.server.HBA.Records, hba.Record{Line: 9, Type: hba.Host, Databases: keyword("all"), Users: keyword("all"), Address: anyAddress,
		Method: "ldap", Options: []hba.Option{{Name: "ldapurl", Value: "ldap://u:S3CRET@h/dc=x"}}, Origin: e.origin(e.shape.field + "[3]")})
	var texts []string
	for _, n := range e.compiled(t, HBA).Notes {
		if n.Code == "hba/dropped" {
			texts = append(texts, n.Text)
		}
	}
	all := strings.Join(texts, "\n")
	if len(texts) != 4 || strings.Contains(all, "S3CRET") || !strings.Contains(all, "ldap://***@h/dc=x") || !strings.Contains(all, "host all app ...") {
		t.Errorf("notes are\n%s", all)
	}
}

// Two servers that read one pg_hba.conf cannot each have their own made into it.
func TestSharedFileIsRefused(t *testing.T) {
	const configMap = `
apiVersion: v1
kind: ConfigMap
metadata: {name: pg, namespace: shop}
data: {pg_hba.conf: "local all all peer\nhost all all all scram-sha-256\n", other.conf: "local all all peer\nhost all all all reject\n"}
`
	server := func(name, file string) string {
		return `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: ` + name + `, namespace: shop}
spec:
  selector: {matchLabels: {app: ` + name + `}}
  template:
    metadata: {labels: {app: ` + name + `}}
    spec:
      containers:
      - name: c
        image: postgres:17
        args: [-c, hba_file=/etc/postgresql/` + file + `]
        volumeMounts: [{name: hba, mountPath: /etc/postgresql}]
        ports: [{containerPort: 5432}]
      volumes: [{name: hba, configMap: {name: pg}}]
`
	}
	for file, want := range map[string]bool{"pg_hba.conf": true, "other.conf": false} {
		world := manifests.Servers(t, "", configMap, server("ledger", "pg_hba.conf"), server("other", file))
		p, _ := ask()
		p.Server.Origin = verdict.Origin{Object: "PostgresPerimeter shop/ledger", Field: "spec.server"}
		_, errs := Plan(intent.Intents{Perimeters: []*intent.Perimeter{p}}, world, 0)
		if fatal(errs) != want {
			t.Fatalf("%s: %+v", file, errs)
		}
		if want && (errs[0].Origin.Field != "spec.server" || errs[0].Fix != "give each server one of its own" ||
			!strings.Contains(errs[0].Text, "ConfigMap shop/pg (-:") || !strings.Contains(errs[0].Text, "is the pg_hba.conf of StatefulSet shop/other, too")) {
			t.Errorf("%+v", errs[0])
		}
	}
}
