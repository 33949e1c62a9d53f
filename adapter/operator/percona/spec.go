package percona

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/pgo"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// clusterSpec is what is read of a PerconaPGCluster [percona
// pkg/apis/pgv2.percona.com/v2/perconapgcluster_types.go@3.0.0].
type clusterSpec struct {
	pgo.Spec
	CRVersion            string           `json:"crVersion"`
	TLSOnly              bool             `json:"tlsOnly"`
	Expose               *pgo.ServiceSpec `json:"expose"`
	ExposeReplicas       *pgo.ServiceSpec `json:"exposeReplicas"`
	Pause                *bool            `json:"pause"`
	Unmanaged            *bool            `json:"unmanaged"`
	AutoCreateUserSchema *bool            `json:"autoCreateUserSchema"`
	DNSSuffix            string           `json:"clusterServiceDNSSuffix"`
	Secrets              struct {
		CustomTLS         *pgo.Projection `json:"customTLSSecret"`
		CustomReplication *pgo.Projection `json:"customReplicationTLSSecret"`
		CustomRootCA      *pgo.Projection `json:"customRootCATLSSecret"`
	} `json:"secrets"`
	TLS struct {
		Leaf string `json:"certValidityDuration"`
		CA   string `json:"caValidityDuration"`
	} `json:"tls"`
	PMM struct {
		Enabled    bool   `json:"enabled"`
		ServerHost string `json:"serverHost"`
	} `json:"pmm"`
	Extensions struct {
		Storage struct {
			Type     string `json:"type"`
			Endpoint string `json:"endpoint"`
		} `json:"storage"`
		Custom []struct{} `json:"custom"`
	} `json:"extensions"`
	Instances []instanceSet `json:"instances"`
}

// An instanceSet also says how its pods are secured.
type instanceSet struct {
	pgo.InstanceSet
	SecurityContext *struct {
		SeccompProfile *struct {
			Type string `json:"type"`
		} `json:"seccompProfile"`
	} `json:"securityContext"`
}

type clusterStatus struct {
	PatroniVersion string `json:"patroniVersion"`
	Patroni        struct {
		Version string `json:"version"`
	} `json:"patroni"`
}

// crunchy is the object that the operator makes for its fork of Crunchy's. Before 2.9
// there is a pooler also where nobody asks for one.
func (s clusterSpec) crunchy() pgo.Spec {
	out := s.Spec
	out.Service, out.ReplicaService, out.Shutdown, out.Paused = s.Expose, s.ExposeReplicas, s.Pause, s.Unmanaged
	out.CustomTLSSecret, out.CustomReplicationTLSSecret = s.Secrets.CustomTLS, s.Secrets.CustomReplication
	out.CustomRootCA = s.Secrets.CustomRootCA
	if out.Proxy.PgBouncer == nil && pgo.ParseRelease(s.CRVersion).Before(2, 9, 0) {
		out.Proxy.PgBouncer = &pgo.PgBouncer{}
	}
	if b := out.Proxy.PgBouncer; b != nil {
		b.Service = b.Expose
	}
	out.Instances = nil
	for _, set := range s.Instances {
		out.Instances = append(out.Instances, set.InstanceSet)
	}
	return out
}

// A cluster is a PerconaPGCluster on its way.
type cluster struct {
	obj     object.Object
	spec    clusterSpec
	from    pgo.Spec
	release pgo.Release // spec.crVersion
}

// leader is the role label's value of a primary: Patroni says primary from its version
// 4 on [patroni docs/releases.rst 4.0.0]. The images of 3.0 have that.
func (c *cluster) leader(s clusterStatus) (value, fact string) {
	said := s.Patroni.Version
	if said == "" {
		said = s.PatroniVersion
	}
	if r := pgo.ParseRelease(said); r != nil {
		if r.Before(4, 0, 0) {
			return "master", ""
		}
		return "primary", ""
	}
	if c.release.From(3, 0, 0) {
		return "primary", ""
	}
	return "", "Patroni's version, which the operator writes into status.patroni.version"
}

// versionLabel has spec.crVersion.
const versionLabel = group + "/version"

// labels are those that the fork adds to all pods from 2.3 on [percona
// internal/naming/labels.go WithPerconaLabels@3.0.0]. What it calls the component of
// pods of pgBackRest is not known here.
func (c *cluster) labels(component string) (set map[string]string, unknown []string) {
	set = map[string]string{}
	if c.spec.CRVersion == "" {
		unknown = append(unknown, versionLabel) // the operator's own release
	} else {
		set[versionLabel] = c.spec.CRVersion
	}
	if c.release.Before(2, 3, 0) {
		return set, unknown
	}
	set["app.kubernetes.io/managed-by"] = "percona-postgresql-operator"
	set["app.kubernetes.io/name"] = "percona-postgresql"
	set["app.kubernetes.io/part-of"] = "percona-postgresql"
	set["app.kubernetes.io/instance"] = c.obj.Name
	if component == "" {
		return set, append(unknown, "app.kubernetes.io/component")
	}
	set["app.kubernetes.io/component"] = component
	return set, unknown
}

// schemas is spec.autoCreateUserSchema, on from 2.6 where nobody says.
func (c *cluster) schemas() bool {
	if c.spec.AutoCreateUserSchema != nil {
		return *c.spec.AutoCreateUserSchema
	}
	return !c.release.Before(2, 6, 0)
}

// hours reads a duration of Go's; ok is false where there is none.
func (c *cluster) hours(w *operator.World, field, text string) (n int, ok bool) {
	if text == "" {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		world.Refuse(w, c.obj, "spec.tls."+field, "%q is no duration", text)
		return 0, false
	}
	return int(d.Hours()), true
}

func (c *cluster) seccomp(set int, out *[]snapshot.Setting) {
	if p := c.spec.Instances[set].SecurityContext.SeccompProfile; p != nil {
		field := fmt.Sprintf("spec.instances[%d].securityContext.seccompProfile.type", set)
		*out = append(*out, snapshot.Setting{Key: field, Value: p.Type, Origin: c.at(field)})
	}
}

// pmmPorts are those of the agent's exporters.
func pmmPorts() (out []uint16) {
	for p := uint16(30100); p <= 30105; p++ {
		out = append(out, p)
	}
	return out
}

func tcp(port uint16) snapshot.ContainerPort {
	return snapshot.ContainerPort{Protocol: flow.TCP, Port: port}
}

func yesNo(b bool) string { return strconv.FormatBool(b) }

// withScheme makes a URL of a host that may have a port.
func withScheme(host string) string {
	if host == "" || strings.Contains(host, "://") {
		return host
	}
	return "https://" + host
}
