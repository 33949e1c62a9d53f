package render

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// plugin reads an entry of generators, transformers and validators: the configuration of
// one or several, in its place, in a file, or as a kustomization in its folder.
func (s *scan) plugin(p place) error {
	if inline(p.entry) {
		return s.configured(p, []byte(p.entry))
	}
	before := *p.of
	if err := s.resource(p); err != nil {
		return err
	}
	files := p.of.resources[len(before.resources):]
	for _, base := range p.of.bases[len(before.bases):] {
		files = append(files, s.resourcesOf(base, map[string]bool{})...)
	}
	p.of.resources, p.of.bases = before.resources, before.bases
	for _, file := range files {
		text, err := s.config(file)
		if err != nil {
			return s.refuse(p, err)
		}
		if err := s.configured(p, text); err != nil {
			return err
		}
	}
	return nil
}

// resourcesOf are the files that are resources of a kustomization, its bases' too.
func (s *scan) resourcesOf(dir string, seen map[string]bool) []string {
	k := s.built[dir]
	if k == nil || seen[dir] {
		return nil
	}
	seen[dir] = true
	files := append([]string{}, k.resources...)
	for _, base := range k.bases {
		files = append(files, s.resourcesOf(base, seen)...)
	}
	return files
}

// A builtin is the configuration of a plugin of kustomize's own, as far as it names files.
type builtin struct {
	types.KvPairSources `json:",inline"`
	Path                string                      `json:"path"`
	Paths               []types.PatchStrategicMerge `json:"paths"`
	TargetFilePath      string                      `json:"targetFilePath"`
	Replacements        []struct{ Path string }     `json:"replacements"`
}

// configured reads what the configurations in a text name.
func (s *scan) configured(p place, text []byte) error {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return s.refuse(p, oneLine(err))
		}
		if err := s.one(p, document); err != nil {
			return err
		}
	}
}

// one reads what one configuration names.
func (s *scan) one(p place, document []byte) error {
	var plugin struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Name       string `json:"name"`
	}
	if err := yaml.Unmarshal(document, &plugin); err != nil {
		return s.refuse(p, oneLine(err))
	}
	switch {
	case plugin.APIVersion == "" && plugin.Kind == "":
		return nil // a comment; what has no kind kustomize itself refuses
	case plugin.APIVersion != "builtin":
		p.entry = plugin.APIVersion + " " + plugin.Kind
		return s.refuse(p, ErrPlugin)
	case plugin.Kind == "HelmChartInflationGenerator":
		p.entry = plugin.Name
		return s.refuse(p, ErrInflated)
	}
	return s.builtin(p, plugin.Kind, document)
}

// builtin reads what a plugin of kustomize's own names, by the fields that its kind has.
func (s *scan) builtin(p place, kind string, document []byte) error {
	var config builtin
	if !map[string]bool{
		"ConfigMapGenerator": true, "SecretGenerator": true, "PatchTransformer": true, "PatchJson6902Transformer": true,
		"PatchStrategicMergeTransformer": true, "ReplacementTransformer": true, "ValueAddTransformer": true,
	}[kind] {
		return nil
	}
	if err := yaml.Unmarshal(document, &config); err != nil {
		return s.refuse(p, oneLine(err))
	}
	k, field := p.of, p.field+": "+kind
	for i, r := range config.Replacements {
		if err := s.optional(k, fmt.Sprintf("%s replacements[%d].path", field, i), r.Path); err != nil {
			return err
		}
	}
	for i, patch := range config.Paths {
		if err := s.merge(place{of: k, field: fmt.Sprintf("%s paths[%d]", field, i), entry: string(patch)}); err != nil {
			return err
		}
	}
	return first(
		func() error { return s.optional(k, field+" path", config.Path) },
		func() error { return s.optional(k, field+" targetFilePath", config.TargetFilePath) },
		func() error { return s.pairs(k, field, config.KvPairSources) },
	)
}
