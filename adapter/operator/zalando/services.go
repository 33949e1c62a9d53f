package zalando

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/kube"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A door is what may open a Service to the outside: a field of the cluster, else a
// key of the operator. A node port overrides a load balancer [zal
// pkg/cluster/k8sres.go@1.15.1, postgresql definition@2.0.1].
type door struct {
	lb, np           *bool
	lbField, npField string
	lbKey, npKey     string
	port             uint16
	annotations      map[string]string
	annotationsField string
}

func (c *cluster) masterDoor() door {
	return door{
		lb: c.spec.MasterLoadBalancer, lbField: "spec.enableMasterLoadBalancer", lbKey: "enable_master_load_balancer",
		np: c.spec.MasterNodePort, npField: "spec.enableMasterNodePort", npKey: "enable_master_node_port", port: c.spec.MasterPort,
		annotations: c.spec.MasterAnnotations, annotationsField: "spec.masterServiceAnnotations",
	}
}

func (c *cluster) replicaDoor() door {
	return door{
		lb: c.spec.ReplicaLoadBalancer, lbField: "spec.enableReplicaLoadBalancer", lbKey: "enable_replica_load_balancer",
		np: c.spec.ReplicaNodePort, npField: "spec.enableReplicaNodePort", npKey: "enable_replica_node_port", port: c.spec.ReplicaPort,
		annotations: c.spec.ReplicaAnnotations, annotationsField: "spec.replicaServiceAnnotations",
	}
}

// services adds C, C-repl and, where Patroni keeps its state in Endpoints, C-config,
// which leads nowhere.
func (c *cluster) services() {
	master := c.service("", snapshot.Primary)
	if c.withoutSelector() {
		master.Selector, master.Backends = nil, c.part(snapshot.Primary)
	}
	c.open(&master, c.masterDoor())
	c.addService(master)
	replica := c.service("-repl", snapshot.Replica)
	c.open(&replica, c.replicaDoor())
	c.addService(replica)
	if c.config.release.before(2) && c.withoutSelector() {
		c.addService(snapshot.Service{Namespace: c.obj.Namespace, Name: c.obj.Name + "-config", Backends: []*snapshot.Pod{}, Origin: c.obj.Origin()})
	}
}

// withoutSelector says that Patroni writes the endpoints of C: unless it keeps its
// state in ConfigMaps, which is the default from 2.0 on [zal docs/migrate.md@2.0.1].
// Either way C leads to the leader.
func (c *cluster) withoutSelector() bool {
	if c.config.text("etcd_host", "") != "" {
		return true
	}
	return !c.config.flag("kubernetes_use_configmaps", c.config.release.from(2, 0, 0))
}

func (c *cluster) service(suffix, part string) snapshot.Service {
	selector := c.selecting()
	selector[c.roleLabel()] = roleValues[part]
	return snapshot.Service{
		Namespace: c.obj.Namespace, Name: c.obj.Name + suffix, Selector: world.Equals(selector),
		Ports: []snapshot.ServicePort{world.TCPPort("postgresql", 5432, "", 5432)}, Origin: c.obj.Origin(),
	}
}

// open gives the Service its type.
func (c *cluster) open(s *snapshot.Service, d door) {
	c.annotate(s, d)
	switch {
	case c.nodePort(d, s):
		s.Type, s.Ports[0].NodePort = "NodePort", d.port
	case c.loadBalancer(d, s):
		s.Type, s.SourceRanges = "LoadBalancer", c.ranges()
	default:
		return
	}
	s.KeepsClient = c.config.text("external_traffic_policy", "Cluster") == "Local"
}

// nodePort is of 2.0 and later; a release before drops the field.
func (c *cluster) nodePort(d door, s *snapshot.Service) bool {
	on, at := c.decided(d.np, d.npField, d.npKey, false)
	if !on || c.config.release.before(2) {
		return false
	}
	if !c.config.release.known() && c.w.Service(s.Namespace, s.Name) == nil {
		c.unsettledService(s, "has a node port, which releases before 2.0 do not know", releaseFact, at)
	}
	s.Origin = at
	return true
}

