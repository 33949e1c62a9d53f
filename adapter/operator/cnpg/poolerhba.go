package cnpg

import (
	"cmp"
	"strings"

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

// bouncerRelease is PgBouncer's, by the tag of its image, with no more than the tag says:
// 1.24 may be any 1.24.x. It is empty where none tells.
func (p *pooler) bouncerRelease() string {
	tag := imageTag.FindStringSubmatch(cmp.Or(p.image(), p.status.Image))
	if tag == nil {
		return ""
	}
	parts := versionText.FindStringSubmatch(tag[1])
	if parts == nil {
		return ""
	}
	return strings.TrimSuffix(strings.Join(parts[1:], "."), ".")
}

// image is the one that the user wants; empty where that is left to the operator or to a
// catalogue.
func (p *pooler) image() string {
	return cmp.Or(p.spec.PgBouncer.Image, p.spec.Template.Spec.image("pgbouncer"))
}

// withoutFile is what is in force where auth_type is not hba: one method for everyone,
// and no file is read.
func (p *pooler) withoutFile(authType string) hba.File {
	origin := p.obj.Origin().At("spec.pgbouncer.parameters.auth_type")
	origin.Note = "pg_hba.conf is not read"
	return hba.PgBouncerAuthType(authType, p.bouncerRelease(), origin)
}

// demanding adds what client_tls_sslmode asks of every client before the file is read.
func (p *pooler) demanding(f hba.File) hba.File {
	origin := p.sslOrigin()
	origin.Note = "refuses plain text before pg_hba.conf is read"
	return f.UnderTLSMode(p.sslMode(), origin)
}
