// Package kube converts Kubernetes' own objects into the model. The unwritten
// rules of the API (defaults, what the server refuses, which labels a controller
// adds) are settled here, once.
package kube

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
	corev1 "k8s.io/api/core/v1"
)

// Convert adds to the snapshot what the objects say: namespaces, workloads,
// Services, routes, Secrets, policies, what is not modelled, and what the objects tell
// of the network plugin, the ranges of pods, the kube-apiserver and the resolver. An object that the API
// server would refuse becomes a Problem. Objects of other kinds only make
// their namespace exist.
func Convert(objects []object.Object, s *snapshot.Snapshot) {
	c := converter{world: s, selectors: selectorPool{}, owning: make(map[snapshot.Ref]*object.Object, len(objects))}
	if s.Namespaces == nil {
		s.Namespaces = map[string]*snapshot.Namespace{}
	}
	for i, o := range objects {
		c.owning[o.Ref()] = &objects[i]
		c.namespaceExists(o.Namespace)
		c.sort(o)
		c.plugins(o)
	}
	for _, o := range c.namespaces {
		c.namespace(o)
	}
	c.convertWorkloads()
	for o, r := range ahead(c.services, decoded[corev1.Service]) {
		c.service(o, r)
	}
	for _, o := range c.nodes {
		c.node(o)
	}
	c.convertBackends()
	c.convertRoutes()
	for _, o := range c.secrets {
		c.secret(o)
	}
	c.seal()
	for o, r := range ahead(c.policies, strictPolicy) {
		c.policy(o, r)
	}
	for _, o := range c.clusterPolicies {
		c.clusterPolicy(o)
	}
	c.tellSamePriority()
	for _, o := range c.foreign {
		c.unmodelled(o)
	}
	c.detectCNI()
	c.detectPodRanges()
	c.detectAPIServer()
	c.detectDNS()
}

// A converter holds the objects by what is done with them.
type converter struct {
	world      *snapshot.Snapshot
	namespaces []object.Object
	workloads  []object.Object
	services   []object.Object
	endpoints  []object.Object
	policies   []object.Object
	// clusterPolicies are those of the ordered tiers.
	clusterPolicies []object.Object
	nodes           []object.Object
	foreign         []object.Object
	routes          []object.Object // with what they name
	secrets         []object.Object
	sealed          []object.Object // that become Secrets
	leading         leading
	daemons         []daemon
	network         network
	owning          map[snapshot.Ref]*object.Object // every object, to tell owners by
	selectors       selectorPool
}

// group says what is done with a kind.
type group int

const (
	groupNone group = iota
	groupNamespace
	groupWorkload
	groupService
	groupEndpoints
	groupPolicy
	groupClusterPolicy
	groupNode
	groupForeign
	groupRoute
	groupSecret
	groupSealed
)

// A served kind is one of the API's own: any other version of it is no longer
// served, so the API server refuses the object.
type served struct {
	group
	apiVersion string
}

var kinds = map[string]served{
	"Namespace":             {groupNamespace, "v1"},
	"Pod":                   {groupWorkload, "v1"},
	"ReplicationController": {groupWorkload, "v1"},
	"Deployment":            {groupWorkload, "apps/v1"},
	"StatefulSet":           {groupWorkload, "apps/v1"},
	"DaemonSet":             {groupWorkload, "apps/v1"},
	"ReplicaSet":            {groupWorkload, "apps/v1"},
	"Job":                   {groupWorkload, "batch/v1"},
	"CronJob":               {groupWorkload, "batch/v1"},
	"Service":               {groupService, "v1"},
	"Endpoints":             {groupEndpoints, "v1"},
	"EndpointSlice":         {groupEndpoints, "discovery.k8s.io/v1"},
	"NetworkPolicy":         {groupPolicy, "networking.k8s.io/v1"},
	"Node":                  {groupNode, "v1"},
	"Secret":                {groupSecret, "v1"},
	"Ingress":               {groupRoute, "networking.k8s.io/v1"},

	"ClusterNetworkPolicy":       {groupClusterPolicy, policyGroup + "/v1alpha2"},
	"AdminNetworkPolicy":         {groupClusterPolicy, policyGroup + "/v1alpha1"},
	"BaselineAdminNetworkPolicy": {groupClusterPolicy, policyGroup + "/v1alpha1"},
}

