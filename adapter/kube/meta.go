package kube

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// suffix stands for the five characters that the API server puts behind a
// generateName, and stem is how much of it the server keeps.
const suffix, stem = "00000", 58

// strictMeta reads the metadata of an object whose spec is read otherwise.
func strictMeta(o object.Object) (metav1.ObjectMeta, error) {
	var in struct {
		metav1.TypeMeta
		Metadata metav1.ObjectMeta `json:"metadata"`
		Spec     any               `json:"spec"`
		Status   any               `json:"status"`
	}
	err := o.DecodeStrict(&in)
	return in.Metadata, err
}

// validMeta refuses the metadata that the API server refuses of a policy, whose names
// are DNS subdomains.
func validMeta(o object.Object, meta metav1.ObjectMeta) error {
	if meta.Name == "" && meta.GenerateName != "" {
		meta.Name = meta.GenerateName[:min(stem, len(meta.GenerateName))] + suffix
	}
	meta.Namespace = o.Namespace
	faults := apivalidation.ValidateObjectMeta(&meta, o.Type().Namespaced(), apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	if len(faults) == 0 {
		return nil
	}
	return faultOf(faults[0])
}

// ownFinalizers are those of Kubernetes itself. The server asks others of a built-in
// kind to have a domain (kubernetes pkg/apis/core/validation ValidateFinalizerName); of
// one that a CustomResourceDefinition defines it does not.
var ownFinalizers = []string{string(corev1.FinalizerKubernetes), metav1.FinalizerOrphanDependents, metav1.FinalizerDeleteDependents}

func validFinalizers(names []string) error {
	for i, name := range names {
		if !strings.Contains(name, "/") && !slices.Contains(ownFinalizers, name) {
			return fault(fmt.Sprintf("metadata.finalizers[%d]", i), "%q is neither Kubernetes' own nor has it a domain", name)
		}
	}
	return nil
}

// faultOf says what apimachinery says of a field, without its examples.
func faultOf(err *field.Error) error {
	text, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), err.Field+": "), " (e.g. ")
	return &object.Fault{Field: err.Field, Err: errors.New(strings.TrimSuffix(text, ","))}
}
