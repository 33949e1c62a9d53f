// Package object holds Kubernetes objects as every source delivers them: raw JSON
// with the identity already read, and the place each came from.
package object

import (
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An Object is one object of the estate, not yet converted.
type Object struct {
	APIVersion  string
	Kind        string
	Namespace   string // the effective one; empty for kinds without namespace
	Name        string
	UID         string
	Labels      map[string]string
	Annotations map[string]string
	Owners      []Owner
	// JSON is the whole object, or where it is Partial, its metadata.
	JSON []byte
	// Partial says that only the metadata was read: what else the object holds is not known,
	// which is not the same as nothing.
	Partial bool
	Source  Source
}

// An Owner is an entry of metadata.ownerReferences.
type Owner struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	UID        string `json:"uid"`
	Controller *bool  `json:"controller"`
}

// A Source says where an object was read.
type Source struct {
	File string // as the user named it; empty on a live cluster
	Line int    // where the document begins, 1-based; 0 where it was rendered or is live
	// Via is what rendered the object: "kustomization overlays/prod", "chart charts/db";
	// empty for one that stands as it is. File is then the template or the resource file.
	Via string
	// Prefix leads from the document to the object: "items[3]." in a List.
	Prefix string
}

// Group returns the API group, "" for core.
func (o Object) Group() string { return GroupOf(o.APIVersion) }

// GroupOf returns the group of an apiVersion, "" for core.
func GroupOf(apiVersion string) string {
	group, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return group
}

// Type returns the object's kind with its group.
func (o Object) Type() Type { return Type{Group: o.Group(), Kind: o.Kind} }

// Ref names the object.
func (o Object) Ref() snapshot.Ref {
	return snapshot.Ref{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}

// Origin is the place of the whole object; use Origin.At for its fields.
func (o Object) Origin() verdict.Origin {
	return verdict.Origin{File: o.Source.File, Line: o.Source.Line, Object: o.Ref().String(), Via: o.Source.Via}
}
