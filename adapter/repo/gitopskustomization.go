package repo

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"

	"sigs.k8s.io/yaml"
)

// A kustomizationFile is the text of one, as Argo CD and Flux edit it before they build.
type kustomizationFile map[string]any

// readKustomization reads that of a folder; nil where it has none.
func readKustomization(f files, dir string) (kustomizationFile, error) {
	var found kustomizationFile
	for _, name := range kustomizationFiles {
		name = path.Join(dir, name)
		if !has(f, name) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%s: kustomize takes one file of a folder, and it has two", name)
		}
		text, err := f.read(name)
		if err != nil {
			return nil, err
		}
		if err := unmarshal(text, &found); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if found == nil {
			found = kustomizationFile{}
		}
	}
	return found, nil
}

func (k kustomizationFile) text() ([]byte, error) { return yaml.Marshal(map[string]any(k)) }

// set sets a field, unless the value is empty.
func (k kustomizationFile) set(field, value string) {
	if value != "" {
		k[field] = value
	}
}

// add appends to a list.
func (k kustomizationFile) add(field string, values ...any) error {
	if len(values) == 0 {
		return nil
	}
	list, ok := k[field].([]any)
	if !ok && k[field] != nil {
		return fmt.Errorf("%s of the kustomization is no list", field)
	}
	k[field] = append(slices.Clip(list), values...)
	return nil
}

// put replaces the entry of a list that has the same name, or appends it.
func (k kustomizationFile) put(field string, entry map[string]any) error {
	list, ok := k[field].([]any)
	if !ok && k[field] != nil {
		return fmt.Errorf("%s of the kustomization is no list", field)
	}
	for i, e := range list {
		if m, ok := e.(map[string]any); ok && m["name"] == entry["name"] {
			list[i] = entry
			return nil
		}
	}
	k[field] = append(slices.Clip(list), entry)
	return nil
}

// override sets what is said of an image. What is not said stays as the kustomization has it;
// a tag and a digest both say the version, so that one of them takes the place of both
// (fluxcd/pkg, kustomize 1.40; older releases replaced the whole entry).
func (k kustomizationFile) override(image map[string]any) error {
	list, _ := k["images"].([]any)
	for i, e := range list {
		entry, ok := e.(map[string]any)
		if !ok || entry["name"] != image["name"] {
			continue
		}
		list[i] = overridden(entry, image)
		return nil
	}
	return k.put("images", image)
}

func overridden(entry, image map[string]any) map[string]any {
	said := maps.Clone(image)
	maps.DeleteFunc(said, func(_ string, value any) bool { return value == nil || value == "" })
	entry = maps.Clone(entry)
	if said["newTag"] != nil || said["digest"] != nil {
		delete(entry, "newTag")
		delete(entry, "digest")
	}
	maps.Copy(entry, said)
	return entry
}

var errThere = errors.New("is in the kustomization already")

// merge adds to a mapping. What it has already is replaced with force, and is an error
// without.
func (k kustomizationFile) merge(field string, values map[string]string, force bool) error {
	if len(values) == 0 {
		return nil
	}
	fields, ok := k[field].(map[string]any)
	if !ok && k[field] != nil {
		return fmt.Errorf("%s of the kustomization is no mapping", field)
	}
	if fields == nil {
		fields = map[string]any{}
	}
	for name, value := range values {
		if _, ok := fields[name]; ok && !force {
			return fmt.Errorf("%s: %q %w", field, name, errThere)
		}
		fields[name] = value
	}
	k[field] = fields
	return nil
}

// components adds components that are not there yet. With ignoreMissing those whose folder
// the tree does not have are left out.
func (k kustomizationFile) components(f files, dir string, names []string, ignoreMissing bool) error {
	for _, name := range names {
		list, ok := k["components"].([]any)
		if !ok && k["components"] != nil {
			return errors.New("components of the kustomization is no list")
		}
		if slices.Contains(list, any(name)) || ignoreMissing && !f.isDir(path.Join(dir, name)) {
			continue
		}
		k["components"] = append(slices.Clip(list), name)
	}
	return nil
}
