package network

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// GroupRef names some pods of a workload as people would: the workload itself when
// they are all of its pods, else with what tells them from the others, as in
// "ledger (replicas)".
func GroupRef(w *snapshot.Workload, pods []*snapshot.Pod) snapshot.Ref {
	ref := w.Ref
	var rest []*snapshot.Pod
	for _, p := range w.Pods {
		if !slices.Contains(pods, p) {
			rest = append(rest, p)
		}
	}
	if len(rest) > 0 && len(pods) > 0 {
		ref.Name += " (" + strings.TrimSpace(distinction(pods, rest)) + ")"
	}
	return ref
}
