package report

import (
	"testing"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// An assumption about something of the estate names it.
func TestAssumptionsNameWhatTheyAreAbout(t *testing.T) {
	world := &snapshot.Snapshot{
		Skipped: []string{"a.yaml", "b.yaml"}, Missing: []snapshot.Missing{{What: "chart x of https://x.test"}, {What: "the folder y"}},
		Coverage: &snapshot.Coverage{Namespaces: []string{"db", "shop"}, Kinds: []snapshot.Kind{
			{Name: "ConfigMap", Listing: snapshot.KindRefused}, {Name: "Pod", Listing: snapshot.KindListed},
			{Name: "NetworkPolicy.networking.k8s.io", Decides: true}, // a problem, and no assumption
		}},
	}
	want := map[string]string{
		snapshot.AssumeSkipped: "left out: a.yaml, b.yaml", snapshot.AssumeNarrowed: "read: db, shop", snapshot.AssumeUnlisted: "not listed: ConfigMap",
		snapshot.AssumeElsewhere: "not read: chart x of https://x.test, the folder y",
	}
	for _, code := range snapshot.AssumptionCodes() {
		if got := assumedOf(world, code); got != want[code] {
			t.Errorf("%s: %q, want %q", code, got, want[code])
		}
	}
}
