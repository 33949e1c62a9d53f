//go:build linux

package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// The kinds of operators are defined for these tests by what testdata/definitions says of
// them, else by a definition that takes anything. Where PGMOAT_CRDS names a folder with the
// operators' own definitions, those are taken for the kinds that something is made of.

// define makes the kind of an object known, where it is not yet.
func (s *stage) define(o object.Object) {
	s.t.Helper()
	n := Name{APIVersion: o.APIVersion, Kind: o.Kind}
	if _, err := s.Path(s.t.Context(), n); err == nil {
		return
	}
	text := permissive(o)
	if d := definitionOf(s.t, n); d != nil {
		s.t.Logf("%s: defined by %s", o.Kind, d.Source.File)
		text = d.JSON
	}
	if err := s.Define(s.t.Context(), text); err != nil {
		s.t.Fatalf("%s %s: %v", o.APIVersion, o.Kind, err)
	}
}

// permissive is a definition that takes anything, and keeps it.
func permissive(o object.Object) []byte {
	plural := strings.ToLower(o.Kind) + "s"
	scope := "Cluster"
	if o.Type().Namespaced() {
		scope = "Namespaced"
	}
	_, version, _ := strings.Cut(o.APIVersion, "/")
	return fmt.Appendf(nil, `{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
 "metadata": {"name": "%[1]s.%[2]s"},
 "spec": {"group": %[2]q, "names": {"kind": %[3]q, "plural": %[1]q}, "scope": %[4]q,
  "versions": [{"name": %[5]q, "served": true, "storage": true, "schema": {"openAPIV3Schema": {
   "type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}}`, plural, o.Group(), o.Kind, scope, version)
}

// A definition is one for a kind, with the fields that the server fills in.
type definition struct {
	object.Object
	group, kind string
	defaults    []string
}

// definitionOf finds the definition of an object's kind; nil for none.
func definitionOf(t *testing.T, n Name) *definition {
	t.Helper()
	all, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range all {
		made := slices.ContainsFunc(parts, func(p string) bool { return p == n.Kind || strings.HasPrefix(p, n.Kind+" ") })
		if d.group == object.GroupOf(n.APIVersion) && d.kind == n.Kind && (made || strings.HasPrefix(d.Source.File, "testdata")) {
			return &all[i]
		}
	}
	return nil
}

// definitions are those of the operators themselves, and then ours.
var definitions = sync.OnceValues(func() ([]definition, error) {
	paths := []string{"testdata/definitions"}
	if dir := os.Getenv("PGMOAT_CRDS"); dir != "" {
		paths = []string{dir, paths[0]}
	}
	batch, err := file.Read(context.Background(), paths, file.Options{
		Wants: func(t object.Type, _ []byte) bool { return t.Kind == "CustomResourceDefinition" },
	})
	if err != nil {
		return nil, err
	}
	var out []definition
	for _, o := range batch.Objects {
		var in apiextensionsv1.CustomResourceDefinition
		if err := json.Unmarshal(o.JSON, &in); err != nil {
			return nil, err
		}
		d := definition{Object: o, group: in.Spec.Group, kind: in.Spec.Names.Kind}
		for _, v := range in.Spec.Versions {
			d.defaults = append(d.defaults, defaultsOf("", v.Schema.OpenAPIV3Schema)...)
		}
		out = append(out, d)
	}
	return out, nil
})

// defaults are the fields of an object that the server fills in.
func defaults(t *testing.T, n Name) []string {
	t.Helper()
	if d := definitionOf(t, n); d != nil {
		return d.defaults
	}
	return nil
}

func defaultsOf(path string, s *apiextensionsv1.JSONSchemaProps) []string {
	var out []string
	if s.Default != nil {
		out = append(out, path)
	}
	for name, child := range s.Properties {
		out = append(out, defaultsOf(path+object.Key(path == "", name), &child)...)
	}
	if s.Items != nil && s.Items.Schema != nil {
		out = append(out, defaultsOf(path+"[]", s.Items.Schema)...)
	}
	return out
}
