package snapshot

import (
	"net/netip"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Workload is what a person would name: the top of an owner chain, with the
// pods it runs or will run. Pods of a Deployment are of kind Deployment, of a
// CloudNativePG Cluster of kind Cluster.
type Workload struct {
	Ref
	// Pods are its members: one for each set of labels, ports and addresses that
	// its pods can have. Never empty.
	Pods []*Pod
	// Passes names the program in its pods that takes sessions of PostgreSQL and passes
	// them on as its own, "PgBouncer", and that is no server's Pooler: whom it lets in
	// nobody knows. Empty for most.
	Passes string
	Origin verdict.Origin
}

// A Pod stands for one pod, or for several that no policy can tell apart.
type Pod struct {
	// Workload is never nil.
	Workload *Workload
	// Name is the pod's name, where one is known ("ledger-1"); empty for the pods
	// of a Deployment that nobody has seen running.
	Name      string
	Namespace string
	// Part tells members of different duty apart: "primary", "replica", "join job";
	// empty where all pods of the workload do the same.
	Part string
	// Instance is the same for the members that are one pod in different parts, as
	// ledger-1 is when primary and when replica; two members of one instance never
	// run at once. Empty where members are different pods.
	Instance string
	// Many says that the member stands for more than one pod, so that a pod of it
	// can meet another pod of it.
	Many   bool
	Labels netpol.Labels
	// Addresses are the pod's IPs where known; empty for pods not yet running.
	Addresses []netip.Addr
	// HostNetwork pods have their node's addresses, and policies do not select them.
	HostNetwork bool
	// Leaving says that the pod is being deleted: who writes down the addresses of pods
	// leaves it out already, while it may still send.
	Leaving bool
	// Node is the name of the node the pod runs on; empty where nobody knows.
	Node  string
	Ports []ContainerPort
	// Images are those of its containers, in their order; empty where only an operator
	// will make it.
	Images         []string
	ServiceAccount string
	// Demands are what Pod Security Standards refuse of it, read or as its operator makes it.
	Demands []Demand
	Origin  verdict.Origin
}

// A ContainerPort is a declared port; it opens nothing, but policies and Services
// can name it.
type ContainerPort struct {
	Name     string
	Protocol flow.Protocol
	Port     uint16
	// HostPort is the port of the node that leads here; zero for none. HostIP limits it
	// to one of the node's addresses; not valid for all.
	HostPort uint16
	HostIP   netip.Addr
	Origin   verdict.Origin // of the hostPort
}

// NamedPort returns the number of a container port with this name and protocol;
// zero when the pod has none. The first container that names it wins.
func (p *Pod) NamedPort(name string, proto flow.Protocol) uint16 {
	for _, c := range p.Ports {
		if c.Name == name && c.Protocol == proto {
			return c.Port
		}
	}
	return 0
}

// Ref names the member as people do: "ledger", or with its part "ledger (primary)".
func (p *Pod) Ref() Ref {
	r := p.Workload.Ref
	if p.Part != "" {
		r.Name += " (" + p.Part + ")"
	}
	return r
}

// A Service leads to pods. Its kind is always Service.
type Service struct {
	Namespace string
	Name      string
	Type      string // ClusterIP, NodePort, LoadBalancer or ExternalName
	// ExternalName is the alias of an ExternalName Service; it may name another
	// Service of the cluster.
	ExternalName string
	// Selector is nil where the Service has none: then somebody else writes its
	// endpoints (Patroni does).
	Selector netpol.Selector
	// Backends are the pods that a controller is known to put behind a Service
	// without a selector; only then is it not nil.
	Backends []*Pod
	// Beyond are the addresses that the endpoints of such a Service name and that no pod
	// which was read has.
	Beyond []string
	Ports  []ServicePort
	// Headless says that its name resolves to its pods (clusterIP: None), so that a client
	// comes to their ports whatever those of the Service are.
	Headless bool
	// SourceRanges is spec.loadBalancerSourceRanges, or what an annotation says in its
	// place; SourceRangesOrigin is the annotation, zero for the field.
	SourceRanges       []netip.Prefix
	SourceRangesOrigin verdict.Origin
	// ExternalIPs are addresses outside the cluster at which nodes take traffic for a
	// Service of any type; spec.loadBalancerSourceRanges does not limit them.
	ExternalIPs []netip.Addr
	// KeepsClient says that nodes pass the address of an outside client on
	// (externalTrafficPolicy: Local); otherwise pods see a node's.
	KeepsClient bool
	// Internal is what a cloud's annotation makes of a load balancer: Allow, one that
	// only the private network reaches; Deny, one that the Internet does; Unknown where
	// none tells. InternalOrigin is the annotation.
	Internal       verdict.Verdict
	InternalOrigin verdict.Origin
	// ClusterIPs and LoadBalancer are addresses of a live Service.
	ClusterIPs   []netip.Addr
	LoadBalancer []netip.Addr
	// NoNodePorts is allocateLoadBalancerNodePorts: false.
	NoNodePorts bool
	// Synthetic says that no manifest holds it: an operator will create it.
	Synthetic bool
	// DeclaredAt is what makes an operator create it, also where the Service itself was
	// read: a change to that one does not last. Zero for other Services.
	DeclaredAt verdict.Origin
	Origin     verdict.Origin
}

// Ref names the Service.
func (s *Service) Ref() Ref { return Ref{Kind: "Service", Namespace: s.Namespace, Name: s.Name} }

// At is the origin of a field of the Service. One that an operator will create has
// no such field to edit: then it is the origin of what makes the operator do so.
func (s *Service) At(field string) verdict.Origin {
	if s.Synthetic {
		return s.Origin
	}
	return s.Origin.At("%s", field)
}

// A ServicePort maps a port of the Service to a port of its pods.
type ServicePort struct {
	Name     string
	Protocol flow.Protocol
	Port     uint16
	// TargetName is a named targetPort, resolved on each pod; else Target is set,
	// which is Port where targetPort was absent.
	TargetName string
	Target     uint16
	NodePort   uint16
	Origin     verdict.Origin
}

// PodPort returns the port of the pod that this port leads to; zero when the pod
// has no port of the name.
func (sp ServicePort) PodPort(p *Pod) uint16 {
	if sp.TargetName != "" {
		return p.NamedPort(sp.TargetName, sp.Protocol)
	}
	return sp.Target
}
