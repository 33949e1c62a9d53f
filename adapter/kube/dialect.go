package kube

import (
	"encoding/json"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A dialect reads what an object that no engine models may touch. It may leave
// more in doubt than the object touches, never less.
type dialect func(*converter, object.Object) []touch

// A touch is the reach of one such object.
type touch struct {
	layer      verdict.Layer
	directions [2]bool
	everywhere bool     // also outside the object's own namespace
	namespaces []string // with everywhere: only these, where not nil
	pods       *netpol.Selector
}

var (
	both   = [2]bool{true, true}
	egress = [2]bool{netpol.Egress: true}
)

// calicoOldGroup is what Calico stores its policies as.
const ciliumGroup, calicoGroup, calicoOldGroup = "cilium.io", "projectcalico.org", "crd.projectcalico.org"

// dialects are the kinds known to decide about connections and not modelled. Kinds
// that only name peers (Calico NetworkSet, CiliumCIDRGroup, Antrea Group), order
// policies (Tier) or choose the address that outside sees (EgressIP) decide nothing
// by themselves.
var dialects = map[object.Type]dialect{
	{Group: ciliumGroup, Kind: "CiliumNetworkPolicy"}:               cilium,
	{Group: ciliumGroup, Kind: "CiliumClusterwideNetworkPolicy"}:    cilium,
	{Group: ciliumGroup, Kind: "CiliumLocalRedirectPolicy"}:         redirect,
	{Group: calicoGroup, Kind: "NetworkPolicy"}:                     calico,
	{Group: calicoGroup, Kind: "GlobalNetworkPolicy"}:               calico,
	{Group: calicoOldGroup, Kind: "NetworkPolicy"}:                  calico,
	{Group: calicoOldGroup, Kind: "GlobalNetworkPolicy"}:            calico,
	{Group: antreaGroup, Kind: "NetworkPolicy"}:                     antrea,
	{Group: antreaGroup, Kind: "ClusterNetworkPolicy"}:              antrea,
	{Group: antreaGroup, Kind: "TrafficControl"}:                    trafficControl,
	{Group: antreaOldGroup, Kind: "NetworkPolicy"}:                  antrea,
	{Group: antreaOldGroup, Kind: "ClusterNetworkPolicy"}:           antrea,
	{Group: "k8s.ovn.org", Kind: "EgressFirewall"}:                  anyPod(egress),
	{Group: "k8s.ovn.org", Kind: "UserDefinedNetwork"}:              userNetwork,
	{Group: "k8s.ovn.org", Kind: "ClusterUserDefinedNetwork"}:       userNetwork,
	{Group: "network.openshift.io", Kind: "EgressNetworkPolicy"}:    anyPod(egress),
	{Group: "", Kind: "EgressNetworkPolicy"}:                        anyPod(egress),
	{Group: "network.openshift.io", Kind: "ClusterNetwork"}:         multitenant,
	{Group: "kubeovn.io", Kind: "Subnet"}:                           kubeOVNSubnet,
	{Group: "kubeovn.io", Kind: "Vpc"}:                              kubeOVNVpc,
	{Group: "kubeovn.io", Kind: "SecurityGroup"}:                    anyPod(both),
	{Group: "networking.k8s.aws", Kind: "ClusterNetworkPolicy"}:     anyPod(both),
	{Group: "networking.k8s.aws", Kind: "ApplicationNetworkPolicy"}: podSelector(both),
	{Group: "vpcresources.k8s.aws", Kind: "SecurityGroupPolicy"}:    podSelector(both, "serviceAccountSelector"),
	{Group: "networking.gke.io", Kind: "FQDNNetworkPolicy"}:         podSelector(egress),
	{Group: "nsx.vmware.com", Kind: "SecurityPolicy"}:               anyPod(both),
	{Group: "crd.nsx.vmware.com", Kind: "SecurityPolicy"}:           anyPod(both),
	{Group: "neuvector.com", Kind: "NvSecurityRule"}:                anyPod(both),
	{Group: "neuvector.com", Kind: "NvClusterSecurityRule"}:         anyPod(both),
	{Group: "security.istio.io", Kind: "PeerAuthentication"}:        istio,
	{Group: "security.istio.io", Kind: "AuthorizationPolicy"}:       istio,
	{Group: "policy.linkerd.io", Kind: "Server"}:                    linkerd,
	{Group: "policy.linkerd.io", Kind: "AuthorizationPolicy"}:       linkerd,
	{Group: "policy.linkerd.io", Kind: "ServerAuthorization"}:       linkerd,
	{Group: calicoGroup, Kind: "StagedNetworkPolicy"}:               staged,
	{Group: calicoGroup, Kind: "StagedGlobalNetworkPolicy"}:         staged,
	{Group: calicoGroup, Kind: "StagedKubernetesNetworkPolicy"}:     staged,
	{Group: calicoOldGroup, Kind: "StagedNetworkPolicy"}:            staged,
	{Group: calicoOldGroup, Kind: "StagedGlobalNetworkPolicy"}:      staged,
	{Group: calicoOldGroup, Kind: "StagedKubernetesNetworkPolicy"}:  staged,
}

func (c *converter) unmodelled(o object.Object) {
	for _, t := range dialects[o.Type()](c, o) {
		u := snapshot.Unmodelled{Ref: o.Ref(), Layer: t.layer, Directions: t.directions, Pods: t.pods, Origin: o.Origin()}
		if t.everywhere {
			u.Namespaces = t.namespaces
		} else if o.Namespace != "" {
			u.Namespaces = []string{o.Namespace}
		}
		c.world.Unmodelled = append(c.world.Unmodelled, u)
	}
	switch o.Group() {
	case ciliumGroup:
		c.ciliumRules(o)
	case calicoGroup, calicoOldGroup:
		c.calicoPolicy(o)
	}
}

// sections are the keys of a spec; their presence tells the directions.
type sections map[string]json.RawMessage

func (s sections) has(keys ...string) bool {
	for _, k := range keys {
		if v, ok := s[k]; ok && string(v) != "null" {
			return true
		}
	}
	return false
}

// directions are those that the spec has rules for; both where it has none.
func (s sections) directions() [2]bool {
	d := [2]bool{netpol.Ingress: s.has("ingress", "ingressDeny"), netpol.Egress: s.has("egress", "egressDeny")}
	if d == [2]bool{} {
		return both
	}
	return d
}

func (s sections) read(key string, into any) bool {
	raw, ok := s[key]
	return ok && json.Unmarshal(raw, into) == nil
}

func specOf(o object.Object) sections {
	var in struct {
		Spec sections `json:"spec"`
	}
	if o.Decode(&in) != nil {
		return nil
	}
	return in.Spec
}

// cilium reads spec and specs; each selects for itself.
func cilium(c *converter, o object.Object) []touch {
	var in struct {
		Spec  sections   `json:"spec"`
		Specs []sections `json:"specs"`
	}
	if o.Decode(&in) != nil {
		return []touch{{layer: verdict.Ingress, directions: both}}
	}
	specs := in.Specs
	if in.Spec != nil || len(specs) == 0 {
		specs = append([]sections{in.Spec}, specs...)
	}
	var out []touch
	for _, s := range specs {
		if s.has("nodeSelector") && !s.has("endpointSelector") {
			continue // a host policy: pods are not endpoints of it
		}
		out = append(out, policyTouch(s.directions(), c.ciliumPods(s)))
	}
	return out
}

// policyTouch is a touch of a policy dialect; its layer is that of its first direction.
func policyTouch(directions [2]bool, pods *netpol.Selector) touch {
	t := touch{layer: verdict.Ingress, directions: directions, pods: pods}
	if !directions[netpol.Ingress] {
		t.layer = verdict.Egress
	}
	return t
}

// ciliumPods reads an endpointSelector. Keys have a source before a colon; those of
// other sources than Kubernetes, and Cilium's own keys, are beyond pod labels.
func (c *converter) ciliumPods(s sections) *netpol.Selector {
	var in metav1.LabelSelector
	if !s.read("endpointSelector", &in) {
		return nil
	}
	return c.ciliumSelector(in)
}

// ciliumSelector converts a selector; nil where pod labels do not answer it.
func (c *converter) ciliumSelector(in metav1.LabelSelector) *netpol.Selector {
	out := metav1.LabelSelector{MatchLabels: map[string]string{}}
	for k, v := range in.MatchLabels {
		key, ok := podKey(k)
		if !ok {
			return nil
		}
		out.MatchLabels[key] = v
	}
	for _, e := range in.MatchExpressions {
		key, ok := podKey(e.Key)
		if !ok {
			return nil
		}
		e.Key = key
		out.MatchExpressions = append(out.MatchExpressions, e)
	}
	return c.readable(&out)
}

func podKey(key string) (string, bool) {
	for _, source := range []string{"k8s:", "any:"} {
		key = strings.TrimPrefix(key, source)
	}
	return key, !strings.Contains(key, ":") && !strings.HasPrefix(key, "io.kubernetes.") && !strings.HasPrefix(key, "io.cilium.")
}

// readable converts a selector, or gives nil, which is any pod.
func (c *converter) readable(in *metav1.LabelSelector) *netpol.Selector {
	s, err := c.optional("", in)
	if err != nil {
		return nil
	}
	return s
}

// namespacesOf lists the namespaces that the selector may select. Of one that
// nothing declares only the name is known, so any other label may be there.
func (c *converter) namespacesOf(in *metav1.LabelSelector) []string {
	s := c.readable(in)
	if s == nil || len(*s) == 0 {
		return nil
	}
	names := []string{}
	for name, ns := range c.world.Namespaces {
		if mayMatch(*s, ns) {
			names = append(names, name)
		}
	}
	return sorted(names)
}

func mayMatch(s netpol.Selector, ns *snapshot.Namespace) bool {
	for _, r := range s {
		if (ns.Declared || r.Key == snapshot.MetadataName) && r.Match(ns.Labels) == netpol.No {
			return false
		}
	}
	return true
}

// rootNamespace is where Istio's policies are about the whole mesh.
const rootNamespace = "istio-system"

func istio(c *converter, o object.Object) []touch {
	t := touch{layer: verdict.Mesh, directions: both, everywhere: o.Namespace == rootNamespace}
	s := specOf(o)
	var selector struct {
		MatchLabels map[string]string `json:"matchLabels"`
	}
	if s.read("selector", &selector) && !s.has("targetRef", "targetRefs") {
		t.pods = c.readable(&metav1.LabelSelector{MatchLabels: selector.MatchLabels})
	}
	return []touch{t}
}

// linkerd: a Server selects pods; the others point at Servers, routes or namespaces.
func linkerd(c *converter, o object.Object) []touch {
	t := touch{layer: verdict.Mesh, directions: both}
	var selector metav1.LabelSelector
	if o.Kind == "Server" && specOf(o).read("podSelector", &selector) {
		t.pods = c.readable(&selector)
	}
	return []touch{t}
}
