package render

import (
	"errors"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/yaml"
)

// renderKustomization builds as the command does when it is given no flags, and a second
// time for where each resource came from: kustomize says so in an annotation, which patches
// and selectors of the first build would see.
func renderKustomization(k *Kustomization) ([]Document, error) {
	d := newDisk(k)
	built, err := build(d, k)
	if err != nil {
		return nil, d.inTree(err)
	}
	top := d.kustomization(k.Dir)
	origins := d.origins(k, top, built)
	var documents []Document
	for i, res := range built.Resources() {
		text, err := res.MarshalJSON()
		if err != nil {
			return nil, d.inTree(err)
		}
		documents = append(documents, Document{File: origins[i], Text: text})
	}
	return documents, nil
}

func build(d *disk, k *Kustomization) (resmap.ResMap, error) {
	forgetSchema()
	options := krusty.MakeDefaultOptions()
	// Without --reorder the command leaves the order to sortOptions, and then sorts as ever.
	options.Reorder = krusty.ReorderOptionUnspecified
	options.PluginConfig = types.DisabledPluginConfig()
	options.LoadRestrictions = types.LoadRestrictionsRootOnly
	if k.AnyPath {
		options.LoadRestrictions = types.LoadRestrictionsNone
	}
	return krusty.MakeKustomizer(options).Run(d, d.path(k.Dir))
}

// ownSchema is the version of the schema that the library has of itself.
var ownSchema = openapi.GetSchemaVersion()

// forgetSchema gives the library its own schema back, for it keeps the one that a
// kustomization brings for the next. It costs reading it again, and so is not done in vain.
func forgetSchema() {
	if openapi.GetSchemaVersion() != ownSchema {
		openapi.ResetOpenAPI()
	}
}

// kustomization is the file of the one in a folder.
func (d *disk) kustomization(dir string) string {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		if real, err := d.real(path.Join(dir, name)); err == nil && d.has(real) {
			return real
		}
	}
	return path.Clean(dir)
}

// origins are the files that the resources of a build came from, the kustomization itself
// where that cannot be told.
func (d *disk) origins(k *Kustomization, top string, built resmap.ResMap) []string {
	origins := slices.Repeat([]string{top}, built.Size())
	var asked types.Kustomization
	if asked.Unmarshal(d.files[top]) != nil {
		return origins
	}
	if !slices.Contains(asked.BuildMetadata, types.OriginAnnotations) {
		asked.BuildMetadata = append(asked.BuildMetadata, types.OriginAnnotations)
	}
	text, err := yaml.Marshal(asked)
	if err != nil {
		return origins
	}
	again, err := build(d.with(top, text), k)
	if err != nil || again.Size() != built.Size() {
		return origins
	}
	for i, res := range again.Resources() {
		origin, err := res.GetOrigin()
		if err != nil || origin == nil || res.CurId() != built.Resources()[i].CurId() {
			continue
		}
		// What a generator made has no path.
		for _, name := range []string{origin.Path, origin.ConfiguredIn} {
			if real, err := d.real(path.Join(k.Dir, name)); err == nil && d.has(real) {
				origins[i] = real
				break
			}
		}
	}
	return origins
}

// inTree says an error of kustomize with the files by their paths in the tree, and without
// what Secrets hold.
func (d *disk) inTree(err error) error {
	said := d.secrets().hide(err).Error()
	return errors.New(short(strings.NewReplacer(mount+"/", "", mount, ".").Replace(said)))
}
