package network

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// members adds a workload "ns/name" whose pods are written "part name instance k=v",
// a dash for nothing; a part of two words has its space as an underscore.
func members(name string, pods ...string) func(*build) {
	return func(b *build) {
		ns, short, _ := strings.Cut(name, "/")
		w := &snapshot.Workload{Ref: snapshot.Ref{Kind: "Cluster", Namespace: ns, Name: short}}
		for _, text := range pods {
			f := strings.Fields(strings.ReplaceAll(text, "- ", "\x00 "))
			for i := range f {
				f[i] = strings.ReplaceAll(strings.ReplaceAll(f[i], "\x00", ""), "_", " ")
			}
			w.Pods = append(w.Pods, &snapshot.Pod{Workload: w, Namespace: ns, Part: f[0], Name: f[1], Instance: f[2],
				Labels: netpol.Labels{Set: labelSet(f[3])}})
		}
		b.world.Workloads = append(b.world.Workloads, w)
	}
}

// lines writes the connections between workloads as "a/app -> a/db: TCP 5432".
func (b *build) lines() []string {
	var out []string
	for c := range New(b.world).Connections().All() {
		if c.From.CIDR != nil || c.To.CIDR != nil {
			continue
		}
		ports := flow.PortsOf(c.Ports...).String()
		if c.All {
			ports = "all ports"
		}
		out = append(out, fmt.Sprintf("%s/%s -> %s/%s: %s", c.From.Namespace, c.From.Name, c.To.Namespace, c.To.Name, ports))
	}
	return out
}

func TestMembersAreMergedOnlyWhereTheyAgree(t *testing.T) {
	app := pod("a/app", "app=app")
	deny := isolate("a/deny", "", netpol.Ingress)
	admitApp := func(labels string, port uint16) func(*build) {
		return isolate("a/to-"+labels, labels, netpol.Ingress, on(admit(pods("app=app")), tcp(port, port)))
	}
	for name, c := range map[string]struct {
		members func(*build)
		labels  string
		want    []string
	}{
		"alike":    {members("a/db", "primary db-1 db-1 role=primary", "replica db-1 db-1 role=replica"), "", []string{"a/app -> a/db: TCP 5432"}},
		"primary":  {members("a/db", "primary db-1 db-1 role=primary", "replica db-1 db-1 role=replica"), "role=primary", []string{"a/app -> a/db (primary): TCP 5432"}},
		"replicas": {members("a/db", "primary db-1 db-1 role=primary", "replica db-1 db-1 role=replica", "replica db-2 db-2 role=replica"), "role=replica", []string{"a/app -> a/db (replicas): TCP 5432"}},
		"job":      {members("a/db", "primary db-1 db-1 role=primary", "join_job - - role=job"), "role=job", []string{"a/app -> a/db (join job): TCP 5432"}},
		"one pod":  {members("a/db", "- db-0 - pod=0", "- db-1 - pod=1", "- db-2 - pod=2"), "pod=0", []string{"a/app -> a/db (db-0): TCP 5432"}},
		"instance": {members("a/db", "primary db-1 db-1 role=primary", "replica db-1 db-1 role=replica,n=1", "replica db-2 db-2 role=x"), "role=x", []string{"a/app -> a/db (db-2): TCP 5432"}},
		"nameless": {members("a/web", "- - - track=canary", "- - - track=stable"), "track=canary", []string{"a/app -> a/web (track=canary): TCP 5432"}},
	} {
		b := estateOf(app, deny, c.members, admitApp(c.labels, 5432))
		if got := b.lines(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Where members answer with different ports each has its own line, never a union.
func TestMembersAreNeverUnited(t *testing.T) {
	b := estateOf(pod("a/app", "app=app"), isolate("a/deny", "", netpol.Ingress),
		members("a/db", "primary db-1 db-1 role=primary", "replica db-1 db-1 role=replica"),
		isolate("a/rw", "role=primary", netpol.Ingress, on(admit(pods("app=app")), tcp(5432, 5433))),
		isolate("a/ro", "role=replica", netpol.Ingress, on(admit(pods("app=app")), tcp(5433, 5434))))
	want := []string{"a/app -> a/db (primary): TCP 5432-5433", "a/app -> a/db (replicas): TCP 5433-5434"}
	if got := b.lines(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A workload meets itself only between different pods.
func TestAWorkloadAndItself(t *testing.T) {
	for name, c := range map[string]struct {
		members func(*build)
		want    []string
	}{
		"one pod":       {pod("a/app", ""), nil},
		"replicas":      {pod("a/app", "", many), []string{"a/app -> a/app: all ports"}},
		"pods":          {members("a/db", "- db-0 - x=1", "- db-1 - x=1"), []string{"a/db -> a/db: all ports"}},
		"one instance":  {members("a/db", "primary db-1 db-1 role=primary", "replica db-1 db-1 role=replica"), nil},
		"two instances": {members("a/db", "primary db-1 db-1 role=primary", "replica db-2 db-2 role=replica"), []string{"a/db -> a/db: all ports"}},
	} {
		if got := estateOf(c.members).lines(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Ranges outside are minimal and disjoint, both families, equal ports together.
func TestOutsideRanges(t *testing.T) {
	b := estateOf(pod("a/db", ""), isolate("a/db", "", netpol.Ingress,
		on(admit(ipBlock("10.0.0.0/8", "10.128.0.0/9"), ipBlock("2001:db8::/33"), ipBlock("2001:db8:8000::/33")), tcp(5432, 5432)),
		on(admit(ipBlock("10.0.0.0/9")), tcp(443, 443))), isolate("a/out", "", netpol.Egress))
	var got []string
	for c := range New(b.world).Connections().All() {
		got = append(got, fmt.Sprintf("%v %s %s", c.From.CIDR, c.To.Name, flow.PortsOf(c.Ports...)))
	}
	want := []string{"[10.0.0.0/9] db TCP 443, TCP 5432", "[2001:db8::/32] db TCP 5432"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
