package cnpg

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The fields of specs that are kept, with all that is below them. Left out is what may
// hold a secret in clear text, as SQL to run and variables of the environment do, and
// postgresql.parameters, which have keys of their own.
var (
	clusterFields = []string{
		"backup", "bootstrap.initdb.database", "bootstrap.initdb.import", "bootstrap.initdb.owner",
		"bootstrap.initdb.postInitApplicationSQLRefs", "bootstrap.initdb.postInitSQLRefs",
		"bootstrap.initdb.postInitTemplateSQLRefs", "bootstrap.initdb.secret",
		"bootstrap.pg_basebackup", "bootstrap.recovery", "certificates", "enableSuperuserAccess", "externalClusters",
		"imageCatalogRef", "imageName", "inheritedMetadata", "instances", "managed", "monitoring", "plugins",
		"podSecurityContext", "postgresGID", "postgresUID", "postgresql.enableAlterSystem", "postgresql.extensions",
		"postgresql.ldap", "postgresql.shared_preload_libraries", "primaryUpdateStrategy", "probes.liveness", "replica",
		"replicationSlots.highAvailability", "seccompProfile", "securityContext", "serviceAccountName",
		"serviceAccountTemplate", "superuserSecret",
	}
	poolerFields = []string{
		"instances", "monitoring", "pgbouncer.authQuery", "pgbouncer.authQuerySecret", "pgbouncer.clientCASecret",
		"pgbouncer.clientTLSSecret", "pgbouncer.image", "pgbouncer.imageCatalogRef", "pgbouncer.poolMode",
		"pgbouncer.serverCASecret", "pgbouncer.serverTLSSecret", "serviceAccountName", "serviceTemplate",
		"template.metadata.labels", "template.spec.hostNetwork", "template.spec.securityContext", "type",
	}
	roleFields = []string{
		"bypassrls", "clientCertificate", "connectionLimit", "createdb", "createrole", "disablePassword", "ensure",
		"inRoles", "inherit", "login", "name", "passwordSecret", "replication", "superuser", "validUntil",
	}
)

// kept records what rules ask the Cluster for.
func (c *cluster) kept() {
	c.keep(c.obj, clusterFields)
	c.parameters()
	c.annotations(c.obj)
	c.defaults()
	c.passthrough(c.passwordSecret)
	c.initSQL()
	c.environment()
}

// passthrough records the annotation of the Secrets that are asked for.
func (c *cluster) passthrough(of func(secret string) bool) {
	for _, o := range c.w.Objects["Secret"] {
		if o.Namespace == c.obj.Namespace && o.Annotations[passthrough] != "" && of(o.Name) {
			c.setting("annotation."+passthrough, o.Annotations[passthrough], o.Origin().At("metadata.annotations%s", object.Key(false, passthrough)))
		}
	}
}

// environment records which variables spell out a secret.
func (c *cluster) environment() {
	for i, v := range c.spec.Env {
		if field := fmt.Sprintf("spec.env[%d].value", i); world.IsSecret(v.Name, v.Value) {
			c.setting(field, snapshot.Hidden, c.at("%s", field))
		}
	}
}

// initSQL records of the SQL that the superuser runs first where it spells out a password.
func (c *cluster) initSQL() {
	b := c.spec.Bootstrap.InitDB
	if b == nil {
		return
	}
	for _, list := range []struct {
		field      string
		statements []string
	}{{"postInitSQL", b.SQL}, {"postInitApplicationSQL", b.ApplicationSQL}, {"postInitTemplateSQL", b.TemplateSQL}} {
		for i, sql := range list.statements {
			if field := fmt.Sprintf("spec.bootstrap.initdb.%s[%d]", list.field, i); world.HasPassword(sql) {
				c.setting(field, snapshot.Hidden, c.at("%s", field))
			}
		}
	}
}

// passthrough, on a Secret, hands its password to PostgreSQL as it is [cnpg
// docs/src/release_notes/v1.30.md@1.30.0].
const passthrough = "cnpg.io/passwordPassthrough"

// passwordSecret reports whether the operator sets the password of a role from the Secret.
func (c *cluster) passwordSecret(name string) bool {
	if name == c.obj.Name+"-app" || name == c.obj.Name+"-superuser" || name == c.spec.SuperuserSecret.Name {
		return true
	}
	db, _ := c.bootstrap()
	return name == db.Secret.Name ||
		slices.ContainsFunc(c.spec.Managed.Roles, func(r roleSpec) bool { return r.PasswordSecret.Name == name })
}

