package render

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
)

// fields reads what the fields of a kustomization name. It knows every field that has
// kustomize load something; a test has the list of those that do not.
func (s *scan) fields(k *kustomization) error {
	return first(
		func() error { return s.list(k, "resources", k.Resources, s.resource) },
		func() error { return s.list(k, "bases", k.Bases, s.resource) }, //nolint:staticcheck // people still use it
		func() error { return s.list(k, "components", k.Components, s.component) },
		func() error { return s.list(k, "crds", k.Crds, s.file) },
		func() error { return s.list(k, "configurations", k.Configurations, s.file) },
		func() error { return s.list(k, "generators", k.Generators, s.plugin) },
		func() error { return s.list(k, "transformers", k.Transformers, s.plugin) },
		func() error { return s.list(k, "validators", k.Validators, s.plugin) },
		func() error { return s.optional(k, "openapi.path", k.OpenAPI["path"]) },
		func() error { return s.patches(k) },
		func() error { return s.generated(k) },
		func() error { return s.charts(k) },
	)
}

// first is the first error of the steps, none after which is taken.
func first(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// list reads what each entry of a field names.
func (s *scan) list(k *kustomization, field string, entries []string, read func(place) error) error {
	for i, entry := range entries {
		if err := read(place{of: k, field: fmt.Sprintf("%s[%d]", field, i), entry: entry}); err != nil {
			return err
		}
	}
	return nil
}

// optional reads a file where one is named.
func (s *scan) optional(k *kustomization, field, entry string) error {
	if entry == "" {
		return nil
	}
	return s.file(place{of: k, field: field, entry: entry})
}

func (s *scan) patches(k *kustomization) error {
	for i, p := range k.Patches {
		if err := s.optional(k, fmt.Sprintf("patches[%d].path", i), p.Path); err != nil {
			return err
		}
	}
	for i, p := range k.PatchesJson6902 { //nolint:staticcheck // people still use it
		if err := s.optional(k, fmt.Sprintf("patchesJson6902[%d].path", i), p.Path); err != nil {
			return err
		}
	}
	for i, p := range k.PatchesStrategicMerge { //nolint:staticcheck // people still use it
		if err := s.merge(place{of: k, field: fmt.Sprintf("patchesStrategicMerge[%d]", i), entry: string(p)}); err != nil {
			return err
		}
	}
	for i, r := range k.Replacements {
		if err := s.optional(k, fmt.Sprintf("replacements[%d].path", i), r.Path); err != nil {
			return err
		}
	}
	return nil
}

// merge reads a strategic merge patch, which is written in its place or in a file.
func (s *scan) merge(p place) error {
	if inline(p.entry) {
		return nil
	}
	return s.file(p)
}

// inline reports whether an entry that is YAML or a path is YAML. kustomize tries; but a
// path is a line, and an object in one line has a brace.
func inline(entry string) bool {
	return !remoteDir(entry) && strings.ContainsAny(strings.TrimSpace(entry), "\n{")
}

func (s *scan) generated(k *kustomization) error {
	for i, g := range k.ConfigMapGenerator {
		if err := s.pairs(k, fmt.Sprintf("configMapGenerator[%d]", i), g.KvPairSources); err != nil {
			return err
		}
	}
	for i, g := range k.SecretGenerator {
		if err := s.pairs(k, fmt.Sprintf("secretGenerator[%d]", i), g.KvPairSources); err != nil {
			return err
		}
	}
	return nil
}

// pairs reads the files of a ConfigMap or Secret to be.
func (s *scan) pairs(k *kustomization, field string, sources types.KvPairSources) error {
	return first(
		func() error { return s.optional(k, field+".env", sources.EnvSource) },
		func() error { return s.list(k, field+".envs", sources.EnvSources, s.file) },
		func() error { return s.list(k, field+".files", sources.FileSources, s.keyed) },
	)
}

// keyed reads a file written as path or key=path.
func (s *scan) keyed(p place) error {
	if _, after, ok := strings.Cut(p.entry, "="); ok {
		p.entry = after
	}
	return s.file(p)
}

// charts refuses charts, which kustomize has the helm program fetch and inflate.
func (s *scan) charts(k *kustomization) error {
	if len(k.HelmCharts) > 0 {
		return s.refuse(place{of: k, field: "helmCharts[0]", entry: k.HelmCharts[0].Name}, ErrInflated)
	}
	if len(k.HelmChartInflationGenerator) > 0 {
		return s.refuse(place{of: k, field: "helmChartInflationGenerator[0]", entry: k.HelmChartInflationGenerator[0].ChartName}, ErrInflated)
	}
	return nil
}

// file reads a file.
func (s *scan) file(p place) error {
	if remoteFile(p.entry) {
		return s.refuse(p, ErrRemote)
	}
	name, folder, err := s.locate(p)
	if err != nil || folder {
		return s.refuse(p, orElse(err, ErrNoFile))
	}
	return s.take(p, name)
}

// resource reads a file, or a kustomization in its folder.
func (s *scan) resource(p place) error {
	if remoteDir(p.entry) {
		return s.refuse(p, s.remote(p))
	}
	name, folder, err := s.locate(p)
	if err != nil {
		return s.refuse(p, err)
	}
	if folder {
		p.of.bases = append(p.of.bases, name)
		return s.folder(p, name)
	}
	p.of.resources = append(p.of.resources, name)
	return s.take(p, name)
}

// component reads a kustomization in its folder.
func (s *scan) component(p place) error {
	if remoteDir(p.entry) {
		return s.refuse(p, s.remote(p))
	}
	name, folder, err := s.locate(p)
	if err != nil || !folder {
		return s.refuse(p, orElse(err, ErrNoKust))
	}
	return s.folder(p, name)
}

// remote says why a repository is refused: a folder of the tree may have its name.
func (s *scan) remote(p place) error {
	if _, _, err := s.locate(p); err == nil {
		return ErrNamed
	}
	return ErrRemote
}

// take reads a file that was located.
func (s *scan) take(p place, name string) error {
	if !s.anyPath && !below(p.of.dir, name) {
		return s.refuse(p, ErrRoot)
	}
	if _, err := s.read(name); err != nil {
		return s.refuse(p, err)
	}
	return nil
}

// folder reads the kustomization of a folder that was located. One that is at or above any
// of those that use it is a cycle, whatever it uses.
func (s *scan) folder(p place, name string) error {
	for _, user := range p.of.above {
		if below(name, user) || name == user {
			return s.refuse(p, ErrCycle)
		}
	}
	_, err := s.build(name, p.of.above)
	if err == ErrNoKust { //nolint:errorlint // of this folder, not of one inside
		return s.refuse(p, err)
	}
	return err
}

// locate finds the file or folder that an entry names, from the kustomization's folder on.
func (s *scan) locate(p place) (name string, folder bool, err error) {
	if path.IsAbs(p.entry) || filepath.IsAbs(p.entry) {
		return "", false, ErrAbsolute
	}
	// kustomize joins before it follows links, so a/../b is b even where a is a link.
	joined := path.Join(p.of.dir, p.entry)
	if joined == ".." || strings.HasPrefix(joined, "../") {
		return "", false, ErrOutside
	}
	name, info, err := s.find(joined)
	if err != nil {
		return "", false, err
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return "", false, ErrNoFile
	}
	return name, info.IsDir(), nil
}

// below reports whether a file or folder lies in the folder or deeper.
func below(dir, name string) bool {
	return dir == "." && name != "." || strings.HasPrefix(name, dir+"/")
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
