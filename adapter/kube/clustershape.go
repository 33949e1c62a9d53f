package kube

import (
	"net/netip"
	"regexp"
)

// The shapes of the cluster's own policies are those of the CustomResourceDefinitions
// of sigs.k8s.io/network-policy-api: v0.2.0 for ClusterNetworkPolicy v1alpha2, v0.1.7
// for AdminNetworkPolicy and BaselineAdminNetworkPolicy v1alpha1, the experimental
// channel, which has every field that the standard one has.
var (
	anyText = &shape{kind: "string"}
	anyList = &shape{kind: "array", of: anyText}
	port    = &shape{kind: "integer", min: 1, max: 65535}

	labelSelector = &shape{kind: "object", fields: map[string]*shape{
		"matchLabels": {kind: "object", of: anyText},
		"matchExpressions": {kind: "array", of: &shape{
			kind:     "object",
			fields:   map[string]*shape{"key": anyText, "operator": anyText, "values": anyList},
			required: []string{"key", "operator"},
		}},
	}}

	cidrs = &shape{kind: "array", min: 1, max: 25, distinct: true, of: &shape{kind: "string", max: 43, rule: isCIDR}}

	domains = &shape{kind: "array", min: 1, max: 25, distinct: true, of: &shape{kind: "string", pattern: domainName}}
)

// domainName is the pattern of DomainName, with the A-z that it has.
var domainName = regexp.MustCompile(`^(\*\.)?([a-zA-z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?$`)

// isCIDR is the function of CEL with this name (apiserver pkg/cel/library): bits
// beyond the prefix length may be set, IPv4 may not be written as IPv6.
func isCIDR(field string, value any) error {
	text, _ := value.(string)
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return fault(field, "%q is not a CIDR, such as 10.0.0.0/8 or 2001:db8::/32", text)
	}
	return nil
}

// one is an object of which exactly one field is set; in an open one that field may
// be one that nobody here knows.
func one(open bool, fields map[string]*shape) *shape {
	return &shape{kind: "object", min: 1, max: 1, open: open, fields: fields}
}

// A clusterAPI is how one of the kinds differs from the others.
type clusterAPI struct {
	// items is how many rules, peers and protocols there may be.
	items   int64
	actions []string
	// protocols is the name of the field, and protocol the shape of its entries.
	protocols string
	protocol  *shape
	// namedPort is the field of an entry that names a port.
	namedPort string
	// required are fields of pods.
	required []string
	// spec are the fields of the spec besides subject and rules; all are required.
	spec map[string]*shape
	// domains says that egress peers have domainNames.
	domains bool
}

var priority = &shape{kind: "integer", max: 1000}

var clusterShapes = map[string]*shape{
	"ClusterNetworkPolicy": clusterAPI{
		items: 25, actions: []string{"Accept", "Deny", "Pass"},
		protocols: "protocols", protocol: clusterProtocolShape, namedPort: "destinationNamedPort",
		required: []string{"podSelector"},
		spec:     map[string]*shape{"tier": {kind: "string", enum: []string{"Admin", "Baseline"}}, "priority": priority},
		domains:  true,
	}.shape(),
	"AdminNetworkPolicy": clusterAPI{
		items: 100, actions: []string{"Allow", "Deny", "Pass"},
		protocols: "ports", protocol: adminPortShape, namedPort: "namedPort",
		required: []string{"namespaceSelector", "podSelector"},
		spec:     map[string]*shape{"priority": priority},
		domains:  true,
	}.shape(),
	"BaselineAdminNetworkPolicy": clusterAPI{
		items: 100, actions: []string{"Allow", "Deny"},
		protocols: "ports", protocol: adminPortShape, namedPort: "namedPort",
		required: []string{"namespaceSelector", "podSelector"},
	}.shape(),
}

