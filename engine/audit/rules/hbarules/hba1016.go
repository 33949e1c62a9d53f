package hbarules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1016 finds lines that take any certificate of the CA for anybody's. Behind a
// password that costs little: the password says who it is.
var HBA1016 = &audit.Rule{
	ID:       "HBA1016",
	Title:    "any certificate of the CA logs in as any role",
	Severity: audit.Critical,
	Why: `clientcert=verify-ca asks for a certificate that the CA signed, and does not look whose
it is. With trust, whoever holds one, a colleague or another application, logs in as
any role of the line, superusers included. Only verify-full, and the method cert, which
implies it, compare the certificate's name with the role.`,
	Bad:   "hostssl ledger all 10.0.0.0/8 trust clientcert=verify-ca\nhost all all all reject\n",
	Good:  "hostssl ledger all 10.0.0.0/8 cert\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			for _, r := range f.own() {
				if r.ClientCert() != hba.VerifyCA || r.Method == "reject" {
					continue
				}
				if how := f.everywhere().reach(r, probe{}); how != never {
					p.Report(anyCertificate(f, r, how))
				}
			}
		})
	},
}

func anyCertificate(f file, r *hba.Record, how reached) audit.Finding {
	if r.Method == "trust" || r.Method == "ident" {
		out := f.about(r, how == surely, "%s in %s lets whoever holds a certificate of the CA log in as any role of the line", words.Quoted(r), f.name())
		out.Fix = "compare the name in the certificate with the role:" + f.listed(certified(r))
		return out
	}
	out := f.about(r, how == surely, "%s in %s asks for a certificate of the CA, but not for the role's own: it goes with anybody's password", words.Quoted(r), f.name())
	out.Severity = audit.Low
	out.Fix = "write clientcert=verify-full if the certificate is to say who it is"
	return out
}

// certified is the record with method cert.
func certified(r *hba.Record) string {
	c := *r
	c.Type, c.Method, c.Options = hba.HostSSL, "cert", nil
	return c.String()
}
