package repo

import (
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// kustomizationFiles are the names that kustomize looks for.
var kustomizationFiles = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// chartFile is the name that helm looks for.
const chartFile = "Chart.yaml"

// isMark reports whether a file of the name may make its folder something that is rendered.
func isMark(name string) bool { return name == chartFile || slices.Contains(kustomizationFiles, name) }

// isKustomization tells a kustomization from an object of Flux, and of anybody else, in a
// file of the same name. What cannot be read was meant to be one.
func isKustomization(text []byte) bool {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if yaml.Unmarshal(text, &head) != nil {
		return true
	}
	group := object.GroupOf(head.APIVersion)
	return (group == "" || group == "kustomize.config.k8s.io") &&
		(head.Kind == "" || head.Kind == "Kustomization" || head.Kind == "Component")
}

// A chartMark is what a Chart.yaml says of how its chart is used.
type chartMark struct {
	APIVersion   string `json:"apiVersion"`
	Name         string `json:"name"`
	Type         string `json:"type"`
	Dependencies []struct {
		Repository string `json:"repository"`
	} `json:"dependencies"`
}

// chartOf reads a Chart.yaml; false for a file that makes no chart of its folder.
func chartOf(text []byte) (chartMark, bool) {
	var m chartMark
	err := yaml.Unmarshal(text, &m)
	return m, err == nil && (m.APIVersion == "v1" || m.APIVersion == "v2") && m.Name != ""
}

// isLibrary reports whether the chart is only for others to use.
func (m chartMark) isLibrary() bool { return m.Type == "library" }

// beside returns the folders of the dependencies that lie in the same tree, for a chart in
// dir.
func (m chartMark) beside(dir string) []string {
	var out []string
	for _, d := range m.Dependencies {
		if rel, ok := strings.CutPrefix(d.Repository, "file://"); ok && !path.IsAbs(rel) {
			out = append(out, path.Join(dir, rel))
		}
	}
	return out
}
