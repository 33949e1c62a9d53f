package cnpg

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

const ownCertificates = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: shop}
spec:
  imageName: x:17
  serviceAccountName: shared
  certificates: {serverCASecret: my-ca, serverTLSSecret: my-tls, clientCASecret: my-client-ca, replicationTLSSecret: my-repl}
  postgresql: {parameters: {ssl_min_protocol_version: TLSv1.2}}
status: {certificates: {expirations: {my-tls: "2027-02-19 02:07:26 +0000 UTC", my-ca: never}}}
---
apiVersion: postgresql.cnpg.io/v1
kind: DatabaseRole
metadata: {name: clerk-role, namespace: shop}
spec: {cluster: {name: pg}, name: clerk, login: true, passwordSecret: {name: clerk-password}, clientCertificate: {}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pool, namespace: shop}
spec:
  cluster: {name: pg}
  type: ro
  pgbouncer:
    clientTLSSecret: {name: pool-tls}
    authQuery: SELECT 1
    authQuerySecret: {name: pool-auth}
    parameters: {client_tls_protocols: "tlsv1.3", server_tls_sslmode: verify-full}
`

// A user who brings certificates has to renew them; of names and keys that nobody has read
// nothing is known.
func TestOwnCertificates(t *testing.T) {
	s := adapted(t, worldtest.World(t, ownCertificates))
	if s.TLS.MinProtocol != "TLSv1.2" || s.TLS.MinProtocolOrigin.Field != "spec.postgresql.parameters.ssl_min_protocol_version" {
		t.Errorf("%s %s", s.TLS.MinProtocol, s.TLS.MinProtocolOrigin)
	}
	if s.TLS.NamesKnown || len(s.TLS.Names) > 0 {
		t.Errorf("%v", s.TLS.Names)
	}
	var got []string
	for _, c := range s.TLS.Certificates {
		got = append(got, fmt.Sprintf("%s %s %q %d %dh %s %v %s", c.Use, c.Secret, c.Subject, c.NotAfter, c.Lifetime, c.CanSign, c.Readers, c.Origin.Field))
	}
	want := []string{
		`server CA shop/my-ca "" 0 0h unknown [ServiceAccount shop/pool ServiceAccount shop/shared] spec.certificates.serverCASecret`,
		`client CA shop/my-client-ca "" 0 0h unknown [ServiceAccount shop/pool ServiceAccount shop/shared] spec.certificates.clientCASecret`,
		`server shop/my-tls "" 1803002846 0h unknown [ServiceAccount shop/shared] spec.certificates.serverTLSSecret`,
		`replication shop/my-repl "" 0 0h unknown [ServiceAccount shop/shared] spec.certificates.replicationTLSSecret`,
		`clerk shop/clerk-role-client-cert "clerk" 0 2160h unknown [] spec.clientCertificate`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestOwnSecrets(t *testing.T) {
	var got []string
	for _, x := range adapted(t, worldtest.World(t, ownCertificates)).Secrets {
		got = append(got, x.Secret+" "+x.What+" "+x.Role)
	}
	want := []string{
		"shop/pg-app application app", "shop/my-repl replication streaming_replica", "shop/my-tls TLS ", "shop/my-ca CA ",
		"shop/my-client-ca CA ", "shop/clerk-password role clerk", "shop/clerk-role-client-cert role clerk",
		"shop/pool-auth pooler ", "shop/pool-tls TLS ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestOwnPooler(t *testing.T) {
	s := adapted(t, worldtest.World(t, ownCertificates))
	p := s.Poolers[0]
	if p.TLS.MinProtocol != "TLSv1.3" || p.ServerTLS != "verify-full" || p.TLS.NamesKnown || p.AuthUser != "" || p.Part != snapshot.Replica || p.Target != "pg-ro" {
		t.Errorf("%+v", p)
	}
	for _, f := range s.Vital {
		if f.ID == "pooler" && (f.Role != "" || f.Cert != "" || f.Database != "") {
			t.Errorf("%+v", f)
		}
	}
	if slices.ContainsFunc(s.Roles, func(r snapshot.Role) bool { return r.Name == poolerRole }) {
		t.Error("the operator makes no role where the user brings one")
	}
}

// Secrets that were read tell names, ends and whether a CA can sign; and who the pooler is.
func TestSecretsTell(t *testing.T) {
	w := worldtest.World(t, ownCertificates)
	w.Snapshot.Secrets = []*snapshot.Secret{
		{Namespace: "shop", Name: "my-client-ca", Keys: []string{"ca.crt"}, Certificates: []snapshot.SecretCertificate{{Key: "ca.crt", Subject: "Corp", CA: true, NotAfter: 7}}},
		{Namespace: "shop", Name: "my-ca", Keys: []string{"ca.crt", "ca.key"}},
		{Namespace: "shop", Name: "my-tls", Certificates: []snapshot.SecretCertificate{{Key: "tls.crt", Subject: "db", Names: []string{"db.corp"}, NotAfter: 9}}},
		{Namespace: "shop", Name: "pool-auth", Type: tlsType, Certificates: []snapshot.SecretCertificate{{Key: "tls.crt", Subject: "looker"}}},
		{Namespace: "shop", Name: "pool-tls", Type: tlsType, Certificates: []snapshot.SecretCertificate{{Key: "tls.crt", Names: []string{"pool.corp"}}}},
		{Namespace: "other", Name: "my-repl", Keys: []string{"ca.key"}},
	}
	Adapt(w)
	s := w.Snapshot.Servers[0]
	if !s.TLS.NamesKnown || !slices.Equal(s.TLS.Names, []string{"db.corp"}) {
		t.Errorf("%v", s.TLS.Names)
	}
	for _, c := range s.TLS.Certificates {
		switch c.Use {
		case "server CA":
			if c.CanSign != verdict.Allow {
				t.Errorf("%s: %s", c.Use, c.CanSign)
			}
		case "client CA":
			if c.CanSign != verdict.Deny || c.Subject != "Corp" || c.NotAfter != 7 {
				t.Errorf("%+v", c)
			}
		case "server":
			if c.NotAfter != 9 || c.Subject != "db" {
				t.Errorf("%+v", c)
			}
		}
	}
	if p := s.Poolers[0]; p.AuthUser != "looker" || p.AuthDatabase != "postgres" || !slices.Equal(p.TLS.Names, []string{"pool.corp"}) {
		t.Errorf("%q %v", p.AuthUser, p.TLS.Names)
	}
	if len(w.Snapshot.Warnings) != 1 || w.Snapshot.Warnings[0].Code != "cnpg/client-certificate" {
		t.Errorf("%v: no certificate can be issued without the key of the CA", w.Snapshot.Warnings)
	}
}

// The operator's settings change names and lifetimes.
func TestOperatorSettings(t *testing.T) {
	s := adapted(t, worldtest.World(t, `apiVersion: v1