// clusterProtocolShape and what stands in it are open: "If an implementation sees no
// fields are set then it can infer that the deployed CRD is of an incompatible
// version with an unknown field."
var clusterProtocolShape = one(true, map[string]*shape{
	"tcp": attributes, "udp": attributes, "sctp": attributes, "destinationNamedPort": anyText,
})

var attributes = &shape{kind: "object", min: 1, open: true, fields: map[string]*shape{
	"destinationPort": one(true, map[string]*shape{"number": port, "range": {
		kind: "object", fields: map[string]*shape{"start": port, "end": port}, required: []string{"end", "start"},
		rule: startBeforeEnd,
	}}),
}}

// startBeforeEnd: "Start port must be less than End port".
func startBeforeEnd(field string, value any) error {
	in, _ := value.(map[string]any)
	start, _ := in["start"].(int64)
	end, _ := in["end"].(int64)
	if start >= end {
		return fault(field, "start %d must be less than end %d", start, end)
	}
	return nil
}

// adminPortShape leaves protocol any text, as the CRD does.
var adminPortShape = one(true, map[string]*shape{
	"portNumber": {kind: "object", fields: map[string]*shape{"protocol": anyText, "port": port}, required: []string{"port"}},
	"portRange":  {kind: "object", fields: map[string]*shape{"protocol": anyText, "start": port, "end": port}, required: []string{"end", "start"}},
	"namedPort":  anyText,
})

func (a clusterAPI) shape() *shape {
	subject := map[string]*shape{"namespaces": labelSelector, "pods": a.pods()}
	spec := map[string]*shape{
		"subject": one(false, subject),
		"ingress": {kind: "array", max: a.items, of: a.rule("from", one(true, subject))},
		"egress":  {kind: "array", max: a.items, of: a.rule("to", one(true, a.destinations()))},
	}
	required := []string{"subject"}
	for name, s := range a.spec {
		spec[name] = s
		required = append(required, name)
	}
	return &shape{
		kind: "object",
		fields: map[string]*shape{
			"apiVersion": anyText, "kind": anyText, "metadata": {kind: "object"}, "status": {},
			"spec": {kind: "object", fields: spec, required: sorted(required)},
		},
		required: []string{"metadata", "spec"},
	}
}

func (a clusterAPI) pods() *shape {
	return &shape{
		kind:     "object",
		fields:   map[string]*shape{"namespaceSelector": labelSelector, "podSelector": labelSelector},
		required: a.required,
	}
}

func (a clusterAPI) destinations() map[string]*shape {
	peers := map[string]*shape{"namespaces": labelSelector, "pods": a.pods(), "nodes": labelSelector, "networks": cidrs}
	if a.domains {
		peers["domainNames"] = domains
	}
	return peers
}

func (a clusterAPI) rule(peers string, peer *shape) *shape {
	return &shape{
		kind: "object",
		fields: map[string]*shape{
			"name":      {kind: "string", max: 100},
			"action":    {kind: "string", enum: a.actions},
			peers:       {kind: "array", min: 1, max: a.items, of: peer},
			a.protocols: {kind: "array", min: 1, max: a.items, of: a.protocol},
		},
		required: []string{"action", peers},
		rule:     a.namesNoPortOutside,
	}
}

// namesNoPortOutside: "networks/nodes/domainNames peer cannot be set with namedPorts
// since there are no namedPorts for networks/nodes/domainNames".
func (a clusterAPI) namesNoPortOutside(field string, value any) error {
	in, _ := value.(map[string]any)
	if has(in["to"], "networks", "nodes", "domainNames") && has(in[a.protocols], a.namedPort) {
		return fault(field, "has a peer of networks, nodes or domainNames, which have no named ports, and %s", a.namedPort)
	}
	return nil
}

// has reports whether an entry of the list has one of the fields.
func has(list any, fields ...string) bool {
	entries, _ := list.([]any)
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		for _, f := range fields {
			if entry[f] != nil {
				return true
			}
		}
	}
	return false
}