func (c *cluster) setting(key, value string, at verdict.Origin) {
	c.server.Settings = append(c.server.Settings, snapshot.Setting{Key: key, Value: value, Origin: at})
}

// keep records the values of an object's spec below some fields.
func (c *cluster) keep(o object.Object, fields []string) {
	var in struct {
		Spec map[string]any `json:"spec"`
	}
	d := json.NewDecoder(bytes.NewReader(o.JSON))
	d.UseNumber() // 100000 is not 1e+05
	if d.Decode(&in) != nil {
		return // which has been said of the whole object
	}
	for _, field := range fields {
		c.flatten(o, "spec."+field, at(in.Spec, field))
	}
}

// at returns the value of a path, nil where there is none.
func at(spec map[string]any, path string) any {
	var v any = spec
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// secretive finds the names of fields whose values may be secrets, though not the names of
// Secrets.
var secretive = regexp.MustCompile(`(?i)(passw|token|private)[^.[]*\]?$`)

func (c *cluster) flatten(o object.Object, path string, v any) {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			c.flatten(o, path+object.Key(false, k), v[k])
		}
	case []any:
		for i, e := range v {
			c.flatten(o, fmt.Sprintf("%s[%d]", path, i), e)
		}
	default:
		text := fmt.Sprint(v)
		if _, isText := v.(string); isText && secretive.MatchString(path) {
			text = snapshot.Hidden
		}
		c.setting(path, text, o.Origin().At("%s", path))
	}
}

// parameterDefaults are parameters that have another default than PostgreSQL's, or one
// that a rule asks for; of those in fixedParameters the user's value is not taken [cnpg
// pkg/postgres/configuration.go@1.30.0].
var parameterDefaults = map[string]string{
	"listen_addresses": "*", "log_destination": "csvlog", "logging_collector": "on", "ssl": "on",
	"ssl_max_protocol_version": "TLSv1.3", "ssl_min_protocol_version": "TLSv1.3", "unix_socket_directories": "/controller/run",
}

// fixedParameters are the operator's: the webhook refuses a Cluster that sets one, and
// where it is switched off the value is left out [cnpg
// pkg/postgres/configuration.go@1.30.0].
var fixedParameters = []string{
	"allow_alter_system", "allow_system_table_mods", "archive_cleanup_command", "archive_command", "archive_mode", "bonjour",
	"bonjour_name", "cluster_name", "config_file", "data_directory", "data_sync_retry", "event_source", "external_pid_file",
	"hba_file", "hot_standby", "ident_file", "jit_provider", "listen_addresses", "log_destination", "log_directory",
	"log_file_mode", "log_filename", "log_rotation_age", "log_rotation_size", "log_truncate_on_rotation", "logging_collector",
	"pg_failover_slots.primary_dsn", "pg_failover_slots.standby_slot_names", "port", "primary_conninfo", "primary_slot_name",
	"promote_trigger_file", "recovery_end_command", "recovery_min_apply_delay", "recovery_target", "recovery_target_action",
	"recovery_target_inclusive", "recovery_target_lsn", "recovery_target_name", "recovery_target_time",
	"recovery_target_timeline", "recovery_target_xid", "restart_after_crash", "restore_command", "shared_preload_libraries",
	"ssl", "ssl_ca_file", "ssl_cert_file", "ssl_crl_file", "ssl_dh_params_file", "ssl_ecdh_curve", "ssl_key_file",
	"ssl_passphrase_command", "ssl_passphrase_command_supports_reload", "ssl_prefer_server_ciphers", "stats_temp_directory",
	"synchronized_standby_slots", "synchronous_standby_names", "syslog_facility", "syslog_ident", "syslog_sequence_numbers",
	"syslog_split_messages", "temp_tablespaces", "unix_socket_directories", "unix_socket_group", "unix_socket_permissions",
}

// parameters records what the user sets of PostgreSQL. A webhook writes the operator's
// own values of some fixed parameters into a live Cluster, so that one with the value that
// it has anyway is nobody's mistake.
func (c *cluster) parameters() {
	for _, name := range slices.Sorted(maps.Keys(c.spec.PostgreSQL.Parameters)) {
		value, field := c.spec.PostgreSQL.Parameters[name], "spec.postgresql.parameters"+object.Key(false, name)
		if slices.Contains(fixedParameters, name) {
			if !slices.Contains(writtenByWebhook, name) {
				world.Warn(c.w, c.obj, "cnpg/fixed-parameter", field, "the operator sets %s itself and does not take this value", name)
			}
			continue
		}
		if secretive.MatchString(name) && name != "password_encryption" {
			value = snapshot.Hidden
		}
		c.setting("postgresql."+name, value, c.at("%s", field))
	}
}

