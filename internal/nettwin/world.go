package nettwin

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// A World is a random estate: its objects as somebody could write them, and the facts
// that no object says.
type World struct {
	Seed    uint64
	Reading Reading
	// Strict says that the engine may assume nothing.
	Strict  bool
	objects []fields
	// What is worth asking about: ports and addresses at the borders of something.
	ports     []int32
	edges     []netip.Addr
	addresses map[netip.Addr]bool // of pods: no address outside
}

type (
	fields = map[string]any
	list   = []any
)

// Random returns the world of a seed.
func Random(seed uint64) *World {
	w := &World{Seed: seed, addresses: map[netip.Addr]bool{}, ports: []int32{1, 65535}}
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 0x7415)), World: w}
	m.estate()
	m.reading()
	return w
}

// Objects are the JSON of the world, an object each.
func (w *World) Objects() [][]byte {
	var out [][]byte
	for _, o := range w.objects {
		text, err := json.Marshal(o)
		if err != nil {
			panic(err)
		}
		out = append(out, text)
	}
	return out
}

// YAML writes the objects whose kind has the word, for people.
func (w *World) YAML(words ...string) string {
	var b strings.Builder
	for _, o := range w.objects {
		if !slices.ContainsFunc(words, func(word string) bool { return strings.Contains(o["kind"].(string), word) }) {
			continue
		}
		text, err := yaml.Marshal(o)
		if err != nil {
			panic(err)
		}
		b.WriteString("---\n" + string(text))
	}
	return b.String()
}

// A maker makes a world out of random numbers.
type maker struct {
	*rand.Rand
	*World
	nodeIPs    [][]netip.Addr
	names      []string // of domains
	namespaces []string
}

// estate makes the objects. There is little of everything, so that things often nearly
// match.
func (m *maker) estate() {
	m.namespaces = []string{"alpha", "beta", "gamma"}[:1+m.IntN(3)]
	m.names = []string{"example.com", "*.example.com", "db.example.com", "*.db.example.com", "notexample.com", "nowhere.example"}
	for _, ns := range m.namespaces {
		m.namespace(ns)
	}
	m.nodes()
	for i := range 3 + m.IntN(5) {
		m.pod(i)
	}
	for i := range m.IntN(6) {
		m.networkPolicy(i)
	}
	m.orderedPolicies()
	m.Shuffle(len(m.objects), func(i, j int) { m.objects[i], m.objects[j] = m.objects[j], m.objects[i] })
}

// reading takes the facts that no object says.
func (m *maker) reading() {
	m.Strict = m.chance(3)
	m.Reading = Reading{
		BlocksSkipPods: m.chance(4), BaselineByPod: m.chance(3), NodeEgressPoliced: m.chance(4),
		BlocksSkipNodes: m.chance(4), NodeIngressPoliced: m.chance(4),
		NoClusterPolicies: m.chance(8), NoAdminPolicies: m.chance(8),
		NoNodePeers: m.chance(6), NoDomainPeers: m.chance(6),
		NoEndPort: m.chance(4), NoSCTP: m.chance(4),
		Domains: map[string][]netip.Prefix{},
	}
	m.Reading.NodeIngressOpen = !m.Reading.NodeIngressPoliced && m.chance(3)
	for _, name := range m.names {
		if !m.chance(3) {
			continue
		}
		for range 1 + m.IntN(2) {
			a := m.of("192.0.2.0", "192.0.2.128", "198.51.100.7", "2001:db8::10")
			p := netip.PrefixFrom(netip.MustParseAddr(a), 0)
			p = netip.PrefixFrom(p.Addr(), p.Addr().BitLen()-m.IntN(3)).Masked()
			m.Reading.Domains[name] = append(m.Reading.Domains[name], p)
			m.edge(p)
		}
	}
}

func (m *maker) add(apiVersion, kind, namespace, name string, rest fields) {
	meta := fields{"name": name}
	if namespace != "" {
		meta["namespace"] = namespace
	}
	if labels, ok := rest["labels"]; ok {
		meta["labels"] = labels
		delete(rest, "labels")
	}
	o := fields{"apiVersion": apiVersion, "kind": kind, "metadata": meta}
	for k, v := range rest {
		o[k] = v
	}
	m.objects = append(m.objects, o)
}

// chance is true once in n times.
func (m *maker) chance(n int) bool { return m.IntN(n) == 0 }

func (m *maker) of(words ...string) string { return words[m.IntN(len(words))] }

// absence writes nothing in one of the ways there are: no field, null, or empty.
func (m *maker) absence(in fields, field string, empty any) {
	switch m.IntN(3) {
	case 0:
		in[field] = nil
	case 1:
		in[field] = empty
	}
}

// port takes a port that policies and pods share, and notes it with its neighbours.
func (m *maker) port() int32 {
	p := []int32{1, 2, 53, 79, 80, 81, 443, 5432, 5433, 6432, 65534, 65535}[m.IntN(12)]
	m.notePort(p)
	return p
}

func (m *maker) notePort(p int32) {
	for _, p := range []int32{p - 1, p, p + 1} {
		if p >= 1 && p <= 65535 && !slices.Contains(m.ports, p) {
			m.ports = append(m.ports, p)
		}
	}
}

// edge notes the first and the last address of a block, and their neighbours.
func (m *maker) edge(p netip.Prefix) {
	first, last := p.Masked().Addr(), lastOf(p)
	for _, a := range []netip.Addr{first.Prev(), first, last, last.Next()} {
		if a.IsValid() && !slices.Contains(m.edges, a) {
			m.edges = append(m.edges, a)
		}
	}
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// Outside are the addresses worth asking about that no pod has; those of nodes are
// among them.
func (w *World) Outside() []netip.Addr {
	return slices.DeleteFunc(slices.Clone(w.edges), func(a netip.Addr) bool { return w.addresses[a] })
}

// Ports are those worth asking about.
func (w *World) Ports() []int32 { return w.ports }
