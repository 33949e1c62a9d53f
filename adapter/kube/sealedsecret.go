package kube

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/snapshot"
	corev1 "k8s.io/api/core/v1"
)

// sealing are the kinds that a controller makes a Secret of, with what they tell of it; nil
// where it makes none of its own.
var sealing = map[object.Type]func(object.Object) (*snapshot.Secret, error){
	{Group: "bitnami.com", Kind: "SealedSecret"}:           sealedSecret,
	{Group: "external-secrets.io", Kind: "ExternalSecret"}: externalSecret,
}

// seal adds the Secrets that controllers will make. One that was read itself tells more.
func (c *converter) seal() {
	there := map[[2]string]bool{}
	for _, s := range c.world.Secrets {
		there[[2]string{s.Namespace, s.Name}] = true
	}
	for _, o := range c.sealed {
		s, err := sealing[o.Type()](o)
		if err != nil {
			c.fail(o, err)
			continue
		}
		if s == nil || there[[2]string{s.Namespace, s.Name}] || slices.Contains(otherSecrets, s.Type) {
			continue
		}
		there[[2]string{s.Namespace, s.Name}] = true
		c.world.Secrets = append(c.world.Secrets, s)
	}
}

// entryNames are the keys of an object whose values nobody here looks at.
type entryNames map[string]json.RawMessage

// merge adds entries; one that is null takes away what was there.
func (n entryNames) merge(more entryNames) entryNames {
	out := entryNames{}
	maps.Copy(out, n)
	for key, value := range more {
		if bytes.Equal(value, []byte("null")) {
			delete(out, key)
			continue
		}
		out[key] = value
	}
	return out
}

func (n entryNames) sorted() []string { return slices.Sorted(maps.Keys(n)) }

// unreadable replaces what the decoder says, which would quote values.
func unreadable(o object.Object, into any) error {
	if o.Decode(into) != nil {
		return fault("", "cannot be read")
	}
	return nil
}

// sealedSecret becomes a Secret of its own name and namespace, whatever its template says of
// them, with the template's type and labels. Entries of the template are texts made of the
// encrypted ones [sealed-secrets pkg/apis/sealedsecrets/v1alpha1/sealedsecret_expansion.go
// Unseal]. The older spec.data is one encrypted whole.
func sealedSecret(o object.Object) (*snapshot.Secret, error) {
	var in struct {
		Spec struct {
			Encrypted entryNames      `json:"encryptedData"`
			Whole     json.RawMessage `json:"data"`
			Template  struct {
				Metadata struct {
					Labels map[string]string `json:"labels"`
				} `json:"metadata"`
				Type string     `json:"type"`
				Data entryNames `json:"data"`
			} `json:"template"`
		} `json:"spec"`
	}
	if err := unreadable(o, &in); err != nil {
		return nil, err
	}
	t := in.Spec.Template
	return &snapshot.Secret{
		Namespace: o.Namespace, Name: o.Name, Type: cmp.Or(t.Type, string(corev1.SecretTypeOpaque)), Labels: t.Metadata.Labels,
		Keys: in.Spec.Encrypted.merge(t.Data).sorted(), Partial: isGiven(in.Spec.Whole), Sealed: true, Origin: o.Origin(),
	}, nil
}

// isGiven reports whether a field is there and says something.
func isGiven(field json.RawMessage) bool {
	return len(field) > 0 && !bytes.Equal(field, []byte("null")) && !bytes.Equal(field, []byte(`""`))
}

// An externalSpec is what an ExternalSecret says of the Secret that it becomes.
type externalSpec struct {
	Target struct {
		Name           string            `json:"name"`
		CreationPolicy string            `json:"creationPolicy"`
		Manifest       json.RawMessage   `json:"manifest"`
		Template       *externalTemplate `json:"template"`
	} `json:"target"`
	Data []struct {
		Key string `json:"secretKey"`
	} `json:"data"`
	DataFrom []json.RawMessage `json:"dataFrom"`
}

type externalTemplate struct {
	Type        string `json:"type"`
	MergePolicy string `json:"mergePolicy"`
	Metadata    struct {
		Labels map[string]string `json:"labels"`
	} `json:"metadata"`
	Data entryNames        `json:"data"`
	From []json.RawMessage `json:"templateFrom"`
}

// externalSecret becomes the Secret that its target names, else one of its own name, with the
// labels of its template, and without one its own. With creationPolicy Merge or None it makes
// none (external-secrets manual, "Lifecycle"; [external-secrets
// pkg/controllers/externalsecret/externalsecret_controller_template.go]).
func externalSecret(o object.Object) (*snapshot.Secret, error) {
	var in struct {
		Spec externalSpec `json:"spec"`
	}
	if err := unreadable(o, &in); err != nil {
		return nil, err
	}
	to := in.Spec.Target
	if to.CreationPolicy == "Merge" || to.CreationPolicy == "None" || isGiven(to.Manifest) {
		return nil, nil //nolint:nilnil // there is no Secret, and nothing is wrong
	}
	s := &snapshot.Secret{Namespace: o.Namespace, Name: cmp.Or(to.Name, o.Name), Type: string(corev1.SecretTypeOpaque), Labels: o.Labels,
		Sealed: true, Origin: o.Origin()}
	if t := to.Template; t != nil {
		s.Labels, s.Type = t.Metadata.Labels, cmp.Or(t.Type, s.Type)
	}
	s.Keys, s.Partial = in.Spec.keys()
	return s, nil
}

// keys are the entries that are named, and whether there may be more: those of dataFrom have
// the names that somebody else gave them. A template with entries replaces what was fetched,
// unless it says Merge.
func (x externalSpec) keys() (keys []string, more bool) {
	fetched := entryNames{}
	for _, d := range x.Data {
		fetched[d.Key] = nil
	}
	t := x.Target.Template
	switch {
	case t == nil || len(t.Data)+len(t.From) == 0:
		return fetched.sorted(), len(x.DataFrom) > 0
	case t.MergePolicy == "Merge":
		return fetched.merge(t.Data).sorted(), len(x.DataFrom)+len(t.From) > 0
	}
	return t.Data.sorted(), len(t.From) > 0
}
