package other

import (
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func TestPoolersAreNamed(t *testing.T) {
	ref := snapshot.Ref{Kind: "Deployment", Namespace: "data", Name: "pool"}
	w := &operator.World{Snapshot: &snapshot.Snapshot{Workloads: []*snapshot.Workload{
		{Ref: ref, Pods: []*snapshot.Pod{{Images: []string{"x/pgbouncer:1"}}}},
		{Ref: snapshot.Ref{Kind: "Deployment", Namespace: "data", Name: "web"}, Pods: []*snapshot.Pod{{Images: []string{"nginx"}}}},
	}}}
	Adapt(w)
	if len(w.Snapshot.Warnings) != 1 || w.Snapshot.Warnings[0].Code != PoolerNotModelled {
		t.Errorf("%v", w.Snapshot.Warnings)
	}
}

func TestEveryKindIsNamed(t *testing.T) {
	for _, kind := range kinds {
		w := &operator.World{Snapshot: &snapshot.Snapshot{}, Objects: map[string][]object.Object{
			kind.String(): {{Kind: kind.Kind, Namespace: "data", Name: "db"}}}}
		Adapt(w)
		if len(w.Snapshot.Warnings) != 1 || w.Snapshot.Warnings[0].Code != NotModelled {
			t.Errorf("%s: %v", kind, w.Snapshot.Warnings)
		}
	}
}
