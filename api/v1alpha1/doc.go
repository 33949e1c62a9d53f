// Package v1alpha1 has the objects of pgmoat as Kubernetes stores them, group pgmoat.dev:
// what a platform keeps around a server, who may reach which database as whom, and what
// must never become true. They say what is wanted, never how a layer writes it. Package
// model/intent is what engines see of them.
//
// +kubebuilder:object:generate=true
// +groupName=pgmoat.dev
package v1alpha1

//go:generate go tool -modfile=../../tools/crd/go.mod controller-gen object paths=.
//go:generate go tool -modfile=../../tools/crd/go.mod controller-gen crd:crdVersions=v1 paths=. output:crd:dir=../../config/crd
