package compile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// value returns a field of an object of a kind; nil where the output has none.
func (o *Output) value(kind, path string) artefact.Value {
	for _, a := range o.Artefacts {
		for _, f := range a.Fields {
			if a.Ref.Kind == kind && strings.Join(f.Path, ".") == path {
				return f.Value
			}
		}
	}
	return nil
}

// The least version goes where each operator takes parameters.
func TestTLSMinProtocol(t *testing.T) {
	for operator, path := range map[string]string{
		"cloudnative-pg": "spec.postgresql.parameters.ssl_min_protocol_version",
		"stackgres":      "spec.configurations.postgres.postgresql.conf.ssl_min_protocol_version",
		"zalando":        "spec.postgresql.parameters.ssl_min_protocol_version",
		"crunchy":        "spec.patroni.dynamicConfiguration.postgresql.parameters.ssl_min_protocol_version",
		"percona":        "spec.patroni.dynamicConfiguration.postgresql.parameters.ssl_min_protocol_version",
	} {
		for _, shape := range shapes {
			if shape.operator != operator {
				continue
			}
			e := hbaEstateOf(shape, 17)
			e.site.Perimeter.MinProtocol = "TLSv1.2"
			if got := e.compiled(t, TLS).value(shape.kind, path); got != "TLSv1.2" {
				t.Errorf("%s: %v", operator, got)
			}
			e.server.TLS.MinProtocol = "TLSv1.3"
			if got := e.compiled(t, TLS).value(shape.kind, path); got != nil {
				t.Errorf("%s: TLSv1.3 is lowered to %v", operator, got)
			}
			e.server.TLS.MinProtocol, e.server.TLS.Enabled = "", verdict.Deny
			if out := e.compiled(t, TLS); out.value(shape.kind, path) != nil || !out.hasGap("tls/off") {
				t.Errorf("%s: gaps are %+v", operator, out.Gaps)
			}
		}
	}
	e := hbaEstateOf(shapes[5], 17)
	e.site.Perimeter.MinProtocol = "TLSv1.2"
	if out := e.compiled(t, TLS); !out.hasGap("tls/by-hand") {
		t.Errorf("gaps are %+v", out.Gaps)
	}
}

// A Pooler asks of its clients what the server does.
func TestTLSOfPooler(t *testing.T) {
	e := hbaEstateOf(shapes[0], 17)
	e.site.Perimeter.MinProtocol = "TLSv1.3"
	e.server.Settings = []snapshot.Setting{{Key: "pgbouncer.client_tls_sslmode", Value: "prefer", Origin: verdict.Origin{Object: "Pooler db/pool"}}}
	out := e.compiled(t, TLS)
	if out.value("Pooler", "spec.pgbouncer.parameters.client_tls_sslmode") != "require" ||
		out.value("Pooler", "spec.pgbouncer.parameters.client_tls_protocols") != "tlsv1.3" {
		t.Errorf("artefacts are %+v", out.Artefacts)
	}
	e.server.Settings[0].Value = "verify-full"
	if got := e.compiled(t, TLS).value("Pooler", "spec.pgbouncer.parameters.client_tls_sslmode"); got != nil {
		t.Errorf("verify-full becomes %v", got)
	}
	e.site.Perimeter.PlainText, e.server.Settings[0].Value = true, "prefer"
	if got := e.compiled(t, TLS).value("Pooler", "spec.pgbouncer.parameters.client_tls_sslmode"); got != nil {
		t.Errorf("plain text is refused by %v", got)
	}
}

