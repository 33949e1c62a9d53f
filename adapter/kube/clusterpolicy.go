package kube

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
)

// FailsClosed is the code of the warning about a rule with a peer or protocol that is not
// known: a later version of the API, or a slip of the pen.
const FailsClosed = "clusterpolicy-fails-closed"

// clusterPolicy is a policy of an ordered tier, of any of its kinds: their fields
// have other names where they mean other things. The shape of the kind has been
// asked before, so that each field is where it may be.
type clusterPolicy struct {
	Spec struct {
		Tier     string        `json:"tier"`
		Priority int32         `json:"priority"`
		Subject  clusterPeer   `json:"subject"`
		Ingress  []clusterRule `json:"ingress"`
		Egress   []clusterRule `json:"egress"`
	} `json:"spec"`
}

type clusterRule struct {
	Name      string            `json:"name"`
	Action    string            `json:"action"`
	From      []clusterPeer     `json:"from"`
	To        []clusterPeer     `json:"to"`
	Protocols []clusterProtocol `json:"protocols"`
	Ports     []clusterPort     `json:"ports"`
}

type clusterPeer struct {
	Namespaces *metav1.LabelSelector `json:"namespaces"`
	Pods       *struct {
		NamespaceSelector metav1.LabelSelector `json:"namespaceSelector"`
		PodSelector       metav1.LabelSelector `json:"podSelector"`
	} `json:"pods"`
	Nodes       *metav1.LabelSelector `json:"nodes"`
	Networks    []string              `json:"networks"`
	DomainNames []string              `json:"domainNames"`
}

// clusterPolicy adds a policy of an ordered tier. Like a NetworkPolicy it is taken
// whole or not at all.
func (c *converter) clusterPolicy(o object.Object) {
	b := clusterBuilder{policyBuilder: policyBuilder{c, o}}
	p, err := b.build()
	if err != nil {
		c.fail(o, err)
		return
	}
	b.tellOdd(p)
	c.world.ClusterPolicies = append(c.world.ClusterPolicies, p)
}

type clusterBuilder struct {
	policyBuilder
	reading
}

func (b *clusterBuilder) build() (*netpol.Policy, error) {
	in, err := b.read()
	if err != nil {
		return nil, err
	}
	p := &netpol.Policy{Kind: b.o.Kind, Name: b.o.Name, Origin: b.o.Origin(), Priority: in.Spec.Priority, Tier: netpol.Admin}
	if b.o.Kind == "BaselineAdminNetworkPolicy" || in.Spec.Tier == "Baseline" {
		p.Tier = netpol.Baseline
	}
	subject, err := b.peer("spec.subject", in.Spec.Subject)
	if err != nil {
		return nil, err
	}
	p.Namespaces = subject.Namespaces
	if subject.Pods != nil {
		p.Pods = *subject.Pods
	}
	for d, rules := range [2][]clusterRule{netpol.Ingress: in.Spec.Ingress, netpol.Egress: in.Spec.Egress} {
		if p.Rules[d], err = b.rules(netpol.Direction(d), rules); err != nil { //nolint:gosec // 0 or 1
			return nil, err
		}
	}
	return p, nil
}

// read refuses what the API server refuses, before anything is converted.
func (b *clusterBuilder) read() (in clusterPolicy, err error) {
	var whole map[string]any
	if err := b.o.DecodeStrict(&whole); err != nil {
		return in, err
	}
	if err := b.check(clusterShapes[b.o.Kind], "", whole); err != nil {
		return in, err
	}
	meta, err := strictMeta(b.o)
	if err != nil {
		return in, err
	}
	if err := validMeta(b.o, meta); err != nil {
		return in, err
	}
	if b.o.Kind == "BaselineAdminNetworkPolicy" && meta.Name != "default" {
		return in, fault("metadata.name", "must be default: a cluster has only one baseline")
	}
	data, err := json.Marshal(withoutNull(whole))
	if err != nil {
		return in, err
	}
	return in, kjson.UnmarshalCaseSensitivePreserveInts(data, &in)
}

// withoutNull takes fields that are null out of a value, as the server does: in a map
// of labels, a null would otherwise become a label without a value.
func withoutNull(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, field := range v {
			if field == nil {
				delete(v, name)
				continue
			}
			v[name] = withoutNull(field)
		}
	case []any:
		for i := range v {
			v[i] = withoutNull(v[i])
		}
	}
	return value
}

