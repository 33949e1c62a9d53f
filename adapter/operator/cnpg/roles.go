package cnpg

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// bootstrap returns the database that the Cluster begins with, and its owner. Only
// initdb has defaults: app, and the database's own name [cnpg
// api/v1/cluster_defaults.go@1.30.0].
func (c *cluster) bootstrap() (db bootstrapDatabase, field string) {
	b := c.spec.Bootstrap
	switch {
	case b.Recovery != nil:
		return b.Recovery.bootstrapDatabase, "spec.bootstrap.recovery"
	case b.BaseBackup != nil:
		return b.BaseBackup.bootstrapDatabase, "spec.bootstrap.pg_basebackup"
	case b.InitDB != nil:
		db = b.InitDB.bootstrapDatabase
	}
	db.Database = cmp.Or(db.Database, "app")
	db.Owner = cmp.Or(db.Owner, db.Database)
	return db, "spec.bootstrap.initdb"
}

func (c *cluster) databases() {
	c.server.Databases = []string{"postgres"}
	if db, _ := c.bootstrap(); db.Database != "" {
		c.addDatabase(db.Database)
	}
}

func (c *cluster) addDatabase(name string) {
	if !slices.Contains(c.server.Databases, name) {
		c.server.Databases = append(c.server.Databases, name)
		slices.Sort(c.server.Databases)
	}
}

// roles adds those that the operator makes, and spec.managed.roles.
func (c *cluster) roles() {
	byCluster := c.obj.Origin()
	byCluster.Note = byOperator
	superuser := c.at("spec.enableSuperuserAccess")
	if !c.spec.EnableSuperuserAccess {
		superuser.Note = "the operator takes its password away"
	}
	c.addRole(snapshot.Role{Name: "postgres", Superuser: true, Origin: superuser})
	c.addRole(snapshot.Role{Name: "streaming_replica", Replication: true, Origin: byCluster})
	if c.release.exporter() != netpol.No {
		c.addRole(snapshot.Role{Name: "cnpg_metrics_exporter", MemberOf: []string{"pg_monitor"}, Origin: byCluster})
	}
	if db, field := c.bootstrap(); db.Owner != "" {
		c.addRole(snapshot.Role{Name: db.Owner, Origin: c.at("%s.owner", field)})
	}
	for i, r := range c.spec.Managed.Roles {
		at := c.at("spec.managed.roles[%d]", i)
		if r.Name == "" {
			world.Refuse(c.w, c.obj, at.Field+".name", "must be specified")
		} else if r.Ensure != "absent" && !reserved(r.Name) { // the operator leaves those alone
			c.setRole(r.role(at))
		}
	}
}

func (r roleSpec) role(at verdict.Origin) snapshot.Role {
	var end snapshot.Moment
	if t, err := time.Parse(time.RFC3339, r.ValidUntil); err == nil { // another is refused by the API server
		end = snapshot.Moment(t.Unix())
	}
	return snapshot.Role{ValidUntil: end, Name: r.Name, Superuser: r.Superuser, Replication: r.Replication,
		BypassRLS: r.BypassRLS, CreateRole: r.CreateRole, NoLogin: !r.Login, MemberOf: r.InRoles, Origin: at}
}

// addRole adds a role unless one of the name is known.
func (c *cluster) addRole(r snapshot.Role) {
	if !slices.ContainsFunc(c.server.Roles, func(known snapshot.Role) bool { return known.Name == r.Name }) {
		c.server.Roles = append(c.server.Roles, r)
	}
}

// setRole says what a role is; the operator alters one that exists, so that this
// replaces what its other manifests imply.
func (c *cluster) setRole(r snapshot.Role) {
	c.server.Roles = slices.DeleteFunc(c.server.Roles, func(known snapshot.Role) bool { return known.Name == r.Name })
	c.server.Roles = append(c.server.Roles, r)
}

// inCluster is what objects about a Cluster of their namespace have in common.
type inCluster struct {
	Cluster struct {
		Name string `json:"name"`
	} `json:"cluster"`
}

// of returns the Cluster that the object o is for; nil, with a word about it, where
// there is none.
func (in inCluster) of(w *operator.World, o object.Object, clusters map[snapshot.Ref]*cluster) *cluster {
	c := clusters[snapshot.Ref{Kind: "Cluster", Namespace: o.Namespace, Name: in.Cluster.Name}]
	switch {
	case in.Cluster.Name == "":
		world.Refuse(w, o, "spec.cluster.name", "must be specified")
	case c == nil:
		world.Warn(w, o, "cnpg/no-cluster", "spec.cluster.name", "Cluster %s is not in the estate", in.Cluster.Name)
	}
	return c
}

