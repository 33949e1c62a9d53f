// Package stackgres knows what StackGres makes of its objects: pods whose ports
// depend on a mode, Services without selectors, pg_hba.conf and the flows that must
// not be cut. Facts are of release 1.18.6, read there and told in our own words;
// C/ and F/ in a citation are the source roots common and
// operator/conciliation/factory of ongres/stackgres.
package stackgres

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Name is the operator's, in Server.Operator and Facts.Operators.
const Name = "stackgres"

// group is that of the operator's objects.
const group = "stackgres.io"

// A cluster is an SGCluster on its way to be a Server: one that was read, or one that
// the operator will make of an SGShardedCluster or an SGDistributedLogs.
type cluster struct {
	w   *operator.World
	ref snapshot.Ref // SGCluster namespace/name
	// owner is the object that a person edits, and moved where the fields of the cluster
	// are in it; both are the cluster itself for most.
	owner object.Object
	moved []move
	// live is the object that was read; nil for one that will be made.
	live   *object.Object
	stored bool
	spec   clusterSpec
	status clusterStatus
	prefix string // of labels
	// release is the operator's, as far as this cluster goes; nil where not known.
	release release
	// possible are the modes that the pods may have: one, or two in doubt.
	possible   []mode
	pooler     pooler
	parameters map[string]parameter
	// secretName is the Secret of the credentials, sslSecret that of the certificate where
	// the operator makes it: those of an SGShardedCluster for its parts.
	secretName, sslSecret string
	// logsFor is the SGDistributedLogs that the cluster is made for; empty for most.
	logsFor string
	// database is the one that an SGShardedCluster has all parts make.
	database string
	// custom are the ports of the user's own containers.
	custom []snapshot.ContainerPort
	server *snapshot.Server
	own    []*snapshot.Service
}

type clusterStatus struct {
	LabelPrefix     string `json:"labelPrefix"`
	PostgresVersion string `json:"postgresVersion"`
}

// A move says that a field of the cluster, with all below, is elsewhere in its owner.
type move struct{ from, to string }

// Adapter adds a Server for each SGCluster, and for those that the operator will make.
var Adapter = operator.Adapter{
	Kinds: []object.Type{
		{Group: group, Kind: "SGCluster"},
		{Group: group, Kind: "SGShardedCluster"},
		{Group: group, Kind: "SGDistributedLogs"},
		{Group: group, Kind: "SGPoolingConfig"},
		{Group: group, Kind: "SGPostgresConfig"},
		{Group: group, Kind: "SGScript"},
		{Group: group, Kind: "SGDbOps"},
		{Group: group, Kind: "SGBackup"},
		{Group: group, Kind: "SGConfig"},
		{Group: group, Kind: "SGObjectStorage"},
	},
	Wants: wants,
	Adapt: Adapt,
}

