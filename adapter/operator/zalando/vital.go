package zalando

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The sources of flows.
const (
	operatorSource = "Zalando [zal pkg/cluster/database.go, pkg/util/patroni/patroni.go@1.15.1]"
	spiloSource    = "Spilo [spilo postgres-appliance/scripts/configure_spilo.py@7cb50bd]"
	backupSource   = "Zalando [zal logical-backup/dump.sh@1.15.1]"
	upgradeSource  = "Spilo [spilo postgres-appliance/major_upgrade/inplace_upgrade.py@7cb50bd]"
	poolerSource   = "Zalando [zal pkg/cluster/connection_pooler.go@1.15.1]"
	cloneSource    = "Zalando [zal pkg/cluster/k8sres.go generateCloneEnvironment, generateStandbyEnvironment@1.15.1]"
)

// vital adds the flows that the cluster needs.
func (c *cluster) vital() {
	c.operatorFlows()
	c.memberFlows()
	c.stateFlows()
	c.metadataFlow()
	c.poolerFlows()
	c.archiveFlows()
	c.backupFlows()
	c.sourceFlows()
	c.upgradeFlows()
	c.pamFlow()
	c.metricsFlows()
}

func (c *cluster) add(flows ...snapshot.VitalFlow) {
	c.server.Vital = append(c.server.Vital, flows...)
}

// everyMember are the members, whatever their part.
func (c *cluster) everyMember() snapshot.VitalPeer {
	return world.Pods("the members", c.server.Members()...)
}

// primaries are the members as primary.
func (c *cluster) primaries() snapshot.VitalPeer {
	return world.Pods("the primary", c.part(snapshot.Primary)...)
}

// operatorFlows: the operator reads and changes members by Patroni's REST API, and
// makes roles and databases as the superuser, which it does not do in a standby
// cluster.
func (c *cluster) operatorFlows() {
	operator := c.install.peer(c.w)
	c.add(snapshot.VitalFlow{
		ID: "operator-status", What: "the operator asks the members' Patroni", Phase: snapshot.Steady, From: operator,
		To: c.everyMember(), Ports: world.TCP(8008), Source: operatorSource,
	})
	if c.spec.Standby != nil || !c.config.flag("enable_database_access", true) {
		return
	}
	c.add(snapshot.VitalFlow{
		ID: "operator-sql", What: "the operator makes roles and databases", Phase: snapshot.Steady, From: operator,
		To: c.primaries(), Ports: world.TCP(5432), Role: c.superuser(), Database: "postgres", Source: operatorSource,
	})
}

// memberFlows are those between members. pg_rewind is a session of the superuser,
// since Spilo names no role for it.
func (c *cluster) memberFlows() {
	replicas := c.part(snapshot.Replica)
	if len(replicas) == 0 {
		return
	}
	f := snapshot.VitalFlow{
		ID: "replication", What: "replicas stream from the primary", Phase: snapshot.Steady,
		From: world.Pods("the replicas", replicas...), To: c.primaries(), Ports: world.TCP(5432), Role: c.replication(),
		Replication: true, Source: spiloSource, Origin: c.at("spec.numberOfInstances"),
	}
	join, rewind, patroni := f, f, f
	join.ID, join.What, join.Phase = "join", "a new replica copies the primary", snapshot.Join
	rewind.ID, rewind.What, rewind.Phase = "rewind", "a former primary rewinds to the new one", snapshot.Failover
	rewind.Replication, rewind.Role, rewind.Database = false, c.superuser(), "postgres"
	patroni.ID, patroni.What, patroni.Phase = "patroni", "members ask each other's Patroni before one of them leads", snapshot.Failover
	patroni.From, patroni.To, patroni.Ports, patroni.Role, patroni.Replication = c.everyMember(), c.everyMember(), world.TCP(8008), "", false
	c.add(f, join, rewind, patroni)
	if c.failsafe() {
		patroni.What, patroni.Phase = "a primary that does not reach the API server asks all members to keep it", snapshot.Steady
		c.add(patroni)
	}
}