// policyGroup is the group of the cluster's own policies. It is a
// CustomResourceDefinition's, of the Kubernetes project itself.
const policyGroup = "policy.networking.k8s.io"

// builtin are the API's own groups. A kind of kinds in another of them than its own
// is an old version of it (extensions) or a slip of the pen (v1 NetworkPolicy), and
// refused; in a group of somebody else's it is another thing, a Knative Service.
var builtin = []string{"", "apps", "autoscaling", "batch", "discovery.k8s.io", "extensions", "networking.k8s.io", "policy", policyGroup}

// Wants reports whether Convert does anything with objects of the type.
func Wants(t object.Type) bool {
	return groupOf(t) != groupNone
}

func groupOf(t object.Type) group {
	if k, ok := kinds[t.Kind]; ok && slices.Contains(builtin, t.Group) {
		return k.group
	}
	if _, ok := dialects[t]; ok {
		return groupForeign
	}
	if routeKinds[t] != nil || routeParts[t] != nil {
		return groupRoute
	}
	if sealing[t] != nil {
		return groupSealed
	}
	return groupNone
}

func (c *converter) sort(o object.Object) {
	g := groupOf(o.Type())
	if isTCPServices(o) {
		g = groupRoute
	}
	if served := kinds[o.Kind].apiVersion; served != "" && g == kinds[o.Kind].group && o.APIVersion != served {
		if meant := (object.Type{Group: object.GroupOf(served), Kind: o.Kind}); !meant.Namespaced() {
			o.Namespace = "" // where it was put because nobody knew the group it was written with
		}
		c.fail(o, fault("apiVersion", "%s is not served; use %s", o.APIVersion, served))
		return
	}
	switch g {
	case groupNamespace:
		c.namespaces = append(c.namespaces, o)
	case groupWorkload:
		c.workloads = append(c.workloads, o)
	case groupService:
		c.services = append(c.services, o)
	case groupEndpoints:
		c.endpoints = append(c.endpoints, o)
	case groupPolicy:
		c.policies = append(c.policies, o)
	case groupClusterPolicy:
		c.clusterPolicies = append(c.clusterPolicies, o)
	case groupNode:
		c.nodes = append(c.nodes, o)
	case groupForeign:
		c.foreign = append(c.foreign, o)
	case groupRoute:
		c.routes = append(c.routes, o)
	case groupSecret:
		c.secrets = append(c.secrets, o)
	case groupSealed:
		c.sealed = append(c.sealed, o)
	}
}

func (c *converter) fail(o object.Object, err error) {
	c.world.Problems = append(c.world.Problems, o.Problem(err))
}

func (c *converter) warn(code string, at verdict.Origin, text string) {
	c.world.Warnings = append(c.world.Warnings, snapshot.Warning{Code: code, Text: text, Origin: at})
}

// namespaceExists notes the namespace of an object, with the one label that the
// API server sets.
func (c *converter) namespaceExists(name string) {
	if name != "" && c.world.Namespaces[name] == nil {
		c.world.Namespaces[name] = c.world.NamespaceOf(name)
	}
}

// namespace takes a Namespace. The name label cannot be changed: the API server
// writes it over whatever the manifest says.
func (c *converter) namespace(o object.Object) {
	ns := &snapshot.Namespace{Name: o.Name, Declared: true, Origin: o.Origin()}
	ns.Labels.Set = make(map[string]string, len(o.Labels)+1)
	for k, v := range o.Labels {
		ns.Labels.Set[k] = v
	}
	ns.Labels.Set[snapshot.MetadataName] = o.Name
	if err := validLabels("metadata.labels", o.Labels); err != nil {
		c.fail(o, err)
	}
	c.world.Namespaces[o.Name] = ns
}

// labelsEqual turns a map of labels into the selector that asks for all of them.
func labelsEqual(set map[string]string) netpol.Selector {
	keys := sortedKeys(set)
	s := make(netpol.Selector, len(keys))
	for i, k := range keys {
		s[i] = netpol.Requirement{Key: k, Op: netpol.In, Values: []string{set[k]}}
	}
	return s
}

func sortedKeys(set map[string]string) []string {
	keys := make([]string, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	return sorted(keys)
}

func sorted(list []string) []string {
	slices.SortFunc(list, strings.Compare)
	return list
}
