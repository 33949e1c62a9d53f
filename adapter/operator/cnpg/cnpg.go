// Package cnpg knows what CloudNativePG makes of its objects: pods, Services,
// pg_hba.conf, certificates and the flows that must not be cut. Facts are of releases
// 1.22 to 1.30; what differs between them and hangs on a release that nothing tells is
// in doubt.
package cnpg

import (
	"cmp"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/netpol"
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

// hibernation stops all instances and keeps their volumes [cnpg
// docs/src/declarative_hibernation.md@1.30.0].
const hibernation = "cnpg.io/hibernation"

// A cluster is a Cluster object on its way to be a Server.
type cluster struct {
	w        *operator.World
	settings settings
	release  release
	obj      object.Object
	spec     clusterSpec
	status   clusterStatus
	server   *snapshot.Server
	// live are the instances that run, as they are.
	live []*snapshot.Pod
	// own are the Services that the operator makes, whether they lead anywhere or not.
	own []*snapshot.Service
	// declared are the same as the manifests make them.
	declared []snapshot.Service
	// poolers keep their objects for the flows that are found last.
	poolers []*pooler
	// clientCerts and roleSecrets are what DatabaseRoles ask for.
	clientCerts []clientCert
	roleSecrets []snapshot.ServerSecret
	// followed are the external clusters that Subscriptions name, by who names them.
	followed []followed
	around   surroundings
}

// Adapter adds a Server for each Cluster.
var Adapter = operator.Adapter{
	Kinds: []object.Type{
		{Group: "postgresql.cnpg.io", Kind: "Cluster"},
		{Group: "postgresql.cnpg.io", Kind: "Pooler"},
		{Group: "postgresql.cnpg.io", Kind: "Database"},
		{Group: "postgresql.cnpg.io", Kind: "DatabaseRole"},
		{Group: "postgresql.cnpg.io", Kind: "Subscription"},
		{Group: "postgresql.cnpg.io", Kind: "Backup"},
		{Group: "barmancloud.cnpg.io", Kind: "ObjectStore"},
	},
	Wants:             wants,
	SecretAnnotations: []string{versionAnnotation, passthrough},
	Adapt:             Adapt,
}

// Adapt adds a Server for each Cluster of the world, with its Poolers, Databases
// and DatabaseRoles. Flows are found last: they lead to Services of other Clusters.
func Adapt(w *operator.World) {
	objects := w.Objects["Cluster.postgresql.cnpg.io"]
	rel, set := releaseOf(w), settingsOf(w)
	clusters := make([]*cluster, 0, len(objects))
	byName := map[snapshot.Ref]*cluster{}
	for _, o := range objects {
		c := newCluster(w, o, rel, set)
		clusters, byName[o.Ref()] = append(clusters, c), c
	}
	for _, o := range w.Objects["Database.postgresql.cnpg.io"] {
		adaptDatabase(w, o, byName)
	}
	for _, o := range w.Objects["DatabaseRole.postgresql.cnpg.io"] {
		adaptRole(w, o, byName)
	}
	for _, o := range w.Objects["Subscription.postgresql.cnpg.io"] {
		adaptSubscription(w, o, byName)
	}
	for _, o := range w.Objects["Pooler.postgresql.cnpg.io"] {
		adaptPooler(w, o, byName, rel)
	}
	world.Sort(w.Snapshot)
	around := surroundings{
		operator: theOperator.Peer(w), scrapers: world.Labelled(w, map[string]string{"app.kubernetes.io/name": "prometheus"}),
	}
	for _, c := range clusters {
		c.around = around
		c.finish()
	}
}

// surroundings are whom all Clusters talk to, looked for once.
type surroundings struct {
	operator snapshot.VitalPeer
	scrapers []*snapshot.Pod
}

// finish adds what hangs on the Cluster's Poolers and roles.
func (c *cluster) finish() {
	c.certificates()
	c.secrets()
	c.server.Services = world.Leading(c.w, c.server.Members(), c.own...)
	c.vital()
}

func newCluster(w *operator.World, o object.Object, rel release, set settings) *cluster {
	var in struct {
		Spec   clusterSpec   `json:"spec"`
		Status clusterStatus `json:"status"`
	}
	world.Read(w, o, &in)
	c := &cluster{w: w, settings: set, obj: o, spec: in.Spec, status: in.Status}
	c.release = c.annotated(rel)
	c.server = &snapshot.Server{
		Operator: Name, OperatorVersion: c.release.exact(), Workload: world.Workload(w, o.Ref(), o), Version: c.version(),
		Ports: []snapshot.ServerPort{{Name: "postgres", Port: 5432, Sees: snapshot.SeesClient, Origin: o.Origin()}},
		// The images' user, with whom the map "local" lets in as postgres [cnpg
		// pkg/postgres/configuration.go@1.30.0].
		SystemUser: "postgres",
		Selector:   world.Equals(map[string]string{clusterLabel: o.Name, podRoleLabel: "instance"}),
		Control:    c.control(), Origin: o.Origin(),
	}
	if o.Annotations[hibernation] == "on" {
		c.server.Stopped = o.Origin().At("metadata.annotations%s", object.Key(false, hibernation))
	}
	c.tls()
	c.members()
	c.checkInherited()
	c.since(version{1, 28, 0}, "the labels app.kubernetes.io/* of pods that are yet to be made", c.obj.Origin())
	if c.spec.ServiceAccountName != "" {
		c.since(version{1, 29, 0}, "which ServiceAccount the pods run as", c.at("spec.serviceAccountName"))
	}
	c.server.HBA = c.hba()
	c.server.Maps = c.ident()
	c.services()
	c.databases()
	c.roles()
	c.kept()
	c.unheeded()
	c.compare()
	w.Snapshot.Servers = append(w.Snapshot.Servers, c.server)
	return c
}

// control are the other ports of an instance.
func (c *cluster) control() []snapshot.ControlPort {
	const (
		advisory = "GHSA-7qwx-x8ff-3px9 names NetworkPolicy as the mitigation"
		update   = "update the operator to 1.30, whose instances ask for its certificate there"
		notes    = "CloudNativePG release notes 1.30 [cnpg docs/src/release_notes/v1.30.md@1.30.0]"
	)
	status := snapshot.ControlPort{Name: "cnpg status", Port: 8000, Source: notes}
	switch c.release.since(version{1, 30, 0}) {
	case netpol.Yes:
		status.Gives = snapshot.Guarded
		status.Why = "status needs no authentication; the control of backups and an update of the instance manager need the operator's certificate"
	case netpol.No:
		status.Gives, status.Fix = snapshot.Obeys, update
		status.Why = "neither status nor the control of backups nor an update of the instance manager needs authentication (" + advisory + ")"
	default:
		status.Fix = "state the operator's release in the facts file (operators.cloudnative-pg.version); before 1.30, " + update
		status.Why = "status needs no authentication; before 1.30 neither does the control of backups, nor an update of the instance manager (" + advisory + ")"
	}
	exporter := snapshot.ControlPort{
		Name: "exporter", Port: 9187, Gives: snapshot.Tells,
		Why:    "metrics tell names of databases, roles and hosts without authentication",
		Source: "CloudNativePG documentation, Security [cnpg docs/src/security.md@1.30.0]",
	}
	if c.spec.Monitoring.TLS.Enabled {
		exporter.Why += ", over TLS"
	}
	return []snapshot.ControlPort{status, exporter}
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
