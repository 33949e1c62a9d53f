// Package percona knows what the Percona operator for PostgreSQL makes of its
// objects: pods, Services, pg_hba.conf and the flows that must not be cut. Facts are
// of release 3.0.0.
package percona

import (
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/pgo"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Name is the operator's, in Server.Operator and Facts.Operators.
const Name = "percona"

const group = "pgv2.percona.com"

// Adapter adds a Server for each PerconaPGCluster. The PostgresClusters of
// upstream.pgv2.percona.com are what the operator makes of them, and no servers.
var Adapter = operator.Adapter{
	Kinds: []object.Type{
		{Group: group, Kind: "PerconaPGCluster"},
		{Group: group, Kind: "PerconaPGUpgrade"},
	},
	Adapt: Adapt,
}

var theOperator = world.Operator{
	Key: Name, Namespace: "postgres-operator", Name: "the operator",
	Labels: map[string]string{"app.kubernetes.io/name": "percona-postgresql-operator"},
}

var fork = pgo.Fork{
	Name: Name, Kind: object.Type{Group: group, Kind: "PerconaPGCluster"}, Image: "percona-postgresql-operator",
	Operator: theOperator, Source: source,
	Paths: pgo.Paths{
		Service: "spec.expose", Replicas: "spec.exposeReplicas", Pooler: "spec.proxy.pgBouncer.expose",
		CustomTLS: "spec.secrets.customTLSSecret", CustomReplicationTLS: "spec.secrets.customReplicationTLSSecret", Shutdown: "spec.pause", Paused: "spec.unmanaged",
	},
	Rules: pgo.Release{2, 9, 0}, Scram: pgo.Release{2, 9, 0}, Seccomp: pgo.Release{2, 5, 0}, Restores: true, Scheduled: true,
	Read: read,
}

const source = "Percona Operator for PostgreSQL [percona internal/controller/postgrescluster/@3.0.0]"

// Adapt adds a Server for each PerconaPGCluster of the world.
func Adapt(w *operator.World) { fork.Adapt(w) }

// read decodes a PerconaPGCluster into what the operator makes of it for its fork of
// Crunchy's [percona pkg/apis/pgv2.percona.com/v2/perconapgcluster_types.go ToCrunchy@3.0.0].
func read(w *operator.World, o object.Object) pgo.Input {
	var in struct {
		Spec   clusterSpec   `json:"spec"`
		Status clusterStatus `json:"status"`
	}
	world.Read(w, o, &in)
	c := &cluster{obj: o, spec: in.Spec, release: pgo.ParseRelease(in.Spec.CRVersion), from: in.Spec.crunchy()}
	leader, fact := c.leader(in.Status)
	out := pgo.Input{
		Spec: c.from, Release: c.release, Leader: leader, LeaderFact: fact, Extra: c.labels,
		// The lines for the role of PMM are there whether it is or not; since when is not
		// known, but from 2.8 on.
		Lines: []string{monitor}, LinesFrom: pgo.Release{2, 8, 0}, TLSOnly: in.Spec.TLSOnly,
		CA: o.Name + "-cluster-ca-cert", CAKey: "root.crt", Domain: in.Spec.DNSSuffix,
		Vital: c.vital, Settings: c.settings(),
	}
	c.pmm(&out)
	c.lifetimes(w, &out)
	if c.release.Before(2, 5, 0) {
		out.CA = "pgo-root-cacert" // one for each namespace, before 2.5
	}
	return out
}

// monitor is the role of PMM, a superuser.
const monitor = "monitor"

// pmm adds the sidecar's ports and its role [percona percona/pmm/pmm.go@3.0.0].
func (c *cluster) pmm(out *pgo.Input) {
	if !c.spec.PMM.Enabled {
		return
	}
	at := c.obj.Origin().At("spec.pmm.enabled")
	at.Note = "made by the operator"
	out.Roles = []snapshot.Role{{Name: monitor, Superuser: true, Origin: at}}
	for _, port := range append([]uint16{7777}, pmmPorts()...) {
		out.Ports = append(out.Ports, tcp(port))
	}
	out.Control = []snapshot.ControlPort{{
		Name: "pmm-agent", Port: 7777, Gives: snapshot.Tells, Why: "the agent of PMM listens on all addresses; whoever reaches it reads its status and configuration",
		Source: "PMM_AGENT_LISTEN_ADDRESS [percona percona/pmm/pmm.go@3.0.0]",
	}}
}

// lifetimes are those of the operator's own certificates, unless cert-manager issues
// them, which it does where it is installed: spec.tls is for that alone [percona
// percona/certmanager/certmanager.go@3.0.0].
func (c *cluster) lifetimes(w *operator.World, out *pgo.Input) {
	out.Lifetimes = pgo.Lifetimes{Leaf: pgo.Year, LeafBefore: pgo.Third, CA: pgo.Decade}
	manager := len(world.Labelled(w, map[string]string{"app.kubernetes.io/name": "cert-manager"})) > 0
	tls := c.spec.TLS
	if manager && !c.release.Before(2, 9, 0) {
		out.Lifetimes = pgo.Lifetimes{Leaf: pgo.Year, LeafBefore: monthBefore, CA: pgo.Year, CABefore: monthBefore}
		out.CAKey = "tls.crt"
	}
	if tls.Leaf == "" && tls.CA == "" {
		return
	}
	leaf, okLeaf := c.hours(w, "certValidityDuration", tls.Leaf)
	ca, okCA := c.hours(w, "caValidityDuration", tls.CA)
	switch {
	case !manager:
		out.Unsettled = append(out.Unsettled, snapshot.Unsettled{
			What: "whether certificates live as long as spec.tls says", Fact: "whether cert-manager is installed: then it issues them",
			Origin: c.obj.Origin().At("spec.tls"),
		})
		out.Lifetimes = pgo.Lifetimes{}
	default:
		if okLeaf {
			out.Lifetimes.Leaf = leaf
		}
		if okCA {
			out.Lifetimes.CA = ca
		}
	}
}

// monthBefore is when cert-manager renews.
const monthBefore = 30 * 24

// vital adds the flows that only this operator has.
func (c *cluster) vital(of *pgo.Cluster) []snapshot.VitalFlow {
	w := of.World()
	out := []snapshot.VitalFlow{{
		ID: "version-check", What: "the operator asks check.percona.com for versions, and tells its own", Phase: snapshot.Steady,
		From: theOperator.Peer(w), To: snapshot.VitalPeer{Name: "check.percona.com", OutsideUnknown: true}, Ports: world.TCP(443),
		Optional: true, Source: "DISABLE_TELEMETRY turns it off [percona percona/controller/pgcluster/version.go@3.0.0]",
	}}
	if c.spec.PMM.Enabled && c.spec.PMM.ServerHost != "" {
		to, ports := world.Endpoint(w, of.Namespace(), "the PMM server", withScheme(c.spec.PMM.ServerHost))
		out = append(out, snapshot.VitalFlow{
			ID: "pmm", What: "the agents of PMM bring metrics to its server", Phase: snapshot.Monitoring, From: of.Members(), To: to, Ports: ports,
			Optional: true, Source: "[percona percona/pmm/pmm.go@3.0.0]", Origin: of.At("spec.pmm.serverHost"),
		})
	}
	if s := c.spec.Extensions; len(s.Custom) > 0 && s.Storage.Type != "" {
		to, ports := world.Endpoint(w, of.Namespace(), "the store of extensions", withScheme(s.Storage.Endpoint))
		out = append(out, snapshot.VitalFlow{
			ID: "extensions", What: "instances fetch extensions before they start", Phase: snapshot.Bootstrap, From: of.Members(), To: to, Ports: ports,
			Source: "[percona percona/extensions/@3.0.0]", Origin: of.At("spec.extensions.storage"),
		})
	}
	return out
}

// settings are what only this operator's object says.
func (c *cluster) settings() (out []snapshot.Setting) {
	set := func(field, value string, fallback bool) {
		out = append(out, snapshot.Setting{Key: field, Value: value, Default: fallback, Origin: c.at(field)})
	}
	set("spec.tlsOnly", yesNo(c.spec.TLSOnly), !c.spec.TLSOnly)
	set("spec.autoCreateUserSchema", yesNo(c.schemas()), c.spec.AutoCreateUserSchema == nil)
	if c.spec.CRVersion != "" {
		set("spec.crVersion", c.spec.CRVersion, false)
	}
	if c.spec.PMM.Enabled {
		set("spec.pmm.enabled", "true", false)
	}
	for i, s := range c.spec.Instances {
		if s.SecurityContext != nil {
			c.seccomp(i, &out)
		}
	}
	return out
}

func (c *cluster) at(field string) verdict.Origin { return c.obj.Origin().At("%s", field) }
