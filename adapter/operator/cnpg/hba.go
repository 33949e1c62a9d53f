package cnpg

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A rendering is a file under way: the operator writes it, line by line.
type rendering struct {
	file    string
	sources []hba.Source
}

// written adds lines of the operator's own.
func (r *rendering) written(note string, lines ...string) {
	for _, text := range lines {
		origin := verdict.Origin{File: r.file, Line: len(r.sources) + 1, Note: note}
		r.sources = append(r.sources, hba.Source{Text: text, Origin: origin})
	}
}

// user adds an entry that a person wrote; one with line breaks is several lines.
func (r *rendering) user(s hba.Source) {
	for text := range strings.SplitSeq(strings.TrimSuffix(s.Text, "\n"), "\n") {
		s.Text = text
		r.sources = append(r.sources, s)
	}
}

const (
	byOperator = "written by the operator"
	appended   = "appended by the operator"
)

// hba renders pg_hba.conf: fixed lines, the user's, LDAP, and a catch-all that
// nothing switches off [cnpg pkg/postgres/configuration.go@1.30.0]. Blank lines and
// comments stand where the operator has them, so that line numbers are the file's.
func (c *cluster) hba() hba.File {
	r := &rendering{file: "pg_hba.conf"}
	r.written(byOperator, "", "#", "# fixed", "#", "", "#")
	c.exporterLine(r)
	r.written(byOperator,
		"local all all peer map=local",
		"", "#",
		"hostssl postgres streaming_replica all cert map=cnpg_streaming_replica",
		"hostssl replication streaming_replica all cert map=cnpg_streaming_replica",
		"hostssl all cnpg_pooler_pgbouncer all cert map=cnpg_pooler_pgbouncer",
		"", "#", "# user-defined", "#", "", "")
	for i, text := range c.spec.PostgreSQL.HBA {
		for _, s := range c.userLine(i, text) {
			r.user(s)
		}
	}
	r.written(byOperator, "")
	if c.spec.PostgreSQL.LDAP.enabled() {
		r.written(appended, "", "#", "# LDAP", "#")
		at := c.at("spec.postgresql.ldap")
		at.Note = appended
		r.sources = append(r.sources, hba.Source{Text: c.spec.PostgreSQL.LDAP.line(), Origin: at})
	}
	r.written(appended, "", "", "#", "# default", "#", "host all all all "+c.password())
	return hba.Parse(r.sources, c.server.Version)
}

// exporterLine is there where the exporter has a role of its own.
func (c *cluster) exporterLine(r *rendering) {
	line := len(r.sources) + 1
	has := c.settle(c.release.exporter(), fmt.Sprintf("whether line %d of pg_hba.conf is there", line), c.obj.Origin())
	if has == netpol.No {
		return
	}
	r.written(byOperator, "local all cnpg_metrics_exporter peer map=cnpg_metrics_exporter")
	if has == netpol.Unsure {
		r.sources[len(r.sources)-1].Maybe = theRelease
	}
}

// password is the method of the catch-all.
func (c *cluster) password() string {
	if v := c.server.Version; v != 0 && v < 14 {
		return "md5"
	}
	return "scram-sha-256"
}

// line renders spec.postgresql.ldap [cnpg pkg/postgres/configuration.go@1.30.0];
// the password to bind with is in a Secret and left out.
func (l *ldapSpec) line() string {
	var b strings.Builder
	b.WriteString("host all all 0.0.0.0/0 ldap")
	always := func(name, value string) { fmt.Fprintf(&b, " %s", hba.Option{Name: name, Value: value}) }
	option := func(name, value string) {
		if value != "" {
			always(name, value)
		}
	}
	always("ldapserver", l.Server)
	if l.Port != 0 {
		option("ldapport", fmt.Sprint(l.Port))
	}
	option("ldapscheme", l.Scheme)
	if l.TLS {
		option("ldaptls", "1")
	}
	if l.Bind != nil {
		always("ldapprefix", l.Bind.Prefix)
		always("ldapsuffix", l.Bind.Suffix)
	}
	if l.Search != nil {
		always("ldapbasedn", l.Search.BaseDN)
		always("ldapbinddn", l.Search.BindDN)
		option("ldapsearchfilter", l.Search.Filter)
		option("ldapsearchattribute", l.Search.Attribute)
	}
	return b.String()
}

