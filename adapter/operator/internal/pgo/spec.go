package pgo

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A Spec is what is read of a PostgresCluster [pgo
// pkg/apis/postgres-operator.crunchydata.com/v1/@6.0.3]. Percona's kind has most of it
// too; where its field has another name, the adapter puts the value here and the name
// into Paths.
type Spec struct {
	Metadata        Metadata      `json:"metadata"`
	PostgresVersion int           `json:"postgresVersion"`
	Image           string        `json:"image"`
	Port            *uint16       `json:"port"`
	Instances       []InstanceSet `json:"instances"`
	Service         *ServiceSpec  `json:"service"`
	ReplicaService  *ServiceSpec  `json:"replicaService"`
	Proxy           struct {
		PgBouncer *PgBouncer `json:"pgBouncer"`
	} `json:"proxy"`
	Patroni struct {
		Port                 *uint16        `json:"port"`
		DynamicConfiguration map[string]any `json:"dynamicConfiguration"`
	} `json:"patroni"`
	Authentication struct {
		Rules []Rule `json:"rules"`
	} `json:"authentication"`
	Config struct {
		Parameters map[string]any `json:"parameters"`
	} `json:"config"`
	Users           *[]User `json:"users"`
	DatabaseInitSQL *struct {
		Name string `json:"name"`
	} `json:"databaseInitSQL"`
	Backups                    Backups     `json:"backups"`
	Standby                    *Standby    `json:"standby"`
	DataSource                 *DataSource `json:"dataSource"`
	CustomTLSSecret            *Projection `json:"customTLSSecret"`
	CustomReplicationTLSSecret *Projection `json:"customReplicationTLSSecret"`
	// CustomRootCA is Percona's alone.
	CustomRootCA *Projection `json:"-"`
	Monitoring   struct {
		PGMonitor struct {
			Exporter *struct {
				CustomTLSSecret *Projection `json:"customTLSSecret"`
			} `json:"exporter"`
		} `json:"pgmonitor"`
	} `json:"monitoring"`
	Instrumentation *struct{} `json:"instrumentation"`
	UserInterface   struct {
		PGAdmin *struct {
			Metadata Metadata     `json:"metadata"`
			Service  *ServiceSpec `json:"service"`
		} `json:"pgAdmin"`
	} `json:"userInterface"`
	OpenShift *bool `json:"openshift"`
	Shutdown  *bool `json:"shutdown"`
	Paused    *bool `json:"paused"`
}

// Metadata is what the operator puts on the objects it makes.
type Metadata struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// An InstanceSet is an entry of spec.instances.
type InstanceSet struct {
	Name     string   `json:"name"`
	Replicas *int     `json:"replicas"`
	Metadata Metadata `json:"metadata"`
}

// A ServiceSpec is how a Service is to be, of either operator.
type ServiceSpec struct {
	Type                  string            `json:"type"`
	NodePort              uint16            `json:"nodePort"`
	ExternalTrafficPolicy string            `json:"externalTrafficPolicy"`
	Metadata              Metadata          `json:"metadata"`
	Annotations           map[string]string `json:"annotations"`
	SourceRanges          []string          `json:"loadBalancerSourceRanges"`
}

// A PgBouncer is spec.proxy.pgBouncer.
type PgBouncer struct {
	Metadata Metadata `json:"metadata"`
	Image    string   `json:"image"`
	Port     *uint16  `json:"port"`
	Replicas *int     `json:"replicas"`
	Config   struct {
		Global    map[string]string `json:"global"`
		Databases map[string]string `json:"databases"`
		Users     map[string]string `json:"users"`
		Files     []struct{}        `json:"files"`
	} `json:"config"`
	CustomTLSSecret *Projection  `json:"customTLSSecret"`
	Service         *ServiceSpec `json:"service"`
	// Expose and ExposeSuperusers are Percona's.
	Expose           *ServiceSpec `json:"expose"`
	ExposeSuperusers *bool        `json:"exposeSuperusers"`
}

// A Rule is an entry of spec.authentication.rules: a line as it is, or its fields.
type Rule struct {
	HBA        *string        `json:"hba"`
	Connection string         `json:"connection"`
	Databases  []string       `json:"databases"`
	Users      []string       `json:"users"`
	Method     string         `json:"method"`
	Options    map[string]any `json:"options"`
}

// A User is an entry of spec.users.
type User struct {
	Name       string   `json:"name"`
	Databases  []string `json:"databases"`
	Options    string   `json:"options"`
	SecretName string   `json:"secretName"` // Percona's
	// GrantPublicSchemaAccess is Percona's.
	GrantPublicSchemaAccess bool `json:"grantPublicSchemaAccess"`
}

// Backups is spec.backups.
type Backups struct {
	Enabled    *bool `json:"enabled"` // Percona's
	PGBackRest struct {
		Metadata Metadata          `json:"metadata"`
		Global   map[string]string `json:"global"`
		Repos    []Repo            `json:"repos"`
		Manual   *struct {
			RepoName string `json:"repoName"`
		} `json:"manual"`
		Restore *RestoreSource `json:"restore"`
	} `json:"pgbackrest"`
}

// A Repo is a repository of pgBackRest.
type Repo struct {
	Name   string    `json:"name"`
	Volume *struct{} `json:"volume"`
	S3     *struct {
		Endpoint string `json:"endpoint"`
	} `json:"s3"`
	GCS       *struct{}         `json:"gcs"`
	Azure     *struct{}         `json:"azure"`
	Schedules map[string]string `json:"schedules"`
}

// A RestoreSource is another cluster, or this one.
type RestoreSource struct {
	Enabled          *bool  `json:"enabled"`
	ClusterName      string `json:"clusterName"`
	ClusterNamespace string `json:"clusterNamespace"`
	RepoName         string `json:"repoName"`
}

// A Standby is spec.standby.
type Standby struct {
	Enabled  *bool  `json:"enabled"`
	Host     string `json:"host"`
	Port     *int   `json:"port"`
	RepoName string `json:"repoName"`
}

// A DataSource is what a cluster begins from.
type DataSource struct {
	PostgresCluster *RestoreSource `json:"postgresCluster"`
	PGBackRest      *struct {
		Global map[string]string `json:"global"`
		Repo   Repo              `json:"repo"`
	} `json:"pgbackrest"`
	Volumes *struct {
		PGData     *moved `json:"pgDataVolume"`
		PGWAL      *moved `json:"pgWALVolume"`
		PGBackRest *moved `json:"pgBackRestVolume"`
	} `json:"volumes"`
}

// moved is a volume of an older operator, whose directory a job moves.
type moved struct {
	Directory string `json:"directory"`
}

// A Projection names a Secret and the keys of it that are mounted.
type Projection struct {
	Name  string `json:"name"`
	Items []struct {
		Key  string `json:"key"`
		Path string `json:"path"`
	} `json:"items"`
}

// key is the entry of the Secret that is mounted at a path.
func (p *Projection) key(path string) string {
	for _, i := range p.Items {
		if i.Path == path {
			return i.Key
		}
	}
	return path
}

// yes reads a flag that may be absent.
func yes(b *bool, otherwise bool) bool {
	if b == nil {
		return otherwise
	}
	return *b
}

// number reads a port that may be absent.
func number(p *uint16, otherwise uint16) uint16 {
	if p == nil || *p == 0 {
		return otherwise
	}
	return *p
}

// text writes an int-or-string as the operator does.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}

// section is spec.patroni.dynamicConfiguration.postgresql; nil where it is none.
func (s *Spec) section() map[string]any {
	out, _ := s.Patroni.DynamicConfiguration["postgresql"].(map[string]any)
	return out
}

// dynamicPath is where Patroni's settings of PostgreSQL stand.
const dynamicPath = "spec.patroni.dynamicConfiguration.postgresql"

// lines reads a list of lines of it; an entry that is no string is passed over, as the
// operator does [pgo internal/patroni/postgres.go@6.0.3], and its place is kept.
func (c *Cluster) lines(name string) (out []string) {
	v, there := c.Spec.section()[name]
	if !there || v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		world.Refuse(c.w, c.obj, dynamicPath+"."+name, "want a list of lines")
		return nil
	}
	for i, entry := range list {
		line, ok := entry.(string)
		if !ok {
			world.Warn(c.w, c.obj, c.fork.Name+"/not-a-line", fmt.Sprintf("%s.%s[%d]", dynamicPath, name, i),
				"%s is no string: the operator passes over it", shown(entry))
			c.heed(snapshot.Overruled, shown(entry), "it is no string, and the operator passes over it", c.at("%s.%s[%d]", dynamicPath, name, i))
		}
		out = append(out, line)
	}
	return out
}

func shown(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%T", v)
	}
	return string(b)
}

// count is how many entries a list of Patroni's section has.
func (s *Spec) count(name string) int {
	list, _ := s.section()[name].([]any)
	return len(list)
}

// A parameter is one of PostgreSQL, with the field that sets it.
type parameter struct{ name, value, field string }

// parameters are those that the user sets, by name; spec.config wins over Patroni's
// section [pgo internal/controller/postgrescluster/postgres.go generatePostgresParameters@6.0.3].
func (s *Spec) parameters() []parameter {
	found := map[string]parameter{}
	dynamic, _ := s.section()["parameters"].(map[string]any)
	for k, v := range dynamic {
		found[k] = parameter{k, text(v), dynamicPath + ".parameters." + k}
	}
	for k, v := range s.Config.Parameters {
		found[k] = parameter{k, text(v), "spec.config.parameters." + k}
	}
	var out []parameter
	for _, k := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[k])
	}
	return out
}
