package hbarules

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// HBA1030 finds files that leave the rest to the implicit reject.
var HBA1030 = &audit.Rule{
	ID:       "HBA1030",
	Title:    "nothing says that the rest is refused",
	Severity: audit.Low,
	Why: `Whom no line matches the server refuses, with another message than a reject has. It is
the same in effect, but nobody reads it in the file: who adds a line at the end does not
see that he opens something, and an operator that adds one there opens it for sure. A
last line "host all all all reject" says it. Physical replication is not in "all", and
needs "host replication all all reject" to say the same.`,
	Bad:   "hostssl ledger app 10.1.0.0/16 scram-sha-256\n",
	Good:  "hostssl ledger app 10.1.0.0/16 scram-sha-256\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			own := f.own()
			if i := slices.IndexFunc(own, func(r *hba.Record) bool { return r.Type != hba.Local }); i < 0 || !f.postgres() {
				return
			}
			if !f.implicit() {
				return
			}
			last := own[len(own)-1]
			out := f.about(last, true, "after %s in %s no line refuses the rest: the server does, but the file does not say so", words.Quoted(last), f.name())
			out.Fix = "end " + f.where() + " with:" + f.listed("host all all all reject")
			p.Report(out)
		})
	},
}

// implicit reports whether, over one of the transports, a stranger of either family gets
// past all records and none is let in. A line that the server may not have counts as there.
func (f file) implicit() bool {
	present := f.hba
	present.Records = slices.Clone(present.Records)
	for i := range present.Records {
		present.Records[i].Maybe = ""
	}
	return slices.ContainsFunc([]bool{false, true}, func(tls bool) bool {
		past := false
		for _, client := range anybody {
			result := hba.Decide(present, hba.Session{TLS: tls, Client: client, User: hba.AnyOther(), Database: hba.AnyOther(), Member: f.member})
			if result.Verdict == verdict.Allow {
				return false
			}
			past = past || result.Implicit
		}
		return past
	})
}
