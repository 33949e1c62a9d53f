package network_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/internal/nettwin"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
	corev1 "k8s.io/api/core/v1"
)

// apiSeeds are those of worlds that once found something. When Random changes they are
// worlds as all others.
var apiSeeds = []uint64{606538405565}

// someWorlds is how many random worlds make test asks, those of the seeds from apiBase.
const (
	someWorlds = 1000
	apiBase    = 1001
)

// The engine says of every attempt what the sentences of the API say, and the sets of
// all connections hold exactly what is allowed one by one.
func TestAPITwin(t *testing.T) {
	for _, seed := range apiSeeds {
		if _, err := compareWorld(seed); err != nil {
			t.Errorf("%v", err)
		}
	}
	worlds := uint64(someWorlds)
	if testing.Short() {
		worlds /= 10
	}
	compareWorlds(t, apiBase, func(done uint64) bool { return done < worlds })
}

// TestFuzzNetwork goes on with random worlds for PGMOAT_FUZZ_SECONDS, from
// PGMOAT_FUZZ_SEED or any seed.
func TestFuzzNetwork(t *testing.T) {
	seconds, err := strconv.Atoi(os.Getenv("PGMOAT_FUZZ_SECONDS"))
	if err != nil {
		t.Skip("PGMOAT_FUZZ_SECONDS is not set; make fuzz-network sets it")
	}
	seed := rand.Uint64N(1 << 40)
	if text := os.Getenv("PGMOAT_FUZZ_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	compareWorlds(t, seed, func(uint64) bool { return time.Now().Before(end) })
}

// maxFound is how many disagreements are shown before it stops.
const maxFound = 5

// compareWorlds compares the worlds of seeds from first on while more says so, some at
// a time.
func compareWorlds(t *testing.T, first uint64, more func(done uint64) bool) {
	t.Helper()
	var next, attempts, found atomic.Uint64
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for {
				i := next.Add(1) - 1
				if !more(i) || found.Load() >= maxFound {
					return
				}
				n, err := compareWorld(first + i)
				attempts.Add(n)
				if err != nil {
					found.Add(1)
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d attempts in the worlds from seed %d to %d", attempts.Load(), first, first+next.Load())
}

// A comparison is one world, seen by both.
type comparison struct {
	world    *nettwin.World
	twin     *nettwin.Cluster
	engine   *network.Engine
	pods     map[string]*snapshot.Pod
	allowed  connections
	unknown  connections
	rand     *rand.Rand
	attempts uint64
}

// compareWorld asks both of every pair of ends at some ports of interest, and returns
// how often, or where they disagree first.
func compareWorld(seed uint64) (uint64, error) {
	c, err := newComparison(seed)
	if err != nil {
		return 0, fmt.Errorf("seed %d: %w", seed, err)
	}
	outside := c.outside()
	for _, pod := range c.twin.Pods {
		from := nettwin.End{Pod: pod}
		for _, other := range c.twin.Pods {
			if err := c.pair(from, nettwin.End{Pod: other}); err != nil {
				return c.attempts, err
			}
		}
		for _, end := range outside {
			if err := errors.Join(c.pair(from, end), c.pair(end, from)); err != nil {
				return c.attempts, err
			}
		}
	}
	return c.attempts, nil
}

func newComparison(seed uint64) (*comparison, error) {
	w := nettwin.Random(seed)
	twin, err := nettwin.Load(w.Objects(), w.Reading)
	if err != nil {
		return nil, err
	}
	read, err := w.Snapshot()
	if err != nil {
		return nil, err
	}
	c := &comparison{world: w, twin: twin, engine: network.New(read), pods: map[string]*snapshot.Pod{}, rand: rand.New(rand.NewPCG(seed, 2))}
	for _, load := range read.Workloads {
		for _, p := range load.Pods {
			c.pods[p.Namespace+"/"+p.Name] = p
		}
	}
	if len(c.pods) != len(twin.Pods) {
		return nil, fmt.Errorf("%d pods were read, want %d", len(c.pods), len(twin.Pods))
	}
	c.sets()
	return c, nil
}

// outside takes some of the addresses that are worth asking about.
func (c *comparison) outside() (out []nettwin.End) {
	all := c.world.Outside()
	for _, i := range c.rand.Perm(len(all))[:min(len(all), 10)] {
		out = append(out, nettwin.End{Address: all[i]})
	}
	return out
}

// perPair is how many ports are asked of a pair in the sets, which is quick; one in
// some of them is asked by itself, too.
const (
	perPair   = 32
	oneInSome = 4
)

func (c *comparison) pair(from, to nettwin.End) error {
	egress, ingress := c.twin.Side(netpol.Egress, from, to), c.twin.Side(netpol.Ingress, from, to)
	a := network.Attempt{From: c.end(from), To: c.end(to)}
	allowed, unknown := c.allowed.of(from, to), c.unknown.of(from, to)
	ports := c.world.Ports()
	for i := range perPair {
		a.Port = uint16(ports[c.rand.IntN(len(ports))])
		a.Protocol = flow.Protocols[c.rand.IntN(len(flow.Protocols))]
		c.attempts++
		if i%oneInSome == 0 {
			if err := c.attempt(from, to, a, egress, ingress); err != nil {
				return err
			}
		}
		if from == to {
			continue // a workload of one pod has no connections with itself
		}
		want := nettwin.Pass(egress, ingress, corev1.Protocol(a.Protocol.String()), int32(a.Port))
		if got := member(allowed, unknown, a); got != want {
			return c.disagree("the set of connections", from, to, a, got, want, nil)
		}
	}
	return nil
}

// attempt compares both directions over each family, and over whatever family.
func (c *comparison) attempt(from, to nettwin.End, a network.Attempt, egress, ingress *nettwin.Side) error {
	proto, port := corev1.Protocol(a.Protocol.String()), int32(a.Port)
	for dir, side := range map[netpol.Direction]*nettwin.Side{netpol.Egress: egress, netpol.Ingress: ingress} {
		a.Family = network.AnyFamily
		if got, want := c.engine.Decide(dir, a), side.Decide(proto, port); got.Verdict != want {
			return c.disagree(dir.String(), from, to, a, got.Verdict, want, got)
		}
		for i, f := range side.Families {
			a.Family = network.Family(f)
			if got, want := c.engine.Decide(dir, a), side.Over(i, proto, port); got.Verdict != want {
				return c.disagree(dir.String(), from, to, a, got.Verdict, want, got)
			}
		}
	}
	return nil
}

func (c *comparison) end(e nettwin.End) network.Endpoint {
	if e.Pod != nil {
		return network.PodEndpoint(c.pods[e.Pod.Namespace+"/"+e.Pod.Name])
	}
	p, err := e.Address.Prefix(e.Address.BitLen())
	if err != nil {
		panic(err)
	}
	return network.OutsideEndpoint(flow.AddressesOf(p))
}

func (c *comparison) disagree(where string, from, to nettwin.End, a network.Attempt, got, want verdict.Verdict, why any) error {
	return fmt.Errorf("seed %d, %v -> %v %s %d over %s: %s says %s, the API %s\n%+v\nreading %+v\n%s", c.world.Seed, from, to,
		a.Protocol, a.Port, a.Family, where, got, want, why, c.world.Reading, c.world.YAML("Policy", "Pod", "Node", "Namespace"))
}

// connections are those of Connections by their two ends; the outside is "".
type connections map[[2]string][]network.Connection

func (c *comparison) sets() {
	c.allowed, c.unknown = connections{}, connections{}
	all := c.engine.Connections()
	for x := range all.All() {
		c.allowed.add(x)
	}
	for x := range all.Unknown() {
		c.unknown.add(x.Connection)
	}
}

func (cs connections) add(x network.Connection) {
	key := [2]string{partyKey(x.From), partyKey(x.To)}
	cs[key] = append(cs[key], x)
}

func partyKey(p network.Party) string {
	if p.CIDR != nil {
		return ""
	}
	return p.Namespace + "/" + p.Name
}

// of returns the connections between two ends.
func (cs connections) of(from, to nettwin.End) (out []network.Connection) {
	for _, x := range cs[[2]string{endKey(from), endKey(to)}] {
		if hasEnd(x.From, from) && hasEnd(x.To, to) {
			out = append(out, x)
		}
	}
	return out
}

func endKey(e nettwin.End) string {
	if e.Pod == nil {
		return ""
	}
	return e.Pod.Namespace + "/" + e.Pod.Name
}

func hasEnd(p network.Party, e nettwin.End) bool {
	if e.Pod != nil {
		return true
	}
	for _, cidr := range p.CIDR {
		if cidr.Contains(e.Address) {
			return true
		}
	}
	return false
}

// member says what the sets say of an attempt: what is in neither is refused.
func member(allowed, unknown []network.Connection, a network.Attempt) verdict.Verdict {
	switch {
	case hasPort(allowed, a):
		return verdict.Allow
	case hasPort(unknown, a):
		return verdict.Unknown
	}
	return verdict.Deny
}

func hasPort(cs []network.Connection, a network.Attempt) bool {
	for _, x := range cs {
		if x.All || flow.PortsOf(x.Ports...).Has(a.Protocol, a.Port) {
			return true
		}
	}
	return false
}
