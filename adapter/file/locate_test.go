package file

import (
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/model/verdict"
)

const located = `# a comment
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: a}
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: db
  ingress:
  - from:
    - podSelector: &web
        matchLabels: {app: web}
    - podSelector:
        <<: *web
    - podSelector: *web
--- 
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: one}
- apiVersion: v1
  kind: Pod
  metadata:
    name: two
    labels:
      a: b
---
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}} {"apiVersion": "v1", "kind": "Pod",
  "metadata": {"name": "y",
    "labels": {"a": "b"}}}
`

func TestLocate(t *testing.T) {
	b := of(t, located)
	at := func(object, field string) int {
		for _, o := range b.Objects {
			if o.Ref().String() == object {
				return b.Locate(o.Origin().At("%s", field)).Line
			}
		}
		t.Fatalf("no %s among %v", object, b.Problems)
		return 0
	}
	policy := "NetworkPolicy default/a"
	for _, c := range []struct {
		object, field string
		line          int
	}{
		{policy, "", 2},
		{policy, "spec", 5},
		{policy, "spec.podSelector.matchLabels[app.kubernetes.io/name]", 8},
		{policy, "spec.podSelector.matchLabels.app.kubernetes.io/name", 8},
		{policy, "spec.podSelector.matchLabels.absent", 7},
		{policy, "spec.egress[0]", 5},
		{policy, "status", 2},
		{policy, "spec.ingress[0]", 10},
		{policy, "spec.ingress[0].from[1]", 13},
		{policy, "spec.ingress[0].from[7]", 10},
		{policy, "spec.ingress[0].from[1].podSelector.matchLabels.app", 12},
		{policy, "spec.ingress[0].from[2].podSelector.matchLabels.app", 12},
		{"Pod default/one", "", 20},
		{"Pod default/one", "metadata.name", 22},
		{"Pod default/two", "", 23},
		{"Pod default/two", "metadata.labels.a", 28},
		{"Pod default/two", "spec", 23},
		{"Pod default/x", "metadata.labels.a", 30},
		{"Pod default/y", "metadata.labels.a", 32},
	} {
		if got := at(c.object, c.field); got != c.line {
			t.Errorf("%s %s: line %d, want %d", c.object, c.field, got, c.line)
		}
	}
	stranger := verdict.Origin{File: "pg_hba.conf", Line: 3, Field: "x"}
	if b.Locate(stranger) != stranger {
		t.Error("an origin of another file was changed")
	}
}

func TestPathSteps(t *testing.T) {
	got := pathSteps("items[3].spec.from[1].matchLabels[app.kubernetes.io/name]")
	if want := []string{"items", "3", "spec", "from", "1", "matchLabels", "app.kubernetes.io/name"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestGlobs(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"a.yaml", "dir/a.yaml", true},
		{"*.yaml", "dir/sub/a.yaml", true},
		{"sub/*.yaml", "dir/sub/a.yaml", true},
		{"dir/*.yaml", "dir/sub/a.yaml", false},
		{"dir/**", "dir/sub/a.yaml", true},
		{"dir/**/a.yaml", "dir/a.yaml", true},
		{"**/a.yaml", "a.yaml", true},
		{"a/**/b/**/c", "a/x/b/y/b/z/c", true},
		{"a/**/b/**/c", "a/x/y/c", false},
		{"/dir/a.yaml", "dir/a.yaml", false},
		{"/dir/a.yaml", "/dir/a.yaml", true},
		{"/a.yaml", "/dir/a.yaml", false},
		{"./dir/", "dir", true},
		{"ir/a.yaml", "dir/a.yaml", false},
	} {
		gs, err := newGlobs([]string{c.pattern})
		if err != nil {
			t.Fatal(err)
		}
		if gs.match(c.path) != c.want {
			t.Errorf("%s against %s: %v", c.pattern, c.path, !c.want)
		}
	}
}
