package repo

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path"

	"sigs.k8s.io/yaml"
)

// maxConfig is how large a file may be that says how something is rendered.
const maxConfig = 1 << 20

// override merges what .argocd-source.yaml and .argocd-source-NAME.yaml of the folder say
// into the source (Tool Detection, Parameter Overrides): a JSON merge patch that cannot
// change where the source is.
func (a *argoApp) override() error {
	for _, name := range []string{".argocd-source.yaml", ".argocd-source-" + a.object.Name + ".yaml"} {
		name = path.Join(a.dir, name)
		text, err := a.files.read(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fault(a.field, "%w", err)
		}
		if a.source, err = merged(a.source, text, a.field); err != nil {
			return fault(a.field, "%s: %w", name, err)
		}
	}
	return nil
}

func merged(s argoSource, text []byte, field string) (argoSource, error) {
	var patch any
	if err := unmarshal(text, &patch); err != nil {
		return s, err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return s, err
	}
	var whole any
	if err := json.Unmarshal(data, &whole); err != nil {
		return s, err
	}
	if data, err = json.Marshal(mergePatch(whole, patch)); err != nil {
		return s, err
	}
	out, err := sourceOf(data, field)
	out.RepoURL, out.Path, out.TargetRevision, out.Chart, out.Ref = s.RepoURL, s.Path, s.TargetRevision, s.Chart, s.Ref
	return out, err
}

// mergePatch applies a JSON merge patch (RFC 7386, section 2).
func mergePatch(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	fields, ok := target.(map[string]any)
	if !ok {
		fields = map[string]any{}
	}
	for name, value := range changes {
		if value == nil {
			delete(fields, name)
			continue
		}
		fields[name] = mergePatch(fields[name], value)
	}
	return fields
}

// unmarshal reads a small YAML document as Argo CD and Flux do.
func unmarshal(text []byte, into any) error {
	if len(text) > maxConfig {
		return errors.New("is larger than 1 MiB")
	}
	return yaml.Unmarshal(text, into)
}
