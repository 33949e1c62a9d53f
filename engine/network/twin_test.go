package network

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The twin decides the dull way. It invents a value for every fact that nobody
// wrote down, reads the API text for that one world, and does so again and again:
// an answer that is the same in each invented world is the answer.
type twin struct {
	world *snapshot.Snapshot
	*rand.Rand
}

// being is one end with nothing left to doubt.
type being struct {
	pod       bool
	host      bool
	namespace string
	labels    map[string]string
	nsLabels  map[string]string
	addresses []netip.Addr
	named     func(string, flow.Protocol) []uint16
}

const inventions = 60

// decide returns the verdict for one direction.
func (t *twin) decide(dir netpol.Direction, a Attempt) verdict.Verdict {
	subject, peer := a.To, a.From
	if dir == netpol.Egress {
		subject, peer = peer, subject
	}
	if p, q := subject.Pod, peer.Pod; p != nil && q != nil {
		if p == q && !p.Many || p.Workload == q.Workload && p.Instance == q.Instance && p.Instance != "" {
			return verdict.Allow
		}
	}
	if subject.Pod == nil && subject.Virtual == nil {
		return verdict.Allow
	}
	if t.hidden(dir, subject, peer) {
		return verdict.Unknown
	}
	f := t.world.Facts
	if f.Enforces == verdict.Deny {
		return verdict.Allow
	}
	if f.Strict && !f.Complete {
		return verdict.Unknown
	}
	if subject.Pod != nil && subject.Pod.HostNetwork {
		return verdict.Allow
	}
	allow, deny := false, false
	for range inventions {
		enforced := !f.Strict || f.Enforces == verdict.Allow || t.IntN(2) == 0
		s, p := t.invent(subject), t.invent(peer)
		p.addresses = slices.DeleteFunc(slices.Clone(p.addresses), func(at netip.Addr) bool { return !a.Family.has(at) })
		to := s
		if dir == netpol.Egress {
			to = p
		}
		switch {
		case !enforced || t.passes(dir, s, p, to, a):
			allow = true
		case p.host && t.IntN(2) == 0:
			allow = true // it ran on the same node
		default:
			deny = true
		}
	}
	switch {
	case allow && deny:
		return verdict.Unknown
	case allow:
		return verdict.Allow
	}
	return verdict.Deny
}

func (t *twin) hidden(dir netpol.Direction, subject, peer Endpoint) bool {
	for _, u := range t.world.Unmodelled {
		if u.Directions[dir] && u.Namespaces[0] == subject.namespace() && u.Pods.Match(subject.labels()) != netpol.No {
			return true
		}
	}
	if t.world.Facts.Enforces == verdict.Deny || subject.Pod != nil && subject.Pod.HostNetwork {
		return false
	}
	for _, p := range t.world.Problems {
		if p.Namespace == "" || p.Namespace == subject.namespace() ||
			(peer.Pod != nil || peer.Virtual != nil) && p.Namespace == peer.namespace() {
			return true
		}
	}
	return false
}

// invent fills in what nobody wrote down.
func (t *twin) invent(e Endpoint) being {
	if e.Pod == nil && e.Virtual == nil {
		b := being{named: func(string, flow.Protocol) []uint16 { return nil }}
		places := t.places(func(a netip.Addr) bool { return e.OutsideUnknown && a.Is4() || !e.OutsideUnknown && e.Outside.Has(a) })
		b.addresses = []netip.Addr{places[t.IntN(len(places))]}
		return b
	}
	b := being{pod: true, namespace: e.namespace(), labels: map[string]string{}, nsLabels: map[string]string{}}
	for k, v := range e.labels().Set {
		b.labels[k] = v
	}
	for _, k := range e.labels().Unknown {
		b.labels[k] = []string{"x", "y", "z", "primary", "replica", "h1", "h2", "none"}[t.IntN(8)]
	}
	ns := t.world.NamespaceOf(b.namespace)
	for k, v := range ns.Labels.Set {
		b.nsLabels[k] = v
	}
	if t.world.Facts.Strict && !ns.Declared {
		for _, k := range []string{"team", "env"} {
			if v := []string{"x", "y", "z", ""}[t.IntN(4)]; v != "" {
				b.nsLabels[k] = v
			}
		}
	}
	if e.Pod == nil {
		number := []uint16{5432, 6432, 9187, 0}[t.IntN(4)]
		b.named = func(string, flow.Protocol) []uint16 { return []uint16{number} }
		return t.housed(b)
	}
	b.host, b.addresses = e.Pod.HostNetwork, e.Pod.Addresses
	b.named = func(name string, proto flow.Protocol) []uint16 {
		for _, c := range e.Pod.Ports {
			if c.Name == name && c.Protocol == proto {
				return []uint16{c.Port}
			}
		}
		return nil
	}
	return t.housed(b)
}

