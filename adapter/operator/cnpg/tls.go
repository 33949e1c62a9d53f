package cnpg

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// tls is what the server offers. ssl=on is fixed, and ssl_ca_file is always set to the
// client CA; ssl_min_protocol_version is the user's, with a default [cnpg
// pkg/postgres/configuration.go@1.30.0].
func (c *cluster) tls() {
	t := snapshot.TLS{Enabled: verdict.Allow, ClientCA: verdict.Allow, Origin: c.obj.Origin()}
	const key = "ssl_min_protocol_version"
	t.MinProtocol, t.MinProtocolOrigin = parameterDefaults[key], c.obj.Origin()
	if v := c.spec.PostgreSQL.Parameters[key]; v != "" {
		t.MinProtocol, t.MinProtocolOrigin = v, c.at("spec.postgresql.parameters.%s", key)
	}
	t.Names, t.NamesKnown = c.names(), c.spec.Certificates.ServerTLS == ""
	if !t.NamesKnown {
		t.Names = nil
	}
	if s := c.secret(c.serverSecret()); s != nil {
		if held := certificateIn(s, tlsKey); held != nil {
			t.Names, t.NamesKnown = held.Names, true
		}
	}
	c.server.TLS = t
}

// The entries of Secrets that hold certificates [cnpg pkg/certs/certs.go@1.30.0].
const (
	caKey     = "ca.crt"
	caPrivate = "ca.key"
	tlsKey    = "tls.crt"
)

// The names of the Secrets [cnpg api/v1/cluster_funcs.go@1.30.0].
func (c *cluster) serverCASecret() string {
	return cmp.Or(c.spec.Certificates.ServerCA, c.obj.Name+"-ca")
}

func (c *cluster) serverSecret() string {
	return cmp.Or(c.spec.Certificates.ServerTLS, c.obj.Name+"-server")
}

func (c *cluster) clientCASecret() string {
	return cmp.Or(c.spec.Certificates.ClientCA, c.obj.Name+"-ca")
}

func (c *cluster) replicationSecret() string {
	return cmp.Or(c.spec.Certificates.Replication, c.obj.Name+"-replication")
}

func (c *cluster) poolerSecret() string { return c.obj.Name + "-pooler" }

// names are the subject alternative names of the operator's certificate: the default
// Services that are there, the managed ones and the user's own names. Poolers are not
// among them [cnpg api/v1/cluster_funcs.go GetClusterAltDNSNames].
func (c *cluster) names() []string {
	var out []string
	add := func(service string) {
		in := service + "." + c.obj.Namespace
		out = append(out, service, in, in+".svc", in+".svc."+c.settings.domain)
	}
	for _, kind := range []string{"rw", "r", "ro"} {
		if c.offers(kind) {
			add(c.obj.Name + "-" + kind)
		}
	}
	for _, a := range c.spec.Managed.Services.Additional {
		if a.Template.Metadata.Name != "" {
			add(a.Template.Metadata.Name)
		}
	}
	return append(out, c.spec.Certificates.AltNames...)
}

// secret returns a Secret of the Cluster's namespace, nil where it was not read.
func (c *cluster) secret(name string) *snapshot.Secret {
	for _, s := range c.w.Snapshot.Secrets {
		if s.Namespace == c.obj.Namespace && s.Name == name {
			return s
		}
	}
	return nil
}

func certificateIn(s *snapshot.Secret, key string) *snapshot.SecretCertificate {
	for i := range s.Certificates {
		if s.Certificates[i].Key == key {
			return &s.Certificates[i]
		}
	}
	return nil
}

