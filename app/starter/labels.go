package starter

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Select returns labels that select the pods of a workload and of no other in its
// namespace, and which others they select all the same where no labels tell them apart.
// First are the labels that its own selector has, nil for none: those cannot change while
// the workload lives.
func Select(world *snapshot.Snapshot, w *snapshot.Workload, own map[string]string) (labels map[string]string, also []snapshot.Ref) {
	shared := stable(w)
	var choices []map[string]string
	if len(own) > 0 && isPart(own, shared) {
		choices = append(choices, own)
	}
	for _, key := range byPreference(shared) {
		choices = append(choices, map[string]string{key: shared[key]})
	}
	for _, labels := range append(choices, shared) {
		if len(labels) > 0 && len(others(world, w, labels)) == 0 {
			return labels, nil
		}
	}
	return shared, others(world, w, shared)
}

// stable are the labels that all pods of a workload have with one value, and keep when a
// new release of it is rolled out.
func stable(w *snapshot.Workload) map[string]string {
	out := map[string]string{}
	for key, value := range w.Pods[0].Labels.Set {
		same := func(p *snapshot.Pod) bool { v, ok := p.Labels.Set[key]; return ok && v == value }
		if !w.Pods[0].Passes(key, value) && !slices.ContainsFunc(w.Pods, func(p *snapshot.Pod) bool { return !same(p) }) {
			out[key] = value
		}
	}
	return out
}

// preferred are labels by which people know applications (Kubernetes documentation,
// "Recommended Labels").
var preferred = []string{"app.kubernetes.io/name", "app", "k8s-app", "app.kubernetes.io/instance", "app.kubernetes.io/component", "name"}

func byPreference(labels map[string]string) []string {
	var out []string
	for _, key := range preferred {
		if _, ok := labels[key]; ok {
			out = append(out, key)
		}
	}
	for _, key := range sortedKeys(labels) {
		if !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	return out
}

func isPart(part, whole map[string]string) bool {
	for key, value := range part {
		if whole[key] != value {
			return false
		}
	}
	return true
}

// others are the workloads with a pod in the namespace that labels select, or may.
func others(world *snapshot.Snapshot, w *snapshot.Workload, labels map[string]string) []snapshot.Ref {
	var out []snapshot.Ref
	for _, o := range world.Workloads {
		if o != w && Selects(Pods{Namespace: w.Namespace, Labels: labels}, o) {
			out = append(out, o.Ref)
		}
	}
	return out
}

func selectorOf(labels map[string]string) netpol.Selector {
	var out netpol.Selector
	for _, key := range sortedKeys(labels) {
		out = append(out, netpol.Requirement{Key: key, Op: netpol.In, Values: []string{labels[key]}})
	}
	return out
}

// Selects reports whether a peer of these pods lets in a pod of the workload, or may.
func Selects(p Pods, w *snapshot.Workload) bool {
	selector := selectorOf(p.Labels)
	return slices.ContainsFunc(w.Pods, func(pod *snapshot.Pod) bool {
		return pod.Namespace == p.Namespace && selector.Match(pod.Labels) != netpol.No
	})
}
