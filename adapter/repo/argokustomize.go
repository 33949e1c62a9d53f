package repo

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// An argoKustomize is spec.source.kustomize.
type argoKustomize struct {
	NamePrefix                string            `json:"namePrefix,omitempty"`
	NameSuffix                string            `json:"nameSuffix,omitempty"`
	Images                    []string          `json:"images,omitempty"`
	CommonLabels              map[string]string `json:"commonLabels,omitempty"`
	Version                   string            `json:"version,omitempty"`
	CommonAnnotations         map[string]string `json:"commonAnnotations,omitempty"`
	ForceCommonLabels         bool              `json:"forceCommonLabels,omitempty"`
	ForceCommonAnnotations    bool              `json:"forceCommonAnnotations,omitempty"`
	Namespace                 string            `json:"namespace,omitempty"`
	CommonAnnotationsEnvsubst bool              `json:"commonAnnotationsEnvsubst,omitempty"`
	Replicas                  []argoReplica     `json:"replicas,omitempty"`
	Patches                   []json.RawMessage `json:"patches,omitempty"`
	Components                []string          `json:"components,omitempty"`
	IgnoreMissingComponents   bool              `json:"ignoreMissingComponents,omitempty"`
	LabelWithoutSelector      bool              `json:"labelWithoutSelector,omitempty"`
	LabelIncludeTemplates     bool              `json:"labelIncludeTemplates,omitempty"`
	KubeVersion               string            `json:"kubeVersion,omitempty"` // of charts that kustomize inflates
	APIVersions               []string          `json:"apiVersions,omitempty"`
}

type argoReplica struct {
	Name  string             `json:"name"`
	Count intstr.IntOrString `json:"count"`
}

// kustomize makes the unit of a kustomization, edited as Argo CD edits it with "kustomize
// edit" before it builds.
func (a argoApp) kustomize() error {
	u := unit{by: a.object.Ref(), dir: a.dir, namespace: a.namespace, kustomization: &kustomized{}}
	if a.source.Kustomize != nil {
		k, err := readKustomization(a.files, a.dir)
		if err == nil && k == nil {
			err = fmt.Errorf("folder %s has no kustomization", a.dir)
		}
		if err == nil {
			err = a.edit(k)
		}
		if err == nil {
			u.kustomization.text, err = k.text()
		}
		if err != nil {
			return fault(a.field+".kustomize", "%w", err)
		}
	}
	a.out.units = append(a.out.units, u)
	return nil
}

// edit does what the options ask for, in Argo CD's order.
func (a argoApp) edit(k kustomizationFile) error {
	o := a.source.Kustomize
	k.set("namePrefix", o.NamePrefix)
	k.set("nameSuffix", o.NameSuffix)
	for _, image := range o.Images {
		if err := k.setImage(imageOf(a.expand(image))); err != nil {
			return err
		}
	}
	for _, r := range o.Replicas {
		n, err := strconv.Atoi(r.Count.String())
		if err != nil {
			return fmt.Errorf("replicas: %q is no number", r.Count.String())
		}
		if err := k.put("replicas", map[string]any{"name": r.Name, "count": n}); err != nil {
			return err
		}
	}
	if err := a.label(k); err != nil {
		return err
	}
	annotations := o.CommonAnnotations
	if o.CommonAnnotationsEnvsubst {
		annotations = a.expandAll(annotations)
	}
	if err := k.merge("commonAnnotations", annotations, o.ForceCommonAnnotations); err != nil {
		return err
	}
	k.set("namespace", o.Namespace)
	for _, p := range o.Patches {
		if err := k.add("patches", p); err != nil {
			return err
		}
	}
	return k.components(a.files, a.dir, o.Components, o.IgnoreMissingComponents)
}

// label adds commonLabels, which select too unless it is said that they do not.
func (a argoApp) label(k kustomizationFile) error {
	o := a.source.Kustomize
	labels := a.expandAll(o.CommonLabels)
	if len(labels) == 0 || !o.LabelWithoutSelector {
		return k.merge("commonLabels", labels, o.ForceCommonLabels)
	}
	return k.add("labels", map[string]any{"pairs": labels, "includeTemplates": o.LabelIncludeTemplates})
}

func (a argoApp) expandAll(values map[string]string) map[string]string {
	out := maps.Clone(values)
	for name, value := range out {
		out[name] = a.expand(value)
	}
	return out
}

// kept is what stands for what the kustomization has already.
const kept = "*"

// setImage sets an entry as "kustomize edit set image" does: it takes the place of the one of
// the same name, of which a "*" keeps a field.
func (k kustomizationFile) setImage(image map[string]any) error {
	var old map[string]any
	list, _ := k["images"].([]any)
	for _, e := range list {
		if entry, ok := e.(map[string]any); ok && entry["name"] == image["name"] {
			old = entry
		}
	}
	for _, field := range []string{"newName", "newTag", "digest"} {
		if image[field] != kept {
			continue
		}
		if was, ok := old[field]; ok {
			image[field] = was
		} else {
			delete(image, field)
		}
	}
	return k.put("images", image)
}

// imageOf reads what "kustomize edit set image" takes: [NAME=]NEWNAME[:TAG|@DIGEST].
func imageOf(text string) map[string]any {
	name, rest, renamed := strings.Cut(text, "=")
	if !renamed {
		rest = text
	}
	image := map[string]any{}
	newName, digest, hasDigest := strings.Cut(rest, "@")
	if i := strings.LastIndexByte(newName, ':'); i > strings.LastIndexByte(newName, '/') {
		image["newTag"] = newName[i+1:]
		newName = newName[:i]
	}
	if hasDigest {
		image["digest"] = digest
	}
	if renamed {
		image["newName"] = newName
	} else {
		name = newName
	}
	image["name"] = name
	return image
}
