package suite

import (
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// loaded reads a file of the collection with whole sets to compare.
func loaded(t *testing.T, file string) *comparison {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	e, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	e.settings.partial, e.settings.ignoreSelf, e.settings.outside, e.protocols = false, false, scopeAll, flow.Ports{}
	c, err := load(t.Context(), filepath.Dir(file), e)
	if err != nil {
		t.Fatal(err)
	}
	c.got = gridOf(c.pods, c.engine.Connections(), c.world.Locate)
	return c
}

// differences compares a grid with what the engine says.
func (c *comparison) differing(said *grid) int {
	c.differences = nil
	c.compareBetween(said)
	for _, dir := range netpol.Directions {
		c.compareBeyond(said, dir)
	}
	return len(c.differences)
}

func (g *grid) clone() *grid {
	return &grid{maps.Clone(g.between), [2]map[int]spans{maps.Clone(g.beyond[0]), maps.Clone(g.beyond[1])}}
}

// turned is an answer that is another at one port.
func turned(a answer) answer {
	one := flow.PortsOf(flow.PortRange{Protocol: flow.UDP, From: 7, To: 7})
	if a.allow.Has(flow.UDP, 7) {
		a.allow = a.allow.Minus(one)
	} else {
		a.allow = a.allow.Union(one)
	}
	a.unknown = a.unknown.Minus(one)
	return a
}

// What the engine says, taken as what is expected, agrees; turned at one port between
// any two ends, it does not.
func TestOnePortIsSeen(t *testing.T) {
	for _, folder := range []string{"networkpolicy/both-sides", "pods/members", "ipblock/pod-addresses", "doubt/foreign-dialect", "cluster/same-priority"} {
		c := loaded(t, filepath.Join(collection, folder, "expected.txt"))
		if n := c.differing(c.said()); n != 0 {
			t.Errorf("%s: the engine differs from itself: %v", folder, c.differences)
		}
		for i := range c.pods.pods {
			for j := range c.pods.pods {
				if !c.pods.meet(i, j) {
					continue
				}
				said := c.said()
				said.between[pair{i, j}] = turned(said.between[pair{i, j}])
				if n := c.differing(said); n != 1 {
					t.Errorf("%s: %d differences where %s -> %s is turned", folder, n, c.pods.pod(i), c.pods.pod(j))
				}
			}
			for _, dir := range netpol.Directions {
				said := c.said()
				said.beyond[dir][i] = said.beyond[dir][i].change(flow.AddressesOf(netip.MustParsePrefix("203.0.113.9/32")), turned)
				if n := c.differing(said); n != 1 {
					t.Errorf("%s: %d differences where %s of %s is turned", folder, n, dir, c.pods.pod(i))
				}
			}
		}
	}
}

// said is what the engine says, as if it were expected: all pods have spans.
func (c *comparison) said() *grid {
	g := c.got.clone()
	for _, dir := range netpol.Directions {
		for i := range c.pods.pods {
			g.beyond[dir][i] = g.beyond[dir][i].change(flow.AllAddresses(), func(a answer) answer { return a })
		}
	}
	return g
}

// The most particular statement counts, and of equals the last.
func TestLastOfEquals(t *testing.T) {
	for text, want := range map[string]string{
		"* -> shop/db : TCP 1\nshop/web -> * : TCP 2":                  "TCP 2",
		"shop/web -> * : TCP 2\n* -> shop/db : TCP 1":                  "TCP 1",
		"shop/web -> shop/db : TCP 3\n* -> * : TCP 1":                  "TCP 3",
		"shop/web -> shop/db : TCP 3\n? shop/* -> shop/* : TCP 4":      "TCP 3",
		"? shop/web -> shop/db : TCP 3\nshop/web -> shop/db : TCP 3-4": "TCP 4; ? TCP 3",
	} {
		e, err := parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		c := loaded(t, collection+"/networkpolicy/ingress-absent/expected.txt")
		c.expectation = e
		said, err := c.gridSaid()
		if err != nil {
			t.Fatal(err)
		}
		web, _ := c.pods.find(party{namespace: "shop", name: "web"})
		db, _ := c.pods.find(party{namespace: "shop", name: "db"})
		if got := c.settle(said.between[pair{web[0], db[0]}]).text(); got != want {
			t.Errorf("%q says %s, want %s", text, got, want)
		}
	}
}

// A question is also held against the list of connections, inside and out.
func TestContradiction(t *testing.T) {
	const question = "can shop/web -> shop/api UDP 7 : allow\ncan shop/web -> 203.0.113.9 UDP 7 : allow"
	c := loaded(t, collection+"/networkpolicy/ingress-absent/expected.txt")
	e, err := parse([]byte(question))
	if err != nil {
		t.Fatal(err)
	}
	c.expectation = e
	if err := c.ask(); err != nil || len(c.differences) != 0 {
		t.Fatal(c.differences, err)
	}
	for p, a := range c.got.between {
		c.got.between[p] = turned(a)
	}
	for i, s := range c.got.beyond[netpol.Egress] {
		c.got.beyond[netpol.Egress][i] = s.change(flow.AllAddresses(), turned)
	}
	if err := c.ask(); err != nil || len(c.differences) != 2 || c.differences[0].Expected != "deny as in the list of connections" {
		t.Errorf("%+v, %v", c.differences, err)
	}
	if n := c.differing(c.said()); n != len(c.got.between)+len(c.got.beyond[netpol.Egress]) {
		t.Errorf("%d contradictions: %+v", n, c.differences)
	}
}

// One pod in two parts, as a database's member is when primary and when replica, is
// never there twice.
func TestPartsOfOnePodDoNotMeet(t *testing.T) {
	w := &snapshot.Workload{Ref: snapshot.Ref{Kind: "Cluster", Namespace: "shop", Name: "db"}}
	for _, p := range []snapshot.Pod{
		{Name: "db-1", Part: "primary", Instance: "db-1"}, {Name: "db-1", Part: "replica", Instance: "db-1"},
		{Name: "db-2", Part: "replica", Instance: "db-2"}, {Part: "job"}, {Part: "workers", Many: true},
	} {
		p.Workload, p.Namespace = w, "shop"
		w.Pods = append(w.Pods, &p)
	}
	r := newRegister(&snapshot.Snapshot{Workloads: []*snapshot.Workload{w}})
	for i := range r.pods {
		for j := range r.pods {
			want := i != j && !(i < 2 && j < 2) || i == j && i == 4
			if r.meet(i, j) != want {
				t.Errorf("%s and %s meet: %v", r.pod(i), r.pod(j), !want)
			}
		}
	}
	found, err := r.find(party{namespace: "shop", name: "db", members: []string{"replicas", "job"}})
	if err != nil || !slices.Equal(found, []int{1, 2, 3}) {
		t.Errorf("%v, %v", found, err)
	}
}
