package cnpg

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A use of an object store: by whom, when, and what makes it so.
type use struct {
	what  string
	pods  []*snapshot.Pod
	phase snapshot.Phase
	at    verdict.Origin
}

// backupFlows lead to the object stores: instances archive WAL and take backups
// themselves, there are no pods for it, and replicas read WAL from there.
func (c *cluster) backupFlows() {
	members := c.server.Members()
	if b := c.spec.Backup.Barman; b != nil {
		c.store(*b, use{"instances archive WAL and take backups", members, snapshot.Backup, c.at("spec.backup.barmanObjectStore")})
	}
	for i, p := range c.spec.Plugins {
		if p.on() {
			c.plugin(p, use{"", members, snapshot.Backup, c.at("spec.plugins[%d]", i)})
		}
	}
	if b := c.spec.Bootstrap.Recovery; b != nil {
		c.recovery(b.Source, b.Backup.Name)
	}
	if r := c.spec.Replica; r != nil && c.follows() {
		c.archive(r.Source, use{"the replica cluster reads WAL of its source", members, snapshot.Steady, verdict.Origin{}})
	}
}

// archive is the object store of an external cluster, where it has one.
func (c *cluster) archive(name string, u use) {
	for i, e := range c.spec.ExternalClusters {
		u.at = c.at("spec.externalClusters[%d]", i)
		switch {
		case e.Name != name:
		case e.Barman != nil:
			c.store(*e.Barman, u)
		case e.Plugin != nil && e.Plugin.on():
			c.plugin(*e.Plugin, u)
		}
	}
}

// recovery reads the store that the Cluster begins from: that of an external cluster or of
// a Backup. Its job carries other labels than instances, which go on reading WAL.
func (c *cluster) recovery(from, backup string) {
	u := use{"the recovery job and the instances read the backup", c.recovering(), snapshot.Restore, c.at("spec.bootstrap.recovery.backup")}
	c.archive(from, u)
	if backup == "" {
		return
	}
	o, ok := c.object("Backup.postgresql.cnpg.io", backup)
	if !ok {
		c.store(objectStore{}, u)
		return
	}
	var in struct {
		Status struct {
			objectStore
			Method string `json:"method"`
		} `json:"status"`
	}
	world.Read(c.w, o, &in)
	if in.Status.Method != "volumeSnapshot" {
		c.store(in.Status.objectStore, u)
	}
}

func (c *cluster) recovering() []*snapshot.Pod {
	return slices.Concat(c.part("full-recovery"+jobSuffix), c.part(snapshotJob), c.server.Members())
}

// url is where the store answers: its endpoint, or a destination that is one; otherwise
// the cloud's own, which only its name tells.
func (s objectStore) url() string {
	if s.EndpointURL == "" && strings.HasPrefix(s.DestinationPath, "http") {
		return s.DestinationPath
	}
	return s.EndpointURL
}

func (c *cluster) store(s objectStore, u use) {
	to, ports := world.Endpoint(c.w, c.obj.Namespace, "the object store", s.url())
	f := snapshot.VitalFlow{
		ID: "backup", What: u.what, Phase: u.phase, From: world.Pods("the instances and jobs", u.pods...), To: to, Ports: ports,
		Source: "CloudNativePG documentation, Backup [cnpg docs/src/backup.md@1.30.0]", Origin: u.at,
	}
	c.flow(f)
	c.identity(s, f)
}

// The addresses at which clouds hand out credentials: the metadata service of all of them,
// and the agent of EKS Pod Identity.
var (
	metadataService = netip.MustParsePrefix("169.254.169.254/32")
	podIdentity     = netip.MustParsePrefix("169.254.170.23/32")
)

// identity is where credentials come from that nobody wrote down. On GKE that is the
// metadata service; AWS and Azure have ways that go through their public endpoints, so that
// it is needed only where those are not used.
func (c *cluster) identity(s objectStore, f snapshot.VitalFlow) {
	f.ID, f.What, f.Ports = "cloud-metadata", "credentials come from the cloud's identity endpoint", world.TCP(80)
	switch {
	case s.S3 != nil && s.S3.Inherit:
		f.To, f.Optional = endpoint("the identity endpoints of AWS", metadataService, podIdentity), true
	case s.Azure != nil && (s.Azure.Inherit || s.Azure.Default):
		f.To, f.Optional = endpoint("the identity endpoint of Azure", metadataService), true
	case s.Google != nil && s.Google.Environment:
		f.To = endpoint("the metadata server of GKE", metadataService)
	default:
		return
	}
	c.flow(f)
}

func endpoint(name string, addresses ...netip.Prefix) snapshot.VitalPeer {
	return snapshot.VitalPeer{Name: name, Outside: flow.AddressesOf(addresses...)}
}

const barmanPlugin = "barman-cloud.cloudnative-pg.io"

// plugin is asked by the operator over gRPC; the Barman Cloud one puts a sidecar
// into the pods, which then talk to the store [barman kubernetes/@0.14.0].
func (c *cluster) plugin(p plugin, u use) {
	from := c.around.operator
	to, ports := c.pluginPeer(p.Name, from.Namespace)
	c.flow(snapshot.VitalFlow{
		ID: "backup-plugin", What: "the operator calls plugin " + p.Name, Phase: snapshot.Steady, From: from, To: to, Ports: ports,
		Source: "CloudNativePG documentation, CNPG-I [cnpg docs/src/cnpg_i.md@1.30.0]", Origin: u.at,
	})
	if p.Name == barmanPlugin {
		u.what = cmp.Or(u.what, "the plugin's sidecar archives WAL and takes backups")
		c.store(c.pluginStore(p), u)
	}
}

// Of a plugin's Service [cnpg pkg/utils/labels_annotations.go@1.30.0].
const (
	pluginLabel = "cnpg.io/pluginName"
	pluginPort  = "cnpg.io/pluginPort"
)

// pluginPeer finds a plugin as the operator does: by the label of a Service in its own
// namespace, whose annotation has the port.
func (c *cluster) pluginPeer(name, namespace string) (snapshot.VitalPeer, []flow.PortRange) {
	const usual = 9090
	for _, o := range c.w.Objects["Service"] {
		if o.Namespace == namespace && o.Labels[pluginLabel] == name {
			return world.Host(c.w, namespace, "plugin "+name, o.Name, world.Port(o.Annotations[pluginPort], usual))
		}
	}
	if name == barmanPlugin {
		return world.Described(c.w, "the Barman Cloud plugin", namespace, map[string]string{"app": "barman-cloud"}), world.TCP(usual)
	}
	return snapshot.VitalPeer{Name: "plugin " + name, Namespace: namespace,
		Labels: netpol.Labels{Unknown: []string{"app", "app.kubernetes.io/name"}}}, world.TCP(usual)
}

// pluginStore reads the ObjectStore that a plugin's parameters name.
func (c *cluster) pluginStore(p plugin) objectStore {
	var in struct {
		Spec struct {
			Configuration objectStore `json:"configuration"`
		} `json:"spec"`
	}
	if o, ok := c.object("ObjectStore.barmancloud.cnpg.io", p.Parameters["barmanObjectName"]); ok {
		world.Read(c.w, o, &in)
	}
	return in.Spec.Configuration
}
