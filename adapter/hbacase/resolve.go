package hbacase

import (
	"maps"
	"net/netip"
	"slices"
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
	names []string // the first is the canonical one; a line may have none
}

// is reports whether the line is asked for by an address: IPv4 finds its mapped form,
// and 127.0.0.1 also finds ::1 (glibc nss_files).
func (h hostLine) is(addr netip.Addr) bool {
	return h.addr == addr || addr.Is4() && h.addr.Is4In6() && h.addr.Unmap() == addr ||
		addr == loopback4 && h.addr == netip.IPv6Loopback()
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
		if len(words) == 0 {
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
		if h.is(addr) {
			return append(h.names, "")[0]
		}
	}
	for _, text := range slices.Sorted(maps.Keys(r.dns.PTR)) {
		name := r.dns.PTR[text]
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
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	return name[0] != '-' && len(name) <= 253 && strings.Trim(name, letters) == ""
}

// addresses returns all addresses of a name; one that is an address has itself.
func (r *resolver) addresses(name string) []netip.Addr {
	if addr, ok := hba.NumericAddress(name); ok {
		return []netip.Addr{addr}
	}
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

// client is who connects from an address: its name counts only where it has that
// address (hba.c check_hostname).
func (s *Server) client(addr netip.Addr, r *resolver, interfaces []netip.Prefix) hba.Client {
	c := hba.ClientAt(addr)
	addr = addr.WithZone("")
	c.Beside(interfaces)
	c.NameKnown = true
	if name := r.name(addr); name != "" && slices.Contains(r.forward(name, interfaces), addr) {
		c.HostName = name
	}
	return c
}

// forward returns the addresses of a name that the server looks at. It asks without
// hints, and then glibc leaves out the family that the host itself has no address of
// but loopback's, if it has one of the other (AI_ADDRCONFIG). Where only IPv4 is asked
// for, /etc/hosts gives ::1 as 127.0.0.1 and a mapped address as the one it maps.
func (r *resolver) forward(name string, interfaces []netip.Prefix) []netip.Addr {
	var v4, v6 bool
	for _, p := range interfaces {
		v4 = v4 || p.Addr().Is4() && p.Addr() != loopback4
		v6 = v6 || p.Addr().Is6() && p.Addr() != netip.IPv6Loopback()
	}
	all := r.addresses(name)
	if v4 == v6 {
		return all
	}
	var out []netip.Addr
	for _, a := range all {
		switch {
		case v4 && a == netip.IPv6Loopback():
			a = loopback4
		case v4:
			a = a.Unmap()
		}
		if a.Is4() == v4 {
			out = append(out, a)
		}
	}
	return out
}

var loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})
