package stackgres

import (
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Ignored is the code of the warning about a parameter that the operator drops.
const Ignored = "operator/parameter-ignored"

// fixedParameters are those of PostgreSQL that the operator drops where a user sets
// them [sg stackgres-k8s/src/operator/src/main/resources/postgresql-blocklist.properties@1.18.6].
// hba_file, password_encryption and those of TLS are not among them.
var fixedParameters = []string{
	"archive_command", "archive_mode", "dynamic_library_path", "lc_messages", "listen_addresses", "logging_collector",
	"log_destination", "log_directory", "log_filename", "log_rotation_age", "log_rotation_size", "log_truncate_on_rotation",
	"port", "wal_log_hints",
}

// readParameters reads the SGPostgresConfig and what the cluster itself writes over it
// [sg F/cluster/patroni/PatroniConfigEndpoints.java@1.18.6].
func (c *cluster) readParameters() map[string]parameter {
	out := map[string]parameter{}
	const conf = "[postgresql.conf]"
	if name := c.spec.Configurations.SGPostgresConfig; name != "" {
		if o, ok := c.named("SGPostgresConfig", name, c.ref.Namespace); ok {
			var in struct {
				Spec struct {
					Conf map[string]any `json:"postgresql.conf"`
				} `json:"spec"`
			}
			world.Read(c.w, o, &in)
			c.layParameters(out, in.Spec.Conf, o, o.Origin().At("spec"+conf))
		} else {
			c.unsettled("the parameters of PostgreSQL", "SGPostgresConfig "+name+", which is not in the estate", "spec.configurations.sgPostgresConfig")
		}
	}
	c.layParameters(out, c.spec.Configurations.Postgres.Conf, c.owner, c.at("spec.configurations.postgres"+conf))
	return out
}

func (c *cluster) layParameters(out map[string]parameter, in map[string]any, o object.Object, at verdict.Origin) {
	for _, key := range slices.Sorted(maps.Keys(in)) {
		origin := at.At("%s%s", at.Field, object.Key(false, key))
		name := strings.ToLower(key)
		if slices.Contains(fixedParameters, name) {
			world.Warn(c.w, o, Ignored, origin.Field, "the operator drops %s: it sets it itself", key)
			c.dropped(key, origin)
			continue
		}
		out[name] = parameter{text(in[key]), origin}
	}
}

// dropped notes a parameter of a user's that the operator leaves out.
func (c *cluster) dropped(name string, at verdict.Origin) {
	c.server.Unheeded = append(c.server.Unheeded, snapshot.Unheeded{
		How: snapshot.Overruled, Field: name, Why: "the operator sets it itself, and leaves out what a user writes, without a word", Origin: at,
	})
}

// named finds an object of the operator's that a cluster names.
func (c *cluster) named(kind, name, namespace string) (object.Object, bool) {
	return find(c.w.Objects[kind+"."+group], name, namespace)
}

func find(list []object.Object, name, namespace string) (object.Object, bool) {
	for _, o := range list {
		if o.Namespace == namespace && o.Name == name {
			return o, true
		}
	}
	return object.Object{}, false
}

// set records what the object says of a field.
func (c *cluster) set(key, value string) {
	c.server.Settings = append(c.server.Settings, snapshot.Setting{Key: key, Value: value, Origin: c.at("%s", key)})
}

// setOr records a field, or the operator's default where it is absent.
func (c *cluster) setOr(key, value, usual string) {
	s := snapshot.Setting{Key: key, Value: value, Origin: c.at("%s", key)}
	if value == "" {
		s.Value, s.Default = usual, true
	}
	c.server.Settings = append(c.server.Settings, s)
}

// setIf records a field that is not empty.
func (c *cluster) setIf(key, value string) {
	if value != "" {
		c.set(key, value)
	}
}