kind: ConfigMap
metadata: {name: cnpg-controller-manager-config, namespace: cnpg-system}
data: {KUBERNETES_CLUSTER_DOMAIN: corp.internal, CERTIFICATE_DURATION: "30", EXPIRING_CHECK_THRESHOLD: soon, INHERITED_LABELS: "team, cost*"}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: shop, labels: {team: money, cost-centre: a, other: x}}
spec: {imageName: "x:17"}
`))
	if !slices.Contains(s.TLS.Names, "pg-rw.shop.svc.corp.internal") {
		t.Errorf("%v", s.TLS.Names)
	}
	if c := s.TLS.Certificates[0]; c.Lifetime != 720 || c.RenewBefore != 168 {
		t.Errorf("%+v", c)
	}
	for _, p := range s.Workload.Pods {
		if l := p.Labels.Set; l["team"] != "money" || l["cost-centre"] != "a" || l["other"] != "" {
			t.Errorf("%v", l)
		}
	}
}

func TestClientTLSProtocols(t *testing.T) {
	for value, want := range map[string]string{
		"": "TLSv1.2", "secure": "TLSv1.2", "all": "TLSv1", "tlsv1.1,tlsv1.3": "TLSv1.1", "TLSv1.3": "TLSv1.3", "sslv3": "",
	} {
		p := &pooler{}
		p.spec.PgBouncer.Parameters = map[string]string{"client_tls_protocols": value}
		if got, _ := p.minProtocol(); got != want {
			t.Errorf("%q: %q", value, got)
		}
	}
}

// Without auth_type hba PgBouncer reads no file.
func TestAuthType(t *testing.T) {
	for method, want := range map[string]string{
		"hba": "local pgbouncer pgbouncer peer", "trust": "local all all trust", "cert": "hostssl all all all cert", "odd": "",
	} {
		s := adapted(t, worldtest.World(t, tiny+`
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pool, namespace: shop}
spec: {cluster: {name: pg}, pgbouncer: {parameters: {auth_type: `+method+`}}}
`))
		f := s.Poolers[0].HBA
		switch {
		case want == "" && len(f.Errors) != 1:
			t.Errorf("%s: %v", method, f)
		case want != "" && f.Records[0].String() != want:
			t.Errorf("%s: %v", method, f.Records[0])
		}
	}
}

// Of a mode with which PgBouncer does not start nobody knows whether it asks for TLS.
func TestPoolersServerTLS(t *testing.T) {
	for mode, want := range map[string]string{"disable": "disable", "on": ""} {
		w := worldtest.World(t, tiny+`
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pool, namespace: shop}
spec: {cluster: {name: pg}, pgbouncer: {parameters: {server_tls_sslmode: "`+mode+`"}}}
`)
		Adapt(w)
		if got := w.Snapshot.Servers[0].Poolers[0].ServerTLS; got != want || (len(w.Snapshot.Problems) > 0) != (want == "") {
			t.Errorf("%q: %q, want %q: %v", mode, got, want, w.Snapshot.Problems)
		}
	}
}

// A tag says no more than it says: what changed in 1.24.1 stays in doubt under 1.24.
func TestBouncerRelease(t *testing.T) {
	for image, want := range map[string]string{
		"ghcr.io/cloudnative-pg/pgbouncer:1.24":                "1.24",
		"ghcr.io/cloudnative-pg/pgbouncer:1.24.0":              "1.24.0",
		"ghcr.io/cloudnative-pg/pgbouncer:v1.25.1-12@sha256:0": "1.25.1",
		"r.example:5000/pgbouncer":                             "",
		"r.example:5000/pgbouncer:latest":                      "",
	} {
		p := &pooler{}
		p.spec.PgBouncer.Image = image
		if got := p.bouncerRelease(); got != want {
			t.Errorf("%s: %q, want %q", image, got, want)
		}
	}
	s := adapted(t, worldtest.World(t, tiny+`
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pool, namespace: shop}
spec: {cluster: {name: pg}, pgbouncer: {image: "x/pgbouncer:1.24", pg_hba: ["host all all all pam"]}}
`))
	if r := s.Poolers[0].HBA.Records[1]; r.Method != "pam" || r.Maybe == "" {
		t.Errorf("%v is not in doubt", r)
	}
}

// Of Secrets whose metadata alone was read nothing is known of entries: whether a CA can sign
// is as if nobody had read it, and no role is told that it gets no certificate.
func TestPartialSecretsTellNothing(t *testing.T) {
	unread := adapted(t, worldtest.World(t, ownCertificates))
	w := worldtest.World(t, ownCertificates)
	for _, name := range []string{"my-client-ca", "my-ca", "my-tls", "my-repl", "pool-auth", "pool-tls"} {
		w.Snapshot.Secrets = append(w.Snapshot.Secrets, &snapshot.Secret{Namespace: "shop", Name: name, Partial: true})
	}
	s := adapted(t, w)
	if fmt.Sprint(s.TLS) != fmt.Sprint(unread.TLS) || s.Poolers[0].AuthUser != unread.Poolers[0].AuthUser {
		t.Errorf("%+v\nwant\n%+v", s.TLS, unread.TLS)
	}
	if len(w.Snapshot.Warnings) > 0 {
		t.Errorf("%v", w.Snapshot.Warnings)
	}
	if !slices.ContainsFunc(s.Secrets, func(x snapshot.ServerSecret) bool { return x.Secret == "shop/my-ca" && x.Read }) {
		t.Error("a Secret whose metadata was read is there")
	}
}

// The operator's own CA has its key beside it, unless a Secret that was read says otherwise.
func TestPartialOwnCA(t *testing.T) {
	for _, c := range []struct {
		secret snapshot.Secret
		want   verdict.Verdict
	}{
		{snapshot.Secret{Partial: true}, verdict.Allow},
		{snapshot.Secret{Keys: []string{"ca.crt", "ca.key"}}, verdict.Allow},
		{snapshot.Secret{Keys: []string{"ca.crt"}}, verdict.Deny},
	} {
		w := worldtest.World(t, "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: pg, namespace: shop}\nspec: {instances: 1}\n")
		c.secret.Namespace, c.secret.Name = "shop", "pg-ca"
		w.Snapshot.Secrets = []*snapshot.Secret{&c.secret}
		for _, cert := range adapted(t, w).TLS.Certificates {
			if strings.HasSuffix(cert.Use, "CA") && cert.CanSign != c.want {
				t.Errorf("%v: %s signs: %s, want %s", c.secret.Keys, cert.Use, cert.CanSign, c.want)
			}
		}
	}
}
