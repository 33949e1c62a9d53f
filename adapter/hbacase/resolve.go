package hbacase

import (
	"net/netip"
	"strings"

	"github.com/pgmoat/pgmoat/model/hba"
)

// A resolver answers as the C library does where "hosts: files dns" is configured:
// what /etc/hosts knows is not asked of DNS.
type resolver struct {
	hosts []hostLine
	dns   DNS
}

type hostLine struct {
	addr  netip.Addr
	names []string // the first is the canonical one
}

// usualHosts is what every system has.
const usualHosts = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"

func newResolver(s *Server) *resolver {
	text := usualHosts
	if s.Hosts != nil {
		text = *s.Hosts
	}
	r := &resolver{dns: s.DNS}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		if addr, err := netip.ParseAddr(words[0]); err == nil && addr.Zone() == "" { // one with a scope is passed over
			r.hosts = append(r.hosts, hostLine{addr, words[1:]})
		}
	}
	return r
}

// name returns the name of an address; "" for none.
func (r *resolver) name(addr netip.Addr) string {
	for _, h := range r.hosts {
		if h.addr == addr {
			return h.names[0]
		}
	}
	for text, name := range r.dns.PTR {
		name = strings.TrimSuffix(name, ".")
		if a, err := netip.ParseAddr(text); err == nil && a.WithZone("") == addr && isHostName(name) {
			return name
		}
	}
	return ""
}

// isHostName reports whether the C library takes a name from DNS (res_hnok): one of
// letters, digits, hyphens and underscores that does not begin with a hyphen.
func isHostName(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	return name != "" && name[0] != '-' && strings.Trim(name, letters) == ""
}

// addresses returns all addresses of a name.
func (r *resolver) addresses(name string) []netip.Addr {
	var out []netip.Addr
	for _, h := range r.hosts {
		for _, n := range h.names {
			if strings.EqualFold(n, name) {
				out = append(out, h.addr)
			}
		}
	}
	if out != nil {
		return out
	}
	for _, records := range []map[string][]string{r.dns.A, r.dns.AAAA} {
		for n, list := range records {
			if strings.EqualFold(strings.TrimSuffix(n, "."), strings.TrimSuffix(name, ".")) {
				out = append(out, parsed(list)...)
			}
		}
	}
	return out
}

func parsed(list []string) []netip.Addr {
	var out []netip.Addr
	for _, text := range list {
		if a, err := netip.ParseAddr(text); err == nil {
			out = append(out, a)
		}
	}
	return out
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

// client is who connects from an address: its name counts only where it has that
// address (hba.c check_hostname).
func (s *Server) client(addr netip.Addr, r *resolver, interfaces []netip.Prefix) hba.Client {
	c := hba.ClientAt(addr)
	addr = addr.WithZone("")
	c.ServerHost, c.ServerNet, c.NameKnown = hba.No, hba.No, true
	for _, p := range interfaces {
		if p.Addr() == addr {
			c.ServerHost = hba.Yes
		}
		if Network(p).Contains(addr) {
			c.ServerNet = hba.Yes
		}
	}
	if name := r.name(addr); name != "" {
		for _, a := range r.addresses(name) {
			if a == addr {
				c.HostName = name
			}
		}
	}
	return c
}