func (c *cluster) failsafe() bool {
	if own := c.spec.Patroni.Failsafe; own != nil {
		return *own
	}
	return c.config.flag("enable_patroni_failsafe_mode", false)
}

// stateFlows: Patroni keeps its state with the API server, or in etcd, and then still
// labels pods.
func (c *cluster) stateFlows() {
	pods := c.server.Members()
	for _, f := range world.Everyone(c.w, "the members", pods, spiloSource) {
		f.Phase = snapshot.Steady
		c.add(f)
	}
	etcd := c.config.text("etcd_host", "")
	if etcd == "" {
		return
	}
	host, port, _ := strings.Cut(etcd, ":")
	to, ports := world.Host(c.w, c.obj.Namespace, "etcd", host, world.Port(port, 2379))
	c.add(snapshot.VitalFlow{
		ID: "etcd", What: "Patroni keeps its state in etcd", Phase: snapshot.Steady, From: c.everyMember(), To: to, Ports: ports,
		Source: spiloSource, Origin: c.configuredAt("etcd_host"),
	})
}

// metadataFlow: Spilo asks the cloud where it is, unless SPILO_PROVIDER says that it
// is nowhere. Without an answer it goes on as outside of any cloud, and only an object
// store whose credentials come from there is lost.
func (c *cluster) metadataFlow() {
	provider := c.env("SPILO_PROVIDER")
	asks := []string{"aws", "google", "openstack"}
	if provider.set && provider.known && provider.value != "" && !slices.Contains(asks, provider.value) {
		return
	}
	address := flow.AddressesOf(netip.MustParsePrefix("169.254.169.254/32"))
	at := c.at("spec.env")
	if provider.set {
		at = provider.origin
	}
	c.add(snapshot.VitalFlow{
		ID: "cloud-metadata", What: "Spilo asks the cloud for its zone, and for credentials of the object store", Phase: snapshot.Bootstrap,
		From: c.everyMember(), To: snapshot.VitalPeer{Name: "cloud metadata", Outside: address}, Ports: world.TCP(80),
		Optional: !slices.Contains(asks, provider.value) && c.archive() == nil, Source: spiloSource, Origin: at,
	})
}

func (c *cluster) poolerFlows() {
	for _, p := range c.server.Poolers {
		name := "Pooler " + p.Workload.Name
		c.add(snapshot.VitalFlow{
			ID: "pooler", What: p.Workload.Name + " connects to the members", Phase: snapshot.Steady,
			From: world.Pods(name, p.Workload.Pods...), To: world.Pods("the members", c.part(p.Part)...), Ports: world.TCP(5432),
			Role: p.AuthUser, Database: p.AuthDatabase, Source: poolerSource, Origin: p.Origin,
		})
		dns := world.DNS(c.w, "the pods of "+p.Workload.Name, p.Workload.Pods, poolerSource)
		dns.Phase = snapshot.Steady
		c.add(dns)
	}
}

// An archive is where WAL and base backups go.
type archive struct {
	endpoint string
	origin   verdict.Origin
}

// archives are the variables that make Spilo archive, and the keys of the operator
// that set them.
var archives = []struct{ variable, key string }{
	{"WAL_S3_BUCKET", "wal_s3_bucket"}, {"WALE_S3_PREFIX", ""}, {"WALG_S3_PREFIX", ""},
	{"WAL_GS_BUCKET", "wal_gs_bucket"}, {"WALE_GS_PREFIX", ""}, {"WALG_GS_PREFIX", ""},
	{"WALG_AZ_PREFIX", "wal_az_storage_account"}, {"WAL_SWIFT_BUCKET", ""}, {"WALG_SSH_PREFIX", ""},
}

// archive returns nil where nothing is archived; a Secret that was not read may still
// make it so.
func (c *cluster) archive() *archive {
	for _, a := range archives {
		if a.key != "" && c.config.text(a.key, "") != "" {
			return &archive{endpoint: c.endpoint(""), origin: c.configuredAt(a.key)}
		}
		if v := c.env(a.variable); v.set && (!v.known || v.value != "") {
			return &archive{endpoint: c.endpoint(""), origin: v.origin}
		}
	}
	return nil
}

