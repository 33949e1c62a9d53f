package repo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// A fluxValues is an entry of spec.valuesFrom.
type fluxValues struct {
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	ValuesKey  string `json:"valuesKey"` // "values.yaml" when empty
	TargetPath string `json:"targetPath"`
	Optional   bool   `json:"optional"`
	Literal    bool   `json:"literal"`
}

// values reads spec.valuesFrom and spec.values: later entries before earlier ones, what is
// inline before these, and what has a targetPath before all (HelmRelease, Values references).
// What Secrets hold is not read: it is named as missing.
func (r *release) values(c *charted) error {
	for i, from := range r.spec.Spec.ValuesFrom {
		field := fmt.Sprintf("spec.valuesFrom[%d]", i)
		text, ok, err := r.valuesOf(from, field)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if from.TargetPath == "" {
			c.values = append(c.values, r.named(field, []byte(text)))
			continue
		}
		set, asString := from.assignment(text)
		if asString {
			c.setString = append(c.setString, set)
			continue
		}
		c.set = append(c.set, set)
	}
	if v := r.spec.Spec.Values; isSet(v) {
		c.values = append(c.values, r.named("spec.values", v))
	}
	return nil
}

// assignment is what helm --set would be given; asString is for --set-string, which a value
// in quotes is for, and one that is to be taken literally.
func (f fluxValues) assignment(text string) (set string, asString bool) {
	quoted := func(q string) bool { return strings.HasPrefix(text, q) && strings.HasSuffix(text, q) }
	switch {
	case f.Literal:
		return f.TargetPath + "=" + escapeLiteral(text), true
	case quoted("'"), quoted(`"`):
		return f.TargetPath + "=" + strings.Trim(text, `'"`), true
	}
	return f.TargetPath + "=" + text, false
}

// valuesOf reads one entry; ok is false where there is nothing to read, which was told unless
// Flux too goes on without.
func (r *release) valuesOf(from fluxValues, field string) (text string, ok bool, err error) {
	key := cmp.Or(from.ValuesKey, "values.yaml")
	switch from.Kind {
	case "Secret":
		keys, known := r.secretKeys(r.object.Namespace, from.Name)
		if !known && from.Optional || known && !slices.Contains(keys, key) && from.Optional {
			return "", false, nil
		}
		r.miss(r.object, r.namespace, "what the values in Secret %s/%s change", r.object.Namespace, from.Name)
		return "", false, nil
	case "ConfigMap":
	default:
		return "", false, fault(field+".kind", "%q is neither ConfigMap nor Secret", from.Kind)
	}
	values, known, err := r.configMap(r.object.Namespace, from.Name)
	if err != nil {
		return "", false, fault(field, "%w", err)
	}
	text, ok = values[key]
	if !ok && !from.Optional {
		what := "what the values in ConfigMap %[1]s/%[2]s change"
		if known {
			what = "what the key %[3]s of ConfigMap %[1]s/%[2]s changes"
		}
		r.miss(r.object, r.namespace, what, r.object.Namespace, from.Name, key)
	}
	return text, ok, nil
}

// configMap returns what a ConfigMap of the tree holds; known is false where there is none.
func (t *trace) configMap(namespace, name string) (values map[string]string, known bool, err error) {
	o, ok := t.find(object.Type{Kind: "ConfigMap"}, namespace, name)
	if !ok {
		return nil, false, nil
	}
	var m struct {
		Data map[string]string `json:"data"`
	}
	if err := o.Decode(&m); err != nil {
		return nil, true, err
	}
	return m.Data, true, nil
}

// secretKeys returns the names of what a Secret holds, or a SealedSecret that becomes one;
// known is false where the tree has neither.
func (t *trace) secretKeys(namespace, name string) (keys []string, known bool) {
	for _, typ := range []object.Type{{Kind: "Secret"}, {Group: groupSealed, Kind: "SealedSecret"}} {
		o, ok := t.find(typ, namespace, name)
		if !ok {
			continue
		}
		var s struct {
			Data       map[string]json.RawMessage `json:"data"`
			StringData map[string]json.RawMessage `json:"stringData"`
			Spec       struct {
				EncryptedData map[string]json.RawMessage `json:"encryptedData"`
			} `json:"spec"`
		}
		if o.Decode(&s) != nil {
			return nil, false
		}
		for _, held := range []map[string]json.RawMessage{s.Data, s.StringData, s.Spec.EncryptedData} {
			keys = append(keys, slices.Sorted(maps.Keys(held))...)
		}
		return keys, true
	}
	return nil, false
}
