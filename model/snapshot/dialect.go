package snapshot

import (
	"net/netip"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A CiliumRule is one rule of a CiliumNetworkPolicy or of its clusterwide form: spec, or
// an entry of specs. No engine decides it. It is an Unmodelled object of which as much
// is read as audit rules ask.
type CiliumRule struct {
	Unmodelled
	// Endpoints and Nodes say that endpointSelector and nodeSelector are written.
	Endpoints, Nodes bool
	Sides            [2]CiliumSide // indexed by netpol.Direction
}

// A CiliumSide is what a rule says of one direction.
type CiliumSide struct {
	// Listed says that the list of what is allowed is written, though it be empty.
	Listed bool
	// DefaultDeny is enableDefaultDeny; nil where it is not written.
	DefaultDeny *bool
	// Entries are what is allowed, then what is denied.
	Entries []CiliumEntry
	Origin  verdict.Origin // spec.ingress
}

// A CiliumEntry is an entry of ingress, ingressDeny, egress or egressDeny.
type CiliumEntry struct {
	// Peers are those of fromEndpoints or toEndpoints.
	Peers []CiliumPeer
	// Blocks are those of fromCIDR, fromCIDRSet, toCIDR and toCIDRSet.
	Blocks []CiliumBlock
	// Kinds are the fields that name peers and are not empty: "fromEndpoints", "toFQDNs".
	Kinds []string
	// DNS says that a port of the entry has rules for DNS, which is how the agent learns
	// the addresses behind names.
	DNS    bool
	Origin verdict.Origin
}

// A CiliumPeer is an item of fromEndpoints or toEndpoints, which is a label selector
// itself.
type CiliumPeer struct {
	// Pods is nil where pod labels do not answer the selector, as where it names a
	// namespace.
	Pods *netpol.Selector
	// Strange are its keys that no label selector has, sorted.
	Strange []string
	Origin  verdict.Origin
}

// A CiliumBlock is an item of fromCIDR and the like, without what it excepts.
type CiliumBlock struct {
	Prefix netip.Prefix
	Origin verdict.Origin
}

// A CalicoPolicy is Calico's NetworkPolicy, or its GlobalNetworkPolicy where Ref has no
// namespace. It is an Unmodelled object of which as much is read as audit rules ask;
// Directions are its types.
type CalicoPolicy struct {
	Unmodelled
	// Selector, NamespaceSelector and ServiceAccounts are expressions of Calico's own;
	// the empty one is about everything.
	Selector, NamespaceSelector, ServiceAccounts string
	// Tier is "default" where none is written.
	Tier string
	// Order is nil where none is written: the policy is asked last in its tier.
	Order *float64
	// Staged says that it is only previewed (StagedNetworkPolicy): nothing enforces it.
	Staged bool
	// Hosts says that it is about the interfaces of hosts only (preDNAT, doNotTrack).
	Hosts bool
	Rules [2][]CalicoRule // indexed by netpol.Direction
}

// A CalicoRule is a rule of a CalicoPolicy. Rules are asked in their order.
type CalicoRule struct {
	Action string // "Allow", "Deny", "Log" or "Pass"
	// Any says that it matches every packet.
	Any    bool
	Origin verdict.Origin
}
