package pgo

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// refused are the parameters that spec.config may not set, whole or by their beginning
// [pgo pkg/apis/postgres-operator.crunchydata.com/v1beta1/config_types.go@6.0.3].
var (
	refused = []string{
		"config_file", "data_directory", "external_pid_file", "hba_file", "ident_file", "listen_addresses", "port", "ssl",
		"wal_log_hints", "archive_mode", "archive_command", "restore_command", "recovery_target", "hot_standby",
		"synchronous_standby_names", "primary_conninfo", "primary_slot_name", "recovery_min_apply_delay", "cluster_name",
		"logging_collector", "log_file_mode",
	}
	refusedBeginnings = []string{"ssl_", "unix_socket_", "recovery_target_"}
	allowedAgain      = []string{"ssl_groups", "ssl_ecdh_curve"}
)

func refuses(name string) bool {
	if slices.Contains(allowedAgain, name) {
		return false
	}
	return slices.Contains(refused, name) || slices.ContainsFunc(refusedBeginnings, func(b string) bool { return strings.HasPrefix(name, b) })
}

// secretOption finds the options of pgBackRest that hold a secret, which belong into a file
// of a Secret (pgBackRest configuration reference, Repository Options).
var secretOption = regexp.MustCompile(`^repo\d*-(s3-key-secret|s3-token|azure-key|cipher-pass|sftp-private-key-passphrase)$`)

// settings are what the object says that rules ask for.
func (c *Cluster) settings() {
	for _, name := range sortedKeys(c.Spec.Config.Parameters) {
		if refuses(name) {
			world.Refuse(c.w, c.obj, "spec.config.parameters."+name, "cannot be set here; parameters of TLS stand in %s.parameters", dynamicPath)
			c.heed(snapshot.Refused, name, "it cannot be set here; parameters of TLS stand in "+dynamicPath+".parameters", c.at("spec.config.parameters.%s", name))
		}
	}
	for _, p := range c.Spec.parameters() {
		c.setAt("postgresql."+p.name, p.value, p.field)
	}
	c.flag("spec.openshift", c.Spec.OpenShift)
	c.flag(c.fork.Paths.Shutdown, c.Spec.Shutdown)
	c.flag(c.fork.Paths.Paused, c.Spec.Paused)
	c.access()
	c.exposed(c.fork.Paths.Service, c.Spec.Service)
	c.exposed(c.fork.Paths.Replicas, c.Spec.ReplicaService)
	c.poolerSettings()
	for i, u := range userList(c.Spec.Users) {
		if u.Options != "" {
			field, said := fmt.Sprintf("spec.users[%d].options", i), u.Options
			if world.HasPassword(said) {
				said = snapshot.Hidden
			}
			c.setAt(field, said, field)
		}
	}
	if s := c.Spec.Standby; s != nil {
		c.set("spec.standby.enabled", strconv.FormatBool(yes(s.Enabled, c.fork.Strict)))
	}
	for _, k := range sortedKeys(c.Spec.Backups.PGBackRest.Global) {
		if field := "spec.backups.pgbackrest.global." + k; secretOption.MatchString(k) {
			c.set(field, snapshot.Hidden)
		}
	}
	if sql := c.Spec.DatabaseInitSQL; sql != nil && sql.Name != "" {
		c.set("spec.databaseInitSQL.name", sql.Name)
	}
	if c.Spec.Monitoring.PGMonitor.Exporter != nil {
		c.set("spec.monitoring.pgmonitor.exporter", "enabled")
	}
	c.server.Settings = append(c.server.Settings, c.Input.Settings...)
}

// access counts the user's own lines: with one, the default for everybody is gone.
func (c *Cluster) access() {
	if n := len(c.Spec.Authentication.Rules); n > 0 {
		c.set("spec.authentication.rules", strconv.Itoa(n))
	}
	if n := c.Spec.count("pg_hba"); n > 0 {
		c.set(dynamicPath+".pg_hba", strconv.Itoa(n))
	}
}

func (c *Cluster) exposed(field string, s *ServiceSpec) {
	if s == nil {
		c.fallback(field+".type", "ClusterIP")
		return
	}
	if s.Type == "" {
		c.fallback(field+".type", "ClusterIP")
	} else {
		c.set(field+".type", s.Type)
	}
	if s.ExternalTrafficPolicy != "" {
		c.set(field+".externalTrafficPolicy", s.ExternalTrafficPolicy)
	}
	if len(s.SourceRanges) > 0 {
		c.set(field+".loadBalancerSourceRanges", strings.Join(s.SourceRanges, ", "))
	}
}

func (c *Cluster) poolerSettings() {
	b := c.Spec.Proxy.PgBouncer
	if b == nil {
		return
	}
	for _, k := range sortedKeys(b.Config.Global) {
		c.setAt("pgbouncer."+k, b.Config.Global[k], poolerPath+".global."+k)
	}
	for _, d := range [][2]string{{"auth_type", "md5"}, {"client_tls_sslmode", "require"}, {"server_tls_sslmode", "verify-full"}} {
		if _, said := b.Config.Global[d[0]]; !said {
			c.server.Settings = append(c.server.Settings, snapshot.Setting{Key: "pgbouncer." + d[0], Value: d[1], Default: true, Origin: c.at("spec.proxy.pgBouncer")})
		}
	}
	c.exposed(c.fork.Paths.Pooler, b.Service)
	c.flag("spec.proxy.pgBouncer.exposeSuperusers", b.ExposeSuperusers)
}

func userList(list *[]User) []User {
	if list == nil {
		return nil
	}
	return *list
}

func (c *Cluster) set(field, value string) { c.setAt(field, value, field) }

func (c *Cluster) setAt(key, value, field string) {
	c.server.Settings = append(c.server.Settings, snapshot.Setting{Key: key, Value: value, Origin: c.at("%s", field)})
}

func (c *Cluster) fallback(field, value string) {
	c.server.Settings = append(c.server.Settings, snapshot.Setting{Key: field, Value: value, Default: true, Origin: c.at("%s", field)})
}

func (c *Cluster) flag(field string, b *bool) {
	if b != nil {
		c.set(field, strconv.FormatBool(*b))
	}
}
