package hbarules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1027 finds expressions in lists of databases and roles that nothing holds.
var HBA1027 = &audit.Rule{
	ID:       "HBA1027",
	Title:    "a regular expression that matches anywhere in a name",
	Severity: audit.Medium,
	Why: `Since 16 a name that begins with / is a regular expression, also in quotes, and it matches
anywhere in a name: /app also takes myapp_admin. Whoever may create a role, or a
database, with the right letters in its name is let in with it. ^ and $ hold it, in each
branch of an |; .* says that more is meant.`,
	Bad:   "hostssl ledger /app 10.1.0.0/16 scram-sha-256\nhost all all all reject\n",
	Good:  "hostssl ledger /^app_[a-z]+$ 10.1.0.0/16 scram-sha-256\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		eachLine(p, func(f file, r *hba.Record) {
			if r.Method == "reject" {
				return
			}
			f.loose(p, r, r.Databases)
			f.loose(p, r, r.Users)
		})
	},
}

// loose reports the expressions of a list that nothing holds.
func (f file) loose(p *audit.Pass, r *hba.Record, list []hba.Token) {
	for _, t := range list {
		if t.Regexp == nil {
			continue
		}
		why := unanchored(t)
		if why == "" {
			continue
		}
		out := f.about(r, true, "%s, in %s of %s", why, words.Quoted(r), f.name())
		if t.Quoted {
			out.Message += ": quotes do not make it a name"
		}
		out.Fix = "hold the expression with ^ and $"
		p.Report(out)
	}
}
