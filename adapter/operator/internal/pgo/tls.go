package pgo

import (
	"cmp"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Year is the life of a certificate in hours, and Third when it is renewed before its
// end [pgo internal/pki/{common,pki}.go@6.0.3].
const (
	Year   = 365 * 24
	Third  = Year / 3
	Decade = 10 * Year
)

// names are those of a Service as clients may write them [pgo internal/naming/dns.go@6.0.3].
func (c *Cluster) names(services ...string) (out []string) {
	for _, s := range services {
		host := c.obj.Name + s
		short := host + "." + c.obj.Namespace
		out = append(out, short+".svc."+cmp.Or(c.Domain, "cluster.local"), short+".svc", short, host)
	}
	return out
}

// tls is on whatever anybody writes, with the CA of clients' certificates [pgo
// internal/postgres/{config,parameters}.go@6.0.3]. The server's certificate is for the
// Services C-primary and C-replicas only, not for C-ha or a load balancer's name.
func (c *Cluster) tls() {
	t := &c.server.TLS
	*t = snapshot.TLS{Enabled: verdict.Allow, ClientCA: verdict.Allow, MinProtocol: world.LeastProtocol(c.server.Version), Origin: c.obj.Origin()}
	for _, p := range c.Spec.parameters() {
		if p.name == "ssl_min_protocol_version" && p.field != "spec.config.parameters."+p.name {
			t.MinProtocol, t.MinProtocolOrigin = p.value, c.at("%s", p.field)
		}
	}
	server := c.leaf("server", "-cluster-cert", c.Spec.CustomTLSSecret, c.fork.Paths.CustomTLS, c.names("-primary", "-replicas"))
	t.Names, t.NamesKnown = server.Names, len(server.Names) > 0
	replication := c.leaf("replication", "-replication-cert", c.Spec.CustomReplicationTLSSecret, c.fork.Paths.CustomReplicationTLS, []string{replicator})
	if replication.Subject == "" && c.Spec.CustomReplicationTLSSecret == nil {
		replication.Subject = replicator
	}
	t.Certificates = append(t.Certificates, c.authorities()...)
	t.Certificates = append(t.Certificates, server, replication)
	if (c.Spec.CustomTLSSecret == nil) != (c.Spec.CustomReplicationTLSSecret == nil) {
		world.Warn(c.w, c.obj, c.fork.Name+"/half-custom-tls", c.fork.Paths.CustomTLS,
			"the certificates of the server and of replication need one CA: give %s and %s together",
			c.fork.Paths.CustomTLS, c.fork.Paths.CustomReplicationTLS)
	}
	c.tlsSecrets()
}

// leaf is a certificate that the operator issues, or one that somebody brings.
func (c *Cluster) leaf(use, suffix string, custom *Projection, field string, names []string) snapshot.Certificate {
	out := snapshot.Certificate{
		Use: use, Secret: c.obj.Namespace + "/" + c.obj.Name + suffix, Key: "tls.crt", Names: names, Subject: names[0],
		Lifetime: c.Lifetimes.Leaf, RenewBefore: c.Lifetimes.LeafBefore, Origin: c.obj.Origin(),
	}
	name := c.obj.Name + suffix
	if custom != nil {
		name = custom.Name
		out = snapshot.Certificate{Use: use, Secret: c.obj.Namespace + "/" + name, Key: custom.key("tls.crt"), Origin: c.at("%s", field)}
	}
	c.visible(&out, name)
	return out
}

// visible fills in what a Secret that was read tells of a certificate.
func (c *Cluster) visible(out *snapshot.Certificate, secret string) {
	s := c.secretRead(secret)
	if s == nil {
		return
	}
	for _, cert := range s.Certificates {
		if cert.Key == out.Key {
			out.Subject, out.Names, out.NotAfter = cert.Subject, cert.Names, cert.NotAfter
		}
	}
}

// authorities are the CA of the server's certificate and of clients': one and the same
// that the operator makes, whose key is in the Secret beside it, or the custom one.
func (c *Cluster) authorities() (out []snapshot.Certificate) {
	ca := snapshot.Certificate{
		Secret: c.obj.Namespace + "/" + c.CA, Key: c.CAKey, Subject: "postgres-operator-ca", CanSign: verdict.Allow,
		Lifetime: c.Lifetimes.CA, RenewBefore: c.Lifetimes.CABefore, Origin: c.obj.Origin(),
	}
	name := c.CA
	switch {
	case c.Spec.CustomTLSSecret != nil:
		name = c.Spec.CustomTLSSecret.Name
		ca = snapshot.Certificate{Secret: c.obj.Namespace + "/" + name, Key: c.Spec.CustomTLSSecret.key("ca.crt"), Origin: c.at("%s", c.fork.Paths.CustomTLS)}
	case c.Spec.CustomRootCA != nil:
		name = c.Spec.CustomRootCA.Name
		ca = snapshot.Certificate{Secret: c.obj.Namespace + "/" + name, Key: c.Spec.CustomRootCA.key("root.crt"), CanSign: verdict.Allow,
			Origin: c.at("spec.secrets.customRootCATLSSecret")}
	}
	c.visible(&ca, name)
	for _, use := range []string{"server CA", "client CA"} {
		ca.Use = use
		out = append(out, ca)
	}
	return out
}

func (c *Cluster) tlsSecrets() {
	name := func(custom *Projection, suffix string) string {
		if custom != nil {
			return custom.Name
		}
		return c.obj.Name + suffix
	}
	if c.Spec.CustomTLSSecret == nil {
		ca := c.CA
		if c.Spec.CustomRootCA != nil {
			ca = c.Spec.CustomRootCA.Name
		}
		c.secret(ca, "CA", "", c.by("signs the certificates of the server and of clients"))
	}
	c.secret(name(c.Spec.CustomTLSSecret, "-cluster-cert"), "TLS", "", c.obj.Origin())
	c.secret(name(c.Spec.CustomReplicationTLSSecret, "-replication-cert"), "replication", replicator, c.obj.Origin())
}
