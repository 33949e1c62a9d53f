// Package zalando knows what the Zalando postgres-operator makes of its objects:
// pods, Services, pg_hba.conf and the flows that must not be cut. Facts are of
// release 1.15.1, read there, and of 2.0.1 as its definitions and release notes have
// them; and of the Spilo image that they run.
package zalando

import (
	"cmp"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Name is the operator's, in Server.Operator and Facts.Operators.
const Name = "zalando"

// A cluster is a postgresql on its way to be a Server.
type cluster struct {
	w      *operator.World
	obj    object.Object
	spec   clusterSpec
	config *configuration
	// install is the operator, nil where the estate does not hold it.
	install *install
	server  *snapshot.Server
	teams   []team
	own     []*snapshot.Service
	// live says that pods of the cluster were read.
	live bool
}

// Adapter adds a Server for each postgresql.
var Adapter = operator.Adapter{
	Kinds: []object.Type{
		{Group: "acid.zalan.do", Kind: "postgresql"},
		{Group: "acid.zalan.do", Kind: "OperatorConfiguration"},
		{Group: "acid.zalan.do", Kind: "PostgresTeam"},
	},
	Wants: wants,
	Adapt: Adapt,
}

// Adapt adds a Server for each postgresql of the world. Flows are found last: they
// lead to Services of others.
func Adapt(w *operator.World) {
	operators, teams := installs(w), readTeams(w)
	var clusters []*cluster
	for _, o := range w.Objects["postgresql.acid.zalan.do"] {
		clusters = append(clusters, newCluster(w, operators, teams, o))
	}
	world.Sort(w.Snapshot)
	for _, c := range clusters {
		c.server.Services = world.Leading(w, c.server.Members(), c.own...)
		for _, p := range c.server.Poolers {
			p.Services = world.Leading(w, p.Workload.Pods, p.Services...)
		}
		c.vital()
	}
}

func newCluster(w *operator.World, operators []*install, teams []team, o object.Object) *cluster {
	var in struct {
		Spec clusterSpec `json:"spec"`
	}
	world.Read(w, o, &in)
	c := &cluster{w: w, obj: o, spec: in.Spec, teams: teams}
	c.install, c.config = of(w, operators, o)
	c.server = &snapshot.Server{
		Operator: Name, OperatorVersion: c.config.release.exact(), Workload: world.Workload(w, o.Ref(), o),
		Version: c.version(), SystemUser: c.systemUser(), Maps: ident.Parse(nil, c.version()), Origin: o.Origin(),
		Selector: world.Equals(c.selecting()),
	}
	c.unwatched(operators)
	c.members()
	c.server.TLS = c.tls()
	c.server.HBA = c.hba()
	c.server.Ports = []snapshot.ServerPort{{
		Name: "postgres", Port: 5432, Sees: snapshot.SeesClient, NoTLS: c.server.TLS.Enabled == verdict.Deny, Origin: o.Origin(),
	}}
	c.server.Ports = append(c.server.Ports, c.sidecarPoolers()...)
	c.server.Control = c.control()
	c.server.Stopped = world.Stopped(c.spec.NumberOfInstances, c.at("spec.numberOfInstances"))
	c.databases()
	c.roles()
	c.services()
	c.addPoolers()
	c.secrets()
	c.settings()
	c.compareLive()
	w.Snapshot.Servers = append(w.Snapshot.Servers, c.server)
	return c
}

// at is the origin of a field of the postgresql.
func (c *cluster) at(format string, args ...any) verdict.Origin {
	return c.obj.Origin().At(format, args...)
}

// configuredAt is the place of a key of the operator's configuration; the postgresql
// where no configuration was read.
func (c *cluster) configuredAt(key string) verdict.Origin {
	at := c.config.at(key)
	if at.IsZero() {
		return c.obj.Origin()
	}
	return at
}

// imageAt is where the image of the members is written.
func (c *cluster) imageAt() verdict.Origin {
	if c.spec.DockerImage != "" {
		return c.at("spec.dockerImage")
	}
	return c.configuredAt("docker_image")
}

// unsettled notes a fact that something depends on and that nothing here holds.
func (c *cluster) unsettled(what, fact string, at verdict.Origin) {
	if at.IsZero() {
		at = c.obj.Origin()
	}
	c.server.Unsettled = append(c.server.Unsettled, snapshot.Unsettled{What: what, Fact: fact, Origin: at})
}

// postgresUID is the user postgres in the image [zal docs/reference/operator_parameters.md
// @1.15.1, spilo_runasuser].
const postgresUID = 101

// systemUser: the image starts as root, unless the pod is told a user [zal
// pkg/cluster/majorversionupgrade.go@1.15.1].
func (c *cluster) systemUser() string {
	uid := int64(c.config.number("spilo_runasuser", 0))
	if c.spec.RunAsUser != nil {
		uid = *c.spec.RunAsUser
	}
	switch uid {
	case 0:
		return "root"
	case postgresUID:
		return "postgres"
	}
	return ""
}

// sidecarGives is known of a sidecar that says by its name that it exports metrics.
func sidecarGives(container, port string) snapshot.Power {
	if strings.Contains(container, "export") || strings.Contains(port, "export") || strings.Contains(port, "metrics") {
		return snapshot.Tells
	}
	return snapshot.PowerUnknown
}

// control are the other ports of a member. Spilo gives Patroni's REST API no
// credentials; bg_mon is preloaded unless the cluster replaces the list.
func (c *cluster) control() []snapshot.ControlPort {
	out := []snapshot.ControlPort{{
		Name: "patroni", Port: 8008, Gives: snapshot.Obeys,
		Why: "Patroni's REST API without authentication: whoever reaches it restarts or reinitialises a member, fails over, " +
			"and changes parameters such as archive_command, which is a command that the database runs",
		Source: "Spilo [spilo postgres-appliance/scripts/configure_spilo.py@7cb50bd]; Patroni documentation, REST API",
	}}
	if _, replaced := c.spec.PostgreSQL.Parameters["shared_preload_libraries"]; !replaced || c.preloads("bg_mon") {
		out = append(out, snapshot.ControlPort{
			Name: "bg_mon", Port: 8080, Gives: snapshot.Tells, Why: "lists running queries, with their text, roles and databases, without authentication",
			Source: "Spilo [spilo postgres-appliance/scripts/configure_spilo.py@7cb50bd]; bg_mon README",
		})
	}
	for _, s := range c.sidecars() {
		for _, p := range s.Ports {
			if p.ContainerPort != 0 {
				out = append(out, snapshot.ControlPort{
					Name: "sidecar " + cmp.Or(s.Name, "without a name"), Port: p.ContainerPort, Gives: sidecarGives(s.Name, p.Name),
					Why:    "a sidecar declares the port; it has the superuser's password in its environment",
					Source: "Zalando [zal pkg/cluster/k8sres.go patchSidecarContainers@1.15.1]",
				})
			}
		}
	}
	return out
}