// loadBalancer is the code's default for C alone. The shipped configurations switch
// it off, so that without the operator's configuration nobody knows; nor with an
// OperatorConfiguration that says nothing, whose definition had the default before
// 2.0.
func (c *cluster) loadBalancer(d door, s *snapshot.Service) bool {
	otherwise := d.lbKey == "enable_master_load_balancer" && !(c.config.fromCR && c.config.release.from(2, 0, 0))
	on, at := c.decided(d.lb, d.lbField, d.lbKey, otherwise)
	_, stated := c.config.values[d.lbKey]
	if otherwise && d.lb == nil && !stated && c.w.Service(s.Namespace, s.Name) == nil {
		switch {
		case !c.config.seen():
			c.unsettledService(s, isBalancer, "the operator's configuration: its ConfigMap or OperatorConfiguration, and its Deployment, which names it", at)
		case c.config.fromCR && !c.config.release.known():
			c.unsettledService(s, isBalancer, releaseFact, at)
		}
	}
	if on {
		s.Origin = at
	}
	return on
}

const isBalancer = "is a LoadBalancer"

// unsettledService notes a fact that decides whether the Service is or has something.
func (c *cluster) unsettledService(s *snapshot.Service, what, fact string, at verdict.Origin) {
	c.unsettled("whether "+s.Ref().String()+" "+what, fact, at)
	c.server.Unsettled[len(c.server.Unsettled)-1].About = s.Ref()
}

// decided is what the cluster says, else what the operator does, and where.
func (c *cluster) decided(own *bool, field, key string, otherwise bool) (bool, verdict.Origin) {
	if own != nil {
		return *own, c.at("%s", field)
	}
	return c.config.flag(key, otherwise), c.configuredAt(key)
}

// ranges is spec.allowedSourceRanges; without any the operator lets only the node
// itself in, "lock a load balancer only to the local address" [zal
// pkg/cluster/k8sres.go configureLoadBalanceService@1.15.1].
func (c *cluster) ranges() []netip.Prefix {
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	if len(c.spec.AllowedSourceRanges) == 0 {
		return local
	}
	out := []netip.Prefix{}
	for i, text := range c.spec.AllowedSourceRanges {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			world.Refuse(c.w, c.obj, c.at("spec.allowedSourceRanges[%d]", i).Field, "%w", err)
			continue
		}
		out = append(out, p)
	}
	if len(out) == 0 { // the API server takes no such Service
		return local
	}
	return out
}

// annotate gives the Service the annotations of the operator, of the cluster and of
// the role, the later ones winning.
func (c *cluster) annotate(s *snapshot.Service, d door) {
	all := map[string]string{}
	where := map[string]verdict.Origin{}
	lay := func(set map[string]string, at verdict.Origin) {
		maps.Copy(all, set)
		for key := range set {
			where[key] = at
		}
	}
	lay(c.config.pairs("custom_service_annotations", nil), c.configuredAt("custom_service_annotations"))
	lay(c.spec.ServiceAnnotations, c.at("spec.serviceAnnotations"))
	lay(d.annotations, c.at("%s", d.annotationsField))
	internal, key := kube.Exposure(all)
	s.Internal = internal
	if key != "" {
		s.InternalOrigin = where[key]
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		c.set("annotation."+key, all[key], false, where[key])
	}
}

// addService puts the Service into the Snapshot, or takes the one that is there and says
// where it differs.
func (c *cluster) addService(s snapshot.Service) {
	known := world.AddService(c.w, s)
	if !known.Synthetic {
		c.compareService(s, known)
		if known.Selector == nil && len(known.Backends) == 0 && known.Type != "ExternalName" {
			known.Backends = s.Backends
		}
	}
	c.own = append(c.own, known)
}
