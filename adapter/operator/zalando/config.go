package zalando

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A configuration is what an operator was told. A ConfigMap has its keys side by
// side, an OperatorConfiguration has the same keys in groups; no key is in two of
// them, so that both are one map [zal pkg/controller/operator_config.go,
// pkg/util/config/config.go@1.15.1].
type configuration struct {
	w       *operator.World
	release release
	// obj is the object; nil where none was read. The defaults are then the code's.
	obj *object.Object
	// fromCR says that it is an OperatorConfiguration.
	fromCR  bool
	values  map[string]configured
	faulted map[string]bool
}

// A configured value is JSON, a string where it is from a ConfigMap.
type configured struct {
	raw   json.RawMessage
	field string
}

// groups are the objects of an OperatorConfiguration that hold keys.
var groups = []string{
	"aws_or_gcp", "connection_pooler", "debug", "kubernetes", "load_balancer", "logging_rest_api", "logical_backup",
	"major_version_upgrade", "patroni", "postgres_pod_resources", "scalyr", "teams_api", "timeouts", "users",
}

// telling are keys by which a ConfigMap is known to be an operator's.
var telling = []string{
	"cluster_labels", "cluster_name_label", "pod_role_label", "super_username", "replication_username",
	"secret_name_template", "enable_master_load_balancer", "watched_namespace", "resync_period",
}

// environmental are words of variables that pod_environment_configmap gives to pods.
var environmental = []string{
	"SPILO", "ALLOW_NOSSL", "AWS_", "WAL", "SSL_", "BACKUP", "LOG_", "CLONE_", "STANDBY_", "CRONTAB", "PAM_", "PATRONI_", "KUBERNETES_",
}

