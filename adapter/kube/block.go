package kube

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// block converts an ipBlock. Each except must be a strict part of the cidr.
func (b policyBuilder) block(at string, in networkingv1.IPBlock) (*netpol.Block, error) {
	cidr, err := b.cidr(at+".cidr", in.CIDR)
	if err != nil {
		return nil, err
	}
	addresses := flow.AddressesOf(cidr)
	for i, text := range in.Except {
		at := fmt.Sprintf("%s.except[%d]", at, i)
		except, err := b.cidr(at, text)
		if err != nil {
			return nil, err
		}
		if !cidr.Contains(except.Addr()) || except.Bits() <= cidr.Bits() {
			return nil, fault(at, "%s must be a strict part of %s", text, in.CIDR)
		}
		addresses = addresses.Minus(flow.AddressesOf(except))
	}
	text := in.CIDR
	if len(in.Except) > 0 {
		text += " except " + strings.Join(in.Except, ", ")
	}
	return &netpol.Block{Text: text, Addresses: addresses}, nil
}

// cidr reads a CIDR. Kubernetes 1.36 is the first to refuse a new one with bits behind
// its prefix, with zeros before a number, or with IPv4 written as IPv6; it keeps those
// it has. What is meant by bits too many is clear. With the other two it is not, as
// programs differ in what they read.
func (b policyBuilder) cidr(at, text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	switch {
	case text == "":
		return p, fault(at, "is required")
	case err != nil || p.Addr().Is4In6():
		return p, noCIDR(at, text)
	case p != p.Masked():
		b.warn("netpol-cidr-bits", b.o.Origin().At("%s", at), fmt.Sprintf(
			"%s has bits set beyond the prefix length: it means %s, and Kubernetes refuses it in a new policy since 1.36", text, p.Masked()))
	}
	return p.Masked(), nil
}

// noCIDR says why a text is no CIDR, in the words of the server.
func noCIDR(at, text string) error {
	faults := validation.IsValidCIDRForLegacyField(field.NewPath(at), text, true, nil)
	if len(faults) == 0 {
		return fault(at, "%q is not a CIDR", text)
	}
	return faultOf(faults[0])
}