func (b *clusterBuilder) rules(d netpol.Direction, in []clusterRule) ([]netpol.Rule, error) {
	out := make([]netpol.Rule, 0, len(in))
	for i, r := range in {
		rule, err := b.rule(fmt.Sprintf("spec.%s[%d]", d, i), peersField(d), r)
		if err != nil {
			return nil, err
		}
		out = append(out, rule)
	}
	return out, nil
}

var actions = map[string]netpol.Action{
	"Accept": netpol.Accept, "Allow": netpol.Accept, "Deny": netpol.Deny, "Pass": netpol.Pass,
}

// rule converts one rule. There is always a peer; absent protocols mean any.
func (b *clusterBuilder) rule(field, peers string, in clusterRule) (netpol.Rule, error) {
	r := netpol.Rule{
		Name: in.Name, Action: actions[in.Action], AnyPort: len(in.Protocols)+len(in.Ports) == 0,
		Origin: b.o.Origin().At("%s", field),
	}
	for i, p := range append(in.From, in.To...) {
		at := fmt.Sprintf("%s.%s[%d]", field, peers, i)
		peer, err := b.peer(at, p)
		if err != nil {
			return r, err
		}
		peer.Origin = b.o.Origin().At("%s", at)
		r.Peers = append(r.Peers, peer)
	}
	var err error
	if r.Ports, err = b.ports(field, in); err != nil {
		return r, err
	}
	if at, why := b.strange(field, in); at != "" {
		b.warn(FailsClosed, b.o.Origin().At("%s", at), why+", so the rule fails closed: it "+closedAs(r.Action))
		return failClosed(r), nil
	}
	return r, nil
}

// peer converts a peer or a subject. Those that nothing here knows come out empty;
// their rule fails closed.
func (b *clusterBuilder) peer(field string, in clusterPeer) (p netpol.Peer, err error) {
	switch {
	case in.Namespaces != nil:
		p.Namespaces, err = b.optional(field+".namespaces", in.Namespaces)
	case in.Pods != nil:
		if p.Namespaces, err = b.optional(field+".pods.namespaceSelector", &in.Pods.NamespaceSelector); err == nil {
			p.Pods, err = b.optional(field+".pods.podSelector", &in.Pods.PodSelector)
		}
	case in.Nodes != nil:
		p.Nodes, err = b.optional(field+".nodes", in.Nodes)
	case len(in.Networks) > 0:
		p.Block, err = networks(in.Networks)
	case len(in.DomainNames) > 0:
		p.Domains = in.DomainNames
	}
	return p, err
}

// networks are one block: "cluster-internal traffic will be checked against the rule
// as well", so it also means pods.
func networks(in []string) (*netpol.Block, error) {
	prefixes := make([]netip.Prefix, len(in))
	for i, text := range in {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err // the shape has asked before
		}
		prefixes[i] = p
	}
	return &netpol.Block{Text: strings.Join(in, ", "), Addresses: flow.AddressesOf(prefixes...), Pods: true}, nil
}

// strange returns the path of the first thing in the rule that nothing here knows,
// with what is strange about it; empty where there is none.
func (b *clusterBuilder) strange(field string, in clusterRule) (at, why string) {
	for _, path := range b.unknown {
		if strings.HasPrefix(path, field+".") {
			return path, "no version of the API known here has this field"
		}
	}
	return nameless(field, in), "an empty name is as good as no field"
}

// failClosed: `For "Accept" rules, "fail closed" means: "treat the rule as matching no
// traffic". For "Deny" and "Pass" rules, "fail closed" means: "treat the rule as a
// 'Deny all' rule".`
func failClosed(r netpol.Rule) netpol.Rule {
	out := netpol.Rule{Name: r.Name, Action: r.Action, FailsClosed: true, Origin: r.Origin}
	if r.Action != netpol.Accept {
		out.Action, out.AnyPeer, out.AnyPort = netpol.Deny, true, true
	}
	return out
}

func closedAs(a netpol.Action) string {
	if a == netpol.Accept {
		return "admits nothing"
	}
	return "denies everything"
}