// writtenByWebhook are the fixed parameters that the defaulting webhook writes into the
// Cluster [cnpg internal/webhook/v1/cluster_webhook.go@1.30.0].
var writtenByWebhook = []string{
	"archive_mode", "log_destination", "log_directory", "log_filename", "log_rotation_age", "log_rotation_size",
	"log_truncate_on_rotation", "logging_collector", "shared_preload_libraries",
}

// Annotations of a Cluster or its Pooler that change what is made of it all begin with
// one of these.
var annotationPrefixes = []string{"cnpg.io/", "alpha.cnpg.io/", "container.apparmor.security.beta.kubernetes.io/"}

// patchAnnotation changes the pods in ways that only the patch tells [cnpg
// docs/src/labels_annotations.md@1.30.0].
const patchAnnotation = "cnpg.io/podPatch"

// annotations records those that matter.
func (c *cluster) annotations(o object.Object) {
	for _, key := range slices.Sorted(maps.Keys(o.Annotations)) {
		if slices.ContainsFunc(annotationPrefixes, func(p string) bool { return strings.HasPrefix(key, p) }) {
			c.setting("annotation."+key, o.Annotations[key], o.Origin().At("metadata.annotations%s", object.Key(false, key)))
		}
	}
	if o.Annotations[patchAnnotation] != "" {
		world.Warn(c.w, o, "cnpg/pod-patch", "metadata.annotations"+object.Key(false, patchAnnotation),
			"the patch changes the pods of the operator; what it changes is not read")
	}
}

// defaults records the operator's where nobody wrote the field.
func (c *cluster) defaults() {
	add := func(key, value string) {
		if _, written := c.server.Setting(key); !written {
			c.server.Settings = append(c.server.Settings, snapshot.Setting{Key: key, Value: value, Default: true, Origin: c.obj.Origin()})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(parameterDefaults)) {
		add("postgresql."+name, parameterDefaults[name])
	}
	add("spec.enableSuperuserAccess", "false")
	add("spec.monitoring.enablePodMonitor", "false")
	add("spec.monitoring.tls.enabled", "false")
	add("spec.postgresGID", "26")
	add("spec.postgresUID", "26")
	add("spec.postgresql.enableAlterSystem", "false")
	if c.release.since(version{1, 27, 0}) != netpol.No {
		add("spec.probes.liveness.isolationCheck.enabled", "true")
	}
	add("spec.seccompProfile.type", "RuntimeDefault")
	add("spec.serviceAccountName", c.obj.Name)
	if !c.writes("spec.podSecurityContext") {
		add("spec.podSecurityContext.runAsNonRoot", "true")
	}
	if !c.writes("spec.securityContext") {
		add("spec.securityContext.allowPrivilegeEscalation", "false")
		add("spec.securityContext.readOnlyRootFilesystem", "true")
	}
}

// writes reports whether a field below the path is written.
func (c *cluster) writes(path string) bool {
	return slices.ContainsFunc(c.server.Settings, func(s snapshot.Setting) bool { return strings.HasPrefix(s.Key, path+".") })
}

// keep records what rules ask the Pooler for.
func (p *pooler) keep(c *cluster) {
	c.keep(p.obj, poolerFields)
	c.annotations(p.obj)
	written := p.spec.PgBouncer.Parameters
	for _, name := range slices.Sorted(maps.Keys(written)) {
		value := written[name]
		if secretive.MatchString(name) {
			value = snapshot.Hidden
		}
		c.setting("pgbouncer."+name, value, p.obj.Origin().At("spec.pgbouncer.parameters.%s", name))
	}
	for _, name := range slices.Sorted(maps.Keys(poolerDefaults)) {
		if _, ok := written[name]; !ok {
			c.server.Settings = append(c.server.Settings,
				snapshot.Setting{Key: "pgbouncer." + name, Value: poolerDefaults[name], Default: true, Origin: p.obj.Origin()})
		}
	}
}

// keepRole records what rules ask a DatabaseRole for.
func (c *cluster) keepRole(o object.Object) {
	c.keep(o, roleFields)
	c.annotations(o)
}
