// Package nettwin is the dull twin of the network engine: it takes the objects of the
// API as they are written, and answers one attempt at a time by the sentences of the
// API, which stand beside the lines that follow them. It shares nothing with the
// engine but the words of its answers: selectors are apimachinery's, blocks are asked
// about one address, and nothing is a set. It also makes random worlds to ask about.
package nettwin

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// A Reading is what the API leaves to the network plugin, and what no object says.
type Reading struct {
	// BlocksSkipPods: an ipBlock, and networks, never match a pod, on whatever network.
	// BlocksSkipNodes: an ipBlock never matches what has a node's address.
	BlocksSkipPods, BlocksSkipNodes bool
	// BaselineByPod: a pod that any NetworkPolicy selects is never under Baseline.
	BaselineByPod bool
	// NodeEgressPoliced: what a pod sends to its own node is under NetworkPolicy;
	// NodeIngressPoliced: what the node sends to it; NodeIngressOpen: that passes all tiers.
	NodeEgressPoliced, NodeIngressPoliced, NodeIngressOpen bool
	// NoEndPort: endPort is ignored, NoSCTP: so are entries for SCTP; in NetworkPolicy.
	NoEndPort, NoSCTP bool
	// NoClusterPolicies and NoAdminPolicies: policies of v1alpha2, and of v1alpha1, are
	// not in force. NoNodePeers and NoDomainPeers: whether a rule acts that matches by
	// such a peer nobody knows.
	NoClusterPolicies, NoAdminPolicies bool
	NoNodePeers, NoDomainPeers         bool
	// Domains are the addresses of domain names, by the name as it is written.
	Domains map[string][]netip.Prefix
}

// A Cluster is the objects, decoded.
type Cluster struct {
	Reading
	// Pods are all pods that run, in the order they were given.
	Pods       []*Pod
	namespaces map[string]labels.Set
	nodes      map[string]*corev1.Node
	policies   []networkingv1.NetworkPolicy
	ordered    []*OrderedPolicy
	selectors  map[*metav1.LabelSelector]labels.Selector
}

// A Pod is a pod with the addresses it is known by.
type Pod struct {
	corev1.Pod
	Addresses []netip.Addr
}

// Load decodes objects, which are JSON. It refuses a kind it does not know: a policy
// that is left out would change every answer.
func Load(objects [][]byte, r Reading) (*Cluster, error) {
	c := &Cluster{
		Reading: r, namespaces: map[string]labels.Set{}, nodes: map[string]*corev1.Node{},
		selectors: map[*metav1.LabelSelector]labels.Selector{},
	}
	for _, text := range objects {
		if err := c.add(text); err != nil {
			return nil, fmt.Errorf("%w in %s", err, text)
		}
	}
	return c, nil
}

func (c *Cluster) add(text []byte) error {
	var kind metav1.TypeMeta
	if err := json.Unmarshal(text, &kind); err != nil {
		return err
	}
	switch kind.Kind {
	case "Namespace":
		return c.addNamespace(text)
	case "Node":
		node := &corev1.Node{}
		err := json.Unmarshal(text, node)
		c.nodes[node.Name] = node
		return err
	case "Pod":
		return c.addPod(text)
	case "NetworkPolicy":
		var p networkingv1.NetworkPolicy
		err := json.Unmarshal(text, &p)
		c.policies = append(c.policies, p)
		return err
	case "ClusterNetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy":
		p := &OrderedPolicy{}
		err := json.Unmarshal(text, p)
		c.ordered = append(c.ordered, p)
		return err
	}
	return fmt.Errorf("kind %q", kind.Kind)
}

// addNamespace: "The Kubernetes control plane sets an immutable label
// kubernetes.io/metadata.name on all namespaces. The value of the label is the
// namespace name" (concepts/overview/working-with-objects/namespaces).
func (c *Cluster) addNamespace(text []byte) error {
	var ns corev1.Namespace
	err := json.Unmarshal(text, &ns)
	set := labels.Set{}
	for k, v := range ns.Labels {
		set[k] = v
	}
	set["kubernetes.io/metadata.name"] = ns.Name
	c.namespaces[ns.Name] = set
	return err
}

// addPod leaves out a pod that has ended. "Succeeded: All containers in the Pod have
// terminated in success, and will not be restarted. Failed: All containers in the Pod
// have terminated, and at least one container has terminated in failure"
// (concepts/workloads/pods/pod-lifecycle).
func (c *Cluster) addPod(text []byte) error {
	p := &Pod{}
	if err := json.Unmarshal(text, &p.Pod); err != nil {
		return err
	}
	if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
		return nil
	}
	p.addresses(p.Status.PodIP)
	for _, ip := range p.Status.PodIPs {
		p.addresses(ip.IP)
	}
	// "Host networking requested for this pod. Use the host's network namespace."
	if p.Spec.HostNetwork {
		p.addresses(p.Status.HostIP)
		for _, ip := range p.Status.HostIPs {
			p.addresses(ip.IP)
		}
	}
	c.Pods = append(c.Pods, p)
	return nil
}

func (p *Pod) addresses(text string) {
	a, err := netip.ParseAddr(text)
	if err == nil && !slices.Contains(p.Addresses, a.Unmap()) {
		p.Addresses = append(p.Addresses, a.Unmap())
	}
}

// nodeOf returns the name of the node that the pod runs on; empty where nothing tells.
// "NodeName indicates in which node this pod is scheduled." A pod on the host's network
// has its addresses.
func (c *Cluster) nodeOf(p *Pod) string {
	if p.Spec.NodeName != "" || !p.Spec.HostNetwork {
		return p.Spec.NodeName
	}
	for name, node := range c.nodes {
		if slices.ContainsFunc(p.Addresses, func(a netip.Addr) bool { return hasAddress(node, a) }) {
			return name
		}
	}
	return ""
}

// matches asks a selector, which apimachinery reads. A selector it refuses is a
// mistake of whoever made the world.
func (c *Cluster) matches(s *metav1.LabelSelector, set labels.Set) bool {
	parsed, ok := c.selectors[s]
	if !ok {
		var err error
		if parsed, err = metav1.LabelSelectorAsSelector(s); err != nil {
			panic(err)
		}
		c.selectors[s] = parsed
	}
	return parsed.Matches(set)
}

// An End is one side of an attempt: a pod, or an address outside.
type End struct {
	Pod     *Pod
	Address netip.Addr // where Pod is nil
	// family is that of the packets: only addresses of it are asked about.
	family Family
}

// A Family is one of addresses, or both.
type Family uint8

// The families.
const (
	AnyFamily Family = iota
	IPv4
	IPv6
)

func (f Family) has(a netip.Addr) bool {
	return f == AnyFamily || a.Is4() == (f == IPv4)
}

// String names the end for people.
func (e End) String() string {
	if e.Pod == nil {
		return e.Address.String()
	}
	return fmt.Sprintf("%s/%s%v", e.Pod.Namespace, e.Pod.Name, e.Pod.Addresses)
}

// isHost says that the end is on the network of a node, which no selector of pods sees.
func (e End) isHost() bool { return e.Pod != nil && e.Pod.Spec.HostNetwork }

// addresses are those that a block is asked about.
func (e End) addresses() []netip.Addr {
	if e.Pod == nil {
		return []netip.Addr{e.Address}
	}
	return slices.DeleteFunc(slices.Clone(e.Pod.Addresses), func(a netip.Addr) bool { return !e.family.has(a) })
}
