package repo

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// A fluxKustomization is what is read of a Kustomization (kustomize.toolkit.fluxcd.io v1 and
// its betas). Of suspend nothing is: what was deployed stays. Encrypted Secrets are read as
// they are, whatever decryption says.
type fluxKustomization struct {
	Spec struct {
		Path                  string            `json:"path"`
		SourceRef             fluxRef           `json:"sourceRef"`
		TargetNamespace       string            `json:"targetNamespace"`
		NamePrefix            string            `json:"namePrefix"`
		NameSuffix            string            `json:"nameSuffix"`
		Patches               []fluxPatch       `json:"patches"`
		PatchesStrategicMerge []json.RawMessage `json:"patchesStrategicMerge"`
		PatchesJSON6902       []fluxJSONPatch   `json:"patchesJson6902"`
		Images                []map[string]any  `json:"images"`
		Components            []string          `json:"components"`
		IgnoreMissing         bool              `json:"ignoreMissingComponents"`
		CommonMetadata        fluxMetadata      `json:"commonMetadata"`
		KubeConfig            json.RawMessage   `json:"kubeConfig"`
		PostBuild             *fluxPostBuild    `json:"postBuild"`
	} `json:"spec"`
}

// A fluxRef names an object; where it names no namespace, it is that of who refers to it.
type fluxRef struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

type fluxPatch struct {
	Patch  string         `json:"patch"`
	Target map[string]any `json:"target"`
}

type fluxJSONPatch struct {
	Patch  json.RawMessage `json:"patch"`
	Target map[string]any  `json:"target"`
}

type fluxMetadata struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// kustomization follows a Flux Kustomization.
func (t *trace) kustomization(o object.Object) {
	var k fluxKustomization
	if err := o.Decode(&k); err != nil {
		t.refuse(o, err)
		return
	}
	if isSet(k.Spec.KubeConfig) {
		t.otherCluster(o)
		t.elsewhere(func(t *trace) { t.built(o, k) })
		return
	}
	t.built(o, k)
}

// built makes the unit of a Kustomization, if its source is this tree.
func (t *trace) built(o object.Object, k fluxKustomization) {
	spec := k.Spec
	source, ok := t.fluxSource(o, spec.SourceRef, "spec.sourceRef", spec.TargetNamespace)
	if !ok {
		return
	}
	source.path, source.field = strings.TrimLeft(spec.Path, "/"), "spec.path"
	if source.held {
		t.miss(o, spec.TargetNamespace, "folder %s of %s", source.folder(), source.name)
		return
	}
	dir, ok := t.folderOf(o, source.place)
	if !ok {
		return
	}
	if err := t.fluxUnit(o, k, dir); err != nil {
		t.refuse(o, err)
	}
}

// A fluxSource is the place that a sourceRef stands for. Held says that it is not a Git
// repository: artifacts and buckets hold what somebody put there.
type fluxSource struct {
	place
	held bool
}

// fluxSource finds a source. Of a GitRepository that no file shows the address is not known.
func (t *trace) fluxSource(o object.Object, ref fluxRef, field, namespace string) (fluxSource, bool) {
	if ref.Kind == "" || ref.Name == "" {
		t.refuse(o, fault(field, "kind or name is missing"))
		return fluxSource{}, false
	}
	if ref.Namespace == "" {
		ref.Namespace = o.Namespace
	}
	s := fluxSource{place: place{name: ref.Kind + " " + ref.Namespace + "/" + ref.Name, namespace: namespace}, held: ref.Kind != "GitRepository"}
	conflicts := len(t.out.conflicts)
	at, ok := t.find(object.Type{Group: groupSource, Kind: ref.Kind}, ref.Namespace, ref.Name)
	if !ok {
		return s, len(t.out.conflicts) == conflicts
	}
	var source struct {
		Spec struct {
			URL      string `json:"url"`
			Endpoint string `json:"endpoint"` // of a Bucket
			Ignore   string `json:"ignore"`
		} `json:"spec"`
	}
	if err := at.Decode(&source); err != nil {
		t.refuse(at, err)
		return s, false
	}
	if s.held {
		s.name += " (" + shownURL(source.Spec.URL+source.Spec.Endpoint) + ")"
		return s, true
	}
	s.url = source.Spec.URL
	if source.Spec.Ignore != "" {
		t.warn(at, warnIgnored, "spec.ignore", at.Ref().String(), "%s leaves out files by rules that are not read: they are taken to be deployed", at.Ref())
	}
	return s, true
}

