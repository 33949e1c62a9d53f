package stackgres

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// ssl is spec.postgres.ssl.enabled; absent it is true from 1.17 on and false before
// (release notes 1.17.0, "Enable SSL by default"). known is false where the release
// is not known, and where a stored object lacks what its CustomResourceDefinition
// would have filled in.
func (c *cluster) ssl() (on, known bool) {
	if field := c.spec.Postgres.SSL.Enabled; field != nil {
		return *field, true
	}
	if c.stored || c.release.since(1, 17) == before {
		return false, true
	}
	return c.release != nil, c.release != nil
}

// mayTLS reports whether TLS is not surely off.
func (c *cluster) mayTLS() bool { return c.server.TLS.Enabled != verdict.Deny }

// tls says what the server offers. No CA for client certificates is ever configured by
// the operator [sg F/cluster/PostgresSslSecret.java@1.18.6].
func (c *cluster) tls() snapshot.TLS {
	out := snapshot.TLS{ClientCA: verdict.Deny, Origin: c.at("spec.postgres.ssl.enabled")}
	on, known := c.ssl()
	switch {
	case !known:
		c.unsettled("whether PostgreSQL takes TLS", versionFact, "spec.postgres.ssl.enabled")
	case on:
		out.Enabled = verdict.Allow
	case c.ownTLS():
		out.Origin = c.parameters["ssl"].origin // with files that only the pod has
	default:
		out.Enabled = verdict.Deny
	}
	if _, set := c.parameters["ssl_ca_file"]; set {
		out.ClientCA = verdict.Unknown
	}
	if out.Enabled == verdict.Deny {
		return out
	}
	out.MinProtocol, out.MinProtocolOrigin = world.LeastProtocol(c.server.Version), c.at("spec.configurations.sgPostgresConfig")
	if p, set := c.parameters["ssl_min_protocol_version"]; set {
		out.MinProtocol, out.MinProtocolOrigin = p.value, p.origin
	} else if c.possible[0].envoy || len(c.possible) > 1 {
		out.MinProtocol = "" // Envoy's own
	}
	if on && known {
		c.certificate(&out)
	}
	return out
}

// ownTLS reports whether the user turned TLS on by parameters alone.
func (c *cluster) ownTLS() bool { return on(c.parameters["ssl"].value) }

// The certificate that the operator makes is its own issuer and has one name, so that
// no client gets through with sslmode=verify-full. It lasts 13 months of 30 days by
// default, and is made again when a twelfth of that is left, or a day [sg
// F/cluster/PostgresSslSecret.java@1.18.6].
const (
	sslSuffix   = "-ssl"
	madeSubject = "stackgres"
	madeHours   = 13 * 30 * 24
)

// certificate adds the certificate of the Secret C-ssl. One of the user's is copied
// there [sg F/cluster/PostgresSslSecret.java@1.18.6].
func (c *cluster) certificate(out *snapshot.TLS) {
	ssl := c.spec.Postgres.SSL
	cert := snapshot.Certificate{Use: "server", Secret: c.ref.Namespace + "/" + c.sslSecret, Key: "tls.crt", Origin: c.at("spec.postgres.ssl")}
	if ssl.Certificate != nil && ssl.PrivateKey != nil && ssl.Certificate.Name != c.sslSecret {
		cert.Secret, cert.Key = c.ref.Namespace+"/"+ssl.Certificate.Name, ssl.Certificate.Key
		cert.Origin = c.at("spec.postgres.ssl.certificateSecretKeySelector")
		c.readCertificate(out, &cert)
		out.Certificates = append(out.Certificates, cert)
		return
	}
	cert.Subject, cert.Lifetime = madeSubject, madeHours
	if ssl.Duration != "" {
		hours, ok := isoHours(ssl.Duration)
		if !ok {
			world.Refuse(c.w, c.owner, c.at("spec.postgres.ssl.duration").Field, "%q: want an ISO 8601 duration of days, hours, minutes and seconds", ssl.Duration)
		}
		cert.Lifetime = hours
	}
	if cert.Lifetime > 0 {
		cert.RenewBefore = max(cert.Lifetime/12, 24)
	}
	if !c.readCertificate(out, &cert) {
		out.Names, out.NamesKnown = nil, true
	}
	out.Certificates = append(out.Certificates, cert)
}

// readCertificate takes what the Secret itself shows, and reports whether it was read.
func (c *cluster) readCertificate(out *snapshot.TLS, cert *snapshot.Certificate) bool {
	for _, s := range c.w.Snapshot.Secrets {
		if s.Namespace+"/"+s.Name != cert.Secret {
			continue
		}
		for _, have := range s.Certificates {
			if have.Key == cert.Key {
				cert.Subject, cert.Names, cert.NotAfter = have.Subject, have.Names, have.NotAfter
				out.Names, out.NamesKnown = have.Names, true
				return true
			}
		}
	}
	return false
}

var isoDuration = regexp.MustCompile(`^P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9})(?:\.\d+)?S)?)?$`)

// isoHours reads "PnDTnHnMn.nS" in whole hours.
func isoHours(text string) (int, bool) {
	m := isoDuration.FindStringSubmatch(text)
	if m == nil || strings.HasSuffix(text, "P") || strings.HasSuffix(text, "T") {
		return 0, false
	}
	seconds := 0
	for i, unit := range []int{24 * 3600, 3600, 60, 1} {
		n, _ := strconv.Atoi(cmp.Or(m[i+1], "0"))
		seconds += n * unit
	}
	return seconds / 3600, true
}

// readers are the ServiceAccounts of all members of a namespace: each may read all its
// Secrets, other clusters' keys and credentials among them [sg
// F/cluster/patroni/PatroniRole.java@1.18.6].
func readers(clusters []*cluster) {
	byNamespace := map[string][]string{}
	for _, c := range clusters {
		byNamespace[c.ref.Namespace] = append(byNamespace[c.ref.Namespace], "ServiceAccount "+c.ref.Namespace+"/"+c.account())
	}
	for _, c := range clusters {
		list := slices.Sorted(slices.Values(byNamespace[c.ref.Namespace]))
		for i := range c.server.TLS.Certificates {
			c.server.TLS.Certificates[i].Readers = list
		}
	}
}

// account is the ServiceAccount of the members.
func (c *cluster) account() string { return c.ref.Name + "-patroni" }
