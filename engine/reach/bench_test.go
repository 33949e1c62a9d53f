package reach

import (
	"fmt"
	"testing"

	"github.com/pgmoat/pgmoat/model/netpol"
)

// BenchmarkWhoCan makes the closed list of one server for many workloads, each of
// which some policy names, so that no two are of one class.
func BenchmarkWhoCan(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			est := estate()
			for i := range n {
				name := fmt.Sprint("app", i)
				est.client(fmt.Sprint("team", i%50), name, "app", name)
				if i%2 == 0 {
					est.policy(fmt.Sprint("team", i%50), name, netpol.Egress, selector("app", name),
						[]netpol.Peer{podsAnywhere(selector("app", "db"))}, 5432)
				}
			}
			s := est.server("payments", "hostssl all app all scram-sha-256", "host all all 10.0.0.0/8 md5", "host all all all reject")
			est.pooler(s, "host all all all scram-sha-256")
			b.ReportAllocs()
			for b.Loop() {
				if len(New(est.world).WhoCan(s)) == 0 {
					b.Fatal("nobody")
				}
			}
		})
	}
}
