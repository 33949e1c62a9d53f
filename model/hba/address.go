package hba

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/model/authfile"
	"github.com/pgmoat/pgmoat/model/netpol"
)

// An Address is the address field of a record. The zero value matches nothing.
type Address struct {
	Kind AddressKind
	// Base and Mask are set for Net and EmptyNet. An address matches a Net when
	// (it XOR Base) AND Mask is zero (PostgreSQL ifaddr.c). Mask may be any bit pattern.
	Base, Mask netip.Addr
	// Name is set for HostName; ".example.com" is a suffix. For Pods it is the name
	// people know the selection by. Without a kind it is what stands there though no
	// client has it.
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
	// EmptyNet is a network whose base has bits that its mask has not, as PgBouncer
	// reads one: no address matches.
	EmptyNet
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
		return authfile.Quote(a.Name)
	case Pods:
		return "${" + a.Name + "}"
	case Net, EmptyNet:
		if length, ok := maskLength(a.Mask); ok {
			return fmt.Sprintf("%s/%d", a.Base, length)
		}
		return fmt.Sprintf("%s %s", a.Base, a.Mask)
	}
	return a.Name // which no client has
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
	// session over loopback, No for another pod. ServerNet says whether it is in one of
	// the networks of the server's interfaces. Unsure by default.
	ServerHost, ServerNet Match
	// NameKnown says that the resolver was asked: HostName is then the client's name,
	// which was looked up by its address and has that address; "" for none.
	NameKnown bool
	HostName  string
}

// ClientAt returns a client with a known address.
func ClientAt(addr netip.Addr) Client { return ClientWithin(full(addr)) }

// ClientWithin returns a client whose address is one of the prefixes'.
func ClientWithin(prefixes ...netip.Prefix) Client { return Client{Prefixes: prefixes} }

// Beside says of a client with a known address whether it has one of the server's own,
// or is in one of the networks of its interfaces, which are all given.
func (c *Client) Beside(interfaces []netip.Prefix) {
	addr := c.Prefixes[0].Addr()
	c.ServerHost, c.ServerNet = No, No
	for _, p := range interfaces {
		if p.Addr() == addr {
			c.ServerHost = Yes
		}
		if Network(p).Contains(addr) {
			c.ServerNet = Yes
		}
	}
}

// Network is the network of an interface, for samenet: a netmask without a bit is
// taken for one that is not known, and then the address alone counts (ifaddr.c
// run_ifaddr_callback).
func Network(p netip.Prefix) netip.Prefix {
	if p.Bits() == 0 {
		return netip.PrefixFrom(p.Addr(), p.Addr().BitLen())
	}
	return p
}

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
func (c *Client) inNet(base, mask netip.Addr) Match {
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
func (c *Client) loopback() bool {
	base := netip.AddrFrom4([4]byte{127, 0, 0, 0})
	v6 := netip.IPv6Loopback()
	return c.inNet(base, maskOf(base, 8)) == Yes || c.inNet(v6, maskOf(v6, 128)) == Yes
}

// match asks whether the client's address matches the field.
func (a *Address) match(c *Client) Match {
	switch a.Kind {
	case AnyAddress:
		return Yes
	case Net:
		return c.inNet(a.Base, a.Mask)
	case SameHost:
		return c.ServerHost
	case SameNet: // lo is one of the server's interfaces, with its mask of 8
		if c.ServerHost == Yes || c.ServerNet == Unsure && c.loopback() {
			return Yes
		}
		return c.ServerNet
	case HostName:
		return a.matchName(c)
	case Pods:
		return a.matchPod(c)
	}
	return No
}

// matchName asks for the client's name (hba.c check_hostname): a record's name is
// compared without regard to case, and one that starts with a dot is the end of it.
// Once a lookup failed no other record's name is looked at either, which makes no
// difference as long as a name has one answer.
//
// Where the resolver was not asked it is not known, but no host is called what looks
// like an address: "10.0.0.300" loads without error and never matches.
func (a *Address) matchName(c *Client) Match {
	if c.NameKnown {
		return yes(c.HostName != "" && hostNameMatches(a.Name, c.HostName))
	}
	if LikeAddress(a.Name) {
		return No
	}
	return Unsure
}

// LikeAddress reports whether a host name is made of numbers and dots alone, or empty:
// no host has it.
func LikeAddress(name string) bool { return strings.Trim(name, "0123456789.") == "" }

func hostNameMatches(pattern, name string) bool {
	if strings.HasPrefix(pattern, ".") {
		if len(name) < len(pattern) {
			return false
		}
		name = name[len(name)-len(pattern):]
	}
	return equalFold(pattern, name)
}

// equalFold compares as pg_strcasecmp does in the C locale: only ASCII letters have
// two forms.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// matchPod asks for the pod, not for its address: whoever keeps the file writes
// the addresses of just these pods into it. A client that is no pod has none of
// them, unless they are addresses of nodes.
func (a *Address) matchPod(c *Client) Match {
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
func (p *parser) parseAddress(text string) (a Address, hasMask bool, fault *fault) {
	host, length, slash := strings.Cut(text, "/")
	addr, ok, fault := p.numeric(host)
	switch {
	case fault != nil:
		return a, false, fault
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
func (p *parser) parseMask(text string, base netip.Addr) (netip.Addr, *fault) {
	mask, ok, fault := p.numeric(text)
	switch {
	case fault != nil:
		return mask, fault
	case !ok:
		return mask, refused(`invalid IP mask "%s": Name or service not known`, text)
	case mask.Is4() != base.Is4():
		return mask, refused("IP address and mask do not match")
	}
	return mask, nil
}

// numeric reads an address. The scope of an IPv6 address has to be a number or, for
// link-local ones, an interface of the server; it is ignored in matching.
func (p *parser) numeric(text string) (netip.Addr, bool, *fault) {
	host, scope, scoped := strings.Cut(text, "%")
	addr, ok := numeric(host)
	if !scoped || !ok || addr.Is4() {
		return addr, ok && !scoped, nil
	}
	local := addr.IsLinkLocalUnicast() || addr.IsLinkLocalMulticast() || addr.IsInterfaceLocalMulticast()
	_, err := strconv.ParseUint(scope, 10, 32)
	switch {
	case err == nil && scope[0] != '+':
		return addr, true, nil
	case !local:
		return addr, false, nil
	case scope == "lo":
		return addr, true, nil
	case p.Server.Links != nil:
		return addr, p.Server.Links(scope), nil
	}
	return addr, false, missing("whether the server has the interface of %q is not in the snapshot", text)
}
