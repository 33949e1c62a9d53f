package stackgres

import (
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// pgBouncerGrammar is the version whose grammar PgBouncer's own parser is next to.
const pgBouncerGrammar = 13

// A parameter is a line of a configuration file, and where it was written.
type parameter struct {
	value  string
	origin verdict.Origin
}

// A pooler is the PgBouncer of the pods: what the user set in pgbouncer.ini.
type pooler struct {
	parameters map[string]parameter
	// sections are settings of single databases and users, by the path in the file:
	// "databases.shop.host".
	sections map[string]parameter
	origin   verdict.Origin
}

// keptFromUsers are the parameters of PgBouncer that the operator drops where a user
// sets them [sg stackgres-k8s/src/operator/src/main/resources/pgbouncer-blocklist.properties@1.18.6].
// Until 1.16 those of TLS were among them.
var keptFromUsers = []string{
	"admin_users", "stats_users", "auth_file", "auth_query", "auth_type", "auth_user", "conffile", "dns_max_ttl", "dns_nxdomain_ttl",
	"dns_zone_check_period", "listen_addr", "listen_port", "logfile", "pidfile", "server_round_robin", "server_tls_ca_file",
	"server_tls_cert_file", "server_tls_ciphers", "server_tls_key_file", "server_tls_protocols", "server_tls_sslmode", "syslog",
	"syslog_facility", "syslog_ident", "unix_socket_dir", "unix_socket_group", "unix_socket_mode", "host", "password",
}

const iniPath = "pgBouncer[pgbouncer.ini]"

// readPooler reads the SGPoolingConfig and what the cluster itself writes over it [sg
// F/cluster/sidecars/pooling/PgBouncerPooling.java@1.18.6].
func (c *cluster) readPooler() pooler {
	p := pooler{parameters: map[string]parameter{}, sections: map[string]parameter{}, origin: c.at("spec.configurations.sgPoolingConfig")}
	if name := c.spec.Configurations.SGPoolingConfig; name != "" {
		if o, ok := c.named("SGPoolingConfig", name, c.ref.Namespace); ok {
			var in struct {
				Spec poolingSpec `json:"spec"`
			}
			world.Read(c.w, o, &in)
			p.origin = o.Origin().At("spec." + iniPath + ".pgbouncer")
			c.lay(&p, in.Spec, o, o.Origin().At("spec."+iniPath))
		} else {
			world.Refuse(c.w, c.owner, p.origin.Field, "SGPoolingConfig %s is not in the estate", name)
		}
	}
	c.lay(&p, c.spec.Configurations.Pooling, c.owner, c.at("spec.configurations.pooling."+iniPath))
	for _, path := range slices.Sorted(maps.Keys(p.sections)) {
		entry, isHost := strings.CutSuffix(path, ".host")
		if database, ok := strings.CutPrefix(entry, "databases."); ok && isHost {
			c.server.Unsettled = append(c.server.Unsettled, snapshot.Unsettled{
				What: "which server a pooled session of database " + database + " reaches", Fact: "who is " + p.sections[path].value,
				Origin: p.sections[path].origin,
			})
		}
	}
	return p
}

// lay writes one source of settings over the others.
func (c *cluster) lay(p *pooler, in poolingSpec, o object.Object, at verdict.Origin) {
	ini := in.PgBouncer.Ini
	for _, key := range slices.Sorted(maps.Keys(ini.PgBouncer)) {
		origin := at.At("%s.pgbouncer%s", at.Field, object.Key(false, key))
		if slices.Contains(keptFromUsers, key) {
			world.Warn(c.w, o, Ignored, origin.Field, "the operator drops %s: it sets it itself", key)
			c.dropped(key, origin)
			continue
		}
		p.parameters[key] = parameter{text(ini.PgBouncer[key]), origin}
	}
	for name, sections := range map[string]map[string]map[string]any{"databases": ini.Databases, "users": ini.Users} {
		for entry, settings := range sections {
			for key, value := range settings {
				path := name + "." + entry + "." + key
				p.sections[path] = parameter{text(value), at.At("%s.%s%s%s", at.Field, name, object.Key(false, entry), object.Key(false, key))}
			}
		}
	}
	c.checkMode(*p, o)
}

// checkMode makes a Problem of a client_tls_sslmode that PgBouncer does not start
// with, or that asks clients for certificates: no CA to check one is configured.
func (c *cluster) checkMode(p pooler, o object.Object) {
	mode, set := p.parameters["client_tls_sslmode"]
	if set && !slices.Contains([]string{"disable", "allow", "prefer", "require"}, mode.value) {
		world.Refuse(c.w, o, mode.origin.Field, "what PgBouncer does with %q is not known", mode.value)
	}
}

// offersTLS reports whether PgBouncer takes TLS from its clients. Before 1.17 the
// operator did not give it the certificate (release notes 1.17.0, "PgBouncer SSL is not
// set when enabled").
func (p pooler) offersTLS(r release) bool {
	mode, set := p.parameters["client_tls_sslmode"]
	if set {
		return mode.value != "disable"
	}
	return r.since(1, 17) != before
}

// bouncerRelease is PgBouncer's of the operator's release: 1.25 since 1.18 (release notes
// 1.18.0); empty for one that is not known.
func bouncerRelease(r release) string {
	if r.since(1, 18) == from {
		return "1.25"
	}
	return ""
}

// file is what PgBouncer asks of clients, in the form of a file: auth_type md5 for
// everybody, which the operator lets nobody change [sg
// stackgres-k8s/src/operator/src/main/resources/pgbouncer-default-values.properties@1.18.6].
func (p pooler) file(m mode, r release) hba.File {
	origin := p.origin
	origin.Note = "auth_type md5 of PgBouncer"
	f := hba.PgBouncerAuthType("md5", bouncerRelease(r), origin)
	f.Records = append(p.refusal(m, r), f.Records...)
	return f
}

// refusal is a record, on line zero, of what client_tls_sslmode refuses. Behind Envoy,
// which ended TLS, a mode that requires it refuses everybody.
func (p pooler) refusal(m mode, r release) []hba.Record {
	mode := p.parameters["client_tls_sslmode"]
	if !slices.Contains([]string{"require", "verify-ca", "verify-full"}, mode.value) {
		return nil
	}
	origin := mode.origin
	origin.Note = "client_tls_sslmode refuses plain text"
	kind := "hostnossl"
	if m.envoy {
		kind, origin.Note = "host", "client_tls_sslmode refuses what Envoy passes on without TLS"
	}
	line := hba.Source{Text: kind + " all,replication all all reject", Origin: origin}
	if r.since(1, 17) == before {
		line.Maybe = "whether a release before 1.17 lets client_tls_sslmode be set"
	}
	f := hba.Parse([]hba.Source{line}, pgBouncerGrammar)
	for i := range f.Records {
		f.Records[i].Line = 0 // a setting, and no line of any file
	}
	return f.Records
}

// settings are what rules ask for; TLS is offered by default where the cluster has a
// certificate.
func (p pooler) settings(certified bool) []snapshot.Setting {
	var out []snapshot.Setting
	for _, list := range []map[string]parameter{p.parameters, p.sections} {
		for _, key := range slices.Sorted(maps.Keys(list)) {
			out = append(out, snapshot.Setting{Key: "pgbouncer." + key, Value: list[key].value, Origin: list[key].origin})
		}
	}
	out = append(out, snapshot.Setting{Key: "pgbouncer.auth_type", Value: "md5", Default: true, Origin: p.origin})
	if _, set := p.parameters["client_tls_sslmode"]; !set {
		usual := snapshot.Setting{Key: "pgbouncer.client_tls_sslmode", Value: "disable", Default: true, Origin: p.origin}
		if certified {
			usual.Value = "prefer"
		}
		out = append(out, usual)
	}
	return out
}
