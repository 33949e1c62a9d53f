package world_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
)

// What the API server refuses of a template's Service is not quietly taken for
// something else.
func TestServiceSpecValid(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "",
		`{"type": "LoadBalancer", "ports": [{"port": 1, "targetPort": "pg"}, {"port": 2, "targetPort": 5432}, {"port": 3}]}`: "",
		`{"ports": [{"port": 1, "targetPort": null}, {"port": 2, "targetPort": ""}]}`:                                        "",
		`{"type": "Balancer"}`:                            "type:",
		`{"ports": [{"port": 1}, {"targetPort": 1.5}]}`:   "ports[1].targetPort: 1.5 is neither",
		`{"ports": [{"targetPort": {"a": 1}}]}`:           "ports[0].targetPort:",
		`{"ports": [{"targetPort": -1}]}`:                 "ports[0].targetPort:",
		`{"loadBalancerSourceRanges": ["10.0.0.0/8 x"]}`:  "loadBalancerSourceRanges[0]:",
		`{"type": "None", "loadBalancerSourceRanges":[]}`: "type:",
	} {
		var s world.ServiceSpec
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := s.Valid(); err != nil {
			got = err.Error()
		}
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// A number of instances that would fill the memory, or is none, is a Problem.
func TestInstances(t *testing.T) {
	number := func(n int) *int { return &n }
	for _, c := range []struct {
		stated *int
		want   int
		fault  bool
	}{
		{nil, 1, false}, {number(0), 0, false}, {number(3), 3, false}, {number(100), 100, false},
		{number(-1), 0, true}, {number(101), 100, true}, {number(1 << 40), 100, true},
	} {
		w := worldtest.World(t, estate)
		world.CheckInstances(w, worldtest.World(t, estate).Objects["Pod"][0], c.stated)
		if got := world.Instances(c.stated, 0); got != c.want || len(w.Snapshot.Problems) > 0 != c.fault {
			t.Errorf("%v: %d, %v", c.want, got, w.Snapshot.Problems)
		}
	}
}

// A refused field that shapes no pod leaves policies alone; any other may matter to them.
func TestRefuse(t *testing.T) {
	w := worldtest.World(t, estate)
	o := worldtest.World(t, estate).Objects["Pod"][0]
	world.Refuse(w, o, "spec.line", "no")
	if n := len(w.Snapshot.PoliciesInDoubt(o.Namespace)); n != 0 || len(w.Snapshot.InDoubt(o.Namespace)) != 1 {
		t.Errorf("%v", w.Snapshot.Problems)
	}
	world.Fault(w, o, "spec.labels", "no")
	if n := len(w.Snapshot.PoliciesInDoubt(o.Namespace)); n != 1 {
		t.Errorf("%v", w.Snapshot.Problems)
	}
}
