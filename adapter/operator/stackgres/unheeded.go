package stackgres

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// podFields are those that the definition of 1.18.6 knows below spec.pods of an SGCluster
// [sg stackgres-k8s/src/common/src/main/resources/crds/SGCluster.yaml@1.18.6].
var podFields = []string{
	"customContainers", "customEnv", "customEnvFrom", "customInitContainers", "customInitEnv", "customInitEnvFrom",
	"customInitVolumeMounts", "customVolumeMounts", "customVolumes", "disableConnectionPooling", "disableEnvoy",
	"disableMetricsExporter", "disablePostgresUtil", "livenessProbe", "managementPolicy", "persistentVolume",
	"readinessProbe", "resources", "scheduling", "terminationGracePeriodSeconds", "updateStrategy",
}

// unknownFields notes what stands below spec.pods of an SGCluster and no release up to
// 1.18.6 knows. What a later one knows is not known here.
func (c *cluster) unknownFields() {
	var in struct {
		Spec struct {
			Pods map[string]json.RawMessage `json:"pods"`
		} `json:"spec"`
	}
	if c.live == nil || c.live.APIVersion != group+"/v1" || json.Unmarshal(c.live.JSON, &in) != nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(in.Spec.Pods)) {
		if slices.Contains(podFields, key) {
			continue
		}
		u := snapshot.Unheeded{How: snapshot.Pruned, Field: "spec.pods" + object.Key(false, key), Why: "none up to 1.18.6 does",
			Origin: c.at("spec.pods%s", object.Key(false, key))}
		if strings.Contains(strings.ToLower(key), "securitycontext") {
			u.Effect = "the pods have the security context that the operator gives them: a user that is not root, and nothing else"
		}
		if c.release == nil || c.release.since(1, 18, 7) == from {
			u.Fact = versionFact
		}
		c.server.Unheeded = append(c.server.Unheeded, u)
	}
}