// adaptDatabase adds the database of a Database object, and the owner it names.
func adaptDatabase(w *operator.World, o object.Object, clusters map[snapshot.Ref]*cluster) {
	var in struct {
		Spec struct {
			inCluster
			Name   string `json:"name"`
			Owner  string `json:"owner"`
			Ensure string `json:"ensure"`
		} `json:"spec"`
	}
	world.Read(w, o, &in)
	c := in.Spec.of(w, o, clusters)
	if c == nil {
		return
	}
	if in.Spec.Name != "" && in.Spec.Ensure != "absent" {
		c.addDatabase(in.Spec.Name)
		if in.Spec.Owner != "" {
			c.addRole(snapshot.Role{Name: in.Spec.Owner, Origin: o.Origin().At("spec.owner")})
		}
	}
}

// adaptRole adds the role of a DatabaseRole; one that the Cluster itself manages
// wins [cnpg docs/src/declarative_role_management.md@1.30.0].
func adaptRole(w *operator.World, o object.Object, clusters map[snapshot.Ref]*cluster) {
	var in struct {
		Spec struct {
			inCluster
			roleSpec
			ClientCertificate *struct {
				Enabled *bool `json:"enabled"`
			} `json:"clientCertificate"`
		} `json:"spec"`
	}
	world.Read(w, o, &in)
	c := in.Spec.of(w, o, clusters)
	if c == nil {
		return
	}
	inline := !reserved(in.Spec.Name) && slices.ContainsFunc(c.spec.Managed.Roles, func(r roleSpec) bool { return r.Name == in.Spec.Name })
	if in.Spec.Name == "" || in.Spec.Ensure == "absent" || inline {
		return
	}
	c.newerKind(version{1, 30, 0}, o.Origin())
	if c.release.since(version{1, 30, 0}) == netpol.No {
		world.Warn(w, o, "cnpg/release", "spec", "the operator is of %s, and DatabaseRole came with 1.30", c.release)
		return
	}
	if reserved(in.Spec.Name) {
		world.Refuse(w, o, "spec.name", "%q is a role of the operator's or of PostgreSQL's", in.Spec.Name)
		c.refuse("role "+in.Spec.Name, "the name is kept for the operator or for PostgreSQL, and the definition refuses the object",
			"give the role another name", o.Origin().At("spec.name"))
		return
	}
	c.setRole(in.Spec.role(o.Origin()))
	c.keepRole(o)
	if s := in.Spec.PasswordSecret.Name; s != "" {
		c.roleSecret(s, in.Spec.Name, o.Origin().At("spec.passwordSecret.name"))
		c.passthrough(func(secret string) bool { return secret == s })
	}
	if cert := in.Spec.ClientCertificate; cert != nil && (cert.Enabled == nil || *cert.Enabled) {
		at := o.Origin().At("spec.clientCertificate")
		c.clientCerts = append(c.clientCerts, clientCert{in.Spec.Name, o.Name + "-client-cert", at})
		c.roleSecret(o.Name+"-client-cert", in.Spec.Name, at)
		c.checkClientCert(w, o, in.Spec.roleSpec)
	}
}

// reserved names are refused [cnpg docs/src/declarative_role_management.md@1.30.0].
func reserved(role string) bool {
	return role == "postgres" || role == "streaming_replica" || strings.HasPrefix(role, "pg_") || strings.HasPrefix(role, "cnpg_")
}

func (c *cluster) roleSecret(secret, role string, at verdict.Origin) {
	c.roleSecrets = append(c.roleSecrets, snapshot.ServerSecret{Secret: secret, What: "role", Role: role, Origin: at})
}

// checkClientCert warns where no certificate can be issued [cnpg
// docs/src/declarative_role_management.md@1.30.0].
func (c *cluster) checkClientCert(w *operator.World, o object.Object, r roleSpec) {
	if !r.Login {
		c.refuse("spec.clientCertificate", "the definition asks for login: true beside it", "add login: true, or leave it out", o.Origin().At("spec.clientCertificate"))
		world.Warn(w, o, "cnpg/client-certificate", "spec.clientCertificate", "a role without login gets no certificate")
	}
	if s := c.secret(c.clientCASecret()); s != nil && s.Has(caPrivate) == verdict.Deny {
		world.Warn(w, o, "cnpg/client-certificate", "spec.clientCertificate",
			"Secret %s has no key of the client CA, so that no certificate can be issued", c.clientCASecret())
	}
}
