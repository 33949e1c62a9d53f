package cnpg

import (
	"regexp"
	"strconv"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
)

// clusterSpec is what is read of a Cluster [cnpg api/v1/cluster_types.go@1.30.0].
type clusterSpec struct {
	securitySpec
	Instances       *int   `json:"instances"`
	ImageName       string `json:"imageName"`
	ImageCatalogRef *struct {
		Major int `json:"major"`
	} `json:"imageCatalogRef"`
	EnableSuperuserAccess bool             `json:"enableSuperuserAccess"`
	SuperuserSecret       secretRef        `json:"superuserSecret"`
	ServiceAccountName    string           `json:"serviceAccountName"`
	Certificates          certificatesSpec `json:"certificates"`
	InheritedMetadata     struct {
		Labels map[string]string `json:"labels"`
	} `json:"inheritedMetadata"`
	PostgreSQL struct {
		HBA        []string          `json:"pg_hba"`
		Ident      []string          `json:"pg_ident"`
		LDAP       *ldapSpec         `json:"ldap"`
		Parameters map[string]string `json:"parameters"`
	} `json:"postgresql"`
	Env []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"env"`
	PodSelectorRefs  []podSelectorRef  `json:"podSelectorRefs"`
	Bootstrap        bootstrapSpec     `json:"bootstrap"`
	ExternalClusters []externalCluster `json:"externalClusters"`
	Replica          *replicaSpec      `json:"replica"`
	Managed          struct {
		Roles    []roleSpec `json:"roles"`
		Services struct {
			Disabled   []string            `json:"disabledDefaultServices"`
			Additional []additionalService `json:"additional"`
		} `json:"services"`
	} `json:"managed"`
	Backup struct {
		Barman         *objectStore `json:"barmanObjectStore"`
		VolumeSnapshot *struct{}    `json:"volumeSnapshot"`
	} `json:"backup"`
	Plugins    []plugin       `json:"plugins"`
	Monitoring monitoringSpec `json:"monitoring"`
	Probes     struct {
		Liveness struct {
			IsolationCheck struct {
				Enabled *bool `json:"enabled"`
			} `json:"isolationCheck"`
		} `json:"liveness"`
	} `json:"probes"`
}

// A secretRef names a Secret of the namespace.
type secretRef struct {
	Name string `json:"name"`
}

// certificatesSpec names Secrets that the user brings in place of the operator's.
type certificatesSpec struct {
	ServerCA    string   `json:"serverCASecret"`
	ServerTLS   string   `json:"serverTLSSecret"`
	ClientCA    string   `json:"clientCASecret"`
	Replication string   `json:"replicationTLSSecret"`
	AltNames    []string `json:"serverAltDNSNames"`
}

type monitoringSpec struct {
	EnablePodMonitor bool `json:"enablePodMonitor"`
	TLS              struct {
		Enabled bool `json:"enabled"`
	} `json:"tls"`
}

type replicaSpec struct {
	Enabled *bool  `json:"enabled"`
	Source  string `json:"source"`
	Primary string `json:"primary"`
	Self    string `json:"self"`
}

// A podSelectorRef gives a selector the name that lines of pg_hba.conf refer to it by.
type podSelectorRef struct {
	Name     string              `json:"name"`
	Selector world.LabelSelector `json:"selector"`
}

type clusterStatus struct {
	Image        string `json:"image"`
	Certificates struct {
		Expirations map[string]string `json:"expirations"`
	} `json:"certificates"`
	PodSelectorRefs []struct {
		Name string   `json:"name"`
		IPs  []string `json:"ips"`
	} `json:"podSelectorRefs"`
	PGDataImageInfo struct {
		MajorVersion int `json:"majorVersion"`
	} `json:"pgDataImageInfo"`
}

type bootstrapSpec struct {
	InitDB *struct {
		bootstrapDatabase
		SQL            []string `json:"postInitSQL"`
		ApplicationSQL []string `json:"postInitApplicationSQL"`
		TemplateSQL    []string `json:"postInitTemplateSQL"`
		Import         *struct {
			Source struct {
				ExternalCluster string `json:"externalCluster"`
			} `json:"source"`
		} `json:"import"`
	} `json:"initdb"`
	BaseBackup *struct {
		bootstrapDatabase
		Source string `json:"source"`
	} `json:"pg_basebackup"`
	Recovery *struct {
		bootstrapDatabase
		Source          string    `json:"source"`
		Backup          secretRef `json:"backup"` // which is named in the same way
		VolumeSnapshots *struct{} `json:"volumeSnapshots"`
	} `json:"recovery"`
}

type bootstrapDatabase struct {
	Database string    `json:"database"`
	Owner    string    `json:"owner"`
	Secret   secretRef `json:"secret"`
}

type externalCluster struct {
	Name       string            `json:"name"`
	Parameters map[string]string `json:"connectionParameters"`
	Barman     *objectStore      `json:"barmanObjectStore"`
	Plugin     *plugin           `json:"plugin"`
}

// An objectStore is where backups are [barman-cloud pkg/api/config.go].
type objectStore struct {
	EndpointURL     string `json:"endpointURL"`
	DestinationPath string `json:"destinationPath"`
	S3              *struct {
		Inherit bool `json:"inheritFromIAMRole"`
	} `json:"s3Credentials"`
	Azure *struct {
		Inherit bool `json:"inheritFromAzureAD"`
		Default bool `json:"useDefaultAzureCredentials"`
	} `json:"azureCredentials"`
	Google *struct {
		Environment bool `json:"gkeEnvironment"`
	} `json:"googleCredentials"`
}

type plugin struct {
	Name        string            `json:"name"`
	Enabled     *bool             `json:"enabled"`
	WALArchiver bool              `json:"isWALArchiver"`
	Parameters  map[string]string `json:"parameters"`
}

type ldapSpec struct {
	Server string `json:"server"`
	Port   int    `json:"port"`
	Scheme string `json:"scheme"`
	TLS    bool   `json:"tls"`
	Bind   *struct {
		Prefix string `json:"prefix"`
		Suffix string `json:"suffix"`
	} `json:"bindAsAuth"`
	Search *struct {
		BaseDN    string `json:"baseDN"`
		BindDN    string `json:"bindDN"`
		Attribute string `json:"searchAttribute"`
		Filter    string `json:"searchFilter"`
	} `json:"bindSearchAuth"`
}

// enabled: without a way to bind the operator writes no line [cnpg
// api/v1/cluster_funcs.go GetEnableLDAPAuth].
func (l *ldapSpec) enabled() bool { return l != nil && (l.Bind != nil || l.Search != nil) }

// roleSpec is what managed roles and DatabaseRoles have in common.
type roleSpec struct {
	Name        string   `json:"name"`
	Ensure      string   `json:"ensure"`
	Superuser   bool     `json:"superuser"`
	Replication bool     `json:"replication"`
	BypassRLS   bool     `json:"bypassrls"`
	CreateRole  bool     `json:"createrole"`
	Login       bool     `json:"login"`
	ValidUntil  string   `json:"validUntil"`
	InRoles     []string `json:"inRoles"`
	// PasswordSecret holds the name and the password.
	PasswordSecret secretRef `json:"passwordSecret"`
}

type additionalService struct {
	SelectorType   string          `json:"selectorType"`
	UpdateStrategy string          `json:"updateStrategy"`
	Template       serviceTemplate `json:"serviceTemplate"`
}

type serviceTemplate struct {
	Metadata struct {
		Name        string            `json:"name"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec serviceSpec `json:"spec"`
}

type serviceSpec struct {
	world.ServiceSpec
	ExternalTrafficPolicy string   `json:"externalTrafficPolicy"`
	ExternalIPs           []string `json:"externalIPs"`
	NodePorts             *bool    `json:"allocateLoadBalancerNodePorts"`
}

var majorTag = regexp.MustCompile(`:v?(\d{1,2})(?:[.\-_@]|$)`)

// imageMajor reads the major version from an image's tag, "…/postgresql:17.5-x":
// the tag has to begin with it [cnpg docs/src/container_images.md@1.30.0]. Zero for
// a tag like "latest".
func imageMajor(image string) int {
	m := majorTag.FindStringSubmatch(image)
	if m == nil {
		return 0
	}
	major, _ := strconv.Atoi(m[1])
	if major < 9 {
		return 0
	}
	return major
}
