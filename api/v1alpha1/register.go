package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of all objects of this package.
var GroupVersion = schema.GroupVersion{Group: "pgmoat.dev", Version: "v1alpha1"}

// AddToScheme teaches a scheme the objects of this package.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&PostgresPerimeter{}, &PostgresPerimeterList{},
		&PostgresAccess{}, &PostgresAccessList{},
		&AccessInvariant{}, &AccessInvariantList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
