package tlsrules

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/internal/audittest"
)

// Where nobody told whether there is a load balancer, nobody knows that clients from
// outside lack a name; that the replicas' Service has none is certain all the same.
func TestLoadBalancerInDoubt(t *testing.T) {
	const told = "  enableMasterLoadBalancer: true\n"
	without := postgresql("      - hostssl all all all scram-sha-256\n", "{}")
	for text, certain := range map[string]bool{without: false, without + told: true} {
		outside := 0
		for _, f := range audit.Run(audittest.Load(t, text), []*audit.Rule{TLS1005}).Findings {
			isOutside := strings.HasPrefix(f.Message, "clients from outside")
			if isOutside {
				outside++
			}
			if want := certain || !isOutside; f.Certain != want {
				t.Errorf("certain %v: %s", f.Certain, f.Message)
			}
		}
		if outside != 1 {
			t.Errorf("%d findings about clients from outside", outside)
		}
	}
}
