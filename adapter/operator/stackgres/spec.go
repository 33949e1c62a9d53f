package stackgres

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
)

// clusterSpec is what is read of an SGCluster. Of a part of an SGShardedCluster and
// of an SGDistributedLogs it is put together.
type clusterSpec struct {
	Instances        *int               `json:"instances"`
	Postgres         postgresSpec       `json:"postgres"`
	Pods             podsSpec           `json:"pods"`
	Configurations   configurationsSpec `json:"configurations"`
	PostgresServices struct {
		Primary  serviceSpec `json:"primary"`
		Replicas serviceSpec `json:"replicas"`
	} `json:"postgresServices"`
	Metadata        metadataSpec  `json:"metadata"`
	ManagedSQL      managedSQL    `json:"managedSql"`
	InitialData     initialData   `json:"initialData"`
	ReplicateFrom   replicateFrom `json:"replicateFrom"`
	DistributedLogs logsSpec      `json:"distributedLogs"`
}

type postgresSpec struct {
	Version    string     `json:"version"`
	Flavor     string     `json:"flavor"`
	Extensions []struct{} `json:"extensions"`
	SSL        struct {
		Enabled     *bool      `json:"enabled"`
		Duration    string     `json:"duration"`
		Certificate *secretKey `json:"certificateSecretKeySelector"`
		PrivateKey  *secretKey `json:"privateKeySecretKeySelector"`
	} `json:"ssl"`
}

type podsSpec struct {
	DisableEnvoy             *bool             `json:"disableEnvoy"`
	DisableConnectionPooling *bool             `json:"disableConnectionPooling"`
	DisableMetricsExporter   *bool             `json:"disableMetricsExporter"`
	CustomContainers         []customContainer `json:"customContainers"`
}

type customContainer struct {
	Name  string       `json:"name"`
	Image string       `json:"image"`
	Ports []customPort `json:"ports"`
}

type customPort struct {
	Name          string `json:"name"`
	Protocol      string `json:"protocol"`
	ContainerPort uint16 `json:"containerPort"`
	HostPort      uint16 `json:"hostPort"`
}

type configurationsSpec struct {
	SGPostgresConfig string `json:"sgPostgresConfig"`
	SGPoolingConfig  string `json:"sgPoolingConfig"`
	Postgres         struct {
		Conf map[string]any `json:"postgresql.conf"`
	} `json:"postgres"`
	Pooling poolingSpec `json:"pooling"`
	Patroni struct {
		DynamicConfig struct {
			PostgreSQL struct {
				HBA []string `json:"pg_hba"`
			} `json:"postgresql"`
		} `json:"dynamicConfig"`
		InitialConfig struct {
			Scope string `json:"scope"`
		} `json:"initialConfig"`
	} `json:"patroni"`
	Backups []struct {
		SGObjectStorage string `json:"sgObjectStorage"`
	} `json:"backups"`
	Observability struct {
		DisableMetrics bool `json:"disableMetrics"`
	} `json:"observability"`
	Credentials struct {
		Patroni struct {
			RestAPIPassword *secretKey `json:"restApiPassword"`
		} `json:"patroni"`
		Users usersSpec `json:"users"`
	} `json:"credentials"`
}

type usersSpec struct {
	Superuser     credential `json:"superuser"`
	Replication   credential `json:"replication"`
	Authenticator credential `json:"authenticator"`
}

// poolingSpec is spec.configurations.pooling of a cluster and spec of an
// SGPoolingConfig; the former overwrites the latter, key by key.
type poolingSpec struct {
	PgBouncer struct {
		Ini struct {
			PgBouncer map[string]any            `json:"pgbouncer"`
			Databases map[string]map[string]any `json:"databases"`
			Users     map[string]map[string]any `json:"users"`
		} `json:"pgbouncer.ini"`
	} `json:"pgBouncer"`
}

type metadataSpec struct {
	Labels      byResource `json:"labels"`
	Annotations byResource `json:"annotations"`
}

type byResource struct {
	AllResources    map[string]string `json:"allResources"`
	ClusterPods     map[string]string `json:"clusterPods"`
	Services        map[string]string `json:"services"`
	PrimaryService  map[string]string `json:"primaryService"`
	ReplicasService map[string]string `json:"replicasService"`
}

type managedSQL struct {
	ContinueOnError bool `json:"continueOnSGScriptError"`
	Scripts         []struct {
		SGScript string `json:"sgScript"`
	} `json:"scripts"`
}

type initialData struct {
	Restore struct {
		FromBackup struct {
			Name string `json:"name"`
		} `json:"fromBackup"`
	} `json:"restore"`
}

type replicateFrom struct {
	Instance struct {
		SGCluster string `json:"sgCluster"`
		External  *struct {
			Host string `json:"host"`
			Port uint16 `json:"port"`
		} `json:"external"`
	} `json:"instance"`
	Storage *struct {
		SGObjectStorage string `json:"sgObjectStorage"`
	} `json:"storage"`
	Users usersSpec `json:"users"`
}

type logsSpec struct {
	SGDistributedLogs string `json:"sgDistributedLogs"`
}

// A secretKey is an entry of a Secret of the namespace.
type secretKey struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

// A credential whose Username is set is of a name that only a Secret tells.
type credential struct {
	Username *secretKey `json:"username"`
	Password *secretKey `json:"password"`
}

// name is the usual one, or empty where only a Secret tells.
func (c credential) name(usual string) string {
	if c.Username != nil {
		return ""
	}
	return usual
}

// A serviceSpec is an entry of postgresServices. Its type may be None as well, a
// Service without an address of its own.
type serviceSpec struct {
	Enabled               *bool    `json:"enabled"`
	ExternalIPs           []string `json:"externalIPs"`
	ExternalTrafficPolicy string   `json:"externalTrafficPolicy"`
	AllocateNodePorts     *bool    `json:"allocateLoadBalancerNodePorts"`
	NodePorts             struct {
		PgPort          uint16 `json:"pgport"`
		ReplicationPort uint16 `json:"replicationport"`
		Babelfish       uint16 `json:"babelfish"`
	} `json:"nodePorts"`
	CustomPorts []world.PortSpec `json:"customPorts"`
	world.ServiceSpec
}

func (s serviceSpec) enabled() bool { return isTrue(s.Enabled, true) }

// isTrue is a field that may be absent.
func isTrue(field *bool, absent bool) bool {
	if field == nil {
		return absent
	}
	return *field
}

// major reads "16.4"; "latest" and an absent version are not known.
func major(version string) int {
	first, _, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(first)
	return n
}

// text writes a value of a configuration file as the operator does.
func text(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	data, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(data)
}

// on reports whether a parameter of PostgreSQL is true, in any of its spellings.
func on(value string) bool {
	return slices.Contains([]string{"on", "true", "yes", "1", "t", "y"}, strings.ToLower(value))
}
