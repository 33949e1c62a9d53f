package file

import (
	"errors"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/verdict"
)

const rendered = `# of a template
apiVersion: v1
kind: Pod
metadata: {name: a}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: b, namespace: own}
`

// No line is told of what was rendered, neither of objects nor of their fields, but what
// rendered it is.
func TestRenderedHasNoLines(t *testing.T) {
	b, err := Rendered(t.Context(), []Text{{"charts/db/templates/a.yaml", "chart charts/db", []byte(rendered)}}, Options{Namespace: "release"})
	if err != nil || len(b.Objects) != 2 || len(b.Problems) != 0 {
		t.Fatalf("%v %v %v", b.Objects, b.Problems, err)
	}
	for i, namespace := range []string{"release", "own"} {
		o := b.Objects[i]
		if o.Namespace != namespace || o.Source.File != "charts/db/templates/a.yaml" || o.Source.Via != "chart charts/db" || o.Source.Line != 0 {
			t.Errorf("%+v", o.Source)
		}
	}
	if b.Locate != nil {
		t.Error("there are lines to be found")
	}
}

// A fault in what was rendered names the template and what rendered it, and no line: the
// template has others.
func TestRenderedFaults(t *testing.T) {
	head := "apiVersion: v1\nkind: Pod\nmetadata:\n  name: bad\n  namespace: ns\n"
	for what, c := range map[string]struct{ text, want string }{
		"duplicate key": {head + "spec:\n  a: 1\n  a: 2\n", "already set in map"},
		"no YAML":       {head + "x: [\n", "did not find expected"},
		"a template":    {head + "x: {{ y }}\n", "key"},
		"an alias":      {head + "x:\n\n - *a\n", "unknown anchor"},
		"binary":        {head + "x: \x00\n", "zero byte"},
		"JSON":          {"{\"apiVersion\": \"v1\",\n\"kind\":", "not valid JSON"},
		"JSON keys":     {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"},\n\"x\":1,\"x\":2}", "duplicate field"},
		"no name":       {"apiVersion: v1\nkind: Pod\nmetadata:\n  labels: {}\n", "name is missing"},
		"twice":         {head + "---\n" + head + "spec: {}\n", "is also at t.yaml, with other content"},
	} {
		b, err := Rendered(t.Context(), []Text{{"t.yaml", "kustomization k", []byte(c.text)}}, Options{})
		if err != nil || len(b.Problems) != 1 {
			t.Errorf("%s: %v %v", what, b.Problems, err)
			continue
		}
		p := b.Problems[0]
		if p.Origin.File != "t.yaml" || p.Origin.Line != 0 || p.Origin.Via != "kustomization k" || !strings.Contains(p.Err, c.want) {
			t.Errorf("%s: %+v", what, p)
		}
		if strings.Contains(p.Err, "nobody rendered") {
			t.Errorf("%s: it was rendered: %s", what, p.Err)
		}
	}
}

// A document that SOPS encrypted with its kind could be anything, so that nothing is known
// about anything; one with encrypted data is what it says.
func TestEncryptedAsAWhole(t *testing.T) {
	const enc = "ENC[AES256_GCM,data:Zm9v,iv:YWJj,tag:ZGVm,type:str]"
	none := func(object.Type, []byte) bool { return false }
	for text, problems := range map[string]int{
		"apiVersion: " + enc + "\nkind: " + enc + "\nmetadata:\n  name: " + enc + "\nsops: {mac: x}\n":    1,
		"{\"apiVersion\":\"v1\",\"kind\":\"" + enc + "\",\"sops\":{}}":                                    1,
		"apiVersion: v1\nkind: List\nitems:\n- {kind: \"" + enc + "\", apiVersion: \"" + enc + "\"}\n":    1,
		"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: \"" + enc + "\"}\nsops: {mac: x}\n": 0,
	} {
		b, err := Read(t.Context(), []string{"-"}, Options{Stdin: strings.NewReader(text), Wants: none})
		if err != nil && !errors.Is(err, ErrNothing) {
			t.Fatal(err)
		}
		if len(b.Problems) != problems {
			t.Errorf("%s: %v", text, b.Problems)
		}
		for _, p := range b.Problems {
			if !strings.Contains(p.Err, "encrypted as a whole (SOPS)") || p.Namespace != "" || p.Origin.Line == 0 || strings.Contains(p.Err, "ENC[") {
				t.Errorf("%+v", p)
			}
		}
	}
}

// A listing with Within reads nothing that a link leads out to; what the user wrote is meant.
func TestWithin(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "out/secret.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: secret}\n")
	put(t, "in/a.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n")
	put(t, "in/sub/b.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\n")
	link(t, "../out/secret.yaml", "in/c.yaml")
	link(t, "../out", "in/d")
	link(t, "sub", "in/e")
	link(t, "in/c.yaml", "named.yaml")
	within := realDir(t, "in")
	b, err := Read(t.Context(), []string{"in"}, Options{Within: within})
	if err != nil || len(b.Objects) != 2 || len(b.Problems) != 2 {
		t.Fatalf("%v %v %v", b.Objects, b.Problems, err)
	}
	for i, name := range []string{"in/c.yaml", "in/d"} {
		if p := b.Problems[i]; p.Origin != (verdict.Origin{File: name}) || !strings.Contains(p.Err, "leads out of the tree") || p.Namespace != "" {
			t.Errorf("%+v", p)
		}
	}
	if b, err := Read(t.Context(), []string{"named.yaml"}, Options{Within: within}); err != nil || len(b.Objects) != 1 {
		t.Errorf("%v %v", b.Problems, err)
	}
}

// A listing names what it is asked for wherever it stands, also where two links lead to one
// file; what is skipped it does not name.
func TestListing(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "a/Mark", "x")
	put(t, "b/Mark", "x")
	put(t, "c/other.txt", "x")
	put(t, "c/d.yaml", "a: b")
	link(t, "../a/Mark", "c/Mark")
	l, err := List(t.Context(), []string{"."}, Options{Skip: []string{"b"}, Lists: func(name string) bool { return name == "Mark" }})
	if err != nil || strings.Join(l.Beside, " ") != "a/Mark c/Mark" || len(l.Files) != 1 || len(l.Skipped) != 1 {
		t.Errorf("%+v %v", l, err)
	}
	if b, err := l.Read(t.Context(), func(f Listed) bool { return !strings.HasSuffix(f.Real, "/c/d.yaml") }); err != nil || b.Ignored != 0 {
		t.Errorf("%+v %v", b, err)
	}
}
