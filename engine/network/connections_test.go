package network

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// parties reads the names of a result as a person would: back to pods.
type parties struct{ world *snapshot.Snapshot }

func (ps parties) pods(t *testing.T, p Party) []*snapshot.Pod {
	t.Helper()
	for _, w := range ps.world.Workloads {
		if w.Kind != p.Kind || w.Namespace != p.Namespace {
			continue
		}
		if w.Name == p.Name {
			return w.Pods
		}
		rest, ok := strings.CutPrefix(p.Name, w.Name+" (")
		if !ok {
			continue
		}
		var out []*snapshot.Pod
		words := strings.Split(strings.TrimSuffix(rest, ")"), ", ")
		for _, pod := range w.Pods {
			if slices.Contains(words, strings.Replace(pod.Part, "replica", "replicas", 1)) || slices.Contains(words, pod.Part) ||
				slices.Contains(words, pod.Name) || slices.Contains(words, pod.Name+" as "+pod.Part) {
				out = append(out, pod)
			}
		}
		return out
	}
	t.Errorf("nobody is called %s", p.Ref)
	return nil
}

// reply is what a result says of one ordered pair, with the pair named.
type reply map[string]flow.Ports

func (a reply) add(t *testing.T, key string, c Connection) {
	t.Helper()
	if _, twice := a[key]; twice {
		t.Errorf("%s is told twice", key)
	}
	if c.All != (len(c.Ports) == 0) || c.Ports == nil {
		t.Errorf("%s: all %v with ports %v", key, c.All, c.Ports)
	}
	a[key] = flow.PortsOf(c.Ports...)
	if c.All {
		a[key] = flow.AllPorts()
	}
}

func pairKey(p, q *snapshot.Pod) string { return fmt.Sprintf("%p %p", p, q) }

func outsideKey(p *snapshot.Pod, place fmt.Stringer, dir netpol.Direction) string {
	return fmt.Sprintf("%p %s %s", p, dir, place)
}

// spread turns lines into answers for each pair of pods and each place outside.
func spread(t *testing.T, world *snapshot.Snapshot, tw *twin, lines []Connection) reply {
	t.Helper()
	out, names := reply{}, parties{world}
	for _, c := range lines {
		switch {
		case c.From.CIDR != nil || c.To.CIDR != nil:
			inside, beyond, dir := c.From, flow.AddressesOf(c.To.CIDR...), netpol.Egress
			if c.From.CIDR != nil {
				inside, beyond, dir = c.To, flow.AddressesOf(c.From.CIDR...), netpol.Ingress
			}
			for _, p := range names.pods(t, inside) {
				for _, place := range tw.places(beyond.Has) {
					out.add(t, outsideKey(p, place, dir), c)
				}
			}
		default:
			for _, p := range names.pods(t, c.From) {
				for _, q := range names.pods(t, c.To) {
					if !samePod(PodEndpoint(p), PodEndpoint(q)) {
						out.add(t, pairKey(p, q), c)
					}
				}
			}
		}
	}
	return out
}

func TestConnectionsAgreeWithDecideAndTheTwin(t *testing.T) {
	defer func(was int) { sparse = was }(sparse)
	worldsOf(t, 100, slices.Concat(dullTastes, otherTastes), func(seed uint64, taste worldgen.Taste) {
		sparse = []int{32, 1, 2}[seed%3]
		world := worldgen.World(seed, taste)
		e := New(world)
		tw := &twin{world, rand.New(rand.NewPCG(seed, 3))}
		got, quick := e.Connections(), e.Lookup()
		sure := spread(t, world, tw, slices.Collect(got.All()))
		var doubtful []Connection
		for u := range got.Unknown() {
			if u.Reason == "" {
				t.Errorf("unknown without a reason: %+v", u)
			}
			doubtful = append(doubtful, u.Connection)
		}
		unknown := spread(t, world, tw, doubtful)
		check := func(key string, a Attempt) {
			for _, a.Protocol = range flow.Protocols {
				for _, a.Port = range probes {
					eg, in := e.Decide(netpol.Egress, a), e.Decide(netpol.Ingress, a)
					want := e.Pass(a)
					if a.From.Pod != nil && a.To.Pod != nil {
						if got := quick.Pass(a.From.Pod, a.To.Pod, a.Protocol, a.Port); got != want {
							t.Errorf("%s: Lookup %s, Pass %s\n%s", describe(a), got, want, dump(world))
							return
						}
					}
					is := verdict.Deny
					if sure[key].Has(a.Protocol, a.Port) {
						is = verdict.Allow
					}
					if unknown[key].Has(a.Protocol, a.Port) {
						is = verdict.Unknown
					}
					if is != want {
						t.Errorf("%s: Connections %s, Decide %s (%s, %s)\n%s", describe(a), is, want, eg.Reason, in.Reason, dump(world))
						return
					}
				}
			}
			if (taste == worldgen.Taste{}) {
				var ways []verdict.Verdict
				for _, a.Family = range e.Families(a) {
					ways = append(ways, verdict.All(tw.decide(netpol.Egress, a), tw.decide(netpol.Ingress, a)))
				}
				a.Family = AnyFamily
				if dull, fast := verdict.Any(ways...), e.Pass(a); dull != fast {
					t.Errorf("%s: twin %s, Decide %s", describe(a), dull, fast)
				}
			}
		}
		places := tw.places(flow.AllAddresses().Has)
		for _, w := range world.Workloads {
			for _, p := range w.Pods {
				place := places[tw.IntN(len(places))]
				there := outsideExample(flow.AddressesOf(prefixOf(place)))
				check(outsideKey(p, place, netpol.Egress), Attempt{From: PodEndpoint(p), To: there})
				check(outsideKey(p, place, netpol.Ingress), Attempt{From: there, To: PodEndpoint(p)})
				for _, v := range world.Workloads {
					for _, q := range v.Pods {
						if !t.Failed() && !samePod(PodEndpoint(p), PodEndpoint(q)) {
							check(pairKey(p, q), Attempt{From: PodEndpoint(p), To: PodEndpoint(q)})
						}
					}
				}
			}
		}
	})
}

func TestResultIsJSONWithoutNulls(t *testing.T) {
	worlds(t, 40, func(seed uint64, taste worldgen.Taste) {
		c := New(worldgen.World(seed, taste)).Connections()
		var streamed bytes.Buffer
		if err := c.WriteJSON(&streamed); err != nil {
			t.Fatal(err)
		}
		var read struct {
			Connections, Unknown, Workloads, Assumptions, Warnings []json.RawMessage
		}
		if err := json.Unmarshal(streamed.Bytes(), &read); err != nil {
			t.Fatalf("%v\n%s", err, streamed.Bytes())
		}
		if bytes.Contains(streamed.Bytes(), []byte("null")) {
			t.Errorf("a null in %s", streamed.Bytes())
		}
		i := 0
		for line := range c.All() {
			want, _ := json.Marshal(line)
			if !bytes.Equal(want, read.Connections[i]) {
				t.Errorf("line %d: streamed %s, marshalled %s", i, read.Connections[i], want)
			}
			i++
		}
		if i != len(read.Connections) {
			t.Errorf("%d lines streamed, %d visited", len(read.Connections), i)
		}
	})
}
