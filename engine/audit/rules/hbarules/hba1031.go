package hbarules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1031 finds lines that PgBouncer passes over.
var HBA1031 = &audit.Rule{
	ID:       "HBA1031",
	Title:    "PgBouncer passes over a line",
	Severity: audit.High,
	Why: `PgBouncer's file looks like pg_hba.conf and is not. It knows no +group, samerole, samenet,
samehost, host names, hostgssenc, includes, nor any option after the method but a map. A
line with one of these is taken for absent, with a warning in PgBouncer's log, and the rest
is in force: whom the line was to admit is refused, and whom it was to refuse is decided by
the lines below it, of which the operator's last admits everybody.`,
	Setting: cluster("host all all all reject") + "---\n",
	Bad:     withPooler("hostssl ledger +app 10.0.0.0/8 scram-sha-256", "host all all 0.0.0.0/0 reject", "host all all ::/0 reject"),
	Good:    withPooler("hostssl ledger app 10.0.0.0/8 scram-sha-256", "host all all 0.0.0.0/0 reject", "host all all ::/0 reject"),
	Needs:   []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, f := range files(p.World) {
			for _, e := range f.hba.Skipped {
				p.Report(f.skipped(e))
			}
		}
	},
}

func (f file) skipped(e hba.Error) audit.Finding {
	out := audit.Finding{Subject: f.ref, Origin: e.Origin, Certain: true}
	if out.Origin.IsZero() {
		out.Origin = f.origin
	}
	_, message := e.Shown()
	out.Message = fmt.Sprintf("PgBouncer passes over %q in %s, as if it were not there: %s", e.Raw, f.name(), message)
	out.Fix = "write the line in words that PgBouncer knows"
	if why := notBouncers(e.Raw); why != "" {
		out.Message += " (" + why + ")"
	}
	return out
}

// notBouncers says what of the line only PostgreSQL knows; empty where it is something else.
func notBouncers(raw string) string {
	for word := range strings.FieldsFuncSeq(raw, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' }) {
		switch {
		case strings.HasPrefix(word, "+"):
			return "it knows no groups: name each role"
		case word == "samenet", word == "samehost":
			return "it knows no " + word + ": write the network"
		case word == "samerole", word == "samegroup":
			return "it knows no memberships: name the databases and roles"
		case strings.HasPrefix(word, "hostgssenc"), strings.HasPrefix(word, "hostnogssenc"):
			return "it knows no GSSAPI"
		case strings.HasPrefix(word, "include"):
			return "it includes no files"
		case strings.HasPrefix(word, "${podselector:"):
			return "the operator replaces such a reference in the Cluster's lines only, not in a Pooler's: write the network"
		case strings.HasPrefix(word, "clientcert="):
			return "it asks for certificates by client_tls_sslmode"
		}
	}
	return ""
}
