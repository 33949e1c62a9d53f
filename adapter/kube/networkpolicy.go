package kube

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// policy adds a NetworkPolicy, or the reason why the API server refuses it
// (kubernetes pkg/apis/networking/validation). A policy is taken whole or not at
// all: without one of its rules it would say less, without a bad one more.
func (c *converter) policy(o object.Object, read result[*networkingv1.NetworkPolicy]) {
	if read.err != nil {
		c.fail(o, read.err)
		return
	}
	b := policyBuilder{c, o}
	p, err := b.build(*read.value)
	if err != nil {
		c.fail(o, err)
		return
	}
	c.world.Policies = append(c.world.Policies, p)
}

// strictPolicy reads a NetworkPolicy. Up to 1.27 the server wrote a status, which dumps
// of that time still have.
func strictPolicy(o object.Object) (*networkingv1.NetworkPolicy, error) {
	in := &networkingv1.NetworkPolicy{}
	return in, o.DecodeStrict(in, "status")
}

type policyBuilder struct {
	*converter
	o object.Object
}

func (b policyBuilder) build(in networkingv1.NetworkPolicy) (*netpol.Policy, error) {
	if err := validMeta(b.o, in.ObjectMeta); err != nil {
		return nil, err
	}
	if err := validFinalizers(in.Finalizers); err != nil {
		return nil, err
	}
	p := &netpol.Policy{Kind: "NetworkPolicy", Namespace: b.o.Namespace, Name: b.o.Name, Origin: b.o.Origin()}
	pods, err := b.optional("spec.podSelector", &in.Spec.PodSelector)
	if err != nil {
		return nil, err
	}
	p.Pods = *pods
	if p.Rules, err = b.rules(in.Spec); err != nil {
		return nil, err
	}
	p.TypesImplied = len(in.Spec.PolicyTypes) == 0
	if p.Isolates, err = isolates(in.Spec); err != nil {
		return nil, err
	}
	b.dropUnused(p)
	return p, nil
}

// isolates is policyTypes with its default: Ingress always, and Egress where there
// are egress rules (kubernetes pkg/apis/networking/v1 SetDefaults_NetworkPolicy).
func isolates(in networkingv1.NetworkPolicySpec) (is [2]bool, err error) {
	if len(in.PolicyTypes) == 0 {
		is[netpol.Ingress], is[netpol.Egress] = true, len(in.Egress) > 0
		return is, nil
	}
	if len(in.PolicyTypes) > 2 {
		return is, fault("spec.policyTypes", "may not have more than two entries")
	}
	for i, t := range in.PolicyTypes {
		switch t {
		case networkingv1.PolicyTypeIngress:
			is[netpol.Ingress] = true
		case networkingv1.PolicyTypeEgress:
			is[netpol.Egress] = true
		default:
			return is, fault(fmt.Sprintf("spec.policyTypes[%d]", i), "%q: want Ingress or Egress", t)
		}
	}
	return is, nil
}

// dropUnused takes away the rules of a direction that policyTypes leaves out: the
// policy says nothing there, whatever its rules say.
func (b policyBuilder) dropUnused(p *netpol.Policy) {
	for _, d := range netpol.Directions {
		if p.Isolates[d] || len(p.Rules[d]) == 0 {
			continue
		}
		p.Rules[d] = nil
		b.warn("netpol-rules-ignored", p.Origin.At("spec.%s", d), fmt.Sprintf(
			"policyTypes does not name %s, so the %s rules do nothing", strings.ToUpper(d.String()[:1])+d.String()[1:], d))
	}
}

// A side is a rule of either direction.
type side struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

func (b policyBuilder) rules(in networkingv1.NetworkPolicySpec) (rules [2][]netpol.Rule, err error) {
	var sides [2][]side
	for _, r := range in.Ingress {
		sides[netpol.Ingress] = append(sides[netpol.Ingress], side{r.From, r.Ports})
	}
	for _, r := range in.Egress {
		sides[netpol.Egress] = append(sides[netpol.Egress], side{r.To, r.Ports})
	}
	for _, d := range netpol.Directions {
		for i, s := range sides[d] {
			rule, err := b.rule(fmt.Sprintf("spec.%s[%d]", d, i), peersField(d), s)
			if err != nil {
				return rules, err
			}
			rules[d] = append(rules[d], rule)
		}
	}
	return rules, nil
}

func peersField(d netpol.Direction) string {
	if d == netpol.Egress {
		return "to"
	}
	return "from"
}

// rule converts one rule. Absent and empty lists of peers or ports mean any.
func (b policyBuilder) rule(field, peers string, in side) (netpol.Rule, error) {
	r := netpol.Rule{Action: netpol.Accept, AnyPeer: len(in.peers) == 0, AnyPort: len(in.ports) == 0, Origin: b.o.Origin().At("%s", field)}
	for i, p := range in.peers {
		at := fmt.Sprintf("%s.%s[%d]", field, peers, i)
		peer, err := b.peer(at, p)
		if err != nil {
			return r, err
		}
		peer.Origin = b.o.Origin().At("%s", at)
		r.Peers = append(r.Peers, peer)
	}
	for i, p := range in.ports {
		at := fmt.Sprintf("%s.ports[%d]", field, i)
		port, err := policyPort(at, p)
		if err != nil {
			return r, err
		}
		port.Origin = b.o.Origin().At("%s", at)
		r.Ports = append(r.Ports, port)
	}
	return r, nil
}

func (b policyBuilder) peer(field string, in networkingv1.NetworkPolicyPeer) (p netpol.Peer, err error) {
	selects := in.PodSelector != nil || in.NamespaceSelector != nil
	switch {
	case in.IPBlock == nil && !selects:
		return p, fault(field, "must specify a peer: podSelector, namespaceSelector or ipBlock")
	case in.IPBlock != nil && selects:
		return p, fault(field, "may not specify both ipBlock and another peer")
	case in.IPBlock != nil:
		p.Block, err = b.block(field+".ipBlock", *in.IPBlock)
		return p, err
	}
	if p.Namespaces, err = b.optional(field+".namespaceSelector", in.NamespaceSelector); err != nil {
		return p, err
	}
	p.Pods, err = b.optional(field+".podSelector", in.PodSelector)
	return p, err
}

func policyPort(field string, in networkingv1.NetworkPolicyPort) (out netpol.Port, err error) {
	out.Protocol = flow.TCP
	if in.Protocol != nil {
		if out.Protocol, err = flow.ParseProtocol(string(*in.Protocol)); err != nil {
			return out, &object.Fault{Field: field + ".protocol", Err: err}
		}
	}
	switch {
	case in.Port == nil && in.EndPort != nil:
		return out, fault(field+".endPort", "needs a port")
	case in.Port == nil:
		out.From, out.To = 1, flow.MaxPort
		return out, nil
	case in.Port.Type == intstr.String && in.EndPort != nil:
		return out, fault(field+".endPort", "may not be specified where port is a name")
	case in.Port.Type == intstr.String:
		out.Name = in.Port.StrVal
		return out, refuse(field+".port", out.Name, validation.IsValidPortName(out.Name))
	}
	if out.From, err = portNumber(field+".port", in.Port.IntVal); err != nil || in.EndPort == nil {
		out.To = out.From
		return out, err
	}
	out.EndPort = true
	if out.To, err = portNumber(field+".endPort", *in.EndPort); err == nil && out.To < out.From {
		err = fault(field+".endPort", "%d is less than port %d", out.To, out.From)
	}
	return out, err
}
