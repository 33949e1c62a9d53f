package reach

import (
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A resolver that policies let out nowhere still asks itself; its neighbour, whom policies
// see alike, does not, in whatever order the two come.
func TestResolverIsNotLikeItsNeighbour(t *testing.T) {
	for _, neighbour := range []string{"aaa", "zzz"} {
		est := estate()
		est.client("kube-system", "core", "k8s-app", "kube-dns")
		est.client("kube-system", neighbour, "k8s-app", "metrics")
		est.policy("kube-system", "out", netpol.Egress, &netpol.Selector{}, []netpol.Peer{podsAnywhere(selector("app", "db"))}, 5432)
		s := est.server("payments", "host all all all scram-sha-256")
		slices.SortFunc(est.world.Workloads, func(a, b *snapshot.Workload) int { return a.Compare(b.Ref) })
		for _, w := range est.world.Workloads {
			for _, p := range w.Pods {
				p.Many = false
			}
		}
		e := New(est.world)
		o := e.Outcomes(s, NamesOf(s), nil)
		for i, p := range e.Pods() {
			if p.Namespace != "kube-system" {
				continue
			}
			want := p.Labels.Set["k8s-app"] == "kube-dns"
			if got := throughService(o.Lists[o.Pods[i]]); got != want {
				t.Errorf("beside %s, outcomes of %s have a Service: %v", neighbour, p.Ref(), got)
			}
			if got := throughService(about(e.WhoCan(s), func(a Access) bool { return slices.Contains(a.Members, p) })); got != want {
				t.Errorf("beside %s, the list of %s has a Service: %v", neighbour, p.Ref(), got)
			}
		}
	}
}

func throughService(list []Access) bool {
	return slices.ContainsFunc(list, func(a Access) bool {
		return slices.ContainsFunc(a.Logins, func(l Login) bool {
			return slices.ContainsFunc(l.Routes, func(r Route) bool { return r.Service != "" })
		})
	})
}
