//go:build linux

package enforce

import (
	"context"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/knftables"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

var update = flag.Bool("update", false, "write the rules anew")

// What rules look like: a NetworkPolicy between the tiers, on one of two nodes.
func TestRules(t *testing.T) {
	policies, err := os.ReadFile("testdata/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := Compile(load(t, string(policies)), "n2", Tell)
	if err != nil {
		t.Fatal(err)
	}
	got := dump(t, rules)
	if *update {
		if err := os.WriteFile("testdata/rules.nft", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/rules.nft")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the rules are not those of testdata/rules.nft, -update writes them anew:\n%s", got)
	}
}

// dump loads rules where there is no kernel, but all that they name has to be there,
// and returns them as commands of nft.
func dump(t *testing.T, rules Ruleset) string {
	t.Helper()
	nft := knftables.NewFake(knftables.InetFamily, table)
	if err := nft.Run(context.Background(), rules.Transaction(nft)); err != nil {
		t.Error(err)
	}
	return nft.Dump()
}

// Names are in comments only, and whatever they are, nft takes them for that.
func TestNamesAreNoCommands(t *testing.T) {
	policies, err := os.ReadFile("testdata/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	world := load(t, string(policies))
	for i, name := range []string{"x\" ; flush ruleset #", "é\\", strings.Repeat("long", 60)} {
		world.ClusterPolicies[0].Name = name
		podsOf(world)[3].Name = name
		rules, err := Compile(world, "n2", Tell)
		if err != nil {
			t.Fatal(err)
		}
		dump(t, rules)
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			if _, err := start(t).Observe(map[string]Ruleset{"n2": rules}, nil, Tell); err != nil {
				t.Errorf("%q: %v", name, err)
			}
		})
	}
}

// Rules are for what is certain. A world that is not gets none.
func TestNoRulesFromDoubt(t *testing.T) {
	for _, test := range []struct {
		name  string
		doubt func(*snapshot.Snapshot)
		want  string
	}{
		{"an address is missing", func(w *snapshot.Snapshot) { podsOf(w)[0].Addresses = nil }, "has no address"},
		{"a label has no value", func(w *snapshot.Snapshot) {
			for _, p := range podsOf(w) {
				p.Labels = netpol.Labels{Unknown: []string{"app"}}
			}
		}, "a label has no known value"},
		{"a rule does nothing", func(w *snapshot.Snapshot) { w.Policies[0].Rules[netpol.Ingress][0].Action = netpol.NoAction }, "the action none"},
		{"an ordered rule does nothing", func(w *snapshot.Snapshot) {
			w.ClusterPolicies[0].Rules[netpol.Egress][0].Action = netpol.NoAction
		}, "the action none"},
		{"a name has no addresses", func(w *snapshot.Snapshot) { w.Facts.Domains = nil }, "addresses of db.example.com are not known"},
		{"the node is not there", func(w *snapshot.Snapshot) { w.Nodes = nil }, `node "n2" is not in the snapshot`},
	} {
		t.Run(test.name, func(t *testing.T) {
			policies, err := os.ReadFile("testdata/rules.yaml")
			if err != nil {
				t.Fatal(err)
			}
			world := load(t, string(policies))
			test.doubt(world)
			if _, err := Compile(world, "n2", Tell); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}
