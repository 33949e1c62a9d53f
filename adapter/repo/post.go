package repo

import (
	"context"
	"fmt"
	"path"

	"sigs.k8s.io/yaml"

	"github.com/pgmoat/pgmoat/adapter/render"
)

// post builds the kustomizations that follow a chart, each of what the one before made. What
// is left of a template stays that template's.
func (b *builder) post(ctx context.Context, u unit, docs []render.Document) ([]render.Document, error) {
	for i, text := range u.chart.post {
		k, from, err := postBuild(text, docs)
		if err != nil {
			return nil, fmt.Errorf("postRenderers[%d]: %w", i, err)
		}
		built, err := b.opts.Renderer.Kustomize(ctx, k)
		if err != nil {
			return nil, fmt.Errorf("postRenderers[%d]: %w", i, err)
		}
		for j, d := range built {
			if built[j].File = from[d.File]; built[j].File == "" {
				built[j].File = path.Join(u.dir, chartFile)
			}
		}
		docs = built
	}
	return docs, nil
}

// postBuild returns a kustomization of documents, as it is written but for its resources, and
// which document each of its files is of.
func postBuild(text []byte, docs []render.Document) (k render.Kustomization, from map[string]string, err error) {
	var said map[string]any
	if err := yaml.Unmarshal(text, &said); err != nil {
		return k, nil, err
	}
	if said == nil {
		said = map[string]any{}
	}
	k = render.Kustomization{Dir: ".", Files: map[string][]byte{}}
	from = map[string]string{}
	names := make([]any, 0, len(docs))
	for i, d := range docs {
		name := fmt.Sprintf("resource-%d.yaml", i)
		k.Files[name], from[name] = d.Text, d.File
		names = append(names, name)
	}
	said["resources"] = names
	k.Files[kustomizationFiles[0]], err = yaml.Marshal(said)
	return k, from, err
}
