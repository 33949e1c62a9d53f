// Package render builds kustomizations and Helm charts with the libraries of their own
// tools. It does so in a process of its own, which is given every file it may see and can
// reach nothing else: no file, no network, no program; and whose time and memory have an end.
package render

import "context"

// A Document is what came of one template or one resource: YAML or JSON, of one object or
// of several.
type Document struct {
	// File is the template or the resource file, a path inside the tree with slashes. For what
	// a generator made it is the kustomization that has the generator.
	File string
	// Text is what was rendered.
	Text []byte
	// Hook says at which of helm's events, and only then, the object is created; empty for
	// an object of the release.
	Hook string
	// Stays says of what a hook creates that it counts as an object of the release does: an
	// install or an upgrade creates it, and helm leaves it there, or it is a Job or a Pod, which
	// runs then and talks to others.
	Stays bool
}

// A Kustomization is one to be built.
type Kustomization struct {
	// Files are all files that building may see, by their paths in the tree.
	Files map[string][]byte
	// Links are the symbolic links on the way to them, with what each says.
	Links map[string]string
	// Dir is the folder of the kustomization, "." for the tree itself.
	Dir string
	// AnyPath lets a kustomization name files above its own folder, as Flux does; kustomize
	// and Argo CD refuse that by themselves.
	AnyPath bool
}

// A Chart is one to be rendered.
type Chart struct {
	// Files are those of the chart by their paths in the tree, dependencies below charts/
	// with them.
	Files map[string][]byte
	// Dir is the chart's folder in the tree.
	Dir string
	// Release and Namespace are what .Release says.
	Release, Namespace string
	// Values are files of values, later ones before earlier ones, all before the chart's own.
	Values []Values
	// Set are assignments as of helm --set, before all Values; SetString as of --set-string.
	Set, SetString []string
	// KubeVersion and APIVersions are what .Capabilities says beside the library's own.
	KubeVersion string
	APIVersions []string
	// SkipCRDs leaves out what is below crds/.
	SkipCRDs bool
}

// Values are a file of values, or what a HelmRelease says in its place.
type Values struct {
	Name string
	Text []byte
}

// A Renderer renders. Its process is started when it is first needed; it is for one caller
// at a time. Close ends it.
type Renderer struct {
	worker *worker
	limits Limits
}

// New returns a renderer within the limits.
func New(limits Limits) *Renderer { return &Renderer{limits: limits} }

// Kustomize builds a kustomization as "kustomize build" does, without plugins, functions,
// charts and remote resources. The documents are in the order of the output.
func (r *Renderer) Kustomize(ctx context.Context, k Kustomization) ([]Document, error) {
	return r.ask(ctx, request{Kustomization: &k})
}

// Chart renders a chart as "helm template --include-crds" does: lookup finds nothing, and no
// name is resolved. The documents are those of crds/, then the objects in the order in which
// helm creates them, then those of hooks and tests, with Hook set; no hook runs. A NOTES.txt
// is not among them.
func (r *Renderer) Chart(ctx context.Context, c Chart) ([]Document, error) {
	return r.ask(ctx, request{Chart: &c})
}
