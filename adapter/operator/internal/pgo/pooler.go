package pgo

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// poolerPath is where PgBouncer's own settings stand.
const poolerPath = "spec.proxy.pgBouncer.config"

// bouncer completes the pooler with what pgbouncer.ini says [pgo
// internal/pgbouncer/config.go clusterINI@6.0.3]: the user's settings override the
// operator's.
func (c *Cluster) bouncer() {
	b := c.Spec.Proxy.PgBouncer
	if c.pooler == nil || b == nil {
		return
	}
	p := c.pooler
	p.Port = number(b.Port, 5432)
	p.AuthUser, p.AuthDatabase = bouncer, c.lookupDatabase()
	p.ServerTLS = c.ini("server_tls_sslmode", "verify-full")
	p.HBA = c.poolerHBA()
	p.TLS = c.poolerTLS()
	c.destination()
	if len(b.Config.Files) > 0 {
		c.unsettled("settings of PgBouncer that the operator does not set", "the files of "+poolerPath+".files", poolerPath+".files")
	}
	c.server.Poolers = append(c.server.Poolers, p)
}

// ini is a setting of PgBouncer.
func (c *Cluster) ini(key, otherwise string) string {
	if v, ok := c.Spec.Proxy.PgBouncer.Config.Global[key]; ok {
		return v
	}
	return otherwise
}

// lookupDatabase is one in which the pooler asks for a password: it is the one that the
// client asks for.
func (c *Cluster) lookupDatabase() string {
	for _, d := range c.server.Databases {
		if d != "postgres" {
			return d
		}
	}
	return "postgres"
}

// destination is where sessions go on to, C-primary, unless databases of its own replace
// the one that is every database's.
func (c *Cluster) destination() {
	p := c.pooler
	p.Target, p.Part = c.obj.Name+"-primary", snapshot.Primary
	databases := c.Spec.Proxy.PgBouncer.Config.Databases
	var hosts, users []string
	for _, name := range sortedKeys(databases) {
		options := connection(databases[name])
		hosts, users = append(hosts, options["host"]), append(users, options["user"])
	}
	if len(hosts) == 0 {
		return
	}
	hosts, users = unique(hosts), unique(users)
	if len(hosts) > 1 || len(users) > 1 {
		c.unsettled("where PgBouncer takes a session, and as whom", "it is another for each entry of "+poolerPath+".databases", poolerPath+".databases")
		p.Part = ""
		return
	}
	p.Becomes = users[0]
	service, _, _ := strings.Cut(hosts[0], ".")
	switch p.Target = service; service {
	case c.obj.Name + "-primary", c.obj.Name + "-ha":
	case c.obj.Name + "-replicas":
		p.Part = snapshot.Replica
	default:
		p.Part = ""
		c.unsettled("where PgBouncer takes a session", "host="+hosts[0]+" is none of the cluster's Services", poolerPath+".databases")
	}
}

