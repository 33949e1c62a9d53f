package facts

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/snapshot"
	yaml3 "go.yaml.in/yaml/v3"
)

// operatorNames are the keys of operators, as the adapters call themselves.
var operatorNames = []string{"cloudnative-pg", "stackgres", "zalando", "crunchy", "percona"}

// installed is an entry of operators: a namespace, or a mapping.
type installed struct {
	Namespace string `yaml:"namespace"`
	Version   text   `yaml:"version"`
}

// UnmarshalYAML reads either; a text is the namespace.
func (i *installed) UnmarshalYAML(n *yaml3.Node) error {
	type plain installed
	if n.Kind != yaml3.MappingNode {
		return n.Decode(&i.Namespace)
	}
	if err := known(n, "operators", "namespace", "version"); err != nil {
		return err
	}
	return n.Decode((*plain)(i))
}

// operators says what is stated of each. An operator that nobody here knows is refused:
// its namespace would be assumed all the same.
func operators(in map[text]installed, f *snapshot.Facts) error {
	for _, name := range slices.SortedFunc(maps.Keys(in), func(a, b text) int { return cmp.Compare(a.line, b.line) }) {
		entry := in[name]
		switch {
		case !slices.Contains(operatorNames, name.value):
			return fmt.Errorf("line %d: operators: %q: want one of %s", name.line, name.value, strings.Join(operatorNames, ", "))
		case entry.Namespace == "" && entry.Version.value == "":
			return fmt.Errorf("line %d: operators.%s: want a namespace, or namespace and version", name.line, name.value)
		case entry.Version.value != "" && !cni.IsVersion(entry.Version.value):
			return fmt.Errorf("line %d: operators.%s.version: %q is not a release as 1.30.0", entry.Version.line, name.value, entry.Version.value)
		}
		if entry.Namespace != "" {
			put(&f.Operators, name.value, entry.Namespace)
		}
		if entry.Version.value != "" {
			put(&f.OperatorVersions, name.value, strings.TrimPrefix(entry.Version.value, "v"))
		}
	}
	return nil
}

func put(m *map[string]string, key, value string) {
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[key] = value
}
