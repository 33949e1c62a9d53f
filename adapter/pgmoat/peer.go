package pgmoat

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/pgmoat/pgmoat/adapter/kube"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/api/v1alpha1"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// peer converts clients that the object names. Without a namespace they are of its own.
func (c *converter) peer(field string, in v1alpha1.Peer) intent.Peer {
	if len(in.CIDRs)+len(in.Outside) > 0 {
		return c.outside(field, in)
	}
	p := c.pods(field, in)
	if p.NamespaceSelector == nil && len(p.Namespaces) == 0 {
		p.Namespaces = []string{c.o.Namespace}
	}
	return p
}

func (c *converter) peers(field string, in []v1alpha1.Peer) []intent.Peer {
	var out []intent.Peer
	for i, p := range in {
		out = append(out, c.peer(fmt.Sprintf("%s[%d]", field, i), p))
	}
	return out
}

// everywhere is the name of all addresses outside the cluster.
const everywhere = "*"

// anyPeer converts clients that an invariant speaks of: without a namespace they are of all,
// and "*" is all of the outside.
func (c *converter) anyPeer(field string, in v1alpha1.InvariantPeer) intent.Peer {
	if len(in.CIDRs)+len(in.Outside) > 0 {
		return c.outside(field, v1alpha1.Peer(in))
	}
	p := c.pods(field, v1alpha1.Peer(in))
	if p.NamespaceSelector == nil && len(p.Namespaces) == 0 {
		p.NamespaceSelector = c.share(netpol.Selector{})
	}
	return p
}

// pods converts what is said of pods; all of them where nothing is.
func (c *converter) pods(field string, in v1alpha1.Peer) intent.Peer {
	p := intent.Peer{
		Namespaces:        texts(in.Namespaces),
		NamespaceSelector: c.selector(field+".namespaceSelector", in.NamespaceSelector),
		Pods:              c.selector(field+".podSelector", in.PodSelector),
		ServiceAccounts:   texts(in.ServiceAccounts),
		Origin:            c.origin(field),
	}
	if in.PodSelector == nil {
		p.Pods = c.share(netpol.Selector{})
	}
	return p
}

// outside converts addresses. A name that the facts do not explain is a fault: taken as no
// address, it would let an invariant hold that does not.
func (c *converter) outside(field string, in v1alpha1.Peer) intent.Peer {
	p := intent.Peer{Origin: c.origin(field)}
	for i, text := range in.CIDRs {
		prefix, err := netip.ParsePrefix(string(text))
		if err != nil {
			c.fault(fmt.Sprintf("%s.cidrs[%d]", field, i), "%q is no range of addresses", text)
			continue
		}
		p.Addresses = p.Addresses.Union(flow.AddressesOf(prefix))
		p.Names = append(p.Names, prefix.String())
	}
	for i, name := range in.Outside {
		addresses, ok := c.named(string(name))
		if !ok {
			c.fault(fmt.Sprintf("%s.outside[%d]", field, i), "the facts know no range %q%s", name, c.knownRange(string(name)))
			continue
		}
		p.Addresses = p.Addresses.Union(addresses)
		p.Names = append(p.Names, string(name))
	}
	return p
}

// named returns the addresses of a range that the facts explain.
func (c *converter) named(name string) (flow.Addresses, bool) {
	for _, r := range c.facts.Outside {
		if r.Name == name {
			return r.Addresses, true
		}
	}
	if name == everywhere && c.o.Kind == "AccessInvariant" {
		return flow.AllAddresses().Minus(flow.AddressesOf(c.facts.PodCIDRs...)), true
	}
	return flow.Addresses{}, false
}

// knownRange says what may have been meant by a name that nobody explains.
func (c *converter) knownRange(name string) string {
	if name == everywhere {
		return `: write cidrs: ["0.0.0.0/0", "::/0"] where all the world is meant`
	}
	var names []string
	for _, r := range c.facts.Outside {
		names = append(names, r.Name)
	}
	if len(names) == 0 {
		return ": they name none; list it below outside in the facts file"
	}
	return didYouMean(name, names)
}

// selector converts a label selector as those of a NetworkPolicy are; nil stays nil.
func (c *converter) selector(field string, in *metav1.LabelSelector) *netpol.Selector {
	if in == nil {
		return nil
	}
	s, err := kube.Selector(field, in)
	if err == nil {
		return c.share(s)
	}
	var f *object.Fault
	if !errors.As(err, &f) {
		f = &object.Fault{Field: field, Err: err}
	}
	c.faults = append(c.faults, f)
	return nil
}

func (r *reader) share(s netpol.Selector) *netpol.Selector {
	key := s.String()
	if known, ok := r.selectors[key]; ok {
		return known
	}
	r.selectors[key] = &s
	return &s
}

// destinations converts where pods connect to.
func (c *converter) destinations(field string, in []v1alpha1.Destination) []intent.Destination {
	var out []intent.Destination
	for i, d := range in {
		at := fmt.Sprintf("%s[%d]", field, i)
		out = append(out, intent.Destination{
			Name: d.Name, To: c.peer(at+".to", d.To), Ports: c.ports(at+".ports", d.Ports), Origin: c.origin(at),
		})
	}
	return out
}

var protocols = map[string]flow.Protocol{"TCP": flow.TCP, "UDP": flow.UDP}

func (c *converter) ports(field string, in []v1alpha1.Port) []intent.Port {
	var out []intent.Port
	for i, p := range in {
		protocol, ok := protocols[p.Protocol]
		from, to := portNumber(p.Port), portNumber(max(p.Port, p.EndPort))
		if !ok || from == 0 || to == 0 {
			c.fault(fmt.Sprintf("%s[%d]", field, i), "is no port")
			continue
		}
		out = append(out, intent.Port{Protocol: protocol, From: from, To: to})
	}
	return out
}

// portNumber is zero for what is no port.
func portNumber(n int32) uint16 {
	if n < 1 || n > 65535 {
		return 0
	}
	return uint16(n)
}
