package layer

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// sameMaking reports whether controllers make the same of b, in whose place a is. Of
// Kubernetes' own kinds that depends on the spec, which is compared with the defaults of the
// API server filled in; lists are to be equal in length and order, and a number written
// otherwise is equal where it is a quantity. Of a custom resource, a field that only one of
// the two has is a difference, unless it is among fills. So are its labels and annotations,
// which operators hand on, but for those that tools keep their books by.
//
// A false "no" costs addresses: what was made is worked out anew. A false "yes" would leave
// pods of yesterday in the answer, so that whatever cannot be compared is different.
func sameMaking(a, b object.Object) bool {
	if a.APIVersion != b.APIVersion {
		return false
	}
	if spec, ok := specs[a.Type()]; ok {
		x, errX := spec(a)
		y, errY := spec(b)
		return errX == nil && errY == nil && equality.Semantic.DeepEqual(x, y)
	}
	return operated[a.Type()] && sameLabels(a, b) && filledResource(a.JSON, b.JSON, a.Type())
}

// specs read the spec of an object with its defaults.
var specs = map[object.Type]func(object.Object) (any, error){
	podType: podSpec,
	jobType: func(o object.Object) (any, error) {
		var in batchv1.Job
		err := o.Decode(&in)
		defaultJob(&in.Spec)
		return in.Spec, err
	},
	serviceType: func(o object.Object) (any, error) {
		var in corev1.Service
		err := o.Decode(&in)
		defaultService(&in.Spec)
		return in.Spec, err
	},
	{Group: "batch", Kind: "CronJob"}: func(o object.Object) (any, error) {
		var in batchv1.CronJob
		err := o.Decode(&in)
		defaultCronJob(&in.Spec)
		return in.Spec, err
	},
	{Group: "apps", Kind: "Deployment"}: func(o object.Object) (any, error) {
		var in appsv1.Deployment
		err := o.Decode(&in)
		defaultDeployment(&in.Spec)
		return in.Spec, err
	},
	{Group: "apps", Kind: "StatefulSet"}: func(o object.Object) (any, error) {
		var in appsv1.StatefulSet
		err := o.Decode(&in)
		defaultStatefulSet(&in.Spec)
		return in.Spec, err
	},
	{Group: "apps", Kind: "DaemonSet"}: func(o object.Object) (any, error) {
		var in appsv1.DaemonSet
		err := o.Decode(&in)
		defaultDaemonSet(&in.Spec)
		return in.Spec, err
	},
	{Group: "apps", Kind: "ReplicaSet"}: func(o object.Object) (any, error) {
		var in appsv1.ReplicaSet
		err := o.Decode(&in)
		absent(&in.Spec.Replicas, 1)
		defaultTemplate(&in.Spec.Template)
		return in.Spec, err
	},
	{Kind: "ReplicationController"}: func(o object.Object) (any, error) {
		var in corev1.ReplicationController
		err := o.Decode(&in)
		defaultReplicationController(&in.Spec)
		return in.Spec, err
	},
}

func podSpec(o object.Object) (any, error) {
	var in corev1.Pod
	err := o.Decode(&in)
	defaultPod(&in.Spec)
	return in.Spec, err
}

// equalTrees compares values, numbers by their value.
func equalTrees(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && equalMaps(x, y)
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equalTrees(x[i], y[i]) {
				return false
			}
		}
		return true
	case json.Number:
		y, ok := b.(json.Number)
		return ok && x == y
	}
	return reflect.DeepEqual(a, b)
}

func equalMaps(x, y map[string]any) bool {
	for k, v := range x {
		if !equalTrees(v, y[k]) {
			return false
		}
	}
	for k, v := range y {
		if _, ok := x[k]; !ok && v != nil {
			return false
		}
	}
	return true
}

// sameLabels compares labels and annotations of what was there with those of a manifest. Of
// two kinds the API server gives objects without labels those of their pods.
func sameLabels(old, next object.Object) bool {
	given := len(next.Labels) == 0 && (old.Type() == jobType || old.Type() == object.Type{Kind: "ReplicationController"})
	return (given || sameKeys(old.Labels, next.Labels)) && sameKeys(old.Annotations, next.Annotations)
}

func sameKeys(old, next map[string]string) bool {
	for k, v := range next {
		if was, ok := old[k]; (!ok || was != v) && !booked(k) {
			return false
		}
	}
	for k := range old {
		if _, ok := next[k]; !ok && !booked(k) {
			return false
		}
	}
	return true
}

// books are the prefixes of labels and annotations by which tools and controllers note what
// they did: nothing is made of them.
var books = []string{
	corev1.LastAppliedConfigAnnotation, "deployment.kubernetes.io/", "deprecated.daemonset.template.generation",
	"meta.helm.sh/", "argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/",
}

func booked(key string) bool {
	for _, b := range books {
		if strings.HasPrefix(key, b) {
			return true
		}
	}
	return false
}
