package words

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// passing are labels of one pod, one set of pods or one release: they are others
// tomorrow.
var passing = []string{
	"app.kubernetes.io/version", "helm.sh/chart", "controller-revision-hash", "pod-template-hash",
	"apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name",
	"cnpg.io/instanceName", "stackgres.io/cluster-uid", "stackgres.io/disruptible", "pgv2.percona.com/version",
	"postgres-operator.crunchydata.com/instance", "postgres-operator.crunchydata.com/instance-set",
}

// parts are the values of a label that says which part a member has today.
var parts = []string{"master", "primary", "replica", "standby_leader"}

// passes reports whether a pod has the label for a time only: a failover, an operation or
// an upgrade changes it. The last part of a role's key is the same with all operators.
func passes(key, value string) bool {
	return slices.Contains(passing, key) || strings.HasSuffix(strings.ToLower(key), "role") && slices.Contains(parts, value)
}

// vendors are the prefixes of labels by which operators find the pods of one cluster.
var vendors = []string{"cnpg.io/", "stackgres.io/", "postgres-operator.crunchydata.com/"}

func ofVendor(key string) bool {
	return slices.ContainsFunc(vendors, func(v string) bool { return strings.HasPrefix(key, v) })
}

// Labels are those by which a policy selects the pods: what all have alike and keep.
// Beside an operator's own, those of app.kubernetes.io say nothing more and are left out.
func Labels(pods []*snapshot.Pod) map[string]string {
	out := map[string]string{}
	if len(pods) == 0 {
		return out
	}
	for key, value := range pods[0].Labels.Set {
		other := func(p *snapshot.Pod) bool { return p.Labels.Set[key] != value }
		if !passes(key, value) && !slices.ContainsFunc(pods, other) {
			out[key] = value
		}
	}
	for key := range out {
		if ofVendor(key) {
			maps.DeleteFunc(out, func(key, _ string) bool { return strings.HasPrefix(key, "app.kubernetes.io/") })
			break
		}
	}
	return out
}

// MatchLabels writes labels as lines of a selector, sorted: `app: "db"`.
func MatchLabels(labels map[string]string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, fmt.Sprintf("%s: %q", key, labels[key]))
	}
	return out
}
