package manifest

import (
	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/artefact"
)

// Kustomize returns all as the files of a component, which a kustomization takes in beside
// the objects that are not ours: "components: [pgmoat]". The patches have no selector of
// targets but the object's own name, since one that selects nothing is no error for
// kustomize, and a server whose fields were not set would stay open in silence.
func Kustomize(out *compile.Output, opts Options) ([]File, error) {
	b, err := newBundle(out, opts)
	if err != nil {
		return nil, err
	}
	return b.indexed(append(b.files(), File{"kustomization.yaml", b.header() + YAML(b.component())}))
}

func (b *bundle) component() artefact.Map {
	var resources, patches artefact.List
	places := overlay.ByKey(b.opts.Objects)
	for i, name := range b.names() {
		if b.artefacts[i].Object != nil {
			resources = append(resources, artefact.Item{Value: "objects/" + name})
			continue
		}
		text := YAML(merge(b.artefacts[i], b.spelled(b.artefacts[i], places)))
		patches = append(patches, artefact.Item{Value: artefact.Map{{Key: "patch", Value: text}}})
	}
	m := artefact.Map{
		{Key: "apiVersion", Value: "kustomize.config.k8s.io/v1alpha1"},
		{Key: "kind", Value: "Component"},
	}
	if len(resources) > 0 {
		m = append(m, artefact.Entry{Key: "resources", Value: resources})
	}
	if len(patches) > 0 {
		m = append(m, artefact.Entry{Key: "patches", Value: patches,
			Comment: "Their objects have to be among the resources of the kustomization that takes this in."})
	}
	return m
}

// A spelling is what kustomize knows an object by: the version and the namespace that
// stand in its text.
type spelling struct{ apiVersion, namespace string }

// spelled is how the object of fields is called where it was read. The namespace may come
// from elsewhere: from the kustomization, or from who applies it.
func (b *bundle) spelled(a artefact.Artefact, places map[artefact.Key]int) spelling {
	at, ok := places[a.Key()]
	if !ok {
		return spelling{a.APIVersion, a.Ref.Namespace}
	}
	var is struct {
		Metadata struct {
			Namespace string `json:"namespace"`
		} `json:"metadata"`
	}
	if err := b.opts.Objects[at].Decode(&is); err != nil {
		return spelling{a.APIVersion, a.Ref.Namespace}
	}
	return spelling{b.opts.Objects[at].APIVersion, is.Metadata.Namespace}
}

// merge is fields as a strategic merge patch, which for kinds that kustomize has no schema
// of replaces lists as a JSON merge patch does.
func merge(a artefact.Artefact, is spelling) artefact.Map {
	var fields []artefact.Field
	for _, f := range a.Fields {
		fields = append(fields, replacing(f))
	}
	return partial(a, is, fields)
}

// partial is an object with its name and some fields: what a patch of any kind says that
// merges, and makes parents with that are missing.
func partial(a artefact.Artefact, is spelling, set []artefact.Field) artefact.Map {
	fields := []artefact.Field{
		{Path: []string{"apiVersion"}, Value: is.apiVersion},
		{Path: []string{"kind"}, Value: a.Ref.Kind},
		{Path: []string{"metadata", "name"}, Value: a.Ref.Name},
	}
	if is.namespace != "" {
		fields = append(fields, artefact.Field{Path: []string{"metadata", "namespace"}, Value: is.namespace})
	}
	return tree(append(fields, set...))
}

// replacing makes a map a value as a whole: merging would leave what else there is in it.
func replacing(f artefact.Field) artefact.Field {
	if m, ok := f.Value.(artefact.Map); ok {
		f.Value = append(artefact.Map{{Key: "$patch", Value: "replace"}}, m...)
	}
	return f
}
