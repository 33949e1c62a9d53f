// Package cnpg knows what CloudNativePG makes of its objects: pods, Services,
// pg_hba.conf and the flows that must not be cut. Facts are of release 1.30.0.
package cnpg

import (
	"cmp"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Name is the operator's, in Server.Operator and Facts.Operators.
const Name = "cloudnative-pg"

// Labels of pods [cnpg pkg/utils/labels_annotations.go@1.30.0].
const (
	clusterLabel  = "cnpg.io/cluster"
	instanceLabel = "cnpg.io/instanceName"
	roleLabel     = "cnpg.io/instanceRole"
	podRoleLabel  = "cnpg.io/podRole"
	jobLabel      = "cnpg.io/jobRole"
	poolerLabel   = "cnpg.io/poolerName"
	oldRoleLabel  = "role" // the deprecated twin of instanceRole
)

// A cluster is a Cluster object on its way to be a Server.
type cluster struct {
	w      *operator.World
	obj    object.Object
	spec   clusterSpec
	status clusterStatus
	server *snapshot.Server
	// own are the Services that the operator makes, whether they lead anywhere or not.
	own []*snapshot.Service
	// poolers keep their objects for the flows that are found last.
	poolers []*pooler
}

// Adapter adds a Server for each Cluster.
var Adapter = operator.Adapter{
	Kinds: []object.Type{
		{Group: "postgresql.cnpg.io", Kind: "Cluster"},
		{Group: "postgresql.cnpg.io", Kind: "Pooler"},
		{Group: "postgresql.cnpg.io", Kind: "Database"},
		{Group: "postgresql.cnpg.io", Kind: "DatabaseRole"},
		{Group: "barmancloud.cnpg.io", Kind: "ObjectStore"},
	},
	Adapt: Adapt,
}

// Adapt adds a Server for each Cluster of the world, with its Poolers, Databases
// and DatabaseRoles. Flows are found last: they lead to Services of other Clusters.
func Adapt(w *operator.World) {
	var clusters []*cluster
	byName := map[snapshot.Ref]*cluster{}
	for _, o := range w.Objects["Cluster.postgresql.cnpg.io"] {
		c := newCluster(w, o)
		clusters, byName[o.Ref()] = append(clusters, c), c
	}
	for _, o := range w.Objects["Database.postgresql.cnpg.io"] {
		adaptDatabase(w, o, byName)
	}
	for _, o := range w.Objects["DatabaseRole.postgresql.cnpg.io"] {
		adaptRole(w, o, byName)
	}
	for _, o := range w.Objects["Pooler.postgresql.cnpg.io"] {
		adaptPooler(w, o, byName)
	}
	world.Sort(w.Snapshot)
	for _, c := range clusters {
		c.server.Services = world.Leading(w, c.server.Members(), c.own...)
		c.vital()
	}
}

func newCluster(w *operator.World, o object.Object) *cluster {
	var in struct {
		Spec   clusterSpec   `json:"spec"`
		Status clusterStatus `json:"status"`
	}
	world.Read(w, o, &in)
	c := &cluster{w: w, obj: o, spec: in.Spec, status: in.Status}
	c.server = &snapshot.Server{
		Operator: Name, Workload: world.Workload(w, o.Ref(), o), Version: c.version(),
		Ports: []snapshot.ServerPort{{Name: "postgres", Port: 5432, Sees: snapshot.SeesClient, Origin: o.Origin()}},
		// ssl=on is fixed, and ssl_ca_file is always set to the client CA
		// [cnpg pkg/postgres/configuration.go@1.30.0].
		TLS:     snapshot.TLS{Enabled: verdict.Allow, ClientCA: verdict.Allow, Origin: o.Origin()},
		Control: control, Origin: o.Origin(),
	}
	c.members()
	c.server.HBA = c.hba()
	c.server.Maps = c.ident()
	c.services()
	c.databases()
	c.roles()
	w.Snapshot.Servers = append(w.Snapshot.Servers, c.server)
	return c
}

// control are the other ports of an instance.
var control = []snapshot.ControlPort{
	{
		Name: "cnpg status", Port: 8000,
		Why: "status needs no authentication; before 1.30 neither does the control of backups, nor an update of the " +
			"instance manager (GHSA-7qwx-x8ff-3px9 names NetworkPolicy as the mitigation)",
		Source: "CloudNativePG release notes 1.30 [cnpg docs/src/release_notes/v1.30.md@1.30.0]",
	},
	{
		Name: "exporter", Port: 9187,
		Why:    "metrics tell names of databases, roles and hosts without authentication",
		Source: "CloudNativePG documentation, Security [cnpg docs/src/security.md@1.30.0]",
	},
}

// at is the origin of a field of the Cluster.
func (c *cluster) at(format string, args ...any) verdict.Origin {
	return c.obj.Origin().At(format, args...)
}

// version is the major version, by what is the most exact: what the operator saw,
// the catalogue's entry, the image's tag. Zero where none tells.
func (c *cluster) version() int {
	catalogue := 0
	if ref := c.spec.ImageCatalogRef; ref != nil {
		catalogue = ref.Major
	}
	return cmp.Or(c.status.PGDataImageInfo.MajorVersion, imageMajor(c.status.Image), catalogue, imageMajor(c.spec.ImageName))
}