// What somebody wrote as it is to be is written again: it may be what an earlier run wrote,
// and would go when the next one takes its place. A default is nobody's.
func TestTLSStaysWritten(t *testing.T) {
	const server, bouncer = "spec.postgresql.parameters.ssl_min_protocol_version", "spec.pgbouncer.parameters."
	for _, byDefault := range []bool{false, true} {
		e := hbaEstateOf(shapes[0], 17)
		e.site.Perimeter.MinProtocol, e.server.TLS.MinProtocol, e.server.Poolers[0].TLS.MinProtocol = "TLSv1.2", "TLSv1.2", "TLSv1.2"
		at := verdict.Origin{Object: "Pooler db/pool"}
		e.server.Settings = []snapshot.Setting{
			{Key: "postgresql.ssl_min_protocol_version", Value: "TLSv1.2", Default: byDefault, Origin: e.origin("")},
			{Key: "pgbouncer.client_tls_protocols", Value: "tlsv1.2,tlsv1.3", Default: byDefault, Origin: at},
			{Key: "pgbouncer.client_tls_sslmode", Value: "require", Origin: at},
		}
		out := e.compiled(t, TLS)
		if (out.value("Cluster", server) == "TLSv1.2") == byDefault || (out.value("Pooler", bouncer+"client_tls_protocols") == "tlsv1.2,tlsv1.3") == byDefault {
			t.Errorf("by default %t: artefacts are %+v", byDefault, out.Artefacts)
		}
		if out.value("Pooler", bouncer+"client_tls_sslmode") != "require" {
			t.Errorf("plain text is no longer refused: %+v", out.Artefacts)
		}
		e.server.TLS.MinProtocol, e.server.Settings[0].Value = "TLSv1.3", "TLSv1.3"
		if got := e.compiled(t, TLS).value("Cluster", server); got != nil {
			t.Errorf("TLSv1.3 is lowered to %v", got)
		}
	}
}

// The operator issues certificates of roles that a DatabaseRole declares, or that nobody
// does; of others a person has to.
func TestTLSCertificates(t *testing.T) {
	from := []intent.Peer{rangesOf("192.0.2.0/24")}
	e := hbaEstateOf(shapes[0], 17)
	e.server.Poolers = nil
	e.access(from, byCertificate("app"))
	out := e.compiled(t, TLS)
	spec, _ := out.Artefacts[0].Object.Get("spec").(artefact.Map)
	if len(out.Artefacts) != 1 || out.Artefacts[0].Ref.String() != "DatabaseRole db/ledger-app" || spec.Get("login") != true || spec.Get("name") != "app" {
		t.Errorf("artefacts are %+v", out.Artefacts)
	}
	e.server.Roles = append(e.server.Roles, snapshot.Role{Name: "app", Origin: verdict.Origin{Object: "DatabaseRole db/the-app"}})
	out = e.compiled(t, TLS)
	if a := out.Artefacts[0]; a.Ref.Name != "the-app" || fmt.Sprint(out.value("DatabaseRole", "spec.clientCertificate")) != "[]" {
		t.Errorf("artefact is %+v", a)
	}
	e.server.Roles[1].Origin = e.origin("spec.bootstrap.initdb.owner")
	out = e.compiled(t, TLS)
	if !out.hasGap("tls/certificate") || !strings.Contains(out.Gaps[0].Consequence, "kubectl cnpg certificate ledger-app-client-cert --cnpg-cluster ledger --cnpg-user app -n db") {
		t.Errorf("gaps are %+v", out.Gaps)
	}
	e.server.TLS.Certificates = []snapshot.Certificate{{Use: "app", Subject: "app"}}
	if out := e.compiled(t, TLS); len(out.Gaps)+len(out.Artefacts) > 0 {
		t.Errorf("there is one already, and yet %+v", out)
	}
	e.server.TLS.Certificates = []snapshot.Certificate{{Use: "client CA", CanSign: verdict.Deny}}
	e.server.Roles = nil
	if out := e.compiled(t, TLS); !out.hasGap("tls/certificate") || len(out.Artefacts) > 0 {
		t.Errorf("without the CA's key: %+v", out)
	}
	e = hbaEstateOf(shapes[3], 17)
	e.access(from, byCertificate("app"))
	if out := e.compiled(t, TLS); !out.hasGap("tls/certificate") {
		t.Errorf("gaps are %+v", out.Gaps)
	}
}
