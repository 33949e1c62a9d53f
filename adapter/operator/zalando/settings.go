package zalando

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// OperatorSetting begins the keys of settings that the operator's configuration has,
// by the key alone whichever object it is in: "operator.spilo_privileged".
const OperatorSetting = "operator."

func (c *cluster) set(key, value string, isDefault bool, at verdict.Origin) {
	if at.IsZero() {
		at = c.obj.Origin()
	}
	for _, s := range c.server.Settings {
		if s.Key == key && s.Value == value {
			return
		}
	}
	c.server.Settings = append(c.server.Settings, snapshot.Setting{Key: key, Value: value, Default: isDefault, Origin: at})
}

// settings records what rules ask for: fields of the cluster, parameters, and the
// operator's configuration with the defaults that matter.
func (c *cluster) settings() {
	c.fields()
	parameters := c.spec.PostgreSQL.Parameters
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		c.set("postgresql."+name, parameters[name], false, c.at("spec.postgresql.parameters%s", object.Key(false, name)))
	}
	c.encryption()
	c.operatorSettings()
}

// encryption is the default of password_encryption, which the operator hashes
// passwords by [zal docs/migrate.md@2.0.1, pkg/cluster/cluster.go@1.15.1].
func (c *cluster) encryption() {
	if _, stated := c.spec.PostgreSQL.Parameters["password_encryption"]; stated {
		return
	}
	at := c.at("spec.postgresql.parameters")
	switch r := c.config.release; {
	case r.from(2, 0, 0):
		c.set("postgresql.password_encryption", "scram-sha-256", true, at)
	case r.before(2):
		c.set("postgresql.password_encryption", "md5", true, at)
	default:
		c.unsettled("whether passwords are kept as md5 or scram-sha-256", releaseFact, at)
	}
}

func (c *cluster) fields() {
	s := c.spec
	flag := func(key string, v *bool) {
		if v != nil {
			c.set(key, strconv.FormatBool(*v), false, c.at("%s", key))
		}
	}
	text := func(key, v string) {
		if v != "" {
			c.set(key, v, false, c.at("%s", key))
		}
	}
	for _, d := range []door{c.masterDoor(), c.replicaDoor()} {
		flag(d.lbField, d.lb)
		flag(d.npField, d.np)
	}
	flag("spec.enableMasterPoolerLoadBalancer", s.MasterPoolerLoadBalancer)
	flag("spec.enableReplicaPoolerLoadBalancer", s.ReplicaPoolerLoadBalancer)
	flag("spec.enableMasterPoolerNodePort", s.MasterPoolerNodePort)
	flag("spec.enableReplicaPoolerNodePort", s.ReplicaPoolerNodePort)
	flag("spec.enableConnectionPooler", s.EnablePooler)
	flag("spec.enableReplicaConnectionPooler", s.EnableReplicaPooler)
	flag("spec.patroni.failsafe_mode", s.Patroni.Failsafe)
	text("spec.allowedSourceRanges", strings.Join(s.AllowedSourceRanges, ","))
	c.set("spec.tls.secretName", s.TLS.SecretName, s.TLS.SecretName == "", c.at("spec.tls.secretName"))
	text("spec.tls.caFile", s.TLS.CAFile)
	text("spec.dockerImage", s.DockerImage)
	text("spec.connectionPooler.dockerImage", c.poolerSection().DockerImage)
	text("spec.usersWithSecretRotation", strings.Join(s.SecretRotation, ","))
	text("spec.usersWithInPlaceSecretRotation", strings.Join(s.InPlaceRotation, ","))
	c.set("spec.patroni.pg_hba", strings.Join(s.Patroni.HBA, "\n"), len(s.Patroni.HBA) == 0, c.at("spec.patroni.pg_hba"))
	c.set("spec.enableLogicalBackup", strconv.FormatBool(s.LogicalBackup), !s.LogicalBackup, c.at("spec.enableLogicalBackup"))
	if s.RunAsUser != nil {
		c.set("spec.spiloRunAsUser", strconv.FormatInt(*s.RunAsUser, 10), false, c.at("spec.spiloRunAsUser"))
	}
	if s.FSGroup != nil {
		c.set("spec.spiloFSGroup", strconv.FormatInt(*s.FSGroup, 10), false, c.at("spec.spiloFSGroup"))
	}
	if s.Clone != nil && s.Clone.S3Secret != "" {
		c.set("spec.clone.s3_secret_access_key", hidden, false, c.at("spec.clone.s3_secret_access_key"))
	}
	for i, v := range s.Env {
		if v.Value != nil && world.IsSecret(v.Name, *v.Value) {
			field := fmt.Sprintf("spec.env[%d].value", i)
			c.set(field, hidden, false, c.at("%s", field))
		}
	}
	if v := c.env("ALLOW_NOSSL"); v.set && v.known {
		c.set("spec.env.ALLOW_NOSSL", v.value, false, v.origin)
	}
}

// hidden stands in the place of a secret that somebody wrote into an object.
const hidden = snapshot.Hidden

// defaults are of keys that matter though nobody writes them [zal
// pkg/util/config/config.go@1.15.1].
var defaults = []struct{ key, value string }{
	{"additional_pod_capabilities", ""},
	{"additional_secret_mount", ""},
	{"enable_cross_namespace_secret", "false"},
	{"enable_database_access", "true"},
	{"enable_password_rotation", "false"},
	{"enable_team_superuser", "false"},
	{"external_traffic_policy", "Cluster"},
	{"pam_configuration", "https://info.example.com/oauth2/tokeninfo?access_token= uid realm=/employees"},
	{"pam_role_name", "zalandos"},
	{"pod_service_account_name", "postgres-pod"},
	{"share_pgsocket_with_sidecars", "false"},
	{"spilo_allow_privilege_escalation", "true"},
	{"spilo_fsgroup", ""},
	{"spilo_privileged", "false"},
	{"spilo_runasuser", ""},
	{"super_username", "postgres"},
}

// operatorSettings are every key that somebody wrote, and the defaults that matter.
func (c *cluster) operatorSettings() {
	for _, key := range c.config.keys() {
		c.set(OperatorSetting+key, c.written(key), false, c.config.at(key))
	}
	for _, d := range defaults {
		if _, stated := c.config.values[d.key]; !stated {
			c.set(OperatorSetting+d.key, d.value, true, c.configuredAt(d.key))
		}
	}
}

// written is a value as text: a string without its quotes, and *** for a secret.
func (c *cluster) written(key string) string {
	for _, secret := range []string{"access_key", "account_key", "api_key"} {
		if strings.HasSuffix(key, secret) {
			return hidden
		}
	}
	if text, ok := c.config.string(key); ok || string(c.config.values[key].raw) == `""` {
		return text
	}
	return string(c.config.values[key].raw)
}
