package hbarules

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/internal/audittest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Lines for a Pooler are such as each PgBouncer reads, and do what they are for: with them
// no rule that printed one finds its fault again.
func TestPoolerFixes(t *testing.T) {
	rules := []*audit.Rule{HBA1002, HBA1003, HBA1004, HBA1005, HBA1007, HBA1022}
	before := ofPooler(t, []string{"host all all 10.0.0.0/8 md5"}, rules)
	var first, last []string
	for _, f := range before {
		for _, line := range strings.Split(f.Fix, "\n") {
			line, isLine := strings.CutPrefix(line, "- host")
			switch line = "host" + line; {
			case !isLine:
			case strings.Contains(line, " all reject"):
				t.Errorf("%s: %s", f.Rule, line)
			case strings.HasPrefix(line, "host all all "):
				last = append(last, line)
			default:
				first = append(first, line)
			}
		}
	}
	if len(first) < 2 || len(last) < 2 {
		t.Fatalf("first %q, last %q: %+v", first, last, before)
	}
	lines := append(append(first, "hostssl ledger app 10.0.0.0/8 md5"), last...)
	if left := ofPooler(t, lines, rules); len(left) > 0 {
		t.Errorf("%q: still %s: %s", lines, left[0].Rule, left[0].Message)
	}
}

// ofPooler are the findings about the Pooler.
func ofPooler(t *testing.T, lines []string, rules []*audit.Rule) []audit.Finding {
	t.Helper()
	superuser := cluster("host all all all reject") + "  enableSuperuserAccess: true\n---\n"
	var out []audit.Finding
	for _, f := range audit.Run(audittest.Load(t, superuser+withPooler(lines...)), rules).Findings {
		if f.Subject == (snapshot.Ref{Kind: "Pooler", Namespace: "payments", Name: "pool"}) {
			out = append(out, f)
		}
	}
	return out
}
