package pgmoat

import (
	"fmt"
	"io/fs"
	"sync"

	"github.com/pgmoat/pgmoat/config/crd"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// A definition is what the API server makes of a CustomResourceDefinition.
type definition struct {
	namespaced bool
	structural *schema.Structural
	validator  validation.SchemaValidator
	rules      *cel.Validator
}

// definitions are ours by kind, read when the first object of ours is: compiling the rules
// takes time, and most runs meet none.
var definitions = sync.OnceValues(func() (map[string]*definition, error) { return readDefinitions(crd.Files()) })

func readDefinitions(files fs.FS) (map[string]*definition, error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, err
	}
	out := map[string]*definition{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		kind, d, err := readDefinition(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[kind] = d
	}
	return out, nil
}

func readDefinition(text []byte) (kind string, _ *definition, _ error) {
	var in apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &in); err != nil {
		return "", nil, err
	}
	if len(in.Spec.Versions) != 1 || in.Spec.Versions[0].Schema == nil {
		return "", nil, fmt.Errorf("%s: want one version with a schema", in.Name)
	}
	var props apiextensions.JSONSchemaProps
	err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(in.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil)
	if err != nil {
		return "", nil, err
	}
	d := &definition{namespaced: in.Spec.Scope == apiextensionsv1.NamespaceScoped}
	if d.structural, err = schema.NewStructural(&props); err != nil {
		return "", nil, err
	}
	if d.validator, _, err = validation.NewSchemaValidator(&props); err != nil {
		return "", nil, err
	}
	d.rules = cel.NewValidator(d.structural, true, celconfig.PerCallLimit)
	return in.Spec.Names.Kind, d, nil
}
