package repo

import (
	"github.com/pgmoat/pgmoat/adapter/render"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A unit is what somebody applies as a whole: a kustomization, a chart, a folder.
type unit struct {
	// by is the object that says so, zero where the tree alone does.
	by snapshot.Ref
	// dir is the folder in the tree, "." for the tree itself.
	dir string
	// namespace is where objects go that name none; empty for the tree's.
	namespace string
	// One of these is set.
	kustomization *kustomized
	chart         *charted
	folder        *folder
}

// kustomized is a kustomization of the tree, with what a Flux Kustomization or an
// Application says beside.
type kustomized struct {
	// beside is a kustomization, as YAML, that has dir's as its only resource, for what is
	// said beside; nil for nothing.
	beside []byte
	// anyPath is of render.Kustomization.
	anyPath bool
	// substitute replaces ${name} after building, as Flux does; nil for nothing.
	substitute map[string]string
}

// charted is a chart of the tree with what it is rendered with.
type charted struct {
	release           string
	values            []render.Values
	set, setString    []string
	skipCRDs          bool
	kubeVersion       string
	postKustomization []byte
}

// folder is a folder of plain manifests.
type folder struct {
	recursive        bool
	include, exclude string
}
