package snapshot

import (
	"slices"
	"strings"
)

// passing are the last parts of keys of labels that are set anew with a release, a rollout,
// or each pod (Kubernetes documentation, "Well-Known Labels, Annotations and Taints";
// "Recommended Labels"; the labels of operators).
var passing = []string{
	"pod-template-hash", "controller-revision-hash", "pod-template-generation", "pod-index", "pod-name", "controller-uid", "job-name",
	"job-completion-index", "version", "revision", "release-date", "chart", "heritage", "instanceName", "critical-operation",
}

// parts are the values that labels of a member's part have.
var parts = []string{"primary", "master", "replica", "standby_leader", "standby", "leader", "unhealthy"}

// Passes reports whether a label of the pod will have another value one day, after a
// failover, a rollout or a release: whoever selects by it selects other pods then.
func (p *Pod) Passes(key, value string) bool {
	last := key[strings.LastIndexByte(key, '/')+1:]
	return slices.Contains(passing, last) || strings.HasPrefix(key, "batch.kubernetes.io/") || slices.Contains(parts, value) ||
		value != "" && (value == p.Name || value == p.Instance) && p.Name != p.Workload.Name
}
