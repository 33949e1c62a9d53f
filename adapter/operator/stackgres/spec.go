package stackgres

import (
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
)

// clusterSpec is what is read of an SGCluster.
type clusterSpec struct {
	Instances *int `json:"instances"`
	Postgres  struct {
		Version    string     `json:"version"`
		Extensions []struct{} `json:"extensions"`
		SSL        struct {
			Enabled *bool `json:"enabled"`
		} `json:"ssl"`
	} `json:"postgres"`
	Pods struct {
		DisableEnvoy             *bool `json:"disableEnvoy"`
		DisableConnectionPooling bool  `json:"disableConnectionPooling"`
		DisableMetricsExporter   bool  `json:"disableMetricsExporter"`
	} `json:"pods"`
	Configurations struct {
		SGPoolingConfig string `json:"sgPoolingConfig"`
		Patroni         struct {
			DynamicConfig struct {
				PostgreSQL struct {
					HBA []string `json:"pg_hba"`
				} `json:"postgresql"`
			} `json:"dynamicConfig"`
		} `json:"patroni"`
		Backups []struct {
			SGObjectStorage string `json:"sgObjectStorage"`
		} `json:"backups"`
		Observability struct {
			DisableMetrics bool `json:"disableMetrics"`
		} `json:"observability"`
		Credentials struct {
			Users struct {
				Superuser     credential `json:"superuser"`
				Replication   credential `json:"replication"`
				Authenticator credential `json:"authenticator"`
			} `json:"users"`
		} `json:"credentials"`
	} `json:"configurations"`
	PostgresServices struct {
		Primary  serviceSpec `json:"primary"`
		Replicas serviceSpec `json:"replicas"`
	} `json:"postgresServices"`
	Metadata struct {
		Labels struct {
			ClusterPods map[string]string `json:"clusterPods"`
		} `json:"labels"`
	} `json:"metadata"`
	DistributedLogs struct {
		SGDistributedLogs string `json:"sgDistributedLogs"`
	} `json:"distributedLogs"`
}

// A credential whose Username is set is of a name that only a Secret tells.
type credential struct {
	Username *struct{} `json:"username"`
}

// name is the usual one, or empty where only a Secret tells.
func (c credential) name(usual string) string {
	if c.Username != nil {
		return ""
	}
	return usual
}

type serviceSpec struct {
	Enabled *bool `json:"enabled"`
	world.ServiceSpec
}

func (s serviceSpec) enabled() bool { return s.Enabled == nil || *s.Enabled }

// A mode is what stands in the pod before PostgreSQL. It decides all ports
// [sg C/EnvoyUtil.java, F/cluster/patroni/Patroni.java,
// F/cluster/sidecars/pooling/PgBouncerPooling.java,
// F/cluster/sidecars/envoy/Envoy.java@1.18.6].
type mode struct{ envoy, pooling bool }

// mode: a manifest without disableEnvoy gets true from the CRD. A stored object
// without it, from before 1.17, is taken as false by the operator.
func (s clusterSpec) mode(stored bool) mode {
	envoy := stored
	if s.Pods.DisableEnvoy != nil {
		envoy = !*s.Pods.DisableEnvoy
	}
	return mode{envoy: envoy, pooling: !s.Pods.DisableConnectionPooling}
}

// apps is the port that applications are led to, pgport.
func (m mode) apps() uint16 {
	switch {
	case m.envoy:
		return 7432
	case m.pooling:
		return 6432
	}
	return 5432
}

// direct is the port that goes past the pooler, pgreplication.
func (m mode) direct() uint16 {
	if m.envoy {
		return 7433
	}
	return 5432
}

func (m mode) patroni() uint16 {
	if m.envoy {
		return 8008
	}
	return 8009
}

// major reads "16.4"; "latest" and an absent version are not known.
func major(version string) int {
	first, _, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(first)
	return n
}
