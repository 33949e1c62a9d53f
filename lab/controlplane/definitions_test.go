//go:build linux

package controlplane

import (
	"encoding/json"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgmoat/pgmoat/api/v1alpha1"
	"github.com/pgmoat/pgmoat/config/crd"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// ours has the definitions of pgmoat in the shared cluster.
func ours(t *testing.T) *Cluster {
	t.Helper()
	c := cluster(t)
	definedOnce.Do(func() { definedErr = define(t, c) })
	if definedErr != nil {
		t.Fatal(definedErr)
	}
	return c
}

var (
	definedOnce sync.Once
	definedErr  error
)

func define(t *testing.T, c *Cluster) error {
	for _, text := range texts(t) {
		if err := c.Define(t.Context(), text); err != nil {
			return err
		}
	}
	return nil
}

// texts are the files of config/crd as JSON.
func texts(t *testing.T) [][]byte {
	t.Helper()
	names, err := fs.Glob(crd.Files(), "*.yaml")
	if err != nil || len(names) != 3 {
		t.Fatal(names, err)
	}
	var out [][]byte
	for _, name := range names {
		text, err := fs.ReadFile(crd.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, asJSON(t, text))
	}
	return out
}

func asJSON(t *testing.T, text []byte) []byte {
	t.Helper()
	data, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The server takes the definitions, and keeps of them what they say: a field that it did
// not know, or a rule that it dropped, would be missed.
func TestDefinitionsAreTaken(t *testing.T) {
	c := ours(t)
	for _, text := range texts(t) {
		n, err := NameOf(text)
		if err != nil {
			t.Fatal(err)
		}
		a, err := c.Get(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, n, tree(t, text), tree(t, a.Body),
			"metadata.creationTimestamp", "metadata.generation", "metadata.managedFields", "metadata.resourceVersion", "metadata.uid",
			"spec.conversion", "status")
	}
}

// kubectl explain, which reads the server's OpenAPI, has of every field what the file says.
func TestExplain(t *testing.T) {
	c := ours(t)
	published := openAPI(t, c)
	for _, text := range texts(t) {
		var in apiextensionsv1.CustomResourceDefinition
		if err := json.Unmarshal(text, &in); err != nil {
			t.Fatal(err)
		}
		kind := in.Spec.Names.Kind
		is, ok := published["dev.pgmoat."+v1alpha1.GroupVersion.Version+"."+kind]
		if !ok {
			t.Errorf("nothing of %s", kind)
			continue
		}
		if n := explained(t, kind, in.Spec.Versions[0].Schema.OpenAPIV3Schema, is); n < 100 {
			t.Errorf("%s: only %d fields", kind, n)
		}
	}
}

// A described is as much of an OpenAPI schema as kubectl explain shows.
type described struct {
	Description string
	Type        string
	Enum        []string
	Properties  map[string]described
	Items       *described
}

// openAPI waits until the server tells of our kinds: it does so some time after it takes
// objects of them.
func openAPI(t *testing.T, c *Cluster) map[string]described {
	t.Helper()
	path := "/openapi/v3/apis/" + v1alpha1.GroupVersion.String()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		a, err := c.Do(t.Context(), Request{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		var out struct {
			Components struct{ Schemas map[string]described }
		}
		if a.Err() != nil || strings.Count(string(a.Body), `"x-kubernetes-group-version-kind"`) < 3 {
			continue
		}
		if err := json.Unmarshal(a.Body, &out); err != nil {
			t.Fatal(err)
		}
		return out.Components.Schemas
	}
	t.Fatal("the server has no OpenAPI of our kinds")
	return nil
}

// explained compares a schema with what is published of it, and counts its fields.
func explained(t *testing.T, path string, want *apiextensionsv1.JSONSchemaProps, is described) int {
	t.Helper()
	if is.Description == "" || !slices.Equal(strings.Fields(is.Description), strings.Fields(want.Description)) {
		t.Errorf("%s: %q, want %q", path, is.Description, want.Description)
	}
	if is.Type != want.Type || len(is.Enum) != len(want.Enum) {
		t.Errorf("%s: %s %q, want %s %s", path, is.Type, is.Enum, want.Type, want.Enum)
	}
	n := 1
	for name, child := range want.Properties {
		switch {
		case path+"."+name == strings.SplitN(path, ".", 2)[0]+".metadata":
			continue // Kubernetes' own
		case child.Description == "":
			t.Errorf("%s.%s: the file has no description", path, name)
		}
		n += explained(t, path+"."+name, &child, is.Properties[name])
	}
	if want.Items != nil && want.Items.Schema != nil {
		if is.Items == nil {
			t.Errorf("%s: nothing of its items", path)
			return n
		}
		items := *want.Items.Schema
		items.Description, is.Items.Description = "an item", "an item"
		n += explained(t, path+"[]", &items, *is.Items)
	}
	return n
}

// The server fills in what nobody says, and it is the safe value.
func TestDefaults(t *testing.T) {
	c := ours(t)
	text, err := os.ReadFile("testdata/defaults.yaml")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), "---\n")
	if len(parts) != 11 {
		t.Fatalf("%d parts", len(parts))
	}
	for i := 1; i+1 < len(parts); i += 2 {
		given, want := asJSON(t, []byte(parts[i])), asJSON(t, []byte(parts[i+1]))
		a, err := c.Create(t.Context(), given, map[string][]string{"fieldValidation": {"Strict"}, "dryRun": {"All"}})
		if err == nil {
			err = a.Err()
		}
		if err != nil {
			t.Fatalf("%s: %v", given, err)
		}
		is, wanted := tree(t, a.Body), tree(t, want)
		if !reflect.DeepEqual(is["spec"], wanted["spec"]) {
			t.Errorf("%s becomes\n%s\nwant\n%s", given, printed(t, is["spec"]), printed(t, wanted["spec"]))
		}
	}
}

func printed(t *testing.T, v any) string {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
