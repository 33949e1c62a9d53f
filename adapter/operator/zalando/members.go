package zalando

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// BackupJob is the part of the pods that dump the databases on a schedule.
const BackupJob = "backup job"

// The values of the role label. Spilo keeps master for a leader, and for the leader
// of a standby cluster, whatever Patroni calls them [spilo ENVIRONMENT.rst,
// KUBERNETES_LEADER_LABEL_VALUE].
var roleValues = map[string]string{snapshot.Primary: "master", snapshot.Replica: "replica"}

// Labels that no configuration changes [zal pkg/cluster/connection_pooler.go,
// pkg/cluster/k8sres.go@1.15.1].
const (
	poolerLabel      = "connection-pooler"
	applicationLabel = "application"
	poolerValue      = "db-connection-pooler"
	backupValue      = "spilo-logical-backup"
)

func (c *cluster) roleLabel() string { return c.config.text("pod_role_label", "spilo-role") }

// selecting are the labels that select what belongs to the cluster [zal
// pkg/cluster/util.go labelsSet@1.15.1].
func (c *cluster) selecting() map[string]string {
	out := maps.Clone(c.config.pairs("cluster_labels", map[string]string{applicationLabel: "spilo"}))
	out[c.config.text("cluster_name_label", "cluster-name")] = c.obj.Name
	return out
}

// labels are those of every pod: also the team, and what is inherited from the
// cluster's own labels, which wins.
func (c *cluster) labels() map[string]string {
	out := c.selecting()
	out["team"] = c.spec.TeamID
	for _, key := range c.config.list("inherited_labels") {
		if v, ok := c.obj.Labels[key]; ok {
			out[key] = v
		}
	}
	return out
}

// instances is spec.numberOfInstances within the limits of the operator [zal
// pkg/cluster/k8sres.go getNumberOfInstances@1.15.1].
func (c *cluster) instances() int {
	n := world.Instances(c.spec.NumberOfInstances, 0)
	if c.spec.NumberOfInstances == nil {
		n = 0
	}
	if key := c.config.text("ignore_instance_limits_annotation_key", ""); key != "" && c.obj.Annotations[key] == "true" {
		return n
	}
	if c.spec.Standby != nil && n == 1 {
		return n
	}
	if most := c.config.number("max_instances", -1); most >= 0 {
		n = min(n, most)
	}
	if least := c.config.number("min_instances", -1); least >= 0 {
		n = max(n, min(least, 100))
	}
	return n
}

// members gives the workload its pods: each instance as primary and, where there are
// more than one, as replica; and the backup job. Pods that were read are those that
// exist; the StatefulSet that they belong to is named as the cluster and need not say
// that the cluster owns it.
func (c *cluster) members() {
	world.CheckCount(c.w, c.obj, "spec.numberOfInstances", c.spec.NumberOfInstances)
	instances, jobs := c.adopt()
	c.live = len(instances) > 0
	if len(instances) == 0 {
		ports := c.containerPorts()
		for n := range max(c.instances(), 1) { // one scaled to zero comes back
			instances = append(instances, c.instance(n, ports))
		}
	}
	replicas := max(c.instances(), len(instances)) > 1
	var members []*snapshot.Pod
	for _, p := range instances {
		members = append(members, c.inPart(p, snapshot.Primary))
		if replicas {
			members = append(members, c.inPart(p, snapshot.Replica))
		}
	}
	c.follow(instances, members)
	if c.spec.LogicalBackup && len(jobs) == 0 {
		jobs = append(jobs, c.backupJob())
	}
	c.server.Workload.Pods = append(members, jobs...)
}

