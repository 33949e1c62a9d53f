package render

import (
	"strings"
	"testing"
)

// TestBecause: a chart below that was packed without its dependencies is named where rendering
// fails, and is no fault by itself; helm looks at the chart's own alone.
func TestBecause(t *testing.T) {
	files := func(template string) map[string][]byte {
		return map[string][]byte{
			"c/Chart.yaml":                   []byte("apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [{name: pg, version: 1.0.0, repository: file://../pg}]\n"),
			"c/charts/pg/Chart.yaml":         []byte("apiVersion: v2\nname: pg\nversion: 1.0.0\ndependencies: [{name: common, version: 1.0.0, repository: \"https://u:hunter2@h.example/c\"}]\n"),
			"c/charts/pg/templates/pod.yaml": []byte(template),
		}
	}
	ask := func(template string) error {
		_, err := render(request{Chart: &Chart{Dir: "c", Release: "r", Files: files(template)}}, Limits{})
		return err
	}
	want := "; c/charts/pg has no common of https://h.example/c below its charts/: build its dependencies first, then those of c"
	if err := ask(`{{ include "common.name" . }}`); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v\nwant %s", err, want)
	}
	if err := ask("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"); err != nil {
		t.Error(err)
	}
}
