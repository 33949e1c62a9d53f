// Package pgo knows what Crunchy's operator and Percona's, which is a fork of it, make
// of a cluster: pods, Services, pg_hba.conf, certificates and the flows that must not
// be cut. What tells the two apart is a Fork.
package pgo

import (
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Labels of what the operator makes [pgo internal/naming/labels.go@6.0.3]; the fork
// kept them.
const (
	prefix           = "postgres-operator.crunchydata.com/"
	clusterLabel     = prefix + "cluster"
	instanceLabel    = prefix + "instance"
	instanceSetLabel = prefix + "instance-set"
	dataLabel        = prefix + "data"
	roleLabel        = prefix + "role"
	patroniLabel     = prefix + "patroni"
	exporterLabel    = prefix + "crunchy-postgres-exporter"
	backrestLabel    = prefix + "pgbackrest"
	dedicatedLabel   = prefix + "pgbackrest-dedicated"
	repoLabel        = prefix + "pgbackrest-repo"
	backupLabel      = prefix + "pgbackrest-backup"
	cronJobLabel     = prefix + "pgbackrest-cronjob"
	restoreLabel     = prefix + "pgbackrest-restore"
	startupLabel     = prefix + "startup-instance"
	moveLabel        = prefix + "move-job"
	upgradeLabel     = prefix + "pgupgrade"
	consoleLabel     = prefix + "pgadmin"
	versionLabel     = prefix + "version"
)

// The roles that the operator makes [pgo internal/postgres/users.go, internal/pgbouncer/postgres.go,
// internal/pgmonitor/postgres.go@6.0.3].
const (
	replicator = "_crunchyrepl"
	bouncer    = "_crunchypgbouncer"
	exporter   = "ccp_monitoring"
)

// A Fork is one of the two operators.
type Fork struct {
	// Name is the operator's, in Server.Operator and Facts.Operators.
	Name string
	// Kind is the type of a cluster.
	Kind object.Type
	// Image is the end of the name of the operator's own image.
	Image string
	// Operator is how its pods are found.
	Operator world.Operator
	// Source is what flows are cited from.
	Source string
	// Paths are the fields that have other names in the two.
	Paths Paths
	// Strict says that its CustomResourceDefinition limits spec.authentication and
	// spec.config, and that the operator trims the lines of a user.
	Strict bool
	// Quotes says that it writes the first word and the method of a line in quotes.
	Quotes bool
	// Rules and Scram are the first release that knows spec.authentication, and the first
	// whose default line asks for scram-sha-256.
	Rules, Scram Release
	// Seccomp is the first release whose containers have a seccomp profile.
	Seccomp Release
	// Restores says that backups and restores are asked for by objects of their own, so
	// that no field tells of them; Scheduled that the operator itself starts those that
	// are scheduled.
	Restores, Scheduled bool
	// Read decodes an object.
	Read func(*operator.World, object.Object) Input
}

// Paths are the fields that have other names in the two kinds.
type Paths struct {
	Service, Replicas, Pooler, CustomTLS, CustomReplicationTLS, Shutdown, Paused string
}

// An Input is what an object says, and what only one of the operators does.
type Input struct {
	Spec Spec
	// Release is what the object itself tells of the operator's.
	Release Release
	// Leader is the value of the role label of a primary; empty where that is not known,
	// with the fact that would settle it.
	Leader, LeaderFact string
	// Extra are further labels of all pods, by their component: "pg", "pgbouncer", or
	// "" for others; nil for none.
	Extra func(component string) (set map[string]string, unknown []string)
	// Ports and Control are further ports of the members.
	Ports   []snapshot.ContainerPort
	Control []snapshot.ControlPort
	// Lines are lines of pg_hba.conf that follow the mandatory ones; LinesFrom is the
	// first release that has them.
	Lines     []string
	LinesFrom Release
	// TLSOnly turns the operator's own host lines into hostssl.
	TLSOnly bool
	// Roles are further roles.
	Roles []snapshot.Role
	// CA names the Secret of the root certificate, and its certificate in it.
	CA, CAKey string
	// Lifetimes are those of certificates in hours.
	Lifetimes Lifetimes
	// Domain is that of the cluster.
	Domain string
	// Vital adds further flows, and Settings further settings.
	Vital     func(*Cluster) []snapshot.VitalFlow
	Settings  []snapshot.Setting
	Unsettled []snapshot.Unsettled
}

// Lifetimes are in hours; zero is not known.
type Lifetimes struct {
	Leaf, LeafBefore, CA, CABefore int
}

// A Cluster is an object on its way to be a Server.
type Cluster struct {
	Input
	fork    *Fork
	w       *operator.World
	obj     object.Object
	live    bool // the operator's own objects of it were read
	server  *snapshot.Server
	own     []*snapshot.Service
	pooler  *snapshot.Pooler
	release Release
}

// Adapt adds a Server for each object of the fork's kind. Flows are found last: they
// lead to Services of others.
func (f *Fork) Adapt(w *operator.World) {
	owned := ownedPods(w)
	release := releaseOf(w, f)
	var clusters []*Cluster
	for _, o := range w.Objects[f.Kind.String()] {
		clusters = append(clusters, newCluster(f, w, o, release, owned))
	}
	f.upgrades(w, clusters)
	f.consoles(w, clusters)
	dropEmpty(w, owned)
	world.Sort(w.Snapshot)
	for _, c := range clusters {
		c.server.Services = world.Leading(w, c.server.Members(), c.own...)
		if c.pooler != nil {
			c.pooler.Services = world.Leading(w, c.pooler.Workload.Pods)
		}
		c.vital()
	}
}

func newCluster(f *Fork, w *operator.World, o object.Object, release Release, owned pods) *Cluster {
	c := &Cluster{Input: f.Read(w, o), fork: f, w: w, obj: o, release: release}
	if c.release == nil {
		c.release = c.Input.Release
	}
	origin := o.Origin()
	c.server = &snapshot.Server{
		Operator: f.Name, OperatorVersion: c.release.String(), Workload: world.Workload(w, o.Ref(), o),
		Version: c.Spec.PostgresVersion, SystemUser: "postgres", Origin: origin, Unsettled: c.Unsettled,
		Selector: world.Equals(map[string]string{clusterLabel: o.Name, dataLabel: "postgres"}),
	}
	c.check()
	c.members(owned[[2]string{o.Namespace, o.Name}])
	port := c.livePort()
	c.server.Ports = []snapshot.ServerPort{{Name: "postgres", Port: port, Sees: snapshot.SeesClient, Origin: c.at("spec.port")}}
	c.server.Control = c.control()
	if yes(c.Spec.Shutdown, false) {
		c.server.Stopped = c.at("%s", c.fork.Paths.Shutdown)
	}
	c.hba()
	c.ident()
	c.services()
	c.roles()
	c.tls()
	c.bouncer()
	c.settings()
	w.Snapshot.Servers = append(w.Snapshot.Servers, c.server)
	return c
}

// At is the origin of a field of the object.
func (c *Cluster) At(format string, args ...any) verdict.Origin { return c.at(format, args...) }

// Members is a peer of those that run PostgreSQL.
func (c *Cluster) Members() snapshot.VitalPeer {
	return world.Pods("the instances", c.server.Members()...)
}

// World is the estate.
func (c *Cluster) World() *operator.World { return c.w }

// Namespace is the cluster's.
func (c *Cluster) Namespace() string { return c.obj.Namespace }

func (c *Cluster) at(format string, args ...any) verdict.Origin {
	return c.obj.Origin().At(format, args...)
}

// by is the origin of what the operator does unasked.
func (c *Cluster) by(note string) verdict.Origin {
	o := c.obj.Origin()
	o.Note = note
	return o
}

func (c *Cluster) port() uint16 { return number(c.Spec.Port, 5432) }

func (c *Cluster) patroniPort() uint16 { return number(c.Spec.Patroni.Port, 8008) }

func (c *Cluster) unsettled(what, fact, field string) {
	at := c.obj.Origin()
	if field != "" {
		at = c.at("%s", field)
	}
	c.server.Unsettled = append(c.server.Unsettled, snapshot.Unsettled{What: what, Fact: fact, Origin: at})
}

// heed notes a field that does not come to what it says.
func (c *Cluster) heed(how snapshot.Heed, field, why string, at verdict.Origin) {
	c.server.Unheeded = append(c.server.Unheeded, snapshot.Unheeded{How: how, Field: field, Why: why, Origin: at})
}

// newer notes a field that releases before one do not know.
func (c *Cluster) newer(field string, since Release, effect string) {
	u := snapshot.Unheeded{How: snapshot.Pruned, Field: field, Why: since.String() + " brought it", Effect: effect, Origin: c.at("%s", field),
		Fix: "update the operator and its definitions to " + since.String() + ", or write the lines to " + dynamicPath + ".pg_hba"}
	if c.release == nil {
		u.Fact = c.releaseFact()
	} else {
		u.Why += ", and the operator is of " + c.release.String()
	}
	c.server.Unheeded = append(c.server.Unheeded, u)
}

// releaseFact is what settles what depends on the operator's release.
func (c *Cluster) releaseFact() string {
	return "the operator's release; state operators." + c.fork.Name + ".version in the facts file"
}

// check refuses what the CustomResourceDefinition of either operator does.
func (c *Cluster) check() {
	if len(c.Spec.Instances) == 0 {
		world.Fault(c.w, c.obj, "spec.instances", "must have at least one set")
	}
	names := map[string]bool{}
	for i, s := range c.sets() {
		if s.Replicas != nil {
			c.checkReplicas(i, *s.Replicas)
		}
		if names[s.Name] {
			world.Fault(c.w, c.obj, c.at("spec.instances[%d].name", i).Field, "%q: there is another set of this name", s.Name)
		}
		names[s.Name] = true
	}
	c.checkPort("spec.port", c.Spec.Port)
	c.checkPort("spec.patroni.port", c.Spec.Patroni.Port)
	if b := c.Spec.Proxy.PgBouncer; b != nil {
		c.checkPort("spec.proxy.pgBouncer.port", b.Port)
	}
}

func (c *Cluster) checkPort(field string, p *uint16) {
	if p != nil && *p < 1024 {
		world.Fault(c.w, c.obj, field, "%d: want a number from 1024", *p)
	}
}

func (c *Cluster) checkReplicas(set, n int) {
	if n < 1 || n > maxReplicas {
		world.Fault(c.w, c.obj, c.at("spec.instances[%d].replicas", set).Field, "%d: want a number from 1 to %d", n, maxReplicas)
	}
}

// maxReplicas is how many instances of a set are told apart; each is a pod of its own.
const maxReplicas = 100

// control are the other ports of an instance.
func (c *Cluster) control() []snapshot.ControlPort {
	out := []snapshot.ControlPort{
		{
			Name: "patroni", Port: c.patroniPort(), Gives: snapshot.Guarded,
			Why: "anyone may read the cluster's state; what changes it (restart, switchover, reinitialize) asks for a client " +
				"certificate of the cluster's CA, which the instances have",
			Source: "verify_client: optional [pgo internal/patroni/config.go@6.0.3]",
		},
		{
			Name: "pgbackrest", Port: backrestPort, Gives: snapshot.Guarded,
			Why:    "whoever has a client certificate named for the cluster reads and writes the data directory's files",
			Source: "tls-server-auth [pgo internal/pgbackrest/tls-server.md@6.0.3]",
		},
	}
	if c.Spec.Monitoring.PGMonitor.Exporter != nil {
		out = append(out, snapshot.ControlPort{
			Name: "exporter", Port: 9187, Gives: snapshot.Tells, Why: "metrics tell names of databases and roles, and queries, without authentication",
			Source: "postgres_exporter [pgo internal/pgmonitor/exporter.go@6.0.3]",
		})
	}
	return append(out, c.Input.Control...)
}

// backrestPort is that of the TLS server of pgBackRest, in instances and the repository
// host [pgo internal/pgbackrest/config.go@6.0.3].
const backrestPort = 8432