// housed gives a pod without address one where pods may live; without that
// knowledge it lives where no block reaches, unless that is doubted too.
func (t *twin) housed(b being) being {
	if len(b.addresses) > 0 {
		return b
	}
	ranges := flow.AddressesOf(t.world.Facts.PodCIDRs...)
	switch {
	case !ranges.IsEmpty() && !b.host:
		places := t.places(ranges.Has)
		b.addresses = []netip.Addr{places[t.IntN(len(places))]}
	case t.world.Facts.Strict:
		places := t.places(func(netip.Addr) bool { return true })
		b.addresses = append(b.addresses, places[t.IntN(len(places))])
		if t.IntN(3) == 0 {
			b.addresses = nil
		}
	}
	return b
}

// places are addresses at the borders of what worldgen uses.
func (t *twin) places(in func(netip.Addr) bool) []netip.Addr {
	var out []netip.Addr
	for _, s := range strings.Fields("0.0.0.1 9.255.255.255 10.0.0.0 10.1.0.5 10.1.2.9 10.1.255.255 10.2.0.1 10.255.0.1 " +
		"192.168.0.7 192.168.0.200 192.168.1.1 255.1.1.1 :: fd00::5 fd00:0:0:1::1 fd01::9 fe00::1") {
		if a := netip.MustParseAddr(s); in(a) {
			out = append(out, a)
		}
	}
	return out
}

// passes reads the API text for one world.
func (t *twin) passes(dir netpol.Direction, subject, peer, to being, a Attempt) bool {
	isolated := false
	for _, p := range t.world.Policies {
		if p.Namespace != subject.namespace || !p.Isolates[dir] || !selects(p.Pods, subject.labels) {
			continue
		}
		isolated = true
		for _, r := range p.Rules[dir] {
			if t.portIn(r, to, a) && t.peerIn(r, p.Namespace, peer) {
				return true
			}
		}
	}
	return !isolated
}

func (t *twin) portIn(r netpol.Rule, to being, a Attempt) bool {
	for _, p := range r.Ports {
		if p.Protocol != a.Protocol {
			continue
		}
		if p.Name != "" {
			if slices.Contains(to.named(p.Name, p.Protocol), a.Port) {
				return true
			}
		} else if a.Port >= p.From && a.Port <= p.To {
			return true
		}
	}
	return r.AnyPort
}

func (t *twin) peerIn(r netpol.Rule, own string, peer being) bool {
	for _, p := range r.Peers {
		if p.Block != nil {
			for _, a := range peer.addresses {
				if p.Block.Addresses.Has(a) {
					return true
				}
			}
			continue
		}
		if !peer.pod || peer.host || p.Pods != nil && !selects(*p.Pods, peer.labels) {
			continue
		}
		if p.Namespaces == nil && peer.namespace == own || p.Namespaces != nil && selects(*p.Namespaces, peer.nsLabels) {
			return true
		}
	}
	return r.AnyPeer
}

func selects(s netpol.Selector, labels map[string]string) bool {
	for _, r := range s {
		value, exists := labels[r.Key]
		listed := exists && slices.Contains(r.Values, value)
		switch r.Op {
		case netpol.In:
			exists = listed
		case netpol.NotIn:
			exists = !listed
		case netpol.DoesNotExist:
			exists = !exists
		}
		if !exists {
			return false
		}
	}
	return true
}

// probes are the ports at the borders of what worldgen uses.
var probes = []uint16{1, 4999, 5000, 5431, 5432, 6432, 7000, 7001, 9187, 65535}

// endpoints are all endpoints worth asking about.
func endpoints(world *snapshot.Snapshot) []Endpoint {
	out := []Endpoint{
		{OutsideUnknown: true},
		OutsideEndpoint(flow.AddressesOf(netip.MustParsePrefix("10.0.0.0/8"))),
		OutsideEndpoint(flow.AddressesOf(netip.MustParsePrefix("192.168.0.7/32"))),
		OutsideEndpoint(flow.AddressesOf(netip.MustParsePrefix("fd00::5/128"))),
		{Virtual: &Virtual{Namespace: "a", Labels: netpol.Labels{Set: map[string]string{"app": "x"}}}},
		{Virtual: &Virtual{Namespace: "beyond", Labels: netpol.Labels{Set: map[string]string{"app": "y"}}}},
	}
	for _, w := range world.Workloads {
		for _, p := range w.Pods {
			out = append(out, PodEndpoint(p))
		}
	}
	return out
}

