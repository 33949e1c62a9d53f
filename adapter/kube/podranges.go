package kube

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/flow"
	corev1 "k8s.io/api/core/v1"
)

// nodeRanged are the plugins that give pods addresses of the range that the
// kube-controller-manager gave their node (--allocate-node-cidrs).
var nodeRanged = []string{"antrea", "canal", "flannel", "kindnet", "kube-network-policies", "kube-router"}

// detectPodRanges finds the ranges that pods take their addresses from, where nobody states
// them: pods that are yet to be made have none. A range counts only where the addresses of
// all running pods are in one, since a plugin may have been set up otherwise; that of the
// nodes that are there is too small, as the next node has another.
func (c *converter) detectPodRanges() {
	f := &c.world.Facts
	if len(f.PodCIDRs) > 0 {
		return
	}
	ranges := c.sightPodRanges()
	if len(ranges) > 0 && c.hold(flow.AddressesOf(ranges...)) {
		f.PodCIDRs = ranges
	}
}

func (c *converter) sightPodRanges() []netip.Prefix {
	name := c.world.Facts.CNI
	switch {
	case name == "calico" && len(c.network.pools) > 0:
		return c.network.pools
	case name == "calico" || slices.Contains(nodeRanged, name):
		return c.clusterRange()
	case name == "cilium":
		return c.ciliumRanges()
	}
	return nil
}

// hold reports whether there are running pods, and every address of theirs is among these.
// On the host's network they have the node's.
func (c *converter) hold(ranges flow.Addresses) bool {
	some := false
	for _, w := range c.world.Workloads {
		for _, p := range w.Pods {
			if p.HostNetwork {
				continue
			}
			if slices.ContainsFunc(p.Addresses, func(a netip.Addr) bool { return !ranges.Has(a) }) {
				return false
			}
			some = some || len(p.Addresses) > 0
		}
	}
	return some
}

// ciliumRanges are those of cilium-config, by what gives addresses out (Cilium manual, "IP
// Address Management"). Of a pool that other objects may add to nothing is known.
func (c *converter) ciliumRanges() []netip.Prefix {
	m := c.network.configs[ciliumConfig]
	switch m.Data["ipam"] {
	case "cluster-pool":
		return prefixesIn(m.Data["cluster-pool-ipv4-cidr"] + " " + m.Data["cluster-pool-ipv6-cidr"])
	case "kubernetes":
		return c.clusterRange()
	}
	return nil
}

// prefixesIn reads ranges with spaces or commas between them; nil where one of them is none.
func prefixesIn(text string) []netip.Prefix {
	var out []netip.Prefix
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' }) {
		p, err := netip.ParsePrefix(part)
		if err != nil {
			return nil
		}
		out = append(out, p.Masked())
	}
	return out
}

// systemNamespace is where a cluster runs its own programs.
const systemNamespace = "kube-system"

// controllerManager is the label that kubeadm gives the pod of the program that gives each
// node its range.
const controllerManager = "kube-controller-manager"

// clusterRange is --cluster-cidr of the kube-controller-manager, which is a pod where the
// cluster runs its own; nil where nobody tells.
func (c *converter) clusterRange() []netip.Prefix {
	for _, o := range c.workloads {
		if o.Kind != "Pod" || o.Namespace != systemNamespace || o.Labels["component"] != controllerManager {
			continue
		}
		var in corev1.Pod
		if o.Decode(&in) != nil { // told by who reads pods
			continue
		}
		allocates, ranges := flagsOf(in.Spec, "allocate-node-cidrs"), flagsOf(in.Spec, "cluster-cidr")
		if on, err := strconv.ParseBool(allocates); err == nil && on {
			return prefixesIn(ranges)
		}
	}
	return nil
}

// flagsOf is the value of a flag "--name=value" of one of the containers; empty for none.
func flagsOf(spec corev1.PodSpec, name string) string {
	for _, container := range spec.Containers {
		for _, arg := range slices.Concat(container.Command, container.Args) {
			if value, ok := strings.CutPrefix(arg, "--"+name+"="); ok {
				return value
			}
		}
	}
	return ""
}

// pool notes a range that Calico gives pods addresses of. One that is disabled has none to
// give, and pods that still do; one for tunnels is not for pods (Calico reference, IPPool).
func (c *converter) pool(o object.Object) error {
	var in struct {
		Spec struct {
			CIDR string   `json:"cidr"`
			Uses []string `json:"allowedUses"`
		} `json:"spec"`
	}
	if err := o.Decode(&in); err != nil {
		return err
	}
	if len(in.Spec.Uses) > 0 && !slices.Contains(in.Spec.Uses, "Workload") {
		return nil
	}
	p, err := netip.ParsePrefix(in.Spec.CIDR)
	if err != nil {
		return fault("spec.cidr", "%q is no range", in.Spec.CIDR)
	}
	c.network.pools = append(c.network.pools, p.Masked())
	slices.SortFunc(c.network.pools, netip.Prefix.Compare)
	c.network.pools = slices.Compact(c.network.pools)
	return nil
}