// wants asks for what tells the operator's release, and for scripts of SQL.
func wants(t object.Type, text []byte) bool {
	switch t {
	case object.Type{Group: "apps", Kind: "Deployment"}, object.Type{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:
		return bytes.Contains(text, []byte("stackgres"))
	case object.Type{Kind: "ConfigMap"}:
		return bytes.Contains(bytes.ToLower(text), []byte("create "))
	}
	return false
}

// Adapt adds a Server for each SGCluster of the world, those that an SGShardedCluster or
// an SGDistributedLogs will become among them. Flows are found last: they lead to
// Services of others.
func Adapt(w *operator.World) {
	checkObjects(w)
	clusters := identities(w)
	for _, c := range clusters {
		c.build()
	}
	shardedServices(w, clusters)
	consoleService(w)
	world.Sort(w.Snapshot)
	readers(clusters)
	for _, c := range clusters {
		c.server.Services = world.Leading(w, c.server.Members(), c.own...)
	}
	for _, c := range clusters {
		c.vital()
		c.shardFlows(clusters)
	}
	once(w)
}

// once leaves one of each fault and warning: several clusters read the same objects.
func once(w *operator.World) {
	problems := map[snapshot.Problem]bool{}
	w.Snapshot.Problems = slices.DeleteFunc(w.Snapshot.Problems, func(p snapshot.Problem) bool {
		defer func() { problems[p] = true }()
		return problems[p]
	})
	warnings := map[snapshot.Warning]bool{}
	w.Snapshot.Warnings = slices.DeleteFunc(w.Snapshot.Warnings, func(x snapshot.Warning) bool {
		defer func() { warnings[x] = true }()
		return warnings[x]
	})
}

// identities lists the clusters that there are and that there will be. Of one that was
// read and that another object also makes, what was read counts.
func identities(w *operator.World) []*cluster {
	var out []*cluster
	seen := map[snapshot.Ref]*cluster{}
	for _, o := range w.Objects["SGCluster."+group] {
		c := readCluster(w, o)
		if seen[c.ref] == nil {
			seen[c.ref] = c
			out = append(out, c)
		}
	}
	for _, made := range append(composeSharded(w), composeLogs(w)...) {
		if live := seen[made.ref]; live != nil {
			live.adopt(made)
			continue
		}
		seen[made.ref] = made
		out = append(out, made)
	}
	return out
}

func readCluster(w *operator.World, o object.Object) *cluster {
	var in struct {
		Spec   clusterSpec   `json:"spec"`
		Status clusterStatus `json:"status"`
	}
	world.Read(w, o, &in)
	c := newCluster(w, o, o.Ref(), in.Spec)
	c.live, c.stored, c.status = &o, o.UID != "", in.Status
	c.prefix = cmp.Or(in.Status.LabelPrefix, c.prefix)
	return c
}

func newCluster(w *operator.World, owner object.Object, ref snapshot.Ref, spec clusterSpec) *cluster {
	return &cluster{
		w: w, ref: ref, owner: owner, spec: spec, prefix: group + "/", release: releaseOf(w, owner),
		secretName: ref.Name, sslSecret: ref.Name + sslSuffix,
		server: &snapshot.Server{Operator: Name, Origin: owner.Origin()},
	}
}

// build fills the server.
func (c *cluster) build() {
	s := c.server
	s.OperatorVersion, s.Version = c.release.String(), c.version()
	s.Workload = world.Workload(c.w, c.ref, c.owner)
	s.Selector = world.Equals(c.selected())
	s.Databases, s.SystemUser = []string{"postgres"}, systemUser
	if c.database != "" {
		s.Databases = append(s.Databases, c.database)
	}
	c.settleMode(c.livePods())
	c.parameters, c.pooler = c.readParameters(), c.readPooler()
	s.TLS, c.custom = c.tls(), c.customPorts()
	c.members()
	s.Ports, s.Control = append(c.ports(), c.customPoolers()...), c.control()
	s.HBA, s.Maps = c.hba(), ident.Parse(nil, s.Version)
	s.Stopped = world.Stopped(c.spec.Instances, c.at("spec.instances"))
	s.Roles = c.roles()
	c.scripts()
	s.Secrets = c.secrets()
	c.services()
	c.settings()
	c.unknownFields()
	c.w.Snapshot.Servers = append(c.w.Snapshot.Servers, s)
}

// systemUser is who runs in the container of Patroni: number 999 of the images [sg
// F/PodSecurityFactory.java@1.18.6].
const systemUser = "postgres"

// at is the origin of a field of the cluster, in the object that a person edits.
func (c *cluster) at(format string, args ...any) verdict.Origin {
	field := fmt.Sprintf(format, args...)
	for _, m := range c.moved {
		if rest, ok := strings.CutPrefix(field, m.from); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			field = m.to + rest
			break
		}
	}
	return c.owner.Origin().At("%s", field)
}

// unsettled adds a fact that no source holds; an empty field is the whole object.
func (c *cluster) unsettled(what, fact, field string) {
	u := snapshot.Unsettled{What: what, Fact: fact, Origin: c.owner.Origin()}
	if field != "" {
		u.Origin = c.at("%s", field)
	}
	c.server.Unsettled = append(c.server.Unsettled, u)
}

// disagree adds a live object that is not what the manifests make of it.
func (c *cluster) disagree(what, declared, live string, origin, at verdict.Origin) {
	c.server.Disagreements = append(c.server.Disagreements, snapshot.Disagreement{
		What: what, Declared: declared, Live: live, Origin: origin, At: at,
	})
}

// version is the major version: what the operator runs, else what the object asks for.
func (c *cluster) version() int {
	declared, running := major(c.spec.Postgres.Version), major(c.status.PostgresVersion)
	if declared != 0 && running != 0 && declared != running {
		c.disagree("major version of PostgreSQL", c.spec.Postgres.Version, c.status.PostgresVersion,
			c.at("spec.postgres.version"), c.live.Origin().At("status.postgresVersion"))
	}
	return cmp.Or(running, declared)
}
