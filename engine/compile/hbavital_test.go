package compile

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Sessions that the operator's own lines do not let in get a line before the rejects, from
// where they come as far as lines can say that.
func TestHBAVitalLines(t *testing.T) {
	lookup := vitalSessionOf("pooler", "lookup", "postgres", false)
	copied := vitalSessionOf("external", "copier", "", true)
	dump := vitalSessionOf("dump", "postgres", "ledger", false)
	some := vitalSessionOf("some", "some", "", false)
	optional := vitalSessionOf("benchmark", "bench", "ledger", false)
	optional.Optional = true
	elsewhere := vitalSessionOf("source", "leaving", "ledger", false)
	for operator, want := range map[string][]string{
		"cloudnative-pg": {
			"hostssl postgres lookup ${podselector:vital-pooler} scram-sha-256",
			"hostssl replication copier 203.0.113.0/24 scram-sha-256",
			"hostssl all postgres all scram-sha-256",
			"hostssl all some 10.244.0.0/16 scram-sha-256",
		},
		"stackgres": {
			"hostssl postgres lookup 10.244.0.0/16 md5",
			"hostssl replication copier 203.0.113.0/24 md5",
			"hostssl all postgres all md5",
			"hostssl all some 10.244.0.0/16 md5",
		},
	} {
		e := hbaEstateOf(shapes[slices.IndexFunc(shapes, func(s fileShape) bool { return s.operator == operator })], 17)
		e.world.Facts.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}
		e.server.Vital = nil
		add := func(f snapshot.VitalFlow, from snapshot.VitalPeer) {
			f.From, f.To = from, snapshot.VitalPeer{Pods: e.server.Workload.Pods}
			e.server.Vital = append(e.server.Vital, f)
		}
		add(lookup, snapshot.VitalPeer{Name: "the pooler", Pods: []*snapshot.Pod{e.pods["db/pool"]}})
		add(copied, snapshot.VitalPeer{Name: "another", Outside: flow.AddressesOf(netip.MustParsePrefix("203.0.113.0/24"))})
		add(dump, snapshot.VitalPeer{Name: "somebody", OutsideUnknown: true})
		add(some, snapshot.VitalPeer{Name: "pods", Namespace: "ops"})
		add(optional, snapshot.VitalPeer{Name: "pods", Namespace: "ops"})
		f := elsewhere
		f.From, f.To = snapshot.VitalPeer{Pods: e.server.Workload.Pods}, snapshot.VitalPeer{Pods: []*snapshot.Pod{e.pods["web/shop"]}}
		e.server.Vital = append(e.server.Vital, f)
		got := fieldTexts(t, e.compiled(t, HBA), e.shape.kind, e.shape.field)
		first := slices.Index(got, want[0])
		if first < 0 || !slices.Equal(got[first:min(len(got), first+len(want))], want) {
			t.Errorf("%s: lines are\n%s", operator, strings.Join(got, "\n"))
		}
		for _, text := range got {
			if strings.Contains(text, "bench") || strings.Contains(text, "leaving") {
				t.Errorf("%s: nobody needs %q", operator, text)
			}
		}
	}
}

// Where nothing replicates today, nobody may, and a note says when that has to change.
func TestHBAWithoutReplica(t *testing.T) {
	e := hbaEstateOf(shapes[1], 17)
	e.server.Vital = nil
	out := e.compiled(t, HBA)
	got := fieldTexts(t, out, "SGCluster", shapes[1].field)
	if last := got[len(got)-1]; last != "host all,replication all all reject" || out.Notes[0].Code != "hba/no-replica" {
		t.Errorf("%q, notes %+v", last, out.Notes)
	}
}

// A file that somebody replaced without the lines that the members themselves need gets
// the operator's.
func TestHBARestoresInside(t *testing.T) {
	e := hbaEstateOf(shapes[2], 17, "hostssl ledger app 10.0.0.0/8 md5")
	got := fieldTexts(t, e.compiled(t, HBA), "postgresql", shapes[2].field)
	if want := []string{"local all all trust", "host all all 127.0.0.1/32 md5", "host all all ::1/128 md5"}; len(got) < 3 || !slices.Equal(got[:3], want) {
		t.Errorf("lines are %q", got)
	}
}
