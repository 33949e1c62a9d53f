package pgo

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// roles adds those that the operator makes, and spec.users, with the Secrets that hold
// their passwords.
func (c *Cluster) roles() {
	c.server.Databases = []string{"postgres"}
	superuser := c.by("has no password unless spec.users names it")
	c.role(snapshot.Role{Name: "postgres", Superuser: true, Origin: superuser})
	c.role(snapshot.Role{Name: replicator, Replication: true, Origin: c.by(byOperator)})
	if c.Spec.Monitoring.PGMonitor.Exporter != nil {
		at := c.at("spec.monitoring.pgmonitor.exporter")
		c.role(snapshot.Role{Name: exporter, MemberOf: []string{"pg_monitor"}, Origin: at})
		c.secret(c.obj.Name+"-monitoring", "monitoring", exporter, at)
	}
	if c.Spec.Proxy.PgBouncer != nil {
		c.role(snapshot.Role{Name: bouncer, Origin: c.at("spec.proxy.pgBouncer")})
		c.secret(c.obj.Name+"-pgbouncer", "pooler", bouncer, c.at("spec.proxy.pgBouncer"))
	}
	c.users()
	for _, r := range c.Roles {
		c.role(r)
		c.secret(c.obj.Name+"-pguser-"+r.Name, secretOf(r), r.Name, r.Origin)
	}
}

// users adds spec.users; without it there is one user, with one database, both named
// for the cluster. An empty list makes none with Crunchy's operator; Percona's drops it
// on the way to its own object, and the default stays.
func (c *Cluster) users() {
	if c.Spec.Users == nil || !c.fork.Strict && len(*c.Spec.Users) == 0 {
		c.role(snapshot.Role{Name: c.obj.Name, Origin: c.by("the operator's default user, while there is no spec.users")})
		c.database(c.obj.Name)
		c.secret(c.obj.Name+"-pguser-"+c.obj.Name, "application", c.obj.Name, c.by("the operator's default user, while there is no spec.users"))
		return
	}
	for i, u := range *c.Spec.Users {
		at := c.at("spec.users[%d]", i)
		if !c.checkUser(u, at) || slices.ContainsFunc(c.Roles, func(r snapshot.Role) bool { return r.Name == u.Name }) {
			continue
		}
		r := snapshot.Role{Name: u.Name, Origin: at}
		options(&r, u.Options)
		if u.Name == "postgres" { // its options are ignored
			r = snapshot.Role{Name: u.Name, Superuser: true, Origin: at}
			c.server.Roles = slices.DeleteFunc(c.server.Roles, func(known snapshot.Role) bool { return known.Name == u.Name })
		}
		c.role(r)
		for _, d := range u.Databases {
			c.database(d)
		}
		name := c.obj.Name + "-pguser-" + u.Name
		if u.SecretName != "" {
			name = u.SecretName
		}
		c.secret(name, secretOf(r), u.Name, at)
	}
}

var (
	userName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	password = regexp.MustCompile(`(?i:PASSWORD)`)
	comment  = regexp.MustCompile(`--|/[*]|[*]/`)
)

// checkUser refuses what the CustomResourceDefinition does; ok says that the user has a
// name.
func (c *Cluster) checkUser(u User, at verdict.Origin) (ok bool) {
	if len(u.Name) > 63 || !userName.MatchString(u.Name) {
		world.Refuse(c.w, c.obj, at.Field+".name", "%q: want a name of a-z, 0-9 and -", u.Name)
	}
	if strings.Contains(u.Options, ";") || len(u.Options) > 200 {
		world.Refuse(c.w, c.obj, at.Field+".options", "want at most 200 characters without ;")
	}
	if c.fork.Strict && (password.MatchString(u.Options) || comment.MatchString(u.Options)) {
		world.Refuse(c.w, c.obj, at.Field+".options", "cannot assign a password nor contain comments")
	}
	return u.Name != ""
}

// options reads those of ALTER ROLE; of two that contradict each other PostgreSQL
// refuses the statement, so that their order does not matter.
func options(r *snapshot.Role, text string) {
	for _, word := range strings.Fields(strings.ToUpper(text)) {
		world.Grants(r, word)
	}
}

func secretOf(r snapshot.Role) string {
	if r.Superuser {
		return "superuser"
	}
	return "application"
}

func (c *Cluster) role(r snapshot.Role) {
	if !slices.ContainsFunc(c.server.Roles, func(known snapshot.Role) bool { return known.Name == r.Name }) {
		c.server.Roles = append(c.server.Roles, r)
	}
}

func (c *Cluster) database(name string) {
	if name != "" && !slices.Contains(c.server.Databases, name) {
		c.server.Databases = append(c.server.Databases, name)
		slices.Sort(c.server.Databases)
	}
}

func (c *Cluster) secret(name, what, role string, at verdict.Origin) {
	c.server.Secrets = append(c.server.Secrets, snapshot.ServerSecret{
		Secret: c.obj.Namespace + "/" + name, What: what, Role: role, Read: c.secretRead(name) != nil, Origin: at,
	})
}

// secretRead is the Secret of the cluster's namespace, where it was read.
func (c *Cluster) secretRead(name string) *snapshot.Secret {
	for _, s := range c.w.Snapshot.Secrets {
		if s.Namespace == c.obj.Namespace && s.Name == name {
			return s
		}
	}
	return nil
}