// adopt moves the pods that were read of the cluster into its workload, and those of
// a pooler that the cluster owns out of it.
func (c *cluster) adopt() (instances, jobs []*snapshot.Pod) {
	mine := c.server.Workload
	refs := []snapshot.Ref{
		mine.Ref, {Kind: "StatefulSet", Namespace: c.obj.Namespace, Name: c.obj.Name},
		{Kind: "CronJob", Namespace: c.obj.Namespace, Name: c.cronJob()},
	}
	for _, ref := range refs {
		wl := c.w.Find(ref)
		if wl == nil || wl != mine && !c.owns(wl) {
			continue
		}
		for _, p := range wl.Pods {
			p.Workload = mine
			switch {
			case p.Labels.Set[poolerLabel] != "":
				c.toPooler(p)
			case p.Labels.Set[applicationLabel] == backupValue:
				p.Part = BackupJob
				jobs = append(jobs, p)
			default:
				instances = append(instances, p)
			}
		}
		if wl != mine {
			c.w.Snapshot.Workloads = slices.DeleteFunc(c.w.Snapshot.Workloads, func(other *snapshot.Workload) bool { return other == wl })
		}
	}
	return instances, jobs
}

// owns reports whether the pods of a workload have the label with the cluster's name.
func (c *cluster) owns(wl *snapshot.Workload) bool {
	key := c.config.text("cluster_name_label", "cluster-name")
	return slices.ContainsFunc(wl.Pods, func(p *snapshot.Pod) bool { return p.Labels.Set[key] == c.obj.Name })
}

// follow leads Services that led to a pod that was read to the members that stand for
// it. Patroni writes the leader of the moment into the Service of the cluster, and any
// instance may be it; what somebody else wrote leads to that instance in every part.
func (c *cluster) follow(read, members []*snapshot.Pod) {
	for _, s := range c.w.Snapshot.Services {
		var backends []*snapshot.Pod
		moved := false
		for _, p := range s.Backends {
			if !slices.Contains(read, p) {
				backends = append(backends, p)
				continue
			}
			moved = true
			for _, m := range members {
				if m.Instance == p.Name {
					backends = append(backends, m)
				}
			}
		}
		if moved && s.Namespace == c.obj.Namespace && s.Name == c.obj.Name {
			backends = inParts(members, snapshot.Primary)
		}
		if moved {
			s.Backends = backends
		}
	}
}

func inParts(pods []*snapshot.Pod, part string) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, p := range pods {
		if p.Part == part {
			out = append(out, p)
		}
	}
	return out
}

// part returns the workload's pods of a part.
func (c *cluster) part(part string) []*snapshot.Pod { return inParts(c.server.Workload.Pods, part) }

// inPart returns the instance with the role label it has in one of its roles.
func (c *cluster) inPart(p *snapshot.Pod, part string) *snapshot.Pod {
	out := world.Clone(p)
	out.Workload, out.Part, out.Instance, out.Many = c.server.Workload, part, p.Name, false
	key := c.roleLabel()
	out.Labels.Set[key] = roleValues[part]
	out.Labels.Unknown = slices.DeleteFunc(out.Labels.Unknown, func(k string) bool { return k == key })
	return out
}

// instance is a pod of the StatefulSet [zal pkg/cluster/k8sres.go
// generateStatefulSet@1.15.1]. critical-operation is there while a cluster begins and
// while it is upgraded.
func (c *cluster) instance(n int, ports []snapshot.ContainerPort) *snapshot.Pod {
	name := fmt.Sprintf("%s-%d", c.obj.Name, n)
	set := c.labels()
	set["statefulset.kubernetes.io/pod-name"], set["apps.kubernetes.io/pod-index"] = name, strconv.Itoa(n)
	p := c.pod(name, set, "controller-revision-hash", "critical-operation")
	p.Ports, p.Demands = ports, c.demands()
	return p
}

func (c *cluster) pod(name string, set map[string]string, unknown ...string) *snapshot.Pod {
	return &snapshot.Pod{
		Workload: c.server.Workload, Name: name, Namespace: c.obj.Namespace, Labels: netpol.Labels{Set: set, Unknown: unknown},
		ServiceAccount: c.serviceAccount(), Origin: c.obj.Origin(),
	}
}

func (c *cluster) serviceAccount() string {
	return c.config.text("pod_service_account_name", "postgres-pod")
}

