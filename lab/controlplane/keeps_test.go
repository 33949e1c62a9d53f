//go:build linux

package controlplane

import (
	"reflect"
	"slices"
	"testing"
)

// What somebody, or a webhook, set on the object that runs, and the file does not have,
// stays: the patch does not make the parents that it misses in the file.
func TestArtefactsKeepWhatTheFileLacks(t *testing.T) {
	c := policies(t)
	all := stories(t)
	m := all[slices.IndexFunc(all, func(s story) bool { return s.name == "seed application-access" })].compiled(t)
	s := newStage(t, c)
	s.estate(m)
	n := Name{"postgresql.cnpg.io/v1", "Cluster", "library", "catalogue"}
	if _, ok := tree(t, s.get(n))["spec"].(map[string]any)["postgresql"]; ok {
		t.Fatal("the file has the parent: nothing could be lost")
	}
	const set = `{"parameters":{"max_connections":"200","work_mem":"8MB"}}`
	a, err := s.Patch(t.Context(), n, MergePatch, []byte(`{"spec":{"postgresql":`+set+`}}`))
	if err == nil {
		err = a.Err()
	}
	if err != nil {
		t.Fatal(err)
	}
	s.stream(m)
	s.patches(m)
	postgresql := tree(t, s.get(n))["spec"].(map[string]any)["postgresql"].(map[string]any)
	if !reflect.DeepEqual(postgresql["parameters"], tree(t, []byte(set))["parameters"]) {
		t.Errorf("the parameters are %v", postgresql["parameters"])
	}
	if lines, ok := postgresql["pg_hba"].([]any); !ok || len(lines) == 0 {
		t.Errorf("no lines: %v", postgresql)
	}
}
