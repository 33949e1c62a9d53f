package network

import (
	"testing"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// pairs returns what is sure and what is unknown from one workload to another.
func (b *build) pairs(from, to string) (sure []Connection, unknown []UnknownConnection) {
	c := New(b.world).Connections()
	match := func(c Connection) bool {
		return c.From.Namespace+"/"+c.From.Name == from && c.To.Namespace+"/"+c.To.Name == to
	}
	for line := range c.All() {
		if match(line) {
			sure = append(sure, line)
		}
	}
	for line := range c.Unknown() {
		if match(line.Connection) {
			unknown = append(unknown, line)
		}
	}
	return sure, unknown
}

// Two policies may select the pod, and any one of them alone: only what both admit
// is sure.
func TestSureIsWhatEveryPossiblePolicyAdmits(t *testing.T) {
	b := estateOf(space("a", ""), pod("a/app", "app=app"), pod("a/odd", "", unknownLabel("role")),
		isolate("a/one", "role=one", netpol.Ingress, on(admit(), tcp(1, 10))),
		isolate("a/two", "role=two", netpol.Ingress, on(admit(), tcp(5, 20))))
	sure, unknown := b.pairs("a/app", "a/odd")
	if len(sure) != 1 || sure[0].Ports[0].From != 5 || sure[0].Ports[0].To != 10 {
		t.Errorf("sure: %+v", sure)
	}
	if len(unknown) != 1 || unknown[0].Reason != Unsure || unknown[0].Origin.Field != "spec.podSelector" {
		t.Errorf("unknown: %+v", unknown)
	}
	for port, want := range map[uint16]verdict.Verdict{1: verdict.Unknown, 5: verdict.Allow, 10: verdict.Allow, 11: verdict.Unknown, 30: verdict.Unknown} {
		if s := b.in(t, "a/app", "a/odd", port); s.Verdict != want {
			t.Errorf("port %d: %s, want %s", port, s.Verdict, want)
		}
	}
}

// A peer of a namespace in doubt may be another pod than we read, also where no
// policy of its own hides it.
func TestAPeerInDoubt(t *testing.T) {
	b := estateOf(space("a", ""), space("b", ""), pod("a/db", "app=db"), pod("b/agent", "", onHost, at("192.168.0.7")),
		isolate("a/db", "app=db", netpol.Ingress, admit(ipBlock("192.168.0.0/24"))))
	if sure, _ := b.pairs("b/agent", "a/db"); len(sure) != 1 {
		t.Errorf("read: %+v", sure)
	}
	b.world.Problems = []snapshot.Problem{{Namespace: "b", Err: "broken"}}
	sure, unknown := b.pairs("b/agent", "a/db")
	if len(sure) != 0 || len(unknown) != 1 || unknown[0].Reason != Unreadable {
		t.Errorf("in doubt: sure %+v, unknown %+v", sure, unknown)
	}
}
