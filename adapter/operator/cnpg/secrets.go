package cnpg

import (
	"cmp"
	"fmt"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// secrets lists those that lead to the server.
func (c *cluster) secrets() {
	c.appSecret()
	if c.spec.EnableSuperuserAccess {
		name, at := c.obj.Name+"-superuser", c.at("spec.enableSuperuserAccess")
		if c.spec.SuperuserSecret.Name != "" {
			name, at = c.spec.SuperuserSecret.Name, c.at("spec.superuserSecret.name")
		}
		c.addSecret(name, "superuser", "postgres", at)
	}
	own := c.obj.Origin()
	c.addSecret(c.replicationSecret(), "replication", "streaming_replica", own)
	c.addSecret(c.serverSecret(), "TLS", "", own)
	c.addSecret(c.serverCASecret(), "CA", "", own)
	if c.clientCASecret() != c.serverCASecret() {
		c.addSecret(c.clientCASecret(), "CA", "", own)
	}
	for i, r := range c.spec.Managed.Roles {
		if r.PasswordSecret.Name != "" {
			c.addSecret(r.PasswordSecret.Name, "role", r.Name, c.at("spec.managed.roles[%d].passwordSecret.name", i))
		}
	}
	for _, s := range c.roleSecrets {
		c.addSecret(s.Secret, s.What, s.Role, s.Origin)
	}
	if p := c.integrated(); p != nil {
		c.addSecret(c.poolerSecret(), "pooler", poolerRole, p.obj.Origin())
	}
	for _, p := range c.poolers {
		p.secrets(c)
	}
}

// appSecret holds the password of the owner of the first database. The operator makes it
// unless the user brings one; a replica cluster has no such owner of its own [cnpg
// api/v1/cluster_funcs.go ShouldCreateApplicationSecret].
func (c *cluster) appSecret() {
	db, field := c.bootstrap()
	switch {
	case db.Secret.Name != "":
		c.addSecret(db.Secret.Name, "application", db.Owner, c.at("%s.secret.name", field))
	case db.Owner != "" && db.Database != "" && !c.follows():
		c.addSecret(c.obj.Name+"-app", "application", db.Owner, c.at("%s.owner", field))
	}
}

// follows reports whether the Cluster is a replica of another one [cnpg
// api/v1/cluster_funcs.go IsReplica].
func (c *cluster) follows() bool {
	r := c.spec.Replica
	switch {
	case r == nil:
		return false
	case r.Enabled != nil:
		return *r.Enabled
	}
	return cmp.Or(r.Self, c.obj.Name) != r.Primary
}

// addSecret adds a Secret of the Cluster's namespace, unless it is there for the role.
func (c *cluster) addSecret(name, what, role string, at verdict.Origin) {
	full := fmt.Sprintf("%s/%s", c.obj.Namespace, name)
	for _, s := range c.server.Secrets {
		if s.Secret == full && s.Role == role {
			return
		}
	}
	c.server.Secrets = append(c.server.Secrets, snapshot.ServerSecret{
		Secret: full, What: what, Role: role, Read: c.secret(name) != nil, Origin: at,
	})
}