// endpoint is the store that an environment names, with a prefix for clones: in
// AWS_ENDPOINT, or in WALE_S3_ENDPOINT as "https+path://host:port".
func (c *cluster) endpoint(prefix string) string {
	if v := c.env(prefix + "AWS_ENDPOINT"); v.known && v.value != "" {
		return v.value
	}
	scheme, rest, _ := strings.Cut(c.env(prefix+"WALE_S3_ENDPOINT").value, "://")
	if rest == "" {
		return ""
	}
	scheme, _, _ = strings.Cut(scheme, "+")
	return scheme + "://" + rest
}

func (c *cluster) archiveFlows() {
	a := c.archive()
	if a == nil {
		if v := c.env("WAL_S3_BUCKET"); v.doubt != "" {
			c.unsettled("whether members archive WAL, and where", v.doubt, v.origin)
		}
		return
	}
	c.store("backup", "members archive WAL and take base backups", snapshot.Backup, c.server.Members(), a.endpoint, spiloSource, a.origin)
}

// store adds a flow to an object store.
func (c *cluster) store(id, what string, phase snapshot.Phase, pods []*snapshot.Pod, endpoint, source string, at verdict.Origin) {
	to, ports := world.Endpoint(c.w, c.obj.Namespace, "the object store", endpoint)
	c.add(snapshot.VitalFlow{
		ID: id, What: what, Phase: phase, From: world.Pods("the members and jobs", pods...), To: to, Ports: ports, Source: source, Origin: at,
	})
}

// backupFlows are those of the scheduled dump: it asks the API server for a member,
// a replica first, and reads all databases as the superuser.
func (c *cluster) backupFlows() {
	jobs := c.part(BackupJob)
	if !c.spec.LogicalBackup || len(jobs) == 0 {
		return
	}
	at := c.at("spec.enableLogicalBackup")
	c.add(snapshot.VitalFlow{
		ID: "logical-backup", What: "the backup job dumps all databases", Phase: snapshot.Backup, From: world.Pods("the backup job", jobs...),
		To: c.everyMember(), Ports: world.TCP(5432), Role: c.superuser(), Database: c.superuser(), Source: backupSource, Origin: at,
	})
	for _, f := range world.Everyone(c.w, "the backup jobs", jobs, backupSource) {
		f.Phase, f.Origin = snapshot.Backup, at
		c.add(f)
	}
	endpoint := ""
	if c.config.text("logical_backup_provider", "s3") == "s3" {
		endpoint = c.config.text("logical_backup_s3_endpoint", "")
	}
	c.store("backup", "the backup job writes to the object store", snapshot.Backup, jobs, endpoint, backupSource, at)
}

// sourceFlows lead to what the cluster begins from or follows.
func (c *cluster) sourceFlows() {
	if s := c.spec.Clone; s != nil && s.Cluster != "" {
		c.cloneFlow(*s)
	}
	s := c.spec.Standby
	if s == nil {
		return
	}
	if s.Host != "" {
		c.session("a standby cluster follows its source", snapshot.Steady, s.Host, s.Port, c.at("spec.standby.standby_host"))
	}
	if path := cmp.Or(s.S3WalPath, s.GSWalPath); path != "" {
		at := c.at("spec.standby.s3_wal_path")
		if s.S3WalPath == "" {
			at = c.at("spec.standby.gs_wal_path")
		}
		c.store("backup", "a standby cluster reads its source's archive", snapshot.Steady, c.server.Members(), c.endpoint("STANDBY_"), cloneSource, at)
	}
}

