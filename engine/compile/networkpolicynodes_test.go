package compile

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A node's address that is let in is everybody's from outside, where a Service gives it to
// them.
func TestNodesLetIn(t *testing.T) {
	gap := func(cidr string, svc snapshot.Service, nodes ...*snapshot.Node) bool {
		g := newSiteWorld(1, worldgen.Taste{})
		g.world.Nodes, g.intents = nodes, intent.Intents{}
		p := g.server("a", "exposed")
		server := g.world.Servers[len(g.world.Servers)-1]
		svc.Namespace, svc.Name, svc.Selector = "a", "exposed", netpol.Selector{}
		server.Services = []*snapshot.Service{&svc}
		peer := rangesOf(cidr)
		site := &Site{Server: server, Perimeter: p, Accesses: []*intent.Access{{Namespace: "a", Name: "x", From: []intent.Peer{peer},
			To: []intent.Entry{{Databases: []string{"app"}, Role: "app", Endpoint: intent.ReadWrite, Authentication: intent.SCRAM}}}}}
		out := Compile(&Job{World: g.world, Sites: []*Site{site}}, []Backend{NetworkPolicy})
		return slices.ContainsFunc(out.Gaps, func(g artefact.Gap) bool { return g.Code == "networkpolicy/node-source" })
	}
	node := &snapshot.Node{Name: "n", Addresses: []netip.Addr{netip.MustParseAddr("192.168.40.1")}}
	for _, test := range []struct {
		cidr string
		svc  snapshot.Service
		want bool
	}{
		{"192.168.40.0/24", snapshot.Service{Type: "LoadBalancer"}, true},
		{"0.0.0.0/0", snapshot.Service{Type: "NodePort"}, true},
		{"192.168.40.0/24", snapshot.Service{Type: "LoadBalancer", KeepsClient: true}, false},
		{"192.168.40.0/24", snapshot.Service{Type: "ClusterIP"}, false},
		{"203.0.113.0/24", snapshot.Service{Type: "LoadBalancer"}, false},
	} {
		if got := gap(test.cidr, test.svc, node); got != test.want {
			t.Errorf("%s through a %s: %v", test.cidr, test.svc.Type, got)
		}
	}
	if !gap("0.0.0.0/0", snapshot.Service{Type: "LoadBalancer"}) {
		t.Error("where no node is known none is among all addresses")
	}
}
