package zalando

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// dummy is the common name, and the only one, of the certificate that an image makes
// for itself where it was given none.
const dummy = "spilo.dummy.org"

// dummyHours are what openssl req -x509 gives a certificate that is told no end.
const dummyHours = 30 * 24

// off are the spellings of false that a boolean parameter has (PostgreSQL manual,
// "Setting Parameters").
var off = []string{"off", "of", "false", "fals", "fal", "fa", "f", "no", "n", "0"}

// tls: Spilo sets ssl=on, and parameters of the cluster win over its own [spilo
// postgres-appliance/scripts/configure_spilo.py@7cb50bd].
func (c *cluster) tls() snapshot.TLS {
	out := snapshot.TLS{Enabled: verdict.Allow, ClientCA: c.clientCA(), Origin: c.at("spec.tls")}
	if v, ok := c.spec.PostgreSQL.Parameters["ssl"]; ok && slices.Contains(off, strings.ToLower(strings.TrimSpace(v))) {
		out.Enabled, out.Origin = verdict.Deny, c.at("spec.postgresql.parameters.ssl")
	}
	out.MinProtocol = cmp.Or(c.spec.PostgreSQL.Parameters["ssl_min_protocol_version"], world.LeastProtocol(c.server.Version))
	out.MinProtocolOrigin = c.at("spec.postgresql.parameters.ssl_min_protocol_version")
	c.certify(&out, "server")
	return out
}

// clientCA says whether ssl_ca_file is set.
func (c *cluster) clientCA() verdict.Verdict {
	t := c.spec.TLS
	if v, ok := c.spec.PostgreSQL.Parameters["ssl_ca_file"]; ok {
		if v == "" {
			return verdict.Deny
		}
		return verdict.Allow
	}
	if t.SecretName != "" && t.CAFile != "" {
		return verdict.Allow
	}
	file, text := c.env("SSL_CA_FILE").is(), c.env("SSL_CA").is()
	switch {
	case file == verdict.Allow || text == verdict.Allow:
		return verdict.Allow
	case file == verdict.Deny && text == verdict.Deny:
		return verdict.Deny
	}
	return verdict.Unknown
}

// certify adds the certificate that the listener shows, with the CA beside it.
func (c *cluster) certify(t *snapshot.TLS, use string) {
	spec := c.spec.TLS
	switch {
	case spec.SecretName != "":
		cert := c.certificate(use, spec.SecretName, cmp.Or(path.Base(cmp.Or(spec.CertificateFile, "tls.crt")), "tls.crt"), "spec.tls.secretName")
		t.Certificates = append(t.Certificates, cert)
		if cert.Subject != "" || len(cert.Names) > 0 {
			t.Names, t.NamesKnown = certificateNames(cert), true
		}
		if spec.CAFile != "" {
			ca := c.certificate("server CA", cmp.Or(spec.CASecretName, spec.SecretName), path.Base(spec.CAFile), "spec.tls.caFile")
			ca.CanSign = c.canSign(cmp.Or(spec.CASecretName, spec.SecretName), spec.CASecretName != "")
			t.Certificates = append(t.Certificates, ca)
		}
	case use == "server" && c.ownCertificate() != verdict.Deny:
		// What the environment brings has names that nobody here knows.
	default:
		t.Names, t.NamesKnown = []string{dummy}, true
		t.Certificates = append(t.Certificates, snapshot.Certificate{
			Use: use, Subject: dummy, Lifetime: dummyHours, CanSign: verdict.Deny, Origin: c.at("spec.tls"),
		})
	}
}

// ownCertificate says whether the environment brings one: SSL_CERTIFICATE with
// SSL_PRIVATE_KEY, or files in their place.
func (c *cluster) ownCertificate() verdict.Verdict {
	text, file := c.env("SSL_CERTIFICATE").is(), c.env("SSL_CERTIFICATE_FILE").is()
	if text == verdict.Deny && file == verdict.Deny {
		return verdict.Deny
	}
	return verdict.Unknown
}

// certificate is one of a Secret, with what was read of it.
func (c *cluster) certificate(use, secret, key, field string) snapshot.Certificate {
	out := snapshot.Certificate{Use: use, Secret: c.obj.Namespace + "/" + secret, Key: key, Origin: c.at("%s", field)}
	s := c.secret(c.obj.Namespace, secret)
	if s == nil {
		return out
	}
	for _, read := range s.Certificates {
		if read.Key == key {
			out.Subject, out.Names, out.NotAfter = read.Subject, read.Names, read.NotAfter
		}
	}
	return out
}

// certificateNames are the alternative names, and without any the common name, which
// libpq takes only then (PostgreSQL manual, "SSL Server Certificate Verification").
func certificateNames(cert snapshot.Certificate) []string {
	if len(cert.Names) > 0 {
		return cert.Names
	}
	return []string{cert.Subject}
}

// canSign asks whether the CA's private key is beside it. Where it shares a Secret
// with the server's, the only key there is the server's.
func (c *cluster) canSign(secret string, alone bool) verdict.Verdict {
	s := c.secret(c.obj.Namespace, secret)
	if s == nil {
		return verdict.Unknown
	}
	keys := []string{"ca.key"}
	if alone {
		keys = append(keys, "tls.key")
	}
	if slices.ContainsFunc(keys, func(k string) bool { return s.Has(k) == verdict.Allow }) {
		return verdict.Allow
	}
	return s.Has(keys[0])
}

// secret returns a Secret that was read, or nil.
func (c *cluster) secret(namespace, name string) *snapshot.Secret {
	for _, s := range c.w.Snapshot.Secrets {
		if s.Namespace == namespace && s.Name == name {
			return s
		}
	}
	return nil
}