// dullTastes are those of worlds that the twin understands, otherTastes the rest.
var (
	dullTastes  = []worldgen.Taste{{}, {Doubt: true}, {Strict: true}, {Doubt: true, Strict: true}}
	otherTastes = []worldgen.Taste{{Tiers: true}, {Tiers: true, Doubt: true}, {Tiers: true, Traits: true},
		{Tiers: true, Traits: true, Doubt: true, Strict: true}}
)

func worlds(t *testing.T, n int, f func(seed uint64, taste worldgen.Taste)) {
	t.Helper()
	worldsOf(t, n, dullTastes, f)
}

func worldsOf(t *testing.T, n int, tastes []worldgen.Taste, f func(seed uint64, taste worldgen.Taste)) {
	t.Helper()
	if testing.Short() {
		n /= 10
	}
	for seed := range uint64(n) {
		for _, taste := range tastes {
			f(seed, taste)
			if t.Failed() {
				t.Fatalf("failing seed %d, taste %+v", seed, taste)
			}
		}
	}
}

func TestDecideAgreesWithTheTwin(t *testing.T) {
	asked, timid := 0, 0
	worlds(t, 150, func(seed uint64, taste worldgen.Taste) {
		world := worldgen.World(seed, taste)
		e := New(world)
		tw := &twin{world, rand.New(rand.NewPCG(seed, 2))}
		all := endpoints(world)
		for range 40 {
			a := Attempt{From: all[tw.IntN(len(all))], To: all[tw.IntN(len(all))],
				Protocol: flow.Protocols[tw.IntN(3)], Port: probes[tw.IntN(len(probes))]}
			if fs := e.Families(a); len(fs) > 0 {
				a.Family = fs[tw.IntN(len(fs))]
			}
			for _, dir := range netpol.Directions {
				got, want := e.Decide(dir, a), tw.decide(dir, a)
				asked++
				if got.Verdict == verdict.Unknown && want != verdict.Unknown {
					timid++
				}
				doubtless := taste == worldgen.Taste{} && a.From.Virtual == nil && a.To.Virtual == nil && !a.From.OutsideUnknown && !a.To.OutsideUnknown
				if got.Verdict != want && (got.Verdict != verdict.Unknown || doubtless) {
					t.Errorf("%s %s: Decide %s (%s), twin %s\n%s", dir, describe(a), got.Verdict, got.Reason, want, dump(world))
					return
				}
			}
		}
	})
	t.Logf("%d attempts, %d undecided that the twin decides", asked, timid)
	if timid*50 > asked {
		t.Errorf("of %d attempts %d are undecided that the twin decides", asked, timid)
	}
}

func describe(a Attempt) string {
	side := func(e Endpoint) string {
		switch {
		case e.Pod != nil:
			return e.Pod.Namespace + "/" + e.Pod.Ref().Name + "/" + e.Pod.Name
		case e.Virtual != nil:
			return "virtual " + e.Virtual.Namespace
		case e.OutsideUnknown:
			return "outside"
		}
		return prefixes(e.Outside)
	}
	return side(a.From) + " -> " + side(a.To) + " " + flow.PortsOf(flow.PortRange{Protocol: a.Protocol, From: a.Port, To: a.Port}).String()
}

func dump(w *snapshot.Snapshot) string {
	var b strings.Builder
	for _, wl := range w.Workloads {
		for _, p := range wl.Pods {
			b.WriteString(wl.Ref.String() + " " + p.Name + " " + p.Part + " " + strings.Join(mapText(p.Labels.Set), ",") + " unknown " +
				strings.Join(p.Labels.Unknown, ",") + " " + addressText(p.Addresses) + "\n")
		}
	}
	for _, p := range w.Policies {
		b.WriteString(p.Namespace + "/" + p.Name + " " + p.Pods.String() + "\n")
		for _, dir := range netpol.Directions {
			for _, r := range p.Rules[dir] {
				b.WriteString("  " + dir.String() + " any " + fmt.Sprint(r.AnyPeer, r.AnyPort) + " ports " + portsText(r.Ports) + "\n")
				for _, peer := range r.Peers {
					if peer.Block != nil {
						b.WriteString("    " + peer.Block.Text + "\n")
					} else {
						b.WriteString("    " + peerText(peer) + "\n")
					}
				}
			}
		}
	}
	return b.String()
}

func mapText(m map[string]string) []string {
	var out []string
	for k, v := range m {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}

func prefixOf(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
