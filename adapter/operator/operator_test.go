package operator

import (
	"testing"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Workloads finds what Find finds, of several of one name the first.
func TestWorkloads(t *testing.T) {
	ref := func(name string) snapshot.Ref {
		return snapshot.Ref{Kind: "Deployment", Namespace: "shop", Name: name}
	}
	w := &World{Snapshot: &snapshot.Snapshot{}}
	for _, name := range []string{"web", "db", "web"} {
		w.Snapshot.Workloads = append(w.Snapshot.Workloads, &snapshot.Workload{Ref: ref(name)})
	}
	all := w.Workloads()
	for _, name := range []string{"web", "db", "none"} {
		if all[ref(name)] != w.Find(ref(name)) {
			t.Errorf("%s: another than Find finds", name)
		}
	}
	if len(all) != 2 {
		t.Errorf("%d names", len(all))
	}
}
