package cnpg

import (
	"regexp"
	"strconv"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
)

// clusterSpec is what is read of a Cluster [cnpg api/v1/cluster_types.go@1.30.0].
type clusterSpec struct {
	Instances       *int   `json:"instances"`
	ImageName       string `json:"imageName"`
	ImageCatalogRef *struct {
		Major int `json:"major"`
	} `json:"imageCatalogRef"`
	EnableSuperuserAccess bool   `json:"enableSuperuserAccess"`
	ServiceAccountName    string `json:"serviceAccountName"`
	InheritedMetadata     struct {
		Labels map[string]string `json:"labels"`
	} `json:"inheritedMetadata"`
	PostgreSQL struct {
		HBA   []string  `json:"pg_hba"`
		Ident []string  `json:"pg_ident"`
		LDAP  *ldapSpec `json:"ldap"`
	} `json:"postgresql"`
	PodSelectorRefs []struct {
		Name     string              `json:"name"`
		Selector world.LabelSelector `json:"selector"`
	} `json:"podSelectorRefs"`
	Bootstrap        bootstrapSpec     `json:"bootstrap"`
	ExternalClusters []externalCluster `json:"externalClusters"`
	Replica          *struct {
		Enabled *bool  `json:"enabled"`
		Source  string `json:"source"`
	} `json:"replica"`
	Managed struct {
		Roles    []roleSpec `json:"roles"`
		Services struct {
			Disabled   []string            `json:"disabledDefaultServices"`
			Additional []additionalService `json:"additional"`
		} `json:"services"`
	} `json:"managed"`
	Backup struct {
		Barman *objectStore `json:"barmanObjectStore"`
	} `json:"backup"`
	Plugins    []plugin `json:"plugins"`
	Monitoring struct {
		EnablePodMonitor bool `json:"enablePodMonitor"`
	} `json:"monitoring"`
	Probes struct {
		Liveness struct {
			IsolationCheck struct {
				Enabled *bool `json:"enabled"`
			} `json:"isolationCheck"`
		} `json:"liveness"`
	} `json:"probes"`
}

type clusterStatus struct {
	Image           string `json:"image"`
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
		Import *struct {
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
		VolumeSnapshots *struct{} `json:"volumeSnapshots"`
	} `json:"recovery"`
}

type bootstrapDatabase struct {
	Database string `json:"database"`
	Owner    string `json:"owner"`
}

type externalCluster struct {
	Name       string            `json:"name"`
	Parameters map[string]string `json:"connectionParameters"`
	Barman     *objectStore      `json:"barmanObjectStore"`
	Plugin     *plugin           `json:"plugin"`
}

type objectStore struct {
	EndpointURL string `json:"endpointURL"`
}

type plugin struct {
	Name       string            `json:"name"`
	Enabled    *bool             `json:"enabled"`
	Parameters map[string]string `json:"parameters"`
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

// roleSpec is what managed roles and DatabaseRoles have in common.
type roleSpec struct {
	Name        string   `json:"name"`
	Ensure      string   `json:"ensure"`
	Superuser   bool     `json:"superuser"`
	Replication bool     `json:"replication"`
	Login       bool     `json:"login"`
	InRoles     []string `json:"inRoles"`
}

type additionalService struct {
	SelectorType string          `json:"selectorType"`
	Template     serviceTemplate `json:"serviceTemplate"`
}

type serviceTemplate struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec world.ServiceSpec `json:"spec"`
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
