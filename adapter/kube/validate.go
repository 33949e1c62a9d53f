package kube

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/flow"
	"k8s.io/apimachinery/pkg/util/validation"
)

// fault is an error about a field.
func fault(field, format string, args ...any) *object.Fault {
	return &object.Fault{Field: field, Err: fmt.Errorf(format, args...)}
}

// refuse joins what apimachinery says of a value, without its examples; nil when it
// says nothing.
func refuse(field, value string, why []string) error {
	if len(why) == 0 {
		return nil
	}
	for i := range why {
		why[i], _, _ = strings.Cut(why[i], " (e.g. ")
	}
	return fault(field, "%q: %s", value, strings.Join(why, "; "))
}

// validLabels refuses labels that no object can have.
func validLabels(field string, set map[string]string) error {
	for _, k := range sortedKeys(set) {
		at := field + object.Key(false, k)
		if err := refuse(at, k, validation.IsQualifiedName(k)); err != nil {
			return err
		}
		if err := refuse(at, set[k], validation.IsValidLabelValue(set[k])); err != nil {
			return err
		}
	}
	return nil
}

// portNumber refuses what is no port.
func portNumber(field string, port int32) (uint16, error) {
	if port < 1 || port > flow.MaxPort {
		return 0, fault(field, "%d is not a port; want 1 to %d", port, flow.MaxPort)
	}
	return uint16(port), nil
}

// protocol reads a protocol; absent is TCP.
func protocol(field, text string) (flow.Protocol, error) {
	if text == "" {
		return flow.TCP, nil
	}
	p, err := flow.ParseProtocol(text)
	if err != nil {
		return p, &object.Fault{Field: field, Err: err}
	}
	return p, nil
}

// prefix reads a CIDR; an IPv4-mapped one is IPv4, as Go's net package takes it.
func prefix(field, text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(strings.TrimSpace(text))
	if err != nil || text != strings.TrimSpace(text) {
		return p, fault(field, "%q is not a CIDR, such as 10.0.0.0/8 or 2001:db8::/32", text)
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p, nil
}
