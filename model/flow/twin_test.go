package flow

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// portTwin is a set of ports as a dull table of every pair.
type portTwin map[Protocol]*[MaxPort + 1]bool

func newPortTwin(ranges ...PortRange) portTwin {
	w := portTwin{}
	for _, p := range Protocols {
		w[p] = new([MaxPort + 1]bool)
	}
	for _, r := range ranges {
		for port := int(r.From); port <= int(r.To) && w[r.Protocol] != nil; port++ {
			w[r.Protocol][port] = port > 0
		}
	}
	return w
}

// with combines two tables, pair by pair.
func (w portTwin) with(o portTwin, f func(a, b bool) bool) portTwin {
	out := newPortTwin()
	for _, p := range Protocols {
		for port := 1; port <= MaxPort; port++ {
			out[p][port] = f(w[p][port], o[p][port])
		}
	}
	return out
}

func (w portTwin) check(t *testing.T, what string, got Ports) {
	t.Helper()
	var ranges []PortRange
	for _, p := range Protocols {
		for port := 1; port <= MaxPort; port++ {
			if !w[p][port] {
				continue
			}
			if n := len(ranges); n > 0 && ranges[n-1].Protocol == p && int(ranges[n-1].To) == port-1 {
				ranges[n-1].To++
				continue
			}
			ranges = append(ranges, PortRange{p, uint16(port), uint16(port)})
		}
	}
	if !slices.Equal(got.Ranges(), ranges) {
		t.Fatalf("%s: %v, want %v", what, got.Ranges(), ranges)
	}
	for _, p := range Protocols {
		for _, port := range []uint16{0, 1, 2, 5432, MaxPort - 1, MaxPort} {
			if got.Has(p, port) != w[p][port] {
				t.Fatalf("%s: Has(%s, %d) is %v", what, p, port, !w[p][port])
			}
		}
	}
}

var (
	union     = func(a, b bool) bool { return a || b }
	intersect = func(a, b bool) bool { return a && b }
	minus     = func(a, b bool) bool { return a && !b }
)

// Sets of ports are what a table of every port says, and in their only form.
func TestPortsAgreeWithATable(t *testing.T) {
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 1))
		as, bs := randomPorts(r), randomPorts(r)
		a, b := PortsOf(as...), PortsOf(bs...)
		wa, wb := newPortTwin(as...), newPortTwin(bs...)
		what := func(op string) string { return fmt.Sprintf("seed %d: %v %s %v", seed, as, op, bs) }
		wa.check(t, what("alone"), a)
		wa.with(wb, union).check(t, what("union"), a.Union(b))
		wa.with(wb, intersect).check(t, what("intersect"), a.Intersect(b))
		wa.with(wb, minus).check(t, what("minus"), a.Minus(b))
	}
}

func randomPorts(r *rand.Rand) []PortRange {
	edges := []int{0, 1, 2, 3, 79, 80, 81, 5432, 5433, MaxPort - 1, MaxPort}
	var out []PortRange
	for range r.IntN(6) {
		from := edges[r.IntN(len(edges))]
		to := edges[r.IntN(len(edges))]
		out = append(out, PortRange{Protocol(r.IntN(4)), uint16(from), uint16(to)})
	}
	return out
}

// The twin of a set of addresses looks at a few addresses only: the first and last
// of each range and their neighbours, where a mistake would show.
func TestAddressesAgreeWithAList(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 2))
		as, bs := randomPrefixes(r), randomPrefixes(r)
		a, b := AddressesOf(as...), AddressesOf(bs...)
		for _, c := range []struct {
			what string
			got  Addresses
			want func(a, b bool) bool
		}{
			{"alone", a, func(a, _ bool) bool { return a }},
			{"union", a.Union(b), union},
			{"intersect", a.Intersect(b), intersect},
			{"minus", a.Minus(b), minus},
		} {
			what := fmt.Sprintf("seed %d: %v %s %v", seed, as, c.what, bs)
			for _, ip := range witnesses(as, bs) {
				want := c.want(listed(as, ip), listed(bs, ip))
				if c.got.Has(ip) != want {
					t.Fatalf("%s: Has(%s) is %v", what, ip, !want)
				}
			}
			onlyForm(t, what, c.got)
		}
	}
}