// reference is what the operator replaces in the lines of users [cnpg
// pkg/postgres/hba/hba.go@1.30.0].
var reference = regexp.MustCompile(`\$\{([^:]+):([^}]+)}`)

const podSelector = "podselector"

// userLine returns what the operator makes of one entry of spec.postgresql.pg_hba:
// itself, or one line for each address of the pods that its reference selects, which 1.29
// brought. Before, PostgreSQL sees the reference and takes it for the name of a host, which
// none has.
func (c *cluster) userLine(i int, text string) []hba.Source {
	at := c.at("spec.postgresql.pg_hba[%d]", i)
	found := reference.FindAllStringSubmatch(text, -1)
	if found == nil {
		return []hba.Source{{Text: text, Origin: at}}
	}
	token, kind, name := found[0][0], found[0][1], found[0][2]
	expands := netpol.Yes
	if len(c.status.PodSelectorRefs) == 0 {
		expands = c.since(version{1, 29, 0}, "whether the operator replaces "+token, at)
	}
	if expands == netpol.No {
		return []hba.Source{{Text: text, Origin: at, Addresses: map[string]hba.Address{token: {Name: token}}}}
	}
	if kind != podSelector {
		return c.commented(text, at, token+" is no reference that the operator knows")
	}
	if len(found) > 1 {
		world.Refuse(c.w, c.obj, at.Field, "only one ${%s:…} is allowed in a line", podSelector)
		c.heed(snapshot.Unheeded{How: snapshot.Refused, Field: "the line", Why: "the webhook allows one ${" + podSelector + ":…} in a line", Origin: at,
			Fix: "write a line for each selector"})
	} else {
		c.misplaced(text, token, expands, at)
	}
	out := c.selected(podReference{text, token, name, at})
	if expands == netpol.Unsure {
		for j := range out {
			out[j].Maybe = theRelease
		}
	}
	return out
}

// commented is a line that the operator cannot expand. The webhook refuses the Cluster;
// where that is switched off the line becomes a comment.
func (c *cluster) commented(text string, at verdict.Origin, why string) []hba.Source {
	if c.unvalidated() {
		c.heed(snapshot.Unheeded{How: snapshot.Overruled, Field: "the line", Why: why + ", and it becomes a comment in pg_hba.conf", Origin: at})
		return []hba.Source{{Text: "# " + text, Origin: at}}
	}
	c.heed(snapshot.Unheeded{How: snapshot.Refused, Field: "the line", Why: why + ", and the webhook asks for that", Origin: at,
		Fix: "name the selector in spec.podSelectorRefs, and write ${podselector:NAME}"})
	world.Refuse(c.w, c.obj, at.Field, "%s: the webhook refuses the Cluster", why)
	return []hba.Source{{Text: text, Origin: at}}
}

// validation switches the webhook off where its value is "disabled" [cnpg
// docs/src/labels_annotations.md@1.30.0].
const validation = "cnpg.io/validation"

func (c *cluster) unvalidated() bool { return c.obj.Annotations[validation] == "disabled" }

// ident renders pg_ident.conf [cnpg pkg/postgres/configuration.go@1.30.0]. The
// instance manager runs as the system user postgres of the usual images.
func (c *cluster) ident() ident.File {
	r := &rendering{file: "pg_ident.conf"}
	if c.release.exporter() != netpol.No {
		r.written(byOperator, "cnpg_metrics_exporter postgres cnpg_metrics_exporter")
	}
	r.written(byOperator,
		"local postgres postgres",
		"cnpg_streaming_replica streaming_replica streaming_replica",
		"cnpg_pooler_pgbouncer cnpg_pooler_pgbouncer cnpg_pooler_pgbouncer")
	for i, text := range c.spec.PostgreSQL.Ident {
		r.user(hba.Source{Text: text, Origin: c.at("spec.postgresql.pg_ident[%d]", i)})
	}
	return ident.Parse(r.sources, c.server.Version)
}
