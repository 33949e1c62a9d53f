package hbarules

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/engine/regions"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1034 finds LDAP lines of the operator's that the user's lines cut off.
var HBA1034 = &audit.Rule{
	ID:       "HBA1034",
	Title:    "nobody logs in by LDAP any more",
	Severity: audit.High,
	Why: `CloudNativePG writes the line of spec.postgresql.ldap after those of
spec.postgresql.pg_hba. A last line of yours that rejects everybody, or asks everybody for
a password, takes the sessions before they come to it, and LDAP is asked about nobody.`,
	Bad: clusterWith("", "hostssl ledger app 10.0.0.0/8 scram-sha-256", "host all all all reject") +
		"    ldap: {server: ldap.example.com, tls: true, bindAsAuth: {prefix: 'cn=', suffix: ',dc=example'}}\n",
	Good: clusterWith("", "hostssl ledger app 10.0.0.0/8 scram-sha-256", "hostnossl all all all reject") +
		"    ldap: {server: ldap.example.com, tls: true, bindAsAuth: {prefix: 'cn=', suffix: ',dc=example'}}\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			i := f.ldap()
			if i < 0 {
				return
			}
			shadows, err := regions.Shadowed(f.hba, f.context())
			if err != nil {
				p.Skip(f.ref, err.Error())
				return
			}
			for _, s := range shadows {
				if s.Record == i && !s.Undecided && len(s.Covers) > 0 {
					p.Report(f.cutOff(&f.hba.Records[i], s.Covers))
				}
			}
		})
	},
}

// ldap is the operator's own record of LDAP; -1 for none.
func (f file) ldap() int {
	for i := range f.hba.Records {
		if r := &f.hba.Records[i]; r.Method == "ldap" && r.Origin.Note != "" {
			return i
		}
	}
	return -1
}

func (f file) cutOff(r *hba.Record, covers []int) audit.Finding {
	out := f.finding(r, true)
	out.Message = "no session comes to the LDAP line of " + f.name() + ", which stands after your own: " + f.taken(covers)
	last := &f.hba.Records[covers[len(covers)-1]]
	for _, i := range covers {
		out.Also = append(out.Also, f.hba.Records[i].Origin)
	}
	own, note := asOwn(r)
	out.Fix = "take " + words.Quoted(last) + " away, and refuse before LDAP only whom it is not for:" + f.listed(leftByLDAP) +
		"\nor write the line yourself, before the last, and no spec.postgresql.ldap:" + f.listed(own, last.String()) + note
	return out
}

// leftByLDAP refuses whom the line of LDAP, "host all all 0.0.0.0/0 ldap", leaves to the
// operator's catch-all [cnpg pkg/postgres/configuration.go@1.30.0].
const leftByLDAP = "host all all ::/0 reject"

// asOwn is the line as a user may write it, over TLS. The operator takes the password it
// binds with from a Secret; a user has no other place than the line.
func asOwn(r *hba.Record) (line, note string) {
	line = strings.Replace(r.String(), "host ", "hostssl ", 1)
	if !slices.ContainsFunc(r.Options, func(o hba.Option) bool { return o.Name == "ldapbinddn" && o.Value != "" }) {
		return line, ""
	}
	return line + " ldapbindpasswd=PASSWORD", "\n(PASSWORD is what bindSearchAuth.bindPassword names; whoever reads the Cluster reads it then)"
}