func listed(prefixes []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// witnesses are the ends of all prefixes and what stands beside them.
func witnesses(lists ...[]netip.Prefix) []netip.Addr {
	out := []netip.Addr{netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("255.255.255.255"), netip.MustParseAddr("::")}
	for _, p := range slices.Concat(lists...) {
		p = p.Masked()
		for _, a := range []netip.Addr{p.Addr(), last(p)} {
			for _, w := range []netip.Addr{a.Prev(), a, a.Next()} {
				if w.IsValid() {
					out = append(out, w)
				}
			}
		}
	}
	return out
}

// onlyForm checks that the set is sorted, disjoint and joined, and that its
// prefixes make it again.
func onlyForm(t *testing.T, what string, a Addresses) {
	t.Helper()
	for i := 1; i < len(a.ranges); i++ {
		x, y := a.ranges[i-1], a.ranges[i]
		if sameFamily(x.to, y.from) && x.to.Next().Compare(y.from) >= 0 || x.to.Compare(y.from) >= 0 {
			t.Fatalf("%s: %v and %v are not apart", what, x, y)
		}
	}
	if again := AddressesOf(a.Prefixes()...); !again.Equal(a) {
		t.Fatalf("%s: %v made of its prefixes is %v", what, a, again)
	}
	if a.IsEmpty() == a.First().IsValid() {
		t.Fatalf("%s: First is %v", what, a.First())
	}
}

func randomPrefixes(r *rand.Rand) []netip.Prefix {
	bases := []string{"0.0.0.0", "10.0.0.0", "10.0.0.255", "10.1.2.3", "255.255.255.255", "::", "2001:db8::", "2001:db8::ff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}
	sizes := []int{0, 1, 7, 8, 9, 16, 24, 31, 32, 64, 127, 128}
	var out []netip.Prefix
	for range r.IntN(5) {
		a := netip.MustParseAddr(bases[r.IntN(len(bases))])
		out = append(out, netip.PrefixFrom(a, min(sizes[r.IntN(len(sizes))], a.BitLen())))
	}
	return out
}

// An IPv4-mapped IPv6 address is asked about as IPv4, and zones are ignored.
func TestMappedAddresses(t *testing.T) {
	a := AddressesOf(netip.MustParsePrefix("10.0.0.0/8"))
	for _, ip := range []string{"::ffff:10.1.2.3", "10.1.2.3"} {
		if !a.Has(netip.MustParseAddr(ip)) {
			t.Errorf("%s is not in %v", ip, a.Prefixes())
		}
	}
	local := AddressesOf(netip.MustParsePrefix("fe80::/10"))
	if !local.Has(netip.MustParseAddr("fe80::1%eth0")) {
		t.Error("a zone hides the address")
	}
}

func TestAllAndNone(t *testing.T) {
	if all := AllPorts(); !all.IsAll() || all.String() != "all ports" || !all.Minus(all).IsEmpty() {
		t.Errorf("%v", all)
	}
	all := AllAddresses()
	if !all.Minus(all).IsEmpty() || len(all.Prefixes()) != 2 || !all.Union(all).Equal(all) {
		t.Errorf("%v", all)
	}
	if (Ports{}).Has(TCP, 1) || (Addresses{}).Has(netip.MustParseAddr("10.0.0.1")) {
		t.Error("the zero value holds something")
	}
}

// "IPv4-mapped IPv6 addresses are taken as IPv4."
func TestMappedAddressesAreIPv4(t *testing.T) {
	mapped := AddressesOf(netip.MustParsePrefix("::ffff:10.0.0.0/104"))
	if !mapped.Equal(AddressesOf(netip.MustParsePrefix("10.0.0.0/8"))) {
		t.Errorf("::ffff:10.0.0.0/104 is %s", mapped.Text())
	}
}
