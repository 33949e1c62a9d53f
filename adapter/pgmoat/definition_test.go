package pgmoat

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/api/v1alpha1"
	"github.com/pgmoat/pgmoat/config/crd"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"sigs.k8s.io/yaml"
)

// stored returns the definitions as an API server gets them.
func stored(t *testing.T) []*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	names, err := fs.Glob(crd.Files(), "*.yaml")
	if err != nil || len(names) != len(readings) {
		t.Fatal(names, err)
	}
	var out []*apiextensionsv1.CustomResourceDefinition
	for _, name := range names {
		text, err := fs.ReadFile(crd.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		in := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(text, in); err != nil {
			t.Fatal(name, err)
		}
		apiextensionsv1.SetDefaults_CustomResourceDefinition(in)
		apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&in.Spec)
		in.Status.StoredVersions = []string{v1alpha1.GroupVersion.Version}
		out = append(out, in)
	}
	return out
}

// The API server takes the definitions: they are structural, their defaults fit, and their
// rules stay within the budget, which it counts when a definition is made.
func TestServerTakesTheDefinitions(t *testing.T) {
	for _, in := range stored(t) {
		var internal apiextensions.CustomResourceDefinition
		if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(in, &internal, nil); err != nil {
			t.Fatal(err)
		}
		for _, err := range validation.ValidateCustomResourceDefinition(t.Context(), &internal) {
			t.Errorf("%s: %v", in.Name, err)
		}
	}
}

// A rule that costs too much is seen, or the test above would prove nothing.
func TestServerRefusesCostlyRules(t *testing.T) {
	in := stored(t)[0]
	spec := in.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	spec.XValidations = apiextensionsv1.ValidationRules{{Rule: "self.never.from.all(a, self.never.from.all(b, self.never.from.all(c, self.never.from.all(d, a == b || c == d))))"}}
	in.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"] = spec
	var internal apiextensions.CustomResourceDefinition
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(in, &internal, nil); err != nil {
		t.Fatal(err)
	}
	errs := validation.ValidateCustomResourceDefinition(t.Context(), &internal)
	if len(errs) == 0 || !strings.Contains(errs.ToAggregate().Error(), "cost") {
		t.Errorf("%v", errs)
	}
}

// kubectl explain has something to say of every field.
func TestFieldsAreDescribed(t *testing.T) {
	for _, in := range stored(t) {
		described(t, in.Spec.Names.Kind, in.Spec.Versions[0].Schema.OpenAPIV3Schema)
	}
}

func described(t *testing.T, path string, s *apiextensionsv1.JSONSchemaProps) {
	t.Helper()
	for name, child := range s.Properties {
		below := path + "." + name
		if child.Description == "" && below != path+".metadata" {
			t.Errorf("%s has no description", below)
		}
		described(t, below, &child)
	}
	if s.Items != nil && s.Items.Schema != nil {
		described(t, path+"[]", s.Items.Schema)
	}
}

// What a list may hold is bounded, and so is each text: whoever may write an object decides
// how long its check takes.
func TestListsAndTextsAreBounded(t *testing.T) {
	for _, in := range stored(t) {
		spec := in.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
		bounded(t, in.Spec.Names.Kind+".spec", &spec)
	}
}

func bounded(t *testing.T, path string, s *apiextensionsv1.JSONSchemaProps) {
	t.Helper()
	if strings.HasSuffix(path, "Selector") || strings.HasSuffix(path, ".clientNamespaces") {
		return // Kubernetes' own type
	}
	switch {
	case s.Type == "array" && s.MaxItems == nil:
		t.Errorf("%s: a list of any length", path)
	case s.Type == "string" && s.MaxLength == nil && s.Enum == nil && s.Format == "":
		t.Errorf("%s: a text of any length", path)
	}
	for name, child := range s.Properties {
		bounded(t, path+"."+name, &child)
	}
	if s.Items != nil && s.Items.Schema != nil {
		bounded(t, path+"[]", s.Items.Schema)
	}
}

// The definitions, what is read, and where objects are taken to live agree.
func TestDefinitionsAreOurKinds(t *testing.T) {
	all, err := definitions()
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, kindNames()) {
		t.Errorf("%q are defined, %q are read", got, kindNames())
	}
	for kind, d := range all {
		if (object.Type{Group: v1alpha1.GroupVersion.Group, Kind: kind}).Namespaced() != d.namespaced {
			t.Errorf("%s: not where package object has it", kind)
		}
	}
}

// messages returns what the rules of a schema say, but for those that look at oldSelf.
func messages(s *apiextensionsv1.JSONSchemaProps) []string {
	var out []string
	for _, v := range s.XValidations {
		if !strings.Contains(v.Rule, "oldSelf") {
			out = append(out, v.Message)
		}
	}
	for _, child := range s.Properties {
		out = append(out, messages(&child)...)
	}
	if s.Items != nil && s.Items.Schema != nil {
		out = append(out, messages(s.Items.Schema)...)
	}
	return out
}
