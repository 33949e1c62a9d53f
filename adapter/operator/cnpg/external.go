package cnpg

import (
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A followed is an external cluster that a Subscription subscribes to.
type followed struct {
	name   string
	origin verdict.Origin
}

// externalFlows lead to servers that this one begins from or follows.
func (c *cluster) externalFlows() {
	b := c.spec.Bootstrap
	if b.BaseBackup != nil {
		c.external(b.BaseBackup.Source, use{what: "the pg_basebackup job copies its source", pods: c.part("pgbasebackup" + jobSuffix), phase: snapshot.Bootstrap})
	}
	if b.InitDB != nil && b.InitDB.Import != nil {
		c.external(b.InitDB.Import.Source.ExternalCluster,
			use{what: "the import job reads its source", pods: c.part("import" + jobSuffix), phase: snapshot.Bootstrap})
	}
	if b.Recovery != nil {
		c.external(b.Recovery.Source, use{what: "the recovery job and the instances stream from the source", pods: c.recovering(), phase: snapshot.Restore})
	}
	if c.follows() {
		c.external(c.spec.Replica.Source, use{what: "the replica cluster follows its source", pods: c.server.Members(), phase: snapshot.Steady})
	}
	for _, f := range c.followed {
		c.external(f.name, use{what: "a subscription follows its publisher", pods: c.server.Members(), phase: snapshot.Steady, at: f.origin})
	}
}

// external leads to the host of an external cluster; a socket is no flow.
func (c *cluster) external(name string, u use) {
	for i, e := range c.spec.ExternalClusters {
		host := e.Parameters["host"]
		if e.Name != name || host == "" || strings.HasPrefix(host, "/") {
			continue
		}
		to, ports := world.Host(c.w, c.obj.Namespace, "external cluster "+name, host, world.Port(e.Parameters["port"], 5432))
		at := u.at
		if at.IsZero() {
			at = c.at("spec.externalClusters[%d].connectionParameters", i)
		}
		c.flow(snapshot.VitalFlow{
			ID: "external", What: u.what, Phase: u.phase, From: world.Pods("the instances and jobs", u.pods...), To: to, Ports: ports,
			Source: "CloudNativePG documentation, Bootstrap [cnpg docs/src/bootstrap.md@1.30.0]", Origin: at,
		})
	}
}

func (c *cluster) ldapFlow() {
	l := c.spec.PostgreSQL.LDAP
	if !l.enabled() || l.Server == "" {
		return
	}
	port := uint16(389)
	if l.Scheme == "ldaps" {
		port = 636
	}
	if l.Port > 0 && l.Port <= 65535 {
		port = uint16(l.Port)
	}
	to, ports := world.Host(c.w, c.obj.Namespace, "the LDAP server", l.Server, port)
	c.flow(snapshot.VitalFlow{
		ID: "ldap", What: "instances ask the LDAP server for each login", Phase: snapshot.Steady, From: c.everyInstance(),
		To: to, Ports: ports, Source: "CloudNativePG documentation, PostgreSQL Configuration [cnpg docs/src/postgresql_conf.md@1.30.0]",
		Origin: c.at("spec.postgresql.ldap"),
	})
}

// adaptSubscription notes whom a Subscription of a Cluster follows.
func adaptSubscription(w *operator.World, o object.Object, clusters map[snapshot.Ref]*cluster) {
	var in struct {
		Spec struct {
			inCluster
			External string `json:"externalClusterName"`
		} `json:"spec"`
	}
	world.Read(w, o, &in)
	if c := in.Spec.of(w, o, clusters); c != nil {
		c.followed = append(c.followed, followed{in.Spec.External, o.Origin().At("spec.externalClusterName")})
	}
}