func unique(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// connection reads "host=x port=5432 user=y" (PgBouncer documentation, "Section
// [databases]"); values may stand in single quotes.
func connection(text string) map[string]string {
	out := map[string]string{}
	for _, word := range strings.Fields(text) {
		key, value, _ := strings.Cut(word, "=")
		out[key] = strings.Trim(value, "'")
	}
	return out
}

var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

func (c *Cluster) poolerTLS() snapshot.TLS {
	at := c.at("%s.global.client_tls_sslmode", poolerPath)
	mode := c.ini("client_tls_sslmode", "require")
	out := snapshot.TLS{Enabled: verdict.Allow, ClientCA: verdict.Allow, Origin: at}
	switch {
	case mode == "disable":
		out.Enabled = verdict.Deny
	case !slices.Contains(sslModes, mode):
		out.Enabled = verdict.Unknown
		world.Fault(c.w, c.obj, at.Field, "%q is not a mode that PgBouncer knows", mode)
	}
	b := c.Spec.Proxy.PgBouncer
	cert := snapshot.Certificate{
		Use: "pooler", Secret: c.obj.Namespace + "/" + c.obj.Name + "-pgbouncer", Key: "pgbouncer-frontend.crt", Names: c.names("-pgbouncer"),
		Lifetime: c.Lifetimes.Leaf, RenewBefore: c.Lifetimes.LeafBefore, Origin: c.at("spec.proxy.pgBouncer"),
	}
	cert.Subject = cert.Names[0]
	name := c.obj.Name + "-pgbouncer"
	if b.CustomTLSSecret != nil {
		name = b.CustomTLSSecret.Name
		cert = snapshot.Certificate{Use: "pooler", Secret: c.obj.Namespace + "/" + name, Key: b.CustomTLSSecret.key("tls.crt"),
			Origin: c.at("spec.proxy.pgBouncer.customTLSSecret")}
	}
	c.visible(&cert, name)
	out.Names, out.NamesKnown = cert.Names, len(cert.Names) > 0
	out.Certificates = []snapshot.Certificate{cert}
	return out
}

// methods are what PgBouncer's auth_type asks for, in words of pg_hba.conf (PgBouncer
// documentation, "auth_type"); any takes whoever comes for the database's own user.
var methods = map[string]string{
	"md5": "md5", "scram-sha-256": "scram-sha-256", "cert": "cert", "trust": "trust", "any": "trust", "plain": "password",
	"pam": "pam", "ldap": "ldap",
}

// passwords are the methods for which PgBouncer asks PostgreSQL for the role's password.
var passwords = []string{"md5", "scram-sha-256", "password"}

// unanswered are the roles whose passwords it does not get: superusers, unless Percona's
// exposeSuperusers is set, and those that may replicate, except then postgres [pgo
// internal/pgbouncer/postgres.go sqlAuthenticationQuery@6.0.3, percona the same@3.0.0].
// The pooler's own is in its file.
func (c *Cluster) unanswered() (out []string) {
	exposed := !c.fork.Strict && yes(c.Spec.Proxy.PgBouncer.ExposeSuperusers, false)
	for _, r := range c.server.Roles {
		if r.Superuser && !exposed || r.Replication && !(exposed && r.Name == "postgres") {
			out = append(out, r.Name)
		}
	}
	return out
}

// poolerHBA is what auth_type asks of everybody, md5 where nobody says, in the form of
// records. Before it client_tls_sslmode refuses plain text, and from verify-ca on it
// wants a certificate too. Physical replication is in no record: it would go on as the
// client's role, and the server lets only its own replicator in, with a certificate.
func (c *Cluster) poolerHBA() hba.File {
	at := c.at("%s.global.auth_type", poolerPath)
	kind := c.ini("auth_type", "md5")
	method, known := methods[kind]
	maybe := ""
	switch {
	case kind == "hba":
		method, maybe = "md5", "the file of auth_hba_file"
		c.unsettled("who may log in at PgBouncer", maybe, at.Field)
	case !known:
		world.Fault(c.w, c.obj, at.Field, "%q is not a type that PgBouncer knows", kind)
		method, maybe = "md5", "a type that PgBouncer knows"
	}
	if _, said := c.Spec.Proxy.PgBouncer.Config.Global["auth_type"]; !said {
		at.Note = "PgBouncer's default"
	}
	mode := c.ini("client_tls_sslmode", "require")
	var sources []hba.Source
	if slices.Contains([]string{"require", "verify-ca", "verify-full"}, mode) {
		plain := c.at("%s.global.client_tls_sslmode", poolerPath)
		plain.Note = "refuses plain text before anything else"
		sources = append(sources, hba.Source{Text: "hostnossl all,replication all all reject", Origin: plain})
	}
	if asked := c.unanswered(); len(asked) > 0 && slices.Contains(passwords, method) {
		at := c.at("spec.proxy.pgBouncer")
		at.Note = "the function that PgBouncer asks for passwords leaves these roles out"
		sources = append(sources, hba.Source{Text: "host all,replication " + quoted(asked) + " all reject", Origin: at})
	}
	line := "host all all all " + method
	switch {
	case slices.Contains(passwords, method) && strings.HasPrefix(mode, "verify-"):
		line = "hostssl all all all " + method + " clientcert=verify-ca"
	case method == "cert":
		line = "hostssl all all all cert"
	case method == "ldap":
		line += " ldapserver=auth_ldap_options" // which one does not matter to who may ask
	}
	sources = append(sources, hba.Source{Text: line, Origin: at, Maybe: maybe})
	return hba.Parse(sources, pgBouncerGrammar)
}

// pgBouncerGrammar is the version whose words the records above are written in.
const pgBouncerGrammar = 14
