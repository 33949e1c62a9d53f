package object

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	kjson "sigs.k8s.io/json"
)

// An identity is what every object says of itself.
type identity struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name            string            `json:"name"`
		GenerateName    string            `json:"generateName"`
		Namespace       string            `json:"namespace"`
		UID             string            `json:"uid"`
		Labels          map[string]string `json:"labels"`
		Annotations     map[string]string `json:"annotations"`
		OwnerReferences []Owner           `json:"ownerReferences"`
	} `json:"metadata"`
}

// New reads the identity of an object. Where the object lives in a namespace and
// names none, it is in defaultNamespace, as kubectl would put it. With an error the
// Object still has what could be told.
func New(data []byte, source Source, defaultNamespace string) (Object, error) {
	var id identity
	err := kjson.UnmarshalCaseSensitivePreserveInts(data, &id)
	o := Object{
		APIVersion: id.APIVersion, Kind: id.Kind,
		Namespace: id.Metadata.Namespace, Name: id.Metadata.Name, UID: id.Metadata.UID,
		Labels: id.Metadata.Labels, Annotations: id.Metadata.Annotations,
		Owners: id.Metadata.OwnerReferences,
		JSON:   data, Source: source,
	}
	switch {
	case !o.Type().Namespaced():
		o.Namespace = ""
	case o.Namespace == "" && err == nil:
		o.Namespace = defaultNamespace
	}
	if o.Name == "" {
		o.Name = id.Metadata.GenerateName
	}
	if err != nil {
		return o, TypeFault(data, err)
	}
	return o, o.Valid()
}

// Valid refuses an object without a name and one whose identity is a template.
func (o Object) Valid() error {
	if o.Name == "" {
		return &Fault{Field: "metadata", Err: errors.New("name is missing")}
	}
	for _, part := range []struct{ field, text string }{
		{"metadata.name", o.Name}, {"metadata.namespace", o.Namespace},
	} {
		if strings.Contains(part.text, "{{") {
			return &Fault{Field: part.field, Err: fmt.Errorf("%q is a template that nobody rendered", part.text)}
		}
		if !isName(part.text) {
			return &Fault{Field: part.field, Err: fmt.Errorf("%q is no name that the API server takes", part.text)}
		}
	}
	return nil
}

// isName knows what no object of any kind can be called: names are steps of a path
// (apimachinery pkg/api/validation/path), and what does not print could pass in a
// terminal for another one.
func isName(text string) bool {
	unprintable := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
	return text != "." && text != ".." && !strings.ContainsAny(text, "/%") && strings.IndexFunc(text, unprintable) < 0
}