// cloneFlow: without a timestamp the clone copies the running cluster, whose Service
// has its name and is in the same namespace; with one it reads the archive.
func (c *cluster) cloneFlow(s cloneSpec) {
	if s.Timestamp == "" {
		c.session("the first member copies the cluster that it is a clone of", snapshot.Bootstrap, s.Cluster, "", c.at("spec.clone.cluster"))
		return
	}
	endpoint := cmp.Or(s.S3Endpoint, c.endpoint("CLONE_"), c.endpoint(""))
	c.store("restore", "the first member reads the archive of the cluster that it is a clone of", snapshot.Restore, c.server.Members(),
		endpoint, cloneSource, c.at("spec.clone.timestamp"))
}

// session is physical replication from elsewhere, as the role of the same name there.
func (c *cluster) session(what string, phase snapshot.Phase, host, port string, at verdict.Origin) {
	to, ports := world.Host(c.w, c.obj.Namespace, "the source", host, world.Port(port, 5432))
	c.add(snapshot.VitalFlow{
		ID: "external", What: what, Phase: phase, From: c.everyMember(), To: to, Ports: ports, Role: c.replication(), Replication: true,
		Source: cloneSource, Origin: at,
	})
}

// upgradeFlows are of an upgrade in place, which the operator starts inside the
// primary's container: the primary looks at its replicas, and they copy its files by
// rsync, which listens on PostgreSQL's port meanwhile.
func (c *cluster) upgradeFlows() {
	replicas := c.part(snapshot.Replica)
	if len(replicas) == 0 || c.spec.Standby != nil || c.config.text("major_version_upgrade_mode", "manual") == "off" {
		return
	}
	f := snapshot.VitalFlow{
		ID: "upgrade", What: "the primary asks its replicas whether they are ready", Phase: snapshot.Upgrade, From: c.primaries(),
		To: world.Pods("the replicas", replicas...), Ports: world.TCP(5432), Role: c.superuser(), Database: "postgres",
		Source: upgradeSource, Origin: c.at("spec.postgresql.version"),
	}
	api, rsync := f, f
	api.What, api.Ports, api.Role, api.Database = "the primary asks its replicas' Patroni", world.TCP(8008), "", ""
	rsync.ID, rsync.What = "upgrade-rsync", "replicas copy the primary's files by rsync, on the port of PostgreSQL"
	rsync.From, rsync.To, rsync.Role, rsync.Database = world.Pods("the replicas", replicas...), c.primaries(), "", ""
	c.add(f, api, rsync)
}

// pamFlow asks whoever pam_configuration names whether a token is good. The default
// names an example and nobody.
func (c *cluster) pamFlow() {
	address, _, _ := strings.Cut(c.config.text("pam_configuration", ""), " ")
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || strings.HasSuffix(u.Hostname(), ".example.com") {
		return
	}
	to, ports := world.Endpoint(c.w, c.obj.Namespace, "the token service", address)
	c.add(snapshot.VitalFlow{
		ID: "pam", What: "members ask whether a token is good when people log in", Phase: snapshot.Steady, From: c.everyMember(),
		To: to, Ports: ports, Optional: true, Source: spiloSource, Origin: c.configuredAt("pam_configuration"),
	})
}

// metricsFlows are only of use where somebody scrapes: a Prometheus of the estate, and
// a sidecar that says by its name that it exports.
func (c *cluster) metricsFlows() {
	scrapers := world.Labelled(c.w, map[string]string{"app.kubernetes.io/name": "prometheus"})
	if len(scrapers) == 0 {
		return
	}
	for i, s := range c.sidecars() {
		for j, p := range s.Ports {
			if p.ContainerPort == 0 || !strings.Contains(s.Name, "export") && !strings.Contains(p.Name, "metrics") && p.Name != "exporter" {
				continue
			}
			c.add(snapshot.VitalFlow{
				ID: "metrics", What: "Prometheus scrapes sidecar " + s.Name, Phase: snapshot.Monitoring,
				From: world.Pods("Prometheus", scrapers...), To: c.everyMember(), Ports: world.TCP(p.ContainerPort), Optional: true,
				Source: "Zalando documentation, User guide, Sidecar support [zal docs/user.md@1.15.1]", Origin: c.sidecarAt(i, j),
			})
		}
	}
}