// otherCluster tells of what spec.kubeConfig sends away.
func (t *trace) otherCluster(o object.Object) {
	t.warn(o, warnElsewhere, "spec.kubeConfig", o.Ref().String(), "%s is deployed to another cluster and no part of this one; to read it, name its folder with -f", o.Ref())
}

// fluxUnit makes the unit: the folder's kustomization, or one of all its manifests, edited as
// Flux edits it before it builds, without kustomize's restriction to the folder.
func (t *trace) fluxUnit(o object.Object, k fluxKustomization, dir string) error {
	file, err := readKustomization(t.files, dir)
	if err != nil {
		return fault("spec.path", "%w", err)
	}
	if file == nil {
		if has(t.files, path.Join(dir, ".sourceignore")) {
			t.warn(o, warnIgnored, "spec.path", dir, "%s/.sourceignore leaves out files by rules that are not read: they are taken to be deployed", dir)
		}
		file = generated(t.files, dir)
	}
	if err := k.edit(file, t.files, dir); err != nil {
		return fault("spec", "%w", err)
	}
	text, err := file.text()
	if err != nil {
		return fault("spec", "%w", err)
	}
	after, err := t.substitution(o, k)
	if err != nil {
		return err
	}
	t.out.units = append(t.out.units, unit{by: o.Ref(), dir: dir, kustomization: &kustomized{text: text, anyPath: true, substitute: after}})
	return nil
}

// edit does what the spec asks for: it overrides names and namespace, and appends the rest.
func (k fluxKustomization) edit(file kustomizationFile, f files, dir string) error {
	s := k.Spec
	file.set("namespace", s.TargetNamespace)
	file.set("namePrefix", s.NamePrefix)
	file.set("nameSuffix", s.NameSuffix)
	for _, image := range s.Images {
		if err := file.override(image); err != nil {
			return err
		}
	}
	if err := addPatches(file, s.Patches, s.PatchesStrategicMerge, s.PatchesJSON6902); err != nil {
		return err
	}
	return file.components(f, dir, s.Components, s.IgnoreMissing)
}

func addPatches(file kustomizationFile, patches []fluxPatch, merges []json.RawMessage, ops []fluxJSONPatch) error {
	for _, p := range patches {
		if err := file.add("patches", patchEntry(p.Patch, p.Target)); err != nil {
			return err
		}
	}
	for _, p := range merges {
		if err := file.add("patchesStrategicMerge", string(p)); err != nil {
			return err
		}
	}
	for _, p := range ops {
		if err := file.add("patchesJson6902", patchEntry(string(p.Patch), p.Target)); err != nil {
			return err
		}
	}
	return nil
}

func patchEntry(patch string, target map[string]any) map[string]any {
	entry := map[string]any{"patch": patch}
	if target != nil {
		entry["target"] = target
	}
	return entry
}

// notSources are files that the source controller leaves out of every artifact.
var notSources = []string{
	".travis.yml", ".gitlab-ci.yml", "appveyor.yml", ".drone.yml", "cloudbuild.yaml", "codeship-services.yml",
	"codeship-steps.yml", ".goreleaser.yml", ".goreleaser.brew.yml", ".sops.yaml", ".flux.yaml",
}

// generated is the kustomization that Flux makes of a folder without one: all its YAML files,
// and of a folder in it that has a kustomization that one (Kustomization, Generating a
// kustomization.yaml file).
func generated(f files, dir string) kustomizationFile {
	names := f.list(dir)
	own := map[string]bool{} // folders that have a kustomization
	for _, name := range names {
		if slices.Contains(kustomizationFiles, path.Base(name)) {
			own[path.Dir(name)] = true
		}
	}
	resources := []any{}
	taken := map[string]bool{}
	for _, name := range names {
		at := nested(own, dir, name)
		switch {
		case at != "" && !taken[at]:
			taken[at] = true
			name = at
		case at != "" || !isSource(name):
			continue
		}
		rel, _ := inside(dir, name)
		resources = append(resources, "./"+rel)
	}
	return kustomizationFile{"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources}
}

// nested returns the outermost folder below dir, on the way to a file, that is in own.
func nested(own map[string]bool, dir, name string) string {
	found := ""
	for at := path.Dir(name); at != dir && at != "."; at = path.Dir(at) {
		if own[at] {
			found = at
		}
	}
	return found
}

// isSource reports whether Flux reads a file of a folder without kustomization.
func isSource(name string) bool {
	if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" {
		return false
	}
	parts := strings.Split(name, "/")
	return !slices.Contains(notSources, parts[len(parts)-1]) && !slices.Contains(parts, ".github") && !slices.Contains(parts, ".circleci")
}