func (c *cluster) containerPorts() []snapshot.ContainerPort {
	var out []snapshot.ContainerPort
	for _, port := range []uint16{8008, 5432, 8080} {
		out = append(out, snapshot.ContainerPort{Protocol: flow.TCP, Port: port})
	}
	for i, s := range c.sidecars() {
		for j, p := range s.Ports {
			at := c.sidecarAt(i, j)
			proto := flow.TCP
			if p.Protocol != "" {
				var err error
				if proto, err = flow.ParseProtocol(p.Protocol); err != nil {
					world.Fault(c.w, c.obj, at.Field+".protocol", "%w", err)
					continue
				}
			}
			port := snapshot.ContainerPort{Name: p.Name, Protocol: proto, Port: p.ContainerPort, HostPort: p.HostPort, Origin: at}
			port.HostIP, _ = netip.ParseAddr(p.HostIP)
			out = append(out, port)
		}
	}
	return out
}

// sidecarPoolers are the ports of poolers that people put beside the server.
func (c *cluster) sidecarPoolers() (out []snapshot.ServerPort) {
	for i, s := range c.sidecars() {
		var ports []uint16
		for _, p := range s.Ports {
			ports = append(ports, p.ContainerPort)
		}
		if program := world.Passes(s.Image, ports...); program != "" {
			at := c.sidecarAt(i, 0)
			at.Field = strings.TrimSuffix(at.Field, ".ports[0]")
			out = append(out, world.SidecarPorts(program, s.Name, ports, at)...)
		}
	}
	return out
}

// sidecarAt is the place of a port of a sidecar.
func (c *cluster) sidecarAt(i, port int) verdict.Origin {
	if i >= len(c.spec.Sidecars) {
		return c.configuredAt("sidecars")
	}
	return c.at("spec.sidecars[%d].ports[%d]", i, port)
}

// sidecars are the cluster's own and then those that the operator gives every
// cluster; of two with a name the first counts [zal pkg/cluster/util.go
// mergeContainers@1.15.1].
func (c *cluster) sidecars() []sidecar {
	out := slices.Clone(c.spec.Sidecars)
	var global []sidecar
	if v, ok := c.config.values["sidecars"]; ok {
		if err := json.Unmarshal(v.raw, &global); err != nil {
			c.config.fault("sidecars", "a list of containers")
		}
	}
	for _, s := range global {
		if !slices.ContainsFunc(out, func(known sidecar) bool { return known.Name == s.Name }) {
			out = append(out, s)
		}
	}
	return out
}

// cronJob is the name of the backup's CronJob, cut to 52 characters.
func (c *cluster) cronJob() string {
	name := c.config.text("logical_backup_job_prefix", "logical-backup-") + c.obj.Name
	if len(name) > 52 {
		return strings.TrimRight(name[:52], "-")
	}
	return name
}

// backupJob has the labels of the members but for application and the role [zal
// pkg/cluster/k8sres.go generateLogicalBackupJob@1.15.1].
func (c *cluster) backupJob() *snapshot.Pod {
	set := c.labels()
	set[applicationLabel] = backupValue
	p := c.pod("", set, "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name")
	p.Part, p.Origin = BackupJob, c.at("spec.enableLogicalBackup")
	return p
}

// preloads reports whether shared_preload_libraries has a library.
func (c *cluster) preloads(library string) bool {
	for name := range strings.SplitSeq(c.spec.PostgreSQL.Parameters["shared_preload_libraries"], ",") {
		if strings.Trim(name, ` '"`) == library {
			return true
		}
	}
	return false
}

// toPooler gives a pod that the cluster owns to the Deployment of its pooler.
func (c *cluster) toPooler(p *snapshot.Pod) {
	ref := snapshot.Ref{Kind: "Deployment", Namespace: c.obj.Namespace, Name: p.Labels.Set[poolerLabel]}
	wl := world.Workload(c.w, ref, object.Object{Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name})
	wl.Origin = c.obj.Origin()
	p.Workload = wl
	wl.Pods = append(wl.Pods, p)
}
