package kube

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What audit rules ask of policies in the dialects of Cilium and Calico. Nothing is
// decided by it.

// ciliumSpec is a rule [cilium pkg/policy/api/rule.go@1.20.1].
type ciliumSpec struct {
	EndpointSelector  *sections      `json:"endpointSelector"`
	NodeSelector      *sections      `json:"nodeSelector"`
	Ingress           *[]ciliumEntry `json:"ingress"`
	IngressDeny       []ciliumEntry  `json:"ingressDeny"`
	Egress            *[]ciliumEntry `json:"egress"`
	EgressDeny        []ciliumEntry  `json:"egressDeny"`
	EnableDefaultDeny struct {
		Ingress *bool `json:"ingress"`
		Egress  *bool `json:"egress"`
	} `json:"enableDefaultDeny"`
}

// ciliumEntry is an entry of any direction; a field of the other one is never there.
type ciliumEntry struct {
	FromEndpoints []sections        `json:"fromEndpoints"`
	FromCIDR      []string          `json:"fromCIDR"`
	FromCIDRSet   []ciliumBlock     `json:"fromCIDRSet"`
	FromEntities  []string          `json:"fromEntities"`
	FromNodes     []json.RawMessage `json:"fromNodes"`
	FromGroups    []json.RawMessage `json:"fromGroups"`
	ToEndpoints   []sections        `json:"toEndpoints"`
	ToCIDR        []string          `json:"toCIDR"`
	ToCIDRSet     []ciliumBlock     `json:"toCIDRSet"`
	ToEntities    []string          `json:"toEntities"`
	ToServices    []json.RawMessage `json:"toServices"`
	ToFQDNs       []json.RawMessage `json:"toFQDNs"`
	ToGroups      []json.RawMessage `json:"toGroups"`
	ToNodes       []json.RawMessage `json:"toNodes"`
	ToPorts       []struct {
		// A port is a string, also where it is a number: the API server refuses 5432.
		Ports []struct {
			Port string `json:"port"`
		} `json:"ports"`
		Rules struct {
			DNS []json.RawMessage `json:"dns"`
		} `json:"rules"`
	} `json:"toPorts"`
}

// ciliumBlock is an item of fromCIDRSet or toCIDRSet; one without cidr names a group.
type ciliumBlock struct {
	CIDR string `json:"cidr"`
}

// kinds are the fields that name peers and are not empty.
func (e ciliumEntry) kinds() []string {
	var out []string
	for _, field := range []struct {
		name string
		n    int
	}{
		{"fromEndpoints", len(e.FromEndpoints)}, {"fromCIDR", len(e.FromCIDR)}, {"fromCIDRSet", len(e.FromCIDRSet)},
		{"fromEntities", len(e.FromEntities)}, {"fromNodes", len(e.FromNodes)}, {"fromGroups", len(e.FromGroups)},
		{"toEndpoints", len(e.ToEndpoints)}, {"toCIDR", len(e.ToCIDR)}, {"toCIDRSet", len(e.ToCIDRSet)},
		{"toEntities", len(e.ToEntities)}, {"toServices", len(e.ToServices)}, {"toFQDNs", len(e.ToFQDNs)},
		{"toGroups", len(e.ToGroups)}, {"toNodes", len(e.ToNodes)},
	} {
		if field.n > 0 {
			out = append(out, field.name)
		}
	}
	return out
}

// ciliumRules reads spec and each of specs.
func (c *converter) ciliumRules(o object.Object) {
	var in struct {
		Spec  *ciliumSpec  `json:"spec"`
		Specs []ciliumSpec `json:"specs"`
	}
	if !strings.HasSuffix(o.Kind, "NetworkPolicy") {
		return
	}
	if err := o.Decode(&in); err != nil {
		c.fail(o, err)
		return
	}
	if in.Spec != nil {
		c.ciliumRule(o, "spec", *in.Spec)
	}
	for i, s := range in.Specs {
		c.ciliumRule(o, fmt.Sprintf("specs[%d]", i), s)
	}
}

func (c *converter) ciliumRule(o object.Object, field string, in ciliumSpec) {
	r := snapshot.CiliumRule{Unmodelled: c.touching(o), Endpoints: in.EndpointSelector != nil, Nodes: in.NodeSelector != nil}
	r.Origin = o.Origin().At("%s", field)
	if r.Endpoints {
		r.Pods = c.ciliumPods(sections{"endpointSelector": raw(*in.EndpointSelector)})
	}
	r.Sides[netpol.Ingress] = c.ciliumSide(o, field+".ingress", in.Ingress, in.IngressDeny, in.EnableDefaultDeny.Ingress)
	r.Sides[netpol.Egress] = c.ciliumSide(o, field+".egress", in.Egress, in.EgressDeny, in.EnableDefaultDeny.Egress)
	c.world.CiliumRules = append(c.world.CiliumRules, r)
}

// touching is the reach of an object by its scope alone.
func (c *converter) touching(o object.Object) snapshot.Unmodelled {
	u := snapshot.Unmodelled{Ref: o.Ref(), Directions: both, Origin: o.Origin()}
	if o.Namespace != "" {
		u.Namespaces = []string{o.Namespace}
	}
	return u
}

// raw writes what was read of an object again.
func raw(s sections) json.RawMessage {
	out, _ := json.Marshal(s) // of raw messages nothing fails
	return out
}

