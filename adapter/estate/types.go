package estate

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/kube"
	"github.com/pgmoat/pgmoat/adapter/kube/live"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/pgmoat"
	"github.com/pgmoat/pgmoat/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
)

// Types returns the kinds that a cluster is asked for, sorted, each once: all whose objects
// somebody here may want. With intents, those of pgmoat are among them.
//
// An adapter that wants objects of kinds which are not its own, a ConfigMap for its text, can
// only have those that package kube asks for: kinds of everybody's are few.
func Types(adapters []operator.Adapter, intents bool) []live.Type {
	var out []live.Type
	for _, k := range kube.Types() {
		out = append(out, live.Type{Type: k.Type, Version: k.Version, Decides: k.Decides, Stored: k.Stored})
	}
	notes := []string{corev1.ServiceAccountNameKey}
	for _, adapter := range adapters {
		for _, t := range adapter.Kinds {
			out = append(out, live.Type{Type: t, Decides: true})
		}
		notes = append(notes, adapter.SecretAnnotations...)
	}
	if intents {
		for _, t := range pgmoat.Types() {
			out = append(out, live.Type{Type: t, Version: v1alpha1.GroupVersion.Version, Decides: true})
		}
	}
	for i, t := range out {
		if t.Type == secretType { // the name of its account tells a token of Kubernetes' own
			out[i].Metadata, out[i].Annotations = true, notes
		}
	}
	slices.SortStableFunc(out, func(a, b live.Type) int { return strings.Compare(a.String(), b.String()) })
	return slices.CompactFunc(out, func(a, b live.Type) bool { return a.Type == b.Type })
}
