package repo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"sigs.k8s.io/yaml"
)

// A fluxPostBuild is spec.postBuild.
type fluxPostBuild struct {
	Substitute     map[string]string `json:"substitute"`
	SubstituteFrom []struct {
		Kind     string `json:"kind"`
		Name     string `json:"name"`
		Optional bool   `json:"optional"`
	} `json:"substituteFrom"`
}

// A substitution is what Flux does to each object after building: ${name} of spec.postBuild
// and spec.commonMetadata.
type substitution struct {
	values map[string]string
	// unread are variables that a Secret holds, with its name.
	unread map[string]string
	// rest is what may hold any other variable and stands in no file; empty when all is known.
	rest string
	// labels and annotations are set on every object.
	labels, annotations map[string]string
}

// variableName is what Flux takes for one (Kustomization, Post build variable substitution).
var variableName = regexp.MustCompile(`^[_[:alpha:]][_[:alpha:][:digit:]]*$`)

// substitution gathers the variables of a Kustomization: what is inline counts before what
// objects hold, later ones before earlier ones. Nil where nothing is to be done.
func (t *trace) substitution(o object.Object, k fluxKustomization) (*substitution, error) {
	s := &substitution{values: map[string]string{}, unread: map[string]string{}, labels: k.Spec.CommonMetadata.Labels, annotations: k.Spec.CommonMetadata.Annotations}
	if p := k.Spec.PostBuild; p != nil {
		for i, from := range p.SubstituteFrom {
			field := fmt.Sprintf("spec.postBuild.substituteFrom[%d]", i)
			var err error
			switch from.Kind {
			case "ConfigMap":
				err = t.fromConfigMap(s, o.Namespace, from.Name, from.Optional)
			case "Secret":
				t.fromSecret(s, o.Namespace, from.Name, from.Optional)
			default:
				err = fmt.Errorf("kind %q is neither ConfigMap nor Secret", from.Kind)
			}
			if err != nil {
				return nil, fault(field, "%w", err)
			}
		}
		for name, value := range p.Substitute {
			s.set(name, value)
		}
	}
	for name := range s.values {
		if !variableName.MatchString(name) {
			return nil, fault("spec.postBuild", "%q is no name of a variable", name)
		}
	}
	if !s.active() && len(s.labels)+len(s.annotations) == 0 {
		return nil, nil
	}
	return s, nil
}

// set sets a variable; Flux drops the line ends of its value.
func (s *substitution) set(name, value string) {
	delete(s.unread, name)
	s.values[name] = strings.ReplaceAll(value, "\n", "")
}

// active reports whether variables are replaced: Flux does it where there is one at least.
func (s *substitution) active() bool { return len(s.values)+len(s.unread) > 0 || s.rest != "" }

func (t *trace) fromConfigMap(s *substitution, namespace, name string, optional bool) error {
	values, known, err := t.configMap(namespace, name)
	if err != nil {
		return err
	}
	if !known && !optional {
		s.hide("ConfigMap " + namespace + "/" + name)
	}
	for name, value := range values {
		s.set(name, value)
	}
	return nil
}

func (t *trace) fromSecret(s *substitution, namespace, name string, optional bool) {
	keys, known := t.secretKeys(namespace, name)
	if !known && !optional {
		s.hide("Secret " + namespace + "/" + name)
	}
	for _, key := range keys {
		delete(s.values, key)
		s.unread[key] = "Secret " + namespace + "/" + name
	}
}

// hide notes an object that stands in no file: it may say anything of what came before.
func (s *substitution) hide(what string) {
	s.rest, s.values, s.unread = what, map[string]string{}, map[string]string{}
}

// lookup returns the value of a variable; empty for one that is not set.
func (s *substitution) lookup(name string) (string, error) {
	if value, ok := s.values[name]; ok {
		return value, nil
	}
	if where, ok := s.unread[name]; ok {
		return "", fmt.Errorf("${%s} is in %s, which is not read", name, where)
	}
	if s.rest != "" {
		return "", fmt.Errorf("${%s} may be in %s, which stands in no file", name, s.rest)
	}
	return "", nil
}

// notSubstituted in a label or an annotation leaves an object as it is.
const notSubstituted = "kustomize.toolkit.fluxcd.io/substitute"

var documentEnd = regexp.MustCompile(`(?m)^---(?:[ \t].*)?$`)

// apply returns documents, YAML or JSON of one object each, with their variables replaced. The
// error names a variable whose value nobody can tell, or what Flux refuses. A nil substitution
// changes nothing.
func (s *substitution) apply(text []byte) ([]byte, error) {
	if s == nil {
		return text, nil
	}
	var out bytes.Buffer
	for _, doc := range documentEnd.Split(string(text), -1) {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		done, err := s.one([]byte(doc))
		if err != nil {
			return nil, err
		}
		out.WriteString("---\n")
		out.Write(done)
	}
	return out.Bytes(), nil
}

// one does it for one object. Flux replaces in the YAML that kustomize writes of the object's
// JSON, in which quotes are gone that the file had: what a variable puts there may be a number.
func (s *substitution) one(doc []byte) ([]byte, error) {
	data, err := yaml.YAMLToJSON(doc)
	if err != nil {
		return nil, err
	}
	var o map[string]any
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, errors.New("is no object")
	}
	if s.active() && !exempt(o) {
		text, err := yaml.JSONToYAML(data)
		if err != nil {
			return nil, err
		}
		replaced, err := substitute(string(text), s.lookup)
		if err != nil {
			return nil, err
		}
		o = nil
		if err := yaml.Unmarshal([]byte(replaced), &o); err != nil {
			return nil, fmt.Errorf("is no YAML once variables are replaced: %w", err)
		}
	}
	s.mark(o)
	return yaml.Marshal(o)
}

func exempt(o map[string]any) bool {
	return metadataOf(o, "labels")[notSubstituted] == "disabled" || metadataOf(o, "annotations")[notSubstituted] == "disabled"
}

func metadataOf(o map[string]any, field string) map[string]any {
	meta, _ := o["metadata"].(map[string]any)
	fields, _ := meta[field].(map[string]any)
	return fields
}

// mark sets spec.commonMetadata.
func (s *substitution) mark(o map[string]any) {
	meta, ok := o["metadata"].(map[string]any)
	if !ok {
		return
	}
	for field, values := range map[string]map[string]string{"labels": s.labels, "annotations": s.annotations} {
		if len(values) == 0 {
			continue
		}
		fields := metadataOf(o, field)
		if fields == nil {
			fields = map[string]any{}
		}
		for name, value := range values {
			fields[name] = value
		}
		meta[field] = fields
	}
}
