package compile

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/internal/manifests"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
	"github.com/rogpeppe/go-internal/txtar"
)

// Around the servers of every operator a perimeter that is closed both ways cuts nothing
// that the database needs, in any phase, and lets nobody else in.
func TestPerimetersKeepServersAlive(t *testing.T) {
	files, err := filepath.Glob("../../adapter/operator/*/testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	servers := 0
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range txtar.Parse(data).Files {
			// Those of files.txtar have no labels at all.
			if !strings.HasSuffix(f.Name, ".yaml") || f.Name == "facts.yaml" || strings.HasSuffix(path, "plain/testdata/files.txtar") {
				continue
			}
			t.Run(strings.TrimPrefix(path, "../../adapter/operator/")+"/"+f.Name, func(t *testing.T) {
				world := manifests.Servers(t, "", string(f.Data))
				world.Problems = nil // nothing of them is about packets
				servers += len(world.Servers)
				keepsAlive(t, world)
			})
		}
	}
	if servers < 20 {
		t.Errorf("only %d servers", servers)
	}
}

// everything is where stores and other servers that nobody wrote down may be.
func everything(name string, ports ...uint16) intent.Destination {
	d := intent.Destination{Name: name, To: intent.Peer{Names: []string{"anywhere"}, Addresses: flow.AllAddresses()}}
	for _, p := range ports {
		d.Ports = append(d.Ports, intent.Port{Protocol: flow.TCP, From: p, To: p})
	}
	return d
}

func keepsAlive(t *testing.T, world *snapshot.Snapshot) {
	in := intent.Intents{}
	for _, s := range world.Servers {
		selectsMembers(t, s)
		r := s.Ref()
		p := &intent.Perimeter{
			Namespace: r.Namespace, Name: r.Name, Server: intent.ServerRef{Namespace: r.Namespace, Kind: r.Kind, Name: r.Name}, EgressIsolated: true,
			Origin: verdict.Origin{Object: "PostgresPerimeter " + r.Name},
		}
		for _, f := range s.Vital {
			inside := f.To.Namespace != "" && len(f.To.Pods) == 0 && len(f.To.Labels.Set) == 0
			if !inside && (!f.To.OutsideUnknown || f.To.Name == snapshot.KubeAPIServer) {
				continue
			}
			for _, ports := range f.Ports {
				d := everything("somewhere", ports.From)
				if inside {
					d.To = intent.Peer{Namespaces: []string{f.To.Namespace}, Pods: &netpol.Selector{}}
				}
				p.Egress = append(p.Egress, d)
			}
		}
		in.Perimeters = append(in.Perimeters, p)
	}
	job, errs := Plan(in, world, 0)
	for _, e := range errs {
		if !e.Warning {
			t.Errorf("%s: %s", e.Origin, e.Text)
		}
	}
	out := Compile(job, []Backend{NetworkPolicy, ClusterNetworkPolicy})
	for _, g := range out.Gaps {
		if !slices.Contains(told, g.Code) {
			t.Errorf("%s: %s: %s", g.Code, g.What, g.Consequence)
		}
	}
	after := with(t, world, out)
	was, is := reach.New(world), reach.New(after)
	for _, s := range world.Servers {
		before := was.Vital(s)
		for i, d := range is.Vital(s) {
			if !d.Flow.Optional && !elsewhere(world, s, d.Flow.To) && d.Verdict == verdict.Deny && before[i].Verdict != verdict.Deny {
				t.Errorf("%s: %s (%s) is cut: %v", s.Ref(), d.Flow.What, d.Flow.Phase, d.Steps)
			}
		}
		onlyVital(t, s, after)
	}
}

// selectsMembers checks that the labels which an operator keeps select the members.
func selectsMembers(t *testing.T, s *snapshot.Server) {
	t.Helper()
	if s.Selector == nil {
		if s.Operator != "plain" {
			t.Errorf("%s: no selector", s.Ref())
		}
		return
	}
	for _, p := range s.Members() {
		if s.Selector.Match(p.Labels) == netpol.No {
			t.Errorf("%s: %s does not select %s", s.Ref(), s.Selector, p.Ref())
		}
	}
}

// told are gaps of these estates that are right: API servers that nobody stated, servers
// that follow another without an access, pods that have the labels of somebody else.
var told = []string{"networkpolicy/apiserver-unknown", "networkpolicy/other-server", "networkpolicy/same-labels"}

// elsewhere reports whether a peer is pods of another server.
func elsewhere(world *snapshot.Snapshot, s *snapshot.Server, peer snapshot.VitalPeer) bool {
	return slices.ContainsFunc(world.Servers, func(other *snapshot.Server) bool {
		return other != s && slices.ContainsFunc(peer.Pods, func(p *snapshot.Pod) bool { return p.Workload == other.Workload })
	})
}

// onlyVital checks that a pod nobody knows reaches no port of the server's.
func onlyVital(t *testing.T, s *snapshot.Server, world *snapshot.Snapshot) {
	t.Helper()
	e := network.New(world)
	strangers := []network.Endpoint{
		{Virtual: &network.Virtual{Namespace: "elsewhere", Labels: netpol.Labels{Set: map[string]string{"app": "stranger"}}}},
		{Virtual: &network.Virtual{Namespace: s.Ref().Namespace, Labels: netpol.Labels{Set: map[string]string{"app": "stranger"}}}},
		network.OutsideEndpoint(flow.AddressesOf(netip.MustParsePrefix("203.0.113.7/32"))),
	}
	pods := slices.Clone(s.Workload.Pods)
	for _, p := range s.Poolers {
		pods = append(pods, p.Workload.Pods...)
	}
	for _, p := range pods {
		for _, from := range strangers {
			for _, port := range []uint16{5432, 6432, 7432, 8000, 8008, 9187} {
				step := e.Decide(netpol.Ingress, network.Attempt{From: from, To: network.PodEndpoint(p), Protocol: flow.TCP, Port: port})
				if step.Verdict != verdict.Deny {
					t.Errorf("%s port %d from %+v: %s %s", p.Ref(), port, from, step.Verdict, step.Reason)
				}
			}
		}
	}
}
