package zalando

import (
	"encoding/json"
	"regexp"
	"strconv"
)

// clusterSpec is what is read of a postgresql [zal
// pkg/apis/acid.zalan.do/v1/postgresql_type.go@1.15.1; fields of 2.0.1 by its
// definition].
type clusterSpec struct {
	TeamID            string `json:"teamId"`
	DockerImage       string `json:"dockerImage"`
	NumberOfInstances *int   `json:"numberOfInstances"`
	RunAsUser         *int64 `json:"spiloRunAsUser"`
	FSGroup           *int64 `json:"spiloFSGroup"`
	PostgreSQL        struct {
		Version    string            `json:"version"`
		Parameters map[string]string `json:"parameters"`
	} `json:"postgresql"`
	Patroni struct {
		HBA      []string `json:"pg_hba"`
		Failsafe *bool    `json:"failsafe_mode"`
	} `json:"patroni"`
	Users               map[string][]string         `json:"users"`
	Databases           map[string]string           `json:"databases"`
	Prepared            map[string]preparedDatabase `json:"preparedDatabases"`
	SecretRotation      []string                    `json:"usersWithSecretRotation"`
	InPlaceRotation     []string                    `json:"usersWithInPlaceSecretRotation"`
	Env                 []envVar                    `json:"env"`
	EnvFrom             []envSource                 `json:"envFrom"`
	Sidecars            []sidecar                   `json:"sidecars"`
	TLS                 tlsSpec                     `json:"tls"`
	Clone               *cloneSpec                  `json:"clone"`
	Standby             *standbySpec                `json:"standby"`
	Streams             []json.RawMessage           `json:"streams"`
	LogicalBackup       bool                        `json:"enableLogicalBackup"`
	Pooler              *poolerSpec                 `json:"connectionPooler"`
	EnablePooler        *bool                       `json:"enableConnectionPooler"`
	EnableReplicaPooler *bool                       `json:"enableReplicaConnectionPooler"`

	AllowedSourceRanges       []string          `json:"allowedSourceRanges"`
	MasterLoadBalancer        *bool             `json:"enableMasterLoadBalancer"`
	ReplicaLoadBalancer       *bool             `json:"enableReplicaLoadBalancer"`
	MasterPoolerLoadBalancer  *bool             `json:"enableMasterPoolerLoadBalancer"`
	ReplicaPoolerLoadBalancer *bool             `json:"enableReplicaPoolerLoadBalancer"`
	MasterNodePort            *bool             `json:"enableMasterNodePort"`
	ReplicaNodePort           *bool             `json:"enableReplicaNodePort"`
	MasterPoolerNodePort      *bool             `json:"enableMasterPoolerNodePort"`
	ReplicaPoolerNodePort     *bool             `json:"enableReplicaPoolerNodePort"`
	MasterPort                uint16            `json:"masterNodePort"`
	ReplicaPort               uint16            `json:"replicaNodePort"`
	MasterPoolerPort          uint16            `json:"masterPoolerNodePort"`
	ReplicaPoolerPort         uint16            `json:"replicaPoolerNodePort"`
	ServiceAnnotations        map[string]string `json:"serviceAnnotations"`
	MasterAnnotations         map[string]string `json:"masterServiceAnnotations"`
	ReplicaAnnotations        map[string]string `json:"replicaServiceAnnotations"`
}

type preparedDatabase struct {
	DefaultUsers    bool                      `json:"defaultUsers"`
	SecretNamespace string                    `json:"secretNamespace"`
	Schemas         map[string]preparedSchema `json:"schemas"`
}

type preparedSchema struct {
	DefaultRoles *bool `json:"defaultRoles"`
	DefaultUsers bool  `json:"defaultUsers"`
}

// envVar is a variable; without a Value it is from somewhere else.
type envVar struct {
	Name  string  `json:"name"`
	Value *string `json:"value"`
	From  *struct {
		ConfigMap *struct {
			Name string `json:"name"`
			Key  string `json:"key"`
		} `json:"configMapKeyRef"`
	} `json:"valueFrom"`
}

type envSource struct {
	Prefix    string `json:"prefix"`
	ConfigMap *named `json:"configMapRef"`
	Secret    *named `json:"secretRef"`
}

type named struct {
	Name string `json:"name"`
}

type sidecar struct {
	Name  string `json:"name"`
	Image string `json:"image"`
	Ports []struct {
		Name          string `json:"name"`
		ContainerPort uint16 `json:"containerPort"`
		HostPort      uint16 `json:"hostPort"`
		HostIP        string `json:"hostIP"`
		Protocol      string `json:"protocol"`
	} `json:"ports"`
}

type tlsSpec struct {
	SecretName      string `json:"secretName"`
	CertificateFile string `json:"certificateFile"`
	PrivateKeyFile  string `json:"privateKeyFile"`
	CAFile          string `json:"caFile"`
	CASecretName    string `json:"caSecretName"`
}

type cloneSpec struct {
	Cluster    string `json:"cluster"`
	Timestamp  string `json:"timestamp"`
	S3WalPath  string `json:"s3_wal_path"`
	S3Endpoint string `json:"s3_endpoint"`
	S3Secret   string `json:"s3_secret_access_key"`
}

type standbySpec struct {
	S3WalPath string `json:"s3_wal_path"`
	GSWalPath string `json:"gs_wal_path"`
	Host      string `json:"standby_host"`
	Port      string `json:"standby_port"`
}

type poolerSpec struct {
	Instances   *int   `json:"numberOfInstances"`
	User        string `json:"user"`
	Schema      string `json:"schema"`
	Mode        string `json:"mode"`
	DockerImage string `json:"dockerImage"`
}

// version is the major version: the one asked for, or where the operator lifts what
// is too old, the one it lifts to [zal pkg/cluster/majorversionupgrade.go@1.15.1].
func (c *cluster) version() int {
	asked, _ := strconv.Atoi(c.spec.PostgreSQL.Version)
	if asked == 0 || c.config.text("major_version_upgrade_mode", "manual") != "full" {
		return asked
	}
	least, target := "13", "17"
	if c.config.release.from(2, 0, 0) {
		least, target = "14", "18"
	}
	minimum, _ := strconv.Atoi(c.config.text("minimal_major_version", least))
	if asked >= minimum {
		return asked
	}
	to, _ := strconv.Atoi(c.config.text("target_major_version", target))
	return to
}

// image is that of the members; empty where only the operator's default is known.
func (c *cluster) image() string {
	if c.spec.DockerImage != "" {
		return c.spec.DockerImage
	}
	return c.config.text("docker_image", "")
}

// A spilo is the release of the image.
type spilo struct {
	// ours says that it is an image of Spilo, by its name.
	ours         bool
	known        bool
	major, minor int
}

var (
	spiloName = regexp.MustCompile(`(?:^|/)spilo[a-z-]*[\d.]*(?::|@|$)`)
	spiloTag  = regexp.MustCompile(`(?:^|/)spilo[a-z-]*-\d+(?:\.\d+)?:(\d+)\.(\d+)(?:-p\d+)?(?:@|$)`)
)

// spiloOf reads "ghcr.io/zalando/spilo-17:4.0-p3"; no image is the operator's own
// default, which is as new as we know.
func spiloOf(image string) spilo {
	if image == "" {
		return spilo{ours: true, known: true, major: 4}
	}
	m := spiloTag.FindStringSubmatch(image)
	if m == nil {
		return spilo{ours: spiloName.MatchString(image)}
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	return spilo{ours: true, known: true, major: major, minor: minor}
}