// certificates lists all that take part. The operator's own live as long as its settings
// say, the CA's too.
func (c *cluster) certificates() {
	byo := c.spec.Certificates
	c.addCertificate(c.ca("server CA", c.serverCASecret(), byo.ServerCA, "serverCASecret"))
	c.addCertificate(c.ca("client CA", c.clientCASecret(), byo.ClientCA, "clientCASecret"))
	c.addCertificate(c.certificate(snapshot.Certificate{
		Use: "server", Secret: c.serverSecret(), Subject: c.obj.Name + "-rw", Names: c.names(),
	}, byo.ServerTLS, "serverTLSSecret"))
	c.addCertificate(c.certificate(snapshot.Certificate{
		Use: "replication", Secret: c.replicationSecret(), Subject: "streaming_replica",
	}, byo.Replication, "replicationTLSSecret"))
	if p := c.integrated(); p != nil {
		cert := c.certificate(snapshot.Certificate{Use: "pooler", Secret: c.poolerSecret(), Subject: poolerRole}, "", "")
		cert.Origin, cert.Readers = p.obj.Origin(), c.poolersReading(c.poolerSecret())
		c.addCertificate(cert)
	}
	for _, r := range c.clientCerts {
		cert := c.certificate(snapshot.Certificate{Use: r.role, Secret: r.secret, Subject: r.role}, "", "")
		cert.Origin, cert.Readers = r.origin, nil
		c.addCertificate(cert)
	}
}

// A clientCert is one that a DatabaseRole asks for.
type clientCert struct {
	role, secret string
	origin       verdict.Origin
}

// ca is a CA's certificate. The operator makes one for both sides, keeps its key beside it,
// and lets instances and poolers read both, since Kubernetes grants Secrets whole [cnpg
// pkg/specs/roles.go, pkg/specs/pgbouncer/rbac.go@1.30.0].
func (c *cluster) ca(use, secret, byUser, field string) snapshot.Certificate {
	cert := c.certificate(snapshot.Certificate{Use: use, Secret: secret, Key: caKey, Subject: c.obj.Name}, byUser, field)
	if s := c.secret(secret); s != nil {
		cert.CanSign = s.Has(caPrivate)
	}
	if cert.CanSign == verdict.Unknown && byUser == "" {
		cert.CanSign = verdict.Allow // nobody says otherwise
	}
	return cert
}

// certificate fills in what all have in common; byUser names the Secret that the user
// brings in place of the operator's.
func (c *cluster) certificate(cert snapshot.Certificate, byUser, field string) snapshot.Certificate {
	name := cert.Secret
	cert.Secret = c.obj.Namespace + "/" + name
	cert.Key = cmp.Or(cert.Key, tlsKey)
	cert.Origin = c.obj.Origin()
	cert.Readers = append(c.poolersReading(name), account(c.obj.Namespace, c.serviceAccount()))
	slices.Sort(cert.Readers)
	cert.Readers = slices.Compact(cert.Readers)
	cert.NotAfter = c.expiration(name)
	if byUser == "" {
		cert.Lifetime, cert.RenewBefore = c.settings.lifetime, c.settings.renew
	} else {
		cert.Origin, cert.Subject, cert.Names = c.at("spec.certificates.%s", field), "", nil
	}
	if s := c.secret(name); s != nil {
		if held := certificateIn(s, cert.Key); held != nil {
			cert.Subject, cert.NotAfter = held.Subject, held.NotAfter
			if !held.CA {
				cert.Names = held.Names
			}
		}
	}
	return cert
}

func (c *cluster) addCertificate(cert snapshot.Certificate) {
	c.server.TLS.Certificates = append(c.server.TLS.Certificates, cert)
}

func account(namespace, name string) string {
	return fmt.Sprintf("ServiceAccount %s/%s", namespace, name)
}

// expirationLayout is how status.certificates.expirations has times.
const expirationLayout = "2006-01-02 15:04:05 -0700 MST"

// expiration is what the operator wrote down of a Secret; zero where it wrote nothing.
func (c *cluster) expiration(secret string) snapshot.Moment {
	t, err := time.Parse(expirationLayout, c.status.Certificates.Expirations[secret])
	if err != nil {
		return 0
	}
	return snapshot.Moment(t.Unix())
}
