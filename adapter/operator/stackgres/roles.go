package stackgres

import (
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A login is one of the roles that every cluster has.
type login struct {
	what   string
	field  string
	user   credential
	secret secretKey // the entry that the operator makes
	role   snapshot.Role
}

// logins are the three that every cluster has; authenticator is a superuser
// [sg F/cluster/patroni/PatroniSecret.java@1.18.6]. Their names can come from Secrets,
// which are not read: the usual ones are then a guess, and not used.
func (c *cluster) logins() []login {
	users := c.spec.Configurations.Credentials.Users
	return []login{
		{"superuser", "superuser", users.Superuser, secretKey{c.secretName, "superuser-password"}, snapshot.Role{Name: "postgres", Superuser: true, Replication: true}},
		{"replication", "replication", users.Replication, secretKey{c.secretName, "replication-password"}, snapshot.Role{Name: "replicator", Replication: true}},
		{"pooler", "authenticator", users.Authenticator, secretKey{c.secretName, "authenticator-password"}, snapshot.Role{Name: "authenticator", Superuser: true}},
	}
}

func (c *cluster) roles() []snapshot.Role {
	var out []snapshot.Role
	for _, l := range c.logins() {
		if l.user.Username != nil {
			continue
		}
		l.role.Origin = c.at("spec.configurations.credentials.users")
		l.role.Origin.Note = "made by the operator"
		out = append(out, l.role)
	}
	return out
}

// secrets are the Secret of the cluster's name, which holds every password that the
// operator made, those that the user gave in its place, and the key of the certificate
// [sg F/cluster/patroni/PatroniSecret.java, F/cluster/PostgresSslSecret.java@1.18.6].
func (c *cluster) secrets() []snapshot.ServerSecret {
	var out []snapshot.ServerSecret
	add := func(name, what, role, field string) {
		s := snapshot.ServerSecret{Secret: c.ref.Namespace + "/" + name, What: what, Role: role, Origin: c.at("%s", field)}
		for _, have := range c.w.Snapshot.Secrets {
			s.Read = s.Read || have.Namespace == c.ref.Namespace && have.Name == name
		}
		out = append(out, s)
	}
	const users = "spec.configurations.credentials.users."
	for _, l := range c.logins() {
		from := l.secret
		if l.user.Password != nil {
			from = *l.user.Password
		}
		add(from.Name, l.what, l.user.name(l.role.Name), users+l.field)
		if from.Name != c.ref.Name { // the operator copies it
			add(c.ref.Name, l.what, l.user.name(l.role.Name), users+l.field)
		}
	}
	add(c.ref.Name, "Patroni's REST API", "", "spec.configurations.credentials.patroni")
	if p := c.spec.Configurations.Credentials.Patroni.RestAPIPassword; p != nil {
		add(p.Name, "Patroni's REST API", "", "spec.configurations.credentials.patroni.restApiPassword")
	}
	c.storeSecrets(add)
	if !c.mayTLS() {
		return out
	}
	add(c.ref.Name+sslSuffix, "TLS", "", "spec.postgres.ssl")
	if c.sslSecret != c.ref.Name+sslSuffix {
		add(c.sslSecret, "TLS", "", "spec.postgres.ssl")
	}
	if key := c.spec.Postgres.SSL.PrivateKey; key != nil && key.Name != c.sslSecret {
		add(key.Name, "TLS", "", "spec.postgres.ssl.privateKeySecretKeySelector")
	}
	return out
}
