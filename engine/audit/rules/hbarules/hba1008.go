package hbarules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
)

// HBA1008 finds md5 in lines that a person wrote; operators' own are theirs to mend.
var HBA1008 = &audit.Rule{
	ID:       "HBA1008",
	Title:    "md5 passwords are accepted",
	Severity: audit.Low,
	Why: `The md5 method also takes passwords stored as MD5, which is broken: whoever reads the
stored value can log in with it. It is deprecated since PostgreSQL 18. With
passwords stored as SCRAM the line already uses SCRAM, and may as well say so.`,
	Bad:   cluster("hostssl ledger app 10.0.0.0/8 md5", "host all all all reject"),
	Good:  cluster("hostssl ledger app 10.0.0.0/8 scram-sha-256", "host all all all reject"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			for _, r := range f.own() {
				if r.Method != "md5" {
					continue
				}
				out := f.finding(r, true)
				scram := *r
				scram.Method = "scram-sha-256"
				out.Message = fmt.Sprintf("%s in %s accepts passwords stored as MD5", words.Quoted(r), f.name())
				out.Fix = "store the passwords anew under password_encryption=scram-sha-256, then write" + f.listed(scram.String())
				p.Report(out)
			}
		})
	},
}