// wants takes ConfigMaps that configure an operator or its pods, and the definition
// of its objects.
func wants(t object.Type, text []byte) bool {
	contains := func(word string) bool { return bytes.Contains(text, []byte(word)) }
	switch t {
	case object.Type{Kind: "ConfigMap"}:
		return slices.ContainsFunc(telling, contains) || slices.ContainsFunc(environmental, contains)
	case object.Type{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:
		return contains("acid.zalan.do")
	}
	return false
}

// unseen is the configuration of which nothing was read.
func unseen(w *operator.World, r release) *configuration {
	if !r.known() {
		r = parseRelease(w.Snapshot.Facts.OperatorVersions[Name])
	}
	if !r.known() {
		r = schemaRelease(w)
	}
	return &configuration{w: w, release: r, values: map[string]configured{}, faulted: map[string]bool{}}
}

// readConfiguration finds what the environment of the operator names: an
// OperatorConfiguration of its own namespace before a ConfigMap. An operator that
// names neither has the code's defaults, and they are then known.
func readConfiguration(w *operator.World, in *install) *configuration {
	c := unseen(w, in.release)
	if name := in.env["POSTGRES_OPERATOR_CONFIGURATION_OBJECT"]; name != "" {
		c.take(find(w, "OperatorConfiguration.acid.zalan.do", in.obj.Namespace, name))
		return c
	}
	name := in.env["CONFIG_MAP_NAME"]
	if name == "" {
		c.obj = &in.obj
		return c
	}
	namespace, name := qualified(name, in.obj.Namespace)
	c.take(find(w, "ConfigMap", namespace, name))
	return c
}

// onlyConfiguration takes the one object that can be an operator's configuration;
// with several nobody knows which.
func onlyConfiguration(w *operator.World) *configuration {
	c := unseen(w, release{})
	candidates := slices.Clone(w.Objects["OperatorConfiguration.acid.zalan.do"])
	for _, o := range w.Objects["ConfigMap"] {
		if slices.ContainsFunc(telling, func(key string) bool { return bytes.Contains(o.JSON, []byte(`"`+key+`"`)) }) {
			candidates = append(candidates, o)
		}
	}
	if len(candidates) == 1 {
		c.take(&candidates[0])
	}
	return c
}

// qualified splits "namespace/name"; a bare name is in the given namespace.
func qualified(text, namespace string) (ns, name string) {
	if ns, name, ok := strings.Cut(text, "/"); ok {
		return ns, name
	}
	return namespace, text
}

func find(w *operator.World, kind, namespace, name string) *object.Object {
	for i, o := range w.Objects[kind] {
		if o.Namespace == namespace && o.Name == name {
			return &w.Objects[kind][i]
		}
	}
	return nil
}

// take reads the values of an object; nil leaves the configuration unseen.
func (c *configuration) take(o *object.Object) {
	if o == nil {
		return
	}
	var in struct {
		Configuration map[string]json.RawMessage `json:"configuration"`
		Data          map[string]json.RawMessage `json:"data"`
	}
	c.obj, c.fromCR = o, o.Kind == "OperatorConfiguration"
	if err := o.Decode(&in); err != nil {
		c.problem(err)
	}
	c.add("data.", in.Data)
	for key, raw := range in.Configuration {
		var group map[string]json.RawMessage
		if slices.Contains(groups, key) && json.Unmarshal(raw, &group) == nil {
			c.add("configuration."+key+".", group)
			delete(in.Configuration, key)
		}
	}
	c.add("configuration.", in.Configuration)
}

func (c *configuration) add(prefix string, values map[string]json.RawMessage) {
	for key, raw := range values {
		if string(raw) != "null" {
			c.values[key] = configured{raw: raw, field: prefix + key}
		}
	}
}

// seen says that the configuration was read, or is known to be none.
func (c *configuration) seen() bool { return c.obj != nil }

// at is the place of a key, or of the whole object where nobody wrote it; zero where
// no configuration was read.
func (c *configuration) at(key string) verdict.Origin {
	if c.obj == nil {
		return verdict.Origin{}
	}
	if v, ok := c.values[key]; ok {
		return c.obj.Origin().At("%s", v.field)
	}
	return c.obj.Origin()
}

// problem is one of every namespace: the operator serves many.
func (c *configuration) problem(err error) {
	x := c.obj.Problem(err)
	x.Namespace = ""
	c.w.Snapshot.Problems = append(c.w.Snapshot.Problems, x)
}

// fault tells once of a value that is none of its type; the operator does not start
// with it.
func (c *configuration) fault(key, want string) {
	if c.faulted[key] {
		return
	}
	c.faulted[key] = true
	v := c.values[key]
	c.problem(&object.Fault{Field: v.field, Err: fmt.Errorf("%s: want %s", v.raw, want)})
}

// string reads a value as a ConfigMap has it. Stated says that there is one: an empty
// value of a ConfigMap counts, and of an OperatorConfiguration it does not.
func (c *configuration) string(key string) (text string, stated bool) {
	v, ok := c.values[key]
	if !ok || json.Unmarshal(v.raw, &text) != nil {
		return "", false
	}
	return text, !c.fromCR || text != ""
}

// text reads a string.
func (c *configuration) text(key, otherwise string) string {
	text, stated := c.string(key)
	if _, there := c.values[key]; there && !stated && string(c.values[key].raw) != `""` {
		c.fault(key, "a string")
	}
	if !stated {
		return otherwise
	}
	return text
}

// flag reads a boolean; an empty one of a ConfigMap is false.
func (c *configuration) flag(key string, otherwise bool) bool {
	v, there := c.values[key]
	if !there {
		return otherwise
	}
	var out bool
	if json.Unmarshal(v.raw, &out) == nil {
		return out
	}
	text, _ := c.string(key)
	out, err := strconv.ParseBool(text)
	if err != nil && text != "" {
		c.fault(key, "true or false")
	}
	return out
}

// number reads an integer.
func (c *configuration) number(key string, otherwise int) int {
	v, there := c.values[key]
	if !there {
		return otherwise
	}
	var out int
	if json.Unmarshal(v.raw, &out) == nil {
		return out
	}
	text, _ := c.string(key)
	out, err := strconv.Atoi(text)
	if err != nil && text != "" {
		c.fault(key, "a number")
	}
	return out
}

// list reads a list, whose items a ConfigMap parts with commas.
func (c *configuration) list(key string, otherwise ...string) []string {
	v, there := c.values[key]
	if !there {
		return otherwise
	}
	var out []string
	if json.Unmarshal(v.raw, &out) == nil {
		return out
	}
	text, stated := c.string(key)
	switch {
	case text != "":
		return strings.Split(text, ",")
	case !stated:
		c.fault(key, "a list of strings")
	}
	return nil
}

// pairs reads a map, which a ConfigMap writes as "key:value,key:value".
func (c *configuration) pairs(key string, otherwise map[string]string) map[string]string {
	v, there := c.values[key]
	if !there {
		return otherwise
	}
	var out map[string]string
	if json.Unmarshal(v.raw, &out) == nil {
		if len(out) == 0 {
			return otherwise
		}
		return out
	}
	text, _ := c.string(key)
	out = map[string]string{}
	for _, pair := range splitPairs(text) {
		k, value, ok := strings.Cut(pair, ":")
		if !ok || strings.Contains(value, ":") {
			c.fault(key, "pairs of key:value")
			continue
		}
		out[k] = value
	}
	return out
}

// splitPairs parts at commas that no quotes enclose, without the blanks around
// [zal pkg/util/config/util.go@1.15.1].
func splitPairs(text string) []string {
	if text == "" {
		return nil
	}
	var quote rune
	parts := strings.FieldsFunc(text, func(r rune) bool {
		switch {
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case r == quote:
			quote = 0
		}
		return r == ',' && quote == 0
	})
	for i := range parts {
		parts[i] = strings.Trim(parts[i], " \t")
	}
	return parts
}

// keys are those that somebody wrote, sorted.
func (c *configuration) keys() []string { return slices.Sorted(maps.Keys(c.values)) }

// namespace is where the operator looks for what a configuration names without a
// namespace: its own, which is that of the configuration.
func (c *configuration) namespace() string {
	if c.obj == nil {
		return "default"
	}
	return c.obj.Namespace
}
