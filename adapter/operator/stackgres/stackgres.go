// Package stackgres knows what StackGres makes of its objects: pods whose ports
// depend on a mode, Services without selectors, pg_hba.conf and the flows that must
// not be cut. Facts are of release 1.18.6, read there and told in our own words;
// C/ and F/ in a citation are the source roots common and
// operator/conciliation/factory of ongres/stackgres.
package stackgres

import (
	"cmp"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Name is the operator's, in Server.Operator and Facts.Operators.
const Name = "stackgres"

// A cluster is an SGCluster on its way to be a Server.
type cluster struct {
	w      *operator.World
	obj    object.Object
	spec   clusterSpec
	prefix string // of labels
	mode   mode
	server *snapshot.Server
	own    []*snapshot.Service
}

// Adapter adds a Server for each SGCluster.
var Adapter = operator.Adapter{
	Kinds: []object.Type{
		{Group: "stackgres.io", Kind: "SGCluster"},
		{Group: "stackgres.io", Kind: "SGPoolingConfig"},
		{Group: "stackgres.io", Kind: "SGPostgresConfig"},
		{Group: "stackgres.io", Kind: "SGConfig"},
		{Group: "stackgres.io", Kind: "SGObjectStorage"},
	},
	Adapt: Adapt,
}

// Adapt adds a Server for each SGCluster of the world. Flows are found last: they
// lead to Services of others.
func Adapt(w *operator.World) {
	var clusters []*cluster
	for _, o := range w.Objects["SGCluster.stackgres.io"] {
		clusters = append(clusters, newCluster(w, o))
	}
	world.Sort(w.Snapshot)
	for _, c := range clusters {
		c.server.Services = world.Leading(w, c.server.Members(), c.own...)
		c.vital()
	}
}

func newCluster(w *operator.World, o object.Object) *cluster {
	var in struct {
		Spec   clusterSpec `json:"spec"`
		Status struct {
			LabelPrefix string `json:"labelPrefix"`
		} `json:"status"`
	}
	world.Read(w, o, &in)
	c := &cluster{w: w, obj: o, spec: in.Spec, prefix: cmp.Or(in.Status.LabelPrefix, "stackgres.io/"), mode: in.Spec.mode(o.UID != "")}
	c.server = &snapshot.Server{
		Operator: Name, Workload: world.Workload(w, o.Ref(), o), Version: major(in.Spec.Postgres.Version),
		TLS: c.tls(), Databases: []string{"postgres"}, Origin: o.Origin(),
	}
	c.members()
	c.server.Ports = c.ports()
	c.server.Control = c.control()
	c.server.HBA = c.hba()
	c.server.Maps = ident.Parse(nil, c.server.Version)
	c.server.Roles = c.roles()
	c.services()
	w.Snapshot.Servers = append(w.Snapshot.Servers, c.server)
	return c
}

// at is the origin of a field of the SGCluster.
func (c *cluster) at(format string, args ...any) verdict.Origin {
	return c.obj.Origin().At(format, args...)
}

// ssl is spec.postgres.ssl.enabled, true by default. No CA for client certificates
// is ever configured [sg F/cluster/PostgresSslSecret.java@1.18.6].
func (c *cluster) ssl() bool {
	on := c.spec.Postgres.SSL.Enabled
	return on == nil || *on
}

func (c *cluster) tls() snapshot.TLS {
	out := snapshot.TLS{Enabled: verdict.Deny, ClientCA: verdict.Deny, Origin: c.at("spec.postgres.ssl.enabled")}
	if c.ssl() {
		out.Enabled = verdict.Allow
	}
	return out
}

// roles are the three that every cluster has; authenticator is a superuser
// [sg F/cluster/patroni/PatroniSecret.java@1.18.6]. Their names can come from
// Secrets, which are not read: the usual ones are then a guess, and not used.
func (c *cluster) roles() []snapshot.Role {
	users := c.spec.Configurations.Credentials.Users
	at := c.at("spec.configurations.credentials.users")
	at.Note = "made by the operator"
	var out []snapshot.Role
	for _, r := range []struct {
		user credential
		role snapshot.Role
	}{
		{users.Superuser, snapshot.Role{Name: "postgres", Superuser: true, Origin: at}},
		{users.Replication, snapshot.Role{Name: "replicator", Replication: true, Origin: at}},
		{users.Authenticator, snapshot.Role{Name: "authenticator", Superuser: true, Origin: at}},
	} {
		if r.user.Username == nil {
			out = append(out, r.role)
		}
	}
	return out
}
