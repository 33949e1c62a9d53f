package cnpg

import (
	"cmp"
	"slices"

	"github.com/pgmoat/pgmoat/model/hba"
)

// hba renders the pooler's file, blank lines where the operator has them: the user's
// lines stand between an administrator's socket and two catch-alls, and podselector tokens
// are not replaced [cnpg pkg/management/pgbouncer/config/config.go@1.30.0].
func (p *pooler) hba() hba.File {
	if method := p.parameter("auth_type"); method != "hba" {
		return p.demanding(p.withoutFile(method))
	}
	r := &rendering{file: "pg_hba.conf"}
	r.written(byOperator, "", "local pgbouncer pgbouncer peer", "", "")
	for i, text := range p.spec.PgBouncer.HBA {
		r.user(hba.Source{Text: text, Origin: p.obj.Origin().At("spec.pgbouncer.pg_hba[%d]", i)})
	}
	r.written(appended, "", "host all all 0.0.0.0/0 md5", "host all all ::/0 md5")
	return p.demanding(hba.ParsePgBouncer(r.sources, p.bouncerRelease()))
}

// bouncerRelease is PgBouncer's, by the tag of its image; empty where none tells.
func (p *pooler) bouncerRelease() string {
	m := imageTag.FindStringSubmatch(cmp.Or(p.image(), p.status.Image))
	if m == nil {
		return ""
	}
	if v, ok := parseVersion(m[1]); ok {
		return v.String()
	}
	return ""
}

// image is the one that the user wants; empty where that is left to the operator or to a
// catalogue.
func (p *pooler) image() string {
	return cmp.Or(p.spec.PgBouncer.Image, p.spec.Template.Spec.image("pgbouncer"))
}

// methods are the records that say what a value of auth_type does to every client
// (PgBouncer manual, auth_type).
var methods = map[string]string{
	"trust": "host all all all trust", "any": "host all all all trust", "md5": "host all all all md5",
	"scram-sha-256": "host all all all scram-sha-256", "plain": "host all all all password",
	"cert": "hostssl all all all cert", "pam": "host all all all pam",
}

// withoutFile is what is in force where auth_type is not hba: one method for everyone,
// and no file is read.
func (p *pooler) withoutFile(method string) hba.File {
	origin := p.obj.Origin().At("spec.pgbouncer.parameters.auth_type")
	origin.Note = "pg_hba.conf is not read"
	line, known := methods[method]
	if !known {
		return hba.File{Errors: []hba.Error{{Raw: method, Missing: true, Origin: origin,
			Message: "what PgBouncer makes of this auth_type is not known"}}}
	}
	f := hba.Parse([]hba.Source{{Text: line, Origin: origin}}, 0)
	f.Records[0].Line = 0
	return f
}

// demanding adds what client_tls_sslmode asks of every client before the file is
// read: from require on TLS, from verify-ca on a certificate too. It has the form
// of a record, on line zero, and of an option.
func (p *pooler) demanding(f hba.File) hba.File {
	mode := p.sslMode()
	if slices.Contains([]string{"verify-ca", "verify-full"}, mode) {
		for i := range f.Records {
			if f.Records[i].Type != hba.Local {
				f.Records[i].Options = append(f.Records[i].Options, hba.Option{Name: "clientcert", Value: "verify-ca"})
			}
		}
	}
	if !slices.Contains([]string{"require", "verify-ca", "verify-full"}, mode) {
		return f
	}
	origin := p.sslOrigin()
	origin.Note = "refuses plain text before pg_hba.conf is read"
	plain := hba.Parse([]hba.Source{{Text: "hostnossl all,replication all all reject", Origin: origin}}, 0)
	plain.Records[0].Line = 0
	f.Records = append(plain.Records, f.Records...)
	return f
}
