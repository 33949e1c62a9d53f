package repo

import (
	"github.com/pgmoat/pgmoat/adapter/object"
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
	// text is read in place of dir's own kustomization file: what Argo CD and Flux make of it
	// before they build, or what Flux generates where there is none. Nil for the file as it is.
	text []byte
	// anyPath is of render.Kustomization.
	anyPath bool
	// substitute replaces ${name} in each object after building, as Flux does; nil for
	// nothing.
	substitute *substitution
}

// charted is a chart of the tree with what it is rendered with.
type charted struct {
	// release is the release's name; namespace what .Release.Namespace says, empty for the
	// unit's. Objects that name none go to the unit's.
	release, namespace string
	// defaults are read in place of the chart's own values.yaml; nil for that.
	defaults []byte
	values   []render.Values
	// inputs are the files that the values stand in, where people named them.
	inputs         []object.Input
	set, setString []string
	skipCRDs       bool
	kubeVersion    string
	apiVersions    []string
	// post are kustomizations, as YAML, each without resources: the first has what the chart
	// rendered as its only resources, each later one the one before.
	post [][]byte
}

// folder is a folder of plain manifests.
type folder struct {
	recursive bool
	// include and exclude are Argo CD's patterns; see folder.takes.
	include, exclude string
}
