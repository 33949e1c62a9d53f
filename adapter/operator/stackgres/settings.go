package stackgres

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// settings records what rules may ask for. A default that differs between releases is
// left out where the release is not known.
func (c *cluster) settings() {
	c.podSettings()
	c.tlsSettings()
	c.scriptSettings()
	c.setIf("spec.configurations.sgPostgresConfig", c.spec.Configurations.SGPostgresConfig)
	c.setIf("spec.configurations.sgPoolingConfig", c.spec.Configurations.SGPoolingConfig)
	for i, b := range c.spec.Configurations.Backups {
		c.setIf(fmt.Sprintf("spec.configurations.backups[%d].sgObjectStorage", i), b.SGObjectStorage)
	}
	c.setIf("spec.distributedLogs.sgDistributedLogs", c.spec.DistributedLogs.SGDistributedLogs)
	for name, s := range map[string]serviceSpec{"primary": c.spec.PostgresServices.Primary, "replicas": c.spec.PostgresServices.Replicas} {
		c.setIf("spec.postgresServices."+name+".type", s.Type)
	}
	slices.SortFunc(c.server.Settings, func(a, b snapshot.Setting) int { return strings.Compare(a.Key, b.Key) })
	for _, key := range slices.Sorted(maps.Keys(c.parameters)) {
		p := c.parameters[key]
		c.server.Settings = append(c.server.Settings, snapshot.Setting{Key: "postgresql." + key, Value: p.value, Origin: p.origin})
	}
	if c.pools() {
		c.server.Settings = append(c.server.Settings, c.pooler.settings(c.mayTLS())...)
	}
	c.annotationSettings()
	c.server.Settings = append(c.server.Settings, configSettings(c.w)...)
}

func (c *cluster) pools() bool {
	return slices.ContainsFunc(c.possible, func(m mode) bool { return m.pooling })
}

func (c *cluster) podSettings() {
	if len(c.possible) == 1 {
		value, envoy := "", strconv.FormatBool(!c.possible[0].envoy)
		if c.spec.Pods.DisableEnvoy != nil {
			value = strconv.FormatBool(*c.spec.Pods.DisableEnvoy)
		}
		c.setOr("spec.pods.disableEnvoy", value, envoy)
	}
	for key, field := range map[string]*bool{
		"spec.pods.disableConnectionPooling": c.spec.Pods.DisableConnectionPooling,
		"spec.pods.disableMetricsExporter":   c.spec.Pods.DisableMetricsExporter,
	} {
		value := ""
		if field != nil {
			value = strconv.FormatBool(*field)
		}
		c.setOr(key, value, "false")
	}
}

func (c *cluster) tlsSettings() {
	if on, known := c.ssl(); known {
		value := ""
		if c.spec.Postgres.SSL.Enabled != nil {
			value = strconv.FormatBool(on)
		}
		c.setOr("spec.postgres.ssl.enabled", value, strconv.FormatBool(on))
	}
	c.setIf("spec.postgres.ssl.duration", c.spec.Postgres.SSL.Duration)
	if s := c.spec.Postgres.SSL.Certificate; s != nil {
		c.set("spec.postgres.ssl.certificateSecretKeySelector.name", s.Name)
	}
}

// scriptSettings: scripts run as the superuser unless they say otherwise.
func (c *cluster) scriptSettings() {
	for i, s := range c.spec.ManagedSQL.Scripts {
		c.setIf(fmt.Sprintf("spec.managedSql.scripts[%d].sgScript", i), s.SGScript)
	}
	if c.spec.ManagedSQL.ContinueOnError {
		c.set("spec.managedSql.continueOnSGScriptError", "true")
	}
}

// annotationSettings are those of the object itself that the operator reads, and those
// it gives its pods.
func (c *cluster) annotationSettings() {
	for _, key := range slices.Sorted(maps.Keys(c.owner.Annotations)) {
		if !strings.HasPrefix(key, group+"/") {
			continue
		}
		c.server.Settings = append(c.server.Settings, snapshot.Setting{
			Key: "annotation." + key, Value: c.owner.Annotations[key], Origin: c.owner.Origin().At("metadata.annotations%s", object.Key(false, key)),
		})
	}
	for _, source := range []struct {
		field string
		set   map[string]string
	}{
		{"spec.metadata.annotations.allResources", c.spec.Metadata.Annotations.AllResources},
		{"spec.metadata.annotations.clusterPods", c.spec.Metadata.Annotations.ClusterPods},
	} {
		for _, key := range slices.Sorted(maps.Keys(source.set)) {
			c.server.Settings = append(c.server.Settings, snapshot.Setting{
				Key: "annotation." + key, Value: source.set[key], Origin: c.at("%s%s", source.field, object.Key(false, key)),
			})
		}
	}
}

// configKey goes before the fields of the operator's SGConfig, which holds for all
// clusters.
const configKey = "SGConfig."

// configSettings are those of the operator that open something: its web console, its
// collector, and whom it may be.
func configSettings(w *operator.World) []snapshot.Setting {
	var out []snapshot.Setting
	for _, o := range w.Objects["SGConfig."+group] {
		in := readConfig(o)
		add := func(field, value string) {
			if value != "" {
				out = append(out, snapshot.Setting{Key: configKey + field, Value: value, Origin: o.Origin().At("%s", field)})
			}
		}
		add("spec.adminui.service.type", in.AdminUI.Service.Type)
		for i, r := range in.AdminUI.Service.SourceRanges {
			add(fmt.Sprintf("spec.adminui.service.loadBalancerSourceRanges[%d]", i), r)
		}
		add("spec.adminui.service.exposeHTTP", flag(in.AdminUI.Service.ExposeHTTP))
		add("spec.allowImpersonationForRestApi", flag(in.Impersonation))
		add("spec.disableClusterRole", flag(in.DisableClusterRole))
		add("spec.deploy.restapi", flag(in.Deploy.RestAPI))
		add("spec.deploy.collector", flag(in.Deploy.Collector))
		add("spec.authentication.type", in.Authentication.Type)
		for i, url := range in.Extensions.RepositoryURLs {
			add(fmt.Sprintf("spec.extensions.repositoryUrls[%d]", i), url)
		}
	}
	return out
}

func flag(field *bool) string {
	if field == nil {
		return ""
	}
	return strconv.FormatBool(*field)
}

// configSpec is what is read of an SGConfig.
type configSpec struct {
	AdminUI struct {
		Service struct {
			ExposeHTTP *bool  `json:"exposeHTTP"`
			NodePort   uint16 `json:"nodePort"`
			HTTPPort   uint16 `json:"nodePortHTTP"`
			world.ServiceSpec
		} `json:"service"`
	} `json:"adminui"`
	Impersonation      *bool `json:"allowImpersonationForRestApi"`
	DisableClusterRole *bool `json:"disableClusterRole"`
	Deploy             struct {
		RestAPI   *bool `json:"restapi"`
		Collector *bool `json:"collector"`
	} `json:"deploy"`
	Authentication struct {
		Type string `json:"type"`
	} `json:"authentication"`
	Extensions struct {
		RepositoryURLs []string `json:"repositoryUrls"`
	} `json:"extensions"`
}

// readConfig reads an SGConfig; its faults are made Problems once, where the adapter
// begins.
func readConfig(o object.Object) configSpec {
	var in struct {
		Spec configSpec `json:"spec"`
	}
	_ = o.Decode(&in)
	return in.Spec
}
