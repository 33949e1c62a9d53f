package hba

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pgmoat/pgmoat/model/netpol"
)

// An Address is the address field of a record. The zero value matches nothing.
type Address struct {
	Kind AddressKind
	// Base and Mask are set for Net: an address matches when (it XOR Base) AND Mask
	// is zero (PostgreSQL ifaddr.c). Mask may be any bit pattern.
	Base, Mask netip.Addr
	// Name is set for HostName; ".example.com" is a suffix. For Pods it is the name
	// people know the selection by.
	Name string
	// Namespace and Pods are set for Pods.
	Namespace string
	Pods      netpol.Selector
	// Nodes says, for Pods, that some of them use their node's address, which other
	// pods of the host network and the node itself have too.
	Nodes bool
}

// AddressKind is the form of an address field.
type AddressKind uint8

// The forms.
const (
	NoAddress AddressKind = iota
	AnyAddress
	Net
	SameHost
	SameNet
	HostName
	// Pods is the set of addresses of the pods that a selector finds in one
	// namespace, which somebody writes into the file and keeps up to date.
	Pods
)

// String writes the address as the file has it; pods, which no file can name, as
// "${NAME}".
func (a Address) String() string {
	switch a.Kind {
	case AnyAddress:
		return "all"
	case SameHost:
		return "samehost"
	case SameNet:
		return "samenet"
	case HostName:
		return quoteAlways(a.Name)
	case Pods:
		return "${" + a.Name + "}"
	case Net:
		if length, ok := maskLength(a.Mask); ok {
			return fmt.Sprintf("%s/%d", a.Base, length)
		}
		return fmt.Sprintf("%s %s", a.Base, a.Mask)
	}
	return ""
}

// A Client is where a session comes from, as far as that is known. Its zero value
// is somebody of whom nothing is known.
type Client struct {
	// Prefixes hold the client's address: it is one of theirs, and could be any. A
	// known address is one prefix of full length. None: it could be any address of
	// either family.
	Prefixes []netip.Prefix
	// Pod says that the client is a pod, of Namespace and with Labels.
	Pod       bool
	Namespace string
	Labels    netpol.Labels
	// HostNetwork pods have their node's address.
	HostNetwork bool
	// ServerHost says whether the address is one of the server's own: Yes for a
	// session over loopback, No for another pod. Unsure by default.
	ServerHost Match
}

// ClientAt returns a client with a known address.
func ClientAt(addr netip.Addr) Client { return ClientWithin(full(addr)) }

// ClientWithin returns a client whose address is one of the prefixes'.
func ClientWithin(prefixes ...netip.Prefix) Client { return Client{Prefixes: prefixes} }

// Loopback returns the client that a proxy in the server's own pod is.
func Loopback() Client {
	c := ClientAt(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	c.ServerHost = Yes
	return c
}

// full returns the prefix of one address; IPv4-mapped ones are IPv4, and a scope
// is ignored in matching.
func full(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	return netip.PrefixFrom(addr, addr.BitLen())
}

var anywhere = []netip.Prefix{
	netip.PrefixFrom(netip.IPv4Unspecified(), 0),
	netip.PrefixFrom(netip.IPv6Unspecified(), 0),
}

// inNet asks whether all of the client's possible addresses match, or none.
func (c Client) inNet(base, mask netip.Addr) Match {
	prefixes := c.Prefixes
	if len(prefixes) == 0 {
		prefixes = anywhere
	}
	some, all := false, true
	for _, p := range prefixes {
		m := within(p, base, mask)
		some = some || m != No
		all = all && m == Yes
	}
	switch {
	case all:
		return Yes
	case some:
		return Unsure
	}
	return No
}

// loopback reports whether the client surely has a loopback address.
func (c Client) loopback() bool {
	base := netip.AddrFrom4([4]byte{127, 0, 0, 0})
	v6 := netip.IPv6Loopback()
	return c.inNet(base, maskOf(base, 8)) == Yes || c.inNet(v6, maskOf(v6, 128)) == Yes
}

// match asks whether the client's address matches the field.
func (a Address) match(c Client) Match {
	switch a.Kind {
	case AnyAddress:
		return Yes
	case Net:
		return c.inNet(a.Base, a.Mask)
	case SameHost:
		return c.ServerHost
	case SameNet: // lo is one of the server's interfaces, with its mask of 8
		if c.ServerHost == Yes || c.loopback() {
			return Yes
		}
		return Unsure
	case HostName:
		return a.matchName()
	case Pods:
		return a.matchPod(c)
	}
	return No
}

// matchName cannot know what the server's resolver says, but no host has a name
// whose last label is a number: "10.0.0.300" loads without error and never matches.
func (a Address) matchName() Match {
	last := a.Name[strings.LastIndexByte(a.Name, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return No
	}
	return Unsure
}

// matchPod asks for the pod, not for its address: whoever keeps the file writes
// the addresses of just these pods into it. A client that is no pod has none of
// them, unless they are addresses of nodes.
func (a Address) matchPod(c Client) Match {
	out := No
	if c.Pod && c.Namespace == a.Namespace {
		out = a.Pods.Match(c.Labels)
	}
	shared := a.Nodes && (c.HostNetwork || !c.Pod)
	if out == No && (shared || !c.Pod && len(c.Prefixes) == 0) {
		return Unsure
	}
	return out
}

// parseAddress reads an address that no keyword is; hasMask says that the netmask
// is in the next field.
func parseAddress(text string) (a Address, hasMask bool, fault *fault) {
	host, length, slash := strings.Cut(text, "/")
	if strings.Contains(host, "%") && strings.Contains(host, ":") {
		return a, false, missing("whether the server has the interface of %q is not in the snapshot", text)
	}
	addr, ok := numeric(host)
	switch {
	case !ok && slash:
		return a, false, refused(`specifying both host name and CIDR mask is invalid: "%s"`, text)
	case !ok:
		return Address{Kind: HostName, Name: host}, false, nil
	case !slash:
		return Address{Kind: Net, Base: addr}, true, nil
	}
	n, ok := cidrLength(length, addr.BitLen())
	if !ok {
		return a, false, refused(`invalid CIDR mask in address "%s"`, text)
	}
	return Address{Kind: Net, Base: addr, Mask: maskOf(addr, n)}, false, nil
}

// parseMask reads a netmask of its own, with the same number parser as addresses:
// 8 is 0.0.0.8.
func parseMask(text string, base netip.Addr) (netip.Addr, *fault) {
	mask, ok := numeric(text)
	if !ok {
		return mask, refused(`invalid IP mask "%s": Name or service not known`, text)
	}
	if mask.Is4() != base.Is4() {
		return mask, refused("IP address and mask do not match")
	}
	return mask, nil
}
