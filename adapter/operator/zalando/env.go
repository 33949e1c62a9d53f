package zalando

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/verdict"
)

// A variable is one of the environment of the database container.
type variable struct {
	// set says that somebody sets it; known that the value is here.
	set, known bool
	value      string
	// doubt says which source may set it and why nobody knows; empty for none.
	doubt string
	// origin is of the variable, or of what names the doubtful source.
	origin verdict.Origin
}

// is asks whether the variable has any value at all, as Spilo's template does: Allow
// for yes.
func (v variable) is() verdict.Verdict {
	switch {
	case v.doubt != "" || v.set && !v.known:
		return verdict.Unknown
	case v.set && v.value != "":
		return verdict.Allow
	}
	return verdict.Deny
}

// env looks for a variable where the operator does: in the cluster's own env, then in
// the Secret and the ConfigMap that the operator's configuration names, whatever the
// case of the name. What envFrom has is behind all of them [zal
// pkg/cluster/k8sres.go@1.15.1].
func (c *cluster) env(name string) variable {
	for i, v := range c.spec.Env {
		if strings.EqualFold(v.Name, name) {
			out := variable{set: true, origin: c.at("spec.env[%d]", i)}
			if v.Value != nil {
				out.value, out.known = *v.Value, true
			} else {
				out.known = v.From == nil
			}
			return out
		}
	}
	out := variable{}
	for _, source := range c.envSources() {
		found := source(name)
		if out.doubt == "" {
			out.doubt, out.origin = found.doubt, found.origin
		}
		if found.set {
			found.doubt = out.doubt
			return found
		}
	}
	return out
}

// envSources are the objects that give all their entries to the container.
func (c *cluster) envSources() []func(string) variable {
	var out []func(string) variable
	if secret := c.config.text("pod_environment_secret", ""); secret != "" {
		at := c.configuredAt("pod_environment_secret")
		out = append(out, func(name string) variable { return c.inSecret(at, secret, name) })
	}
	if text := c.config.text("pod_environment_configmap", ""); text != "" {
		namespace, configMap := qualified(text, c.config.namespace())
		at := c.configuredAt("pod_environment_configmap")
		if find(c.w, "ConfigMap", namespace, configMap) == nil && find(c.w, "ConfigMap", c.obj.Namespace, configMap) != nil {
			namespace = c.obj.Namespace
		}
		out = append(out, func(name string) variable { return c.inConfigMap(at, namespace, configMap, name) })
	}
	for i, from := range slices.Backward(c.spec.EnvFrom) {
		at := c.at("spec.envFrom[%d]", i)
		out = append(out, func(name string) variable {
			rest, ok := strings.CutPrefix(name, from.Prefix)
			switch {
			case !ok:
			case from.Secret != nil:
				return c.inSecret(at, from.Secret.Name, rest)
			case from.ConfigMap != nil:
				return c.inConfigMap(at, c.obj.Namespace, from.ConfigMap.Name, rest)
			}
			return variable{}
		})
	}
	return out
}

// unread is what is doubtful about an object that the source does not have.
const unread = ", which was not read"

// inSecret knows of a Secret only which entries it has, and of one whose metadata alone was
// read not even that.
func (c *cluster) inSecret(at verdict.Origin, secret, name string) variable {
	full := "Secret " + c.obj.Namespace + "/" + secret
	s := c.secret(c.obj.Namespace, secret)
	switch {
	case s == nil:
		return variable{doubt: full + unread, origin: at}
	case slices.ContainsFunc(s.Keys, func(k string) bool { return strings.EqualFold(k, name) }):
		return variable{set: true, origin: s.Origin}
	case s.Partial:
		return variable{doubt: full + ", of which not all entries are known", origin: s.Origin}
	}
	return variable{origin: s.Origin}
}

func (c *cluster) inConfigMap(at verdict.Origin, namespace, configMap, name string) variable {
	o := find(c.w, "ConfigMap", namespace, configMap)
	if o == nil {
		return variable{doubt: "ConfigMap " + namespace + "/" + configMap + unread, origin: at}
	}
	var in struct {
		Data map[string]json.RawMessage `json:"data"`
	}
	if err := o.Decode(&in); err != nil {
		return variable{doubt: o.Ref().String() + unread, origin: at}
	}
	for key, raw := range in.Data {
		if !strings.EqualFold(key, name) {
			continue
		}
		out := variable{set: true, origin: o.Origin().At("data.%s", key)}
		out.known = json.Unmarshal(raw, &out.value) == nil
		return out
	}
	return variable{}
}