func (c *converter) ciliumSide(o object.Object, field string, allowed *[]ciliumEntry, denied []ciliumEntry, deny *bool) snapshot.CiliumSide {
	out := snapshot.CiliumSide{Listed: allowed != nil, DefaultDeny: deny, Origin: o.Origin().At("%s", field)}
	if allowed != nil {
		for i, e := range *allowed {
			out.Entries = append(out.Entries, c.ciliumEntry(o, fmt.Sprintf("%s[%d]", field, i), e))
		}
	}
	for i, e := range denied {
		out.Entries = append(out.Entries, c.ciliumEntry(o, fmt.Sprintf("%sDeny[%d]", field, i), e))
	}
	return out
}

func (c *converter) ciliumEntry(o object.Object, field string, in ciliumEntry) snapshot.CiliumEntry {
	out := snapshot.CiliumEntry{Kinds: in.kinds(), Origin: o.Origin().At("%s", field)}
	for _, p := range in.ToPorts {
		out.DNS = out.DNS || len(p.Rules.DNS) > 0
	}
	for _, list := range []struct {
		name   string
		blocks []string
	}{
		{"fromCIDR", in.FromCIDR}, {"fromCIDRSet", texts(in.FromCIDRSet)}, {"toCIDR", in.ToCIDR}, {"toCIDRSet", texts(in.ToCIDRSet)},
	} {
		for i, text := range list.blocks {
			if prefix, ok := parseBlock(text); ok {
				out.Blocks = append(out.Blocks, snapshot.CiliumBlock{Prefix: prefix, Origin: o.Origin().At("%s.%s[%d]", field, list.name, i)})
			}
		}
	}
	for i, s := range in.FromEndpoints {
		out.Peers = append(out.Peers, c.ciliumPeer(o, fmt.Sprintf("%s.fromEndpoints[%d]", field, i), s))
	}
	for i, s := range in.ToEndpoints {
		out.Peers = append(out.Peers, c.ciliumPeer(o, fmt.Sprintf("%s.toEndpoints[%d]", field, i), s))
	}
	return out
}

func texts(blocks []ciliumBlock) []string {
	var out []string
	for _, b := range blocks {
		out = append(out, b.CIDR)
	}
	return out
}

// parseBlock reads a prefix, or an address, which is one of its full length.
func parseBlock(text string) (netip.Prefix, bool) {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix.Masked(), true
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

func (c *converter) ciliumPeer(o object.Object, field string, in sections) snapshot.CiliumPeer {
	out := snapshot.CiliumPeer{Origin: o.Origin().At("%s", field)}
	var selector metav1.LabelSelector
	if json.Unmarshal(raw(in), &selector) == nil {
		out.Pods = c.ciliumSelector(selector)
	}
	for key := range in {
		if key != "matchLabels" && key != "matchExpressions" {
			out.Strange = append(out.Strange, key)
		}
	}
	slices.Sort(out.Strange)
	return out
}

// calicoSpec is the spec of a policy [calico
// api/pkg/apis/projectcalico/v3/globalnetworkpolicy.go@3.32].
type calicoSpec struct {
	Tier                   string     `json:"tier"`
	Order                  *float64   `json:"order"`
	Selector               string     `json:"selector"`
	NamespaceSelector      string     `json:"namespaceSelector"`
	ServiceAccountSelector string     `json:"serviceAccountSelector"`
	DoNotTrack             bool       `json:"doNotTrack"`
	PreDNAT                bool       `json:"preDNAT"`
	Ingress                []sections `json:"ingress"`
	Egress                 []sections `json:"egress"`
}

func (c *converter) calicoPolicy(o object.Object) {
	var in struct {
		Spec calicoSpec `json:"spec"`
	}
	if err := o.Decode(&in); err != nil {
		c.fail(o, err)
		return
	}
	s := in.Spec
	p := snapshot.CalicoPolicy{Unmodelled: c.touching(o), Tier: s.Tier, Order: s.Order, Selector: s.Selector,
		Staged: strings.HasPrefix(o.Kind, "Staged"), NamespaceSelector: s.NamespaceSelector, ServiceAccounts: s.ServiceAccountSelector, Hosts: s.DoNotTrack || s.PreDNAT}
	if p.Tier == "" {
		p.Tier = "default"
	}
	for _, t := range calico(c, o) {
		p.Directions = t.directions
	}
	for d, rules := range [2][]sections{netpol.Ingress: s.Ingress, netpol.Egress: s.Egress} {
		for i, r := range rules {
			at := o.Origin().At("spec.%s[%d]", netpol.Directions[d], i)
			p.Rules[d] = append(p.Rules[d], snapshot.CalicoRule{Action: r.action(), Any: r.matchesAny(), Origin: at})
		}
	}
	c.world.CalicoPolicies = append(c.world.CalicoPolicies, p)
}

// action of a rule; empty where it cannot be told.
func (s sections) action() string {
	var action string
	s.read("action", &action)
	return action
}

// matchesAny reports whether a rule has no criterion that a packet could miss.
func (s sections) matchesAny() bool {
	for key, value := range s {
		switch key {
		case "action", "metadata":
		default:
			if text := strings.TrimSpace(string(value)); text != "{}" && text != "null" {
				return false
			}
		}
	}
	return true
}
