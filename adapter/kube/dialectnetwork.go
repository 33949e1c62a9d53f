package kube

import (
	"encoding/json"

	"github.com/pgmoat/pgmoat/adapter/object"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Networks of their own keep pods apart without any policy.

// userNetwork is a network that OVN-Kubernetes gives to namespaces. As their primary
// one it has no way to pods of another; a secondary one adds an interface and takes
// nothing away.
func userNetwork(c *converter, o object.Object) []touch {
	s := specOf(o)
	network := s
	if o.Namespace == "" {
		network = nil
		s.read("network", &network)
	}
	if network.role() == "Secondary" {
		return nil
	}
	t := policyTouch(both, nil)
	var namespaces metav1.LabelSelector
	if o.Namespace == "" {
		t.everywhere = true
		if s.read("namespaceSelector", &namespaces) {
			t.namespaces = c.namespacesOf(&namespaces)
		}
	}
	return []touch{t}
}

// role of the network, whatever its topology; empty where it cannot be told.
func (s sections) role() string {
	for _, topology := range []string{"layer2", "layer3", "localnet"} {
		var in struct {
			Role string `json:"role"`
		}
		if s.read(topology, &in) && in.Role != "" {
			return in.Role
		}
	}
	return ""
}

// multitenant is OpenShift SDN in the mode that keeps projects apart; in the others a
// NetNamespace, which every project has, means nothing.
func multitenant(_ *converter, o object.Object) []touch {
	var in struct {
		PluginName string `json:"pluginName"`
	}
	if o.Decode(&in) == nil && in.PluginName != "" && in.PluginName != "redhat/openshift-ovs-multitenant" {
		return nil
	}
	return []touch{policyTouch(both, nil)}
}

// kubeOVNSubnet keeps others out where it is private, and has rules of its own in
// acls. Every cluster has subnets with neither.
func kubeOVNSubnet(_ *converter, o object.Object) []touch {
	s := specOf(o)
	var private bool
	var acls []json.RawMessage
	isOpen := !s.has("private") || s.read("private", &private) && !private
	hasNone := !s.has("acls") || s.read("acls", &acls) && len(acls) == 0
	if s != nil && isOpen && hasNone {
		return nil
	}
	return []touch{s.ofNamespaces()}
}

// kubeOVNVpc is a network of its own; the default one, of all other subnets, is no
// object that anybody writes.
func kubeOVNVpc(_ *converter, o object.Object) []touch {
	if o.Name == "ovn-cluster" {
		return nil
	}
	return []touch{specOf(o).ofNamespaces()}
}

// ofNamespaces touches the pods of the namespaces that are listed, of all where none is.
func (s sections) ofNamespaces() touch {
	t := policyTouch(both, nil)
	t.everywhere = true
	if !s.read("namespaces", &t.namespaces) || len(t.namespaces) == 0 {
		t.namespaces = nil
	}
	return t
}
