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
	p.ServerTLS = c.serverTLS()
	p.Stopped = world.Stopped(b.Replicas, c.at("spec.proxy.pgBouncer.replicas"))
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

// serverTLS is server_tls_sslmode; empty for a mode with which PgBouncer does not start.
func (c *Cluster) serverTLS() string {
	mode := c.ini("server_tls_sslmode", "verify-full")
	if !slices.Contains(hba.SSLModes, mode) {
		world.Refuse(c.w, c.obj, poolerPath+".global.server_tls_sslmode", "%q is not a mode that PgBouncer knows", mode)
		return ""
	}
	return mode
}

func (c *Cluster) poolerTLS() snapshot.TLS {
	at := c.at("%s.global.client_tls_sslmode", poolerPath)
	mode := c.ini("client_tls_sslmode", "require")
	out := snapshot.TLS{Enabled: verdict.Allow, ClientCA: verdict.Allow, Origin: at}
	switch {
	case mode == "disable":
		out.Enabled = verdict.Deny
	case !slices.Contains(hba.SSLModes, mode):
		out.Enabled = verdict.Unknown
		world.Refuse(c.w, c.obj, at.Field, "%q is not a mode that PgBouncer knows", mode)
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

// passwords are the values of auth_type for which PgBouncer asks PostgreSQL for the role's
// password.
var passwords = []string{"md5", "scram-sha-256", "plain"}

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
// records. Before it stand the roles without a password, and before these what
// client_tls_sslmode asks.
func (c *Cluster) poolerHBA() hba.File {
	at := c.at("%s.global.auth_type", poolerPath)
	kind := c.ini("auth_type", "md5")
	if _, said := c.Spec.Proxy.PgBouncer.Config.Global["auth_type"]; !said {
		at.Note = "PgBouncer's default"
	}
	f := hba.PgBouncerAuthType(kind, c.bouncerRelease(), at)
	switch {
	case kind == "hba":
		c.unsettled("who may log in at PgBouncer", "the file of auth_hba_file", at.Field)
	case len(f.Errors) > 0:
		world.Refuse(c.w, c.obj, at.Field, "%q is not a type that PgBouncer knows", kind)
	}
	if slices.Contains(passwords, kind) {
		f.Records = append(c.withoutPassword(), f.Records...)
	}
	plain := c.at("%s.global.client_tls_sslmode", poolerPath)
	plain.Note = "refuses plain text before anything else"
	return f.UnderTLSMode(c.ini("client_tls_sslmode", "require"), plain)
}

// withoutPassword is a record, on line zero, that refuses the roles PgBouncer gets no
// password of; none where it gets all.
func (c *Cluster) withoutPassword() []hba.Record {
	asked := c.unanswered()
	if len(asked) == 0 {
		return nil
	}
	at := c.at("spec.proxy.pgBouncer")
	at.Note = "the function that PgBouncer asks for passwords leaves these roles out"
	f := hba.Parse([]hba.Source{{Text: "host all,replication " + quoted(asked) + " all reject", Origin: at}}, pgBouncerGrammar)
	for i := range f.Records {
		f.Records[i].Line = 0 // a setting, and no line of any file
	}
	return f.Records
}

// pgBouncerGrammar is the version whose words the record above is written in.
const pgBouncerGrammar = 14

// bouncerRelease is PgBouncer's, by the tag of an image of its own, "ubi9-1.25-2547" or
// "1.25.0-1"; empty where none tells. Tags of other images count releases of the operator.
func (c *Cluster) bouncerRelease() string {
	repository, tag := imageParts(c.Spec.Proxy.PgBouncer.Image)
	if !strings.HasSuffix(repository, "pgbouncer") {
		return ""
	}
	return tag
}
