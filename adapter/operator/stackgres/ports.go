package stackgres

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// ports are those that speak PostgreSQL. A pooled session reaches PostgreSQL over
// the Unix socket; one that Envoy passes on comes from 127.0.0.1, and Envoy ends
// TLS.
func (c *cluster) ports() []snapshot.ServerPort {
	at := c.at("spec.pods")
	direct := snapshot.ServerPort{Name: "postgres", Port: c.mode.direct(), Sees: snapshot.SeesClient, NoTLS: !c.ssl(), Origin: at}
	if c.mode.envoy {
		direct.Name, direct.Sees, direct.Terminates = "envoy direct", snapshot.SeesLoopback, c.ssl()
	}
	if c.mode.apps() == direct.Port {
		return []snapshot.ServerPort{direct}
	}
	apps := direct
	apps.Name, apps.Port = "pooled", c.mode.apps()
	if c.mode.envoy {
		apps.Name = "envoy"
	}
	if c.mode.pooling {
		settings, origin := c.pooling()
		file := pooler(settings, origin)
		apps.Sees, apps.Pooler = snapshot.SeesSocket, &file
		if settings["client_tls_sslmode"] == "disable" && !c.mode.envoy {
			apps.NoTLS, apps.Origin = true, origin
		}
	}
	return []snapshot.ServerPort{apps, direct}
}

// pgBouncerGrammar is the version whose grammar PgBouncer's own parser is next to.
const pgBouncerGrammar = 13

// pooler is what PgBouncer asks of clients, in the form of a file: auth_type md5
// for everybody [sg F/cluster/sidecars/pooling/PgBouncerPooling.java@1.18.6].
// Another auth_type may be set or be blocked; then nothing is known.
func pooler(settings map[string]string, origin verdict.Origin) hba.File {
	for _, key := range []string{"auth_type", "auth_hba_file"} {
		if v, set := settings[key]; set && v != "md5" {
			return hba.File{Version: pgBouncerGrammar, Errors: []hba.Error{{
				Message: fmt.Sprintf("what PgBouncer asks with %s = %s is not known", key, v), Origin: origin, Missing: true,
			}}}
		}
	}
	origin.Note = "auth_type md5 of PgBouncer"
	lines := []hba.Source{{Text: "host all all all md5", Origin: origin}}
	if slices.Contains([]string{"require", "verify-ca", "verify-full"}, settings["client_tls_sslmode"]) {
		origin.Note = "client_tls_sslmode refuses plain text"
		lines = append([]hba.Source{{Text: "hostnossl all,replication all all reject", Origin: origin}}, lines...)
	}
	return hba.Parse(lines, pgBouncerGrammar)
}

// pooling reads the settings that the SGPoolingConfig adds. One that is named but
// not in the estate is a Problem: it may hold anything.
func (c *cluster) pooling() (map[string]string, verdict.Origin) {
	name := c.spec.Configurations.SGPoolingConfig
	at := c.at("spec.configurations.sgPoolingConfig")
	if name == "" {
		return nil, at
	}
	for _, o := range c.w.Objects["SGPoolingConfig.stackgres.io"] {
		if o.Namespace != c.obj.Namespace || o.Name != name {
			continue
		}
		var in struct {
			Spec struct {
				PgBouncer struct {
					Ini struct {
						PgBouncer map[string]any `json:"pgbouncer"`
					} `json:"pgbouncer.ini"`
				} `json:"pgBouncer"`
			} `json:"spec"`
		}
		world.Read(c.w, o, &in)
		out := map[string]string{}
		for k, v := range in.Spec.PgBouncer.Ini.PgBouncer {
			out[k] = fmt.Sprint(v)
		}
		c.checkMode(o, out)
		return out, o.Origin().At("spec.pgBouncer[pgbouncer.ini].pgbouncer")
	}
	world.Fault(c.w, c.obj, at.Field, "SGPoolingConfig %s is not in the estate", name)
	return nil, at
}

// checkMode makes a Problem of a client_tls_sslmode that PgBouncer does not start
// with, or that asks clients for certificates: no CA to check one is configured.
func (c *cluster) checkMode(o object.Object, settings map[string]string) {
	mode, set := settings["client_tls_sslmode"]
	if set && !slices.Contains([]string{"disable", "allow", "prefer", "require"}, mode) {
		world.Fault(c.w, o, "spec.pgBouncer[pgbouncer.ini].pgbouncer.client_tls_sslmode",
			"what PgBouncer does with %q is not known", mode)
	}
}

// control are the other ports of a pod. Patroni's is always the first.
func (c *cluster) control() []snapshot.ControlPort {
	out := []snapshot.ControlPort{
		{
			Name: "patroni", Port: c.mode.patroni(), Why: "Patroni's API switches over, restarts and reconfigures PostgreSQL",
			Source: "Patroni documentation, REST API [sg F/cluster/patroni/Patroni.java@1.18.6]",
		},
		{
			Name: "cluster-controller", Port: 8080, Why: "health of the controller in the pod",
			Source: "[sg F/cluster/controller/@1.18.6]",
		},
	}
	if !c.spec.Pods.DisableMetricsExporter && !c.spec.Configurations.Observability.DisableMetrics {
		out = append(out, snapshot.ControlPort{
			Name: "exporter", Port: 9187, Why: "metrics tell names of databases, roles and hosts without authentication",
			Source: "[sg F/cluster/sidecars/postgresexporter/@1.18.6]",
		})
	}
	if c.mode.envoy {
		out = append(out, snapshot.ControlPort{
			Name: "envoy admin", Port: 8001, Why: "Envoy's administration, on every address and without authentication: it stops the proxy",
			Source: "[sg stackgres-k8s/src/operator/src/main/resources/envoy/envoy.yaml@1.18.6]",
		})
	}
	return out
}
