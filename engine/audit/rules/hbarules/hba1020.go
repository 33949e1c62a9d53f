package hbarules

import (
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1020 finds LDAP without TLS, and secrets in the file. They are never shown.
var HBA1020 = &audit.Rule{
	ID:       "HBA1020",
	Title:    "LDAP in clear text, or a secret in pg_hba.conf",
	Severity: audit.High,
	Why: `With method ldap the server sends the client's password on to the directory; without
ldaptls=1 or ldaps it crosses the network readable, for every login. ldapbindpasswd and
radiussecrets stand in the file itself: in the manifest, in its repository, in backups,
and in the view pg_hba_file_rules. An @file from a Secret keeps them out of the first
two, and out of the view nothing does.`,
	Bad:   "hostssl ledger all 10.0.0.0/8 ldap ldapserver=ldap.example.com ldapprefix=\"cn=\" ldapsuffix=\",dc=example\"\nhost all all all reject\n",
	Good:  "hostssl ledger all 10.0.0.0/8 ldap ldapserver=ldap.example.com ldaptls=1 ldapprefix=\"cn=\" ldapsuffix=\",dc=example\"\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		eachLine(p, func(f file, r *hba.Record) {
			if r.Method == "ldap" && !encryptedLDAP(r) {
				out := f.about(r, true, "%s in %s sends the client's password to the directory without TLS", words.Quoted(r), f.name())
				out.Fix = "add ldaptls=1, or name the directory with ldaps"
				p.Report(out)
			}
			for _, name := range []string{"ldapbindpasswd", "radiussecrets"} {
				if _, set := r.Option(name); set && !fromFile(f, r, name) {
					out := f.about(r, true, "%s in %s holds the secret of %s: whoever reads the file, its manifest or pg_hba_file_rules has it", words.Quoted(r), f.name(), name)
					out.Fix = "change the secret, and put the option into an @file that comes from a Secret"
					p.Report(out)
				}
			}
		})
	},
}

func encryptedLDAP(r *hba.Record) bool {
	tls, _ := r.Option("ldaptls")
	scheme, _ := r.Option("ldapscheme")
	url, _ := r.Option("ldapurl")
	return tls == "1" || scheme == "ldaps" || strings.HasPrefix(strings.ToLower(url), "ldaps:")
}

// fromFile reports whether the option is not in the line itself, but in an @file.
func fromFile(f file, r *hba.Record, name string) bool {
	for _, field := range f.fields(r) {
		for _, t := range field {
			if strings.HasPrefix(t.Text, name+"=") {
				return false
			}
		}
	}
	return strings.Contains(r.Raw, "@")
}
