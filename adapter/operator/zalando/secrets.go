package zalando

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// secretName is secret_name_template with its words replaced [zal
// pkg/cluster/util.go credentialSecretNameForCluster@1.15.1].
func (c *cluster) secretName(user string) string {
	template := c.config.text("secret_name_template", "{username}.{cluster}.credentials.{tprkind}.{tprgroup}")
	return strings.NewReplacer("{username}", strings.ReplaceAll(user, "_", "-"), "{cluster}", c.obj.Name,
		"{tprkind}", "postgresql", "{tprgroup}", "acid.zalan.do").Replace(template)
}

// secrets names a Secret for each role that the operator gives a password, and those
// of TLS.
func (c *cluster) secrets() {
	for _, r := range c.server.Roles {
		if what := c.passwordOf(r); what != "" {
			c.addSecret(c.secretNamespace(r.Name), c.secretName(r.Name), what, r.Name, r.Origin)
		}
	}
	for _, s := range c.infrastructureSecrets() {
		namespace, name, _ := strings.Cut(s.secret, "/")
		c.addSecret(namespace, name, "infrastructure role", s.user, s.origin)
	}
	t := c.spec.TLS
	if t.SecretName != "" {
		c.addSecret(c.obj.Namespace, t.SecretName, "TLS", "", c.at("spec.tls.secretName"))
		if t.CASecretName != "" {
			c.addSecret(c.obj.Namespace, t.CASecretName, "CA", "", c.at("spec.tls.caSecretName"))
		}
	}
}

// passwordOf says what the password of a role is for; "" where the operator gives it
// none: to roles that may not log in, to people, and to owners that nobody made.
func (c *cluster) passwordOf(r snapshot.Role) string {
	_, user := c.spec.Users[r.Name]
	switch {
	case r.NoLogin:
		return ""
	case r.Name == c.superuser():
		return "superuser"
	case r.Name == c.replication(), r.Name == streamUser && len(c.spec.Streams) > 0:
		return "replication"
	case c.pooled() && r.Name == c.poolerUser():
		return "pooler"
	case user, strings.HasPrefix(r.Origin.Field, "spec.preparedDatabases"):
		return "application"
	}
	return ""
}

// secretNamespace is the cluster's, unless the operator may write elsewhere: then a
// role "namespace.name" has its Secret there, and a prepared database may name one.
func (c *cluster) secretNamespace(user string) string {
	if !c.config.flag("enable_cross_namespace_secret", false) {
		return c.obj.Namespace
	}
	if _, listed := c.spec.Users[user]; listed {
		if namespace, _, ok := strings.Cut(user, "."); ok {
			return namespace
		}
	}
	for name, db := range c.prepared() {
		if strings.HasPrefix(user, name+"_") && strings.HasSuffix(user, "_user") {
			return cmp.Or(db.SecretNamespace, c.obj.Namespace)
		}
	}
	return c.obj.Namespace
}

func (c *cluster) addSecret(namespace, name, what, role string, at verdict.Origin) {
	c.server.Secrets = append(c.server.Secrets, snapshot.ServerSecret{
		Secret: namespace + "/" + name, What: what, Role: role, Read: c.secret(namespace, name) != nil, Origin: at,
	})
}

// An infrastructureSecret holds roles that every cluster of an operator gets.
type infrastructureSecret struct {
	secret   string // namespace/name
	user     string // empty where the Secret alone tells
	memberOf []string
	origin   verdict.Origin
}

// infrastructureSecrets reads infrastructure_roles_secret_name and
// infrastructure_roles_secrets, which a ConfigMap writes as one definition
// "secretname:…,userkey:…" [zal pkg/controller/util.go
// getInfrastructureRoleDefinitions@1.15.1].
func (c *cluster) infrastructureSecrets() []infrastructureSecret {
	var out []infrastructureSecret
	add := func(secret, user, role, key string) {
		namespace, name := qualified(secret, c.config.namespace())
		s := infrastructureSecret{secret: namespace + "/" + name, user: user, origin: c.configuredAt(key)}
		if role != "" {
			s.memberOf = []string{role}
		}
		if name != "" && !slices.ContainsFunc(out, func(known infrastructureSecret) bool { return known.secret == s.secret }) {
			out = append(out, s)
		}
	}
	const list, one = "infrastructure_roles_secrets", "infrastructure_roles_secret_name"
	var defined []struct {
		Secret string `json:"secretname"`
		User   string `json:"defaultuservalue"`
		Role   string `json:"defaultrolevalue"`
	}
	if v, ok := c.config.values[list]; ok && json.Unmarshal(v.raw, &defined) == nil {
		for _, d := range defined {
			add(d.Secret, d.User, d.Role, list)
		}
	} else if ok {
		fields := map[string]string{}
		for part := range strings.SplitSeq(c.config.text(list, ""), ",") {
			key, value, _ := strings.Cut(part, ":")
			fields[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
		add(fields["secretname"], fields["defaultuservalue"], fields["defaultrolevalue"], list)
	}
	if name := c.config.text(one, ""); name != "" {
		add(name, "", "", one)
	}
	return out
}
