package kube

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Where clusters have their resolvers.
const (
	dnsNamespace = "kube-system"
	// OpenShift's pods listen on 5353, by the name "dns"
	// [openshift/cluster-dns-operator assets/dns/{service,daemonset}.yaml].
	openShiftDNS, openShiftService, openShiftPort = "openshift-dns", "dns-default", 5353
	dnsPort                                       = 53
	appLabel                                      = "k8s-app"
)

// dnsNames are the Services as installers call them, the likelier first: kubeadm and
// most clouds, kubespray, RKE2. All have k8s-app: kube-dns.
var dnsNames = []string{"kube-dns", "coredns", "rke2-coredns-rke2-coredns"}

// detectDNS settles where pods have names resolved: what somebody stated counts before
// what the objects show.
func (c *converter) detectDNS() {
	seen := c.sightDNS()
	stated := c.world.Facts.DNS
	switch {
	case seen == nil:
	case stated == nil:
		c.world.Facts.DNS = seen
	default:
		if differs := otherDNS(stated, seen); differs != "" {
			c.warn(dnsContradiction, seen.Origin,
				fmt.Sprintf("the cluster's resolver has %s, which is not what is stated: what is stated counts", differs))
		}
	}
}

// otherDNS names what is surely not as stated; empty for nothing. Whoever states a
// cache states nothing about pods.
func otherDNS(stated, seen *snapshot.DNS) string {
	if !stated.Addresses.IsEmpty() {
		return unlike(stated.Addresses, seen.Addresses, nil, nil)
	}
	switch {
	case !seen.Addresses.IsEmpty():
		return "a cache at " + seen.Addresses.Text()
	case stated.Namespace != seen.Namespace:
		return "its pods in namespace " + seen.Namespace
	case stated.Port != seen.Port:
		return fmt.Sprintf("port %d", seen.Port)
	}
	for _, key := range sortedKeys(stated.Labels.Set) {
		if v, ok := seen.Labels.Set[key]; ok && v != stated.Labels.Set[key] {
			return "the label " + key + "=" + v
		}
	}
	return ""
}

// sightDNS finds the resolver: a cache on each node, which pods then ask before all
// others, or the pods behind the Service; nil where there is neither.
func (c *converter) sightDNS() *snapshot.DNS {
	behind := c.dnsService()
	for _, d := range c.daemons {
		if !d.isCache() || d.isIdle() {
			continue
		}
		if cache := c.cache(d); cache != nil {
			if !cache.Addresses.IsEmpty() && behind != nil {
				cache.Namespace, cache.Labels = behind.Namespace, behind.Labels
			}
			return cache
		}
	}
	return behind
}

// dnsService is the resolver as its Service has it.
func (c *converter) dnsService() *snapshot.DNS {
	var best *snapshot.Service
	bestRank := 0
	for _, o := range c.services {
		if r := dnsRank(o.Namespace, o.Name, o.Labels[appLabel]); r > 0 && (best == nil || r < bestRank || r == bestRank && o.Name < best.Name) {
			if s := c.resolving(o.Ref()); s != nil {
				best, bestRank = s, r
			}
		}
	}
	if best == nil {
		return nil
	}
	return &snapshot.DNS{Namespace: best.Namespace, Labels: asLabels(best.Selector), Port: c.dnsPort(best), Origin: best.Origin}
}

// dnsRank orders the Services that may be the resolver's, from 1; zero is none.
func dnsRank(namespace, name, app string) int {
	switch {
	case namespace == openShiftDNS && name == openShiftService:
		return 1
	case namespace != dnsNamespace:
		return 0
	}
	if i := slices.Index(dnsNames, name); i >= 0 {
		return 2 + i
	}
	if app == "kube-dns" {
		return 2 + len(dnsNames)
	}
	return 0
}

// resolving returns the Service of this name if it resolves names for pods of its own;
// nil otherwise.
func (c *converter) resolving(ref snapshot.Ref) *snapshot.Service {
	for _, s := range c.world.Services {
		if s.Ref() == ref && len(s.Selector) > 0 && slices.ContainsFunc(s.Ports, isDNS) {
			return s
		}
	}
	return nil
}

func isDNS(p snapshot.ServicePort) bool { return p.Port == dnsPort }

// asLabels are the labels that a Service's selector asks for.
func asLabels(s netpol.Selector) netpol.Labels {
	set := make(map[string]string, len(s))
	for _, r := range s {
		set[r.Key] = r.Values[0]
	}
	return netpol.Labels{Set: set}
}

// dnsPort is the port that the pods listen on.
func (c *converter) dnsPort(s *snapshot.Service) uint16 {
	port := s.Ports[slices.IndexFunc(s.Ports, isDNS)]
	if port.TargetName == "" {
		return port.Target
	}
	for _, w := range c.world.Workloads {
		for _, p := range w.Pods {
			if p.Namespace == s.Namespace && s.Selector.Match(p.Labels) == netpol.Yes && port.PodPort(p) != 0 {
				return port.PodPort(p)
			}
		}
	}
	if s.Namespace == openShiftDNS {
		return openShiftPort
	}
	return dnsPort
}

// cacheNames are NodeLocal DNSCache as its manifest and kubespray call it
// [kubernetes cluster/addons/dns/nodelocaldns/nodelocaldns.yaml].
var cacheNames = []string{"node-local-dns", "nodelocaldns"}

func (d daemon) isCache() bool {
	return d.Namespace == dnsNamespace &&
		(slices.Contains(cacheNames, d.Name) || slices.Contains(cacheNames, d.template.Labels[appLabel]))
}

// cache is the resolver as NodeLocal DNSCache has it; nil where that does not tell. On
// the host's network it answers at addresses of every node's own, among them that of
// kube-dns where kube-proxy works by iptables. A podSelector never means it. Without an
// interface of its own, pods of it are who somebody redirects the questions to.
func (c *converter) cache(d daemon) *snapshot.DNS {
	at, list := d.argument("localip")
	if _, own := d.argument("setupinterface"); own == "false" || !d.template.Spec.HostNetwork {
		return &snapshot.DNS{Namespace: d.Namespace, Labels: netpol.Labels{Set: d.template.Labels}, Port: dnsPort, Origin: d.Origin()}
	}
	var all []netip.Prefix
	for part := range strings.SplitSeq(list, ",") {
		a, err := netip.ParseAddr(strings.TrimSpace(part))
		if err != nil {
			c.warn("dns-localip", at, "the addresses of the cache on each node cannot be read: state dns.addresses in the facts file")
			return nil
		}
		all = append(all, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
	}
	return &snapshot.DNS{Namespace: dnsNamespace, Labels: netpol.Labels{Set: map[string]string{appLabel: "kube-dns"}},
		Addresses: flow.AddressesOf(all...), Port: dnsPort, Origin: at}
}

// argument finds an argument of the daemon's containers, written "-name value",
// "-name=value" or with two dashes, and where it stands; the DaemonSet where there is
// none.
func (d daemon) argument(name string) (at verdict.Origin, value string) {
	for i, c := range d.template.Spec.Containers {
		for j, arg := range c.Args {
			key, value, has := strings.Cut(strings.TrimLeft(arg, "-"), "=")
			if key != name {
				continue
			}
			if !has && j+1 < len(c.Args) {
				value = c.Args[j+1]
			}
			return d.Origin().At("spec.template.spec.containers[%d].args[%d]", i, j), value
		}
	}
	return d.Origin(), ""
}
