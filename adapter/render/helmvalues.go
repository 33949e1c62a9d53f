package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/strvals"
)

// given merges what the caller said about values: the files, then Set, then SetString, each
// over what was before it. That is helm's order, whatever the order of its flags.
func (c *Chart) given() (map[string]any, error) {
	merged := map[string]any{}
	for _, v := range c.Values {
		read, err := loader.LoadValues(bytes.NewReader(v.Text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.Name, unsaid(err))
		}
		merged = loader.MergeMaps(merged, read)
	}
	for _, s := range c.Set {
		if err := strvals.ParseInto(s, merged); err != nil {
			return nil, fmt.Errorf("set %q: %w", assigned(s), unsaid(err))
		}
	}
	for _, s := range c.SetString {
		if err := strvals.ParseIntoString(s, merged); err != nil {
			return nil, fmt.Errorf("set string %q: %w", assigned(s), unsaid(err))
		}
	}
	return merged, nil
}

// closed refuses a schema of values that refers to what is not in it. To follow such a
// reference helm asks a server, or reads a file of the machine.
func (l *loadedChart) closed(c *chart.Chart) error {
	if c.Schema != nil {
		file := path.Join(l.dirOf(c), chartutil.SchemafileName)
		decoder := json.NewDecoder(bytes.NewReader(c.Schema))
		// The schema library reads numbers of any size.
		decoder.UseNumber()
		var schema any
		if err := decoder.Decode(&schema); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if key, target := outside(schema); key != "" {
			return fmt.Errorf("%s: %s: %s is not in the file, and nothing is fetched: copy it there", file, key, target)
		}
	}
	for _, dep := range c.Dependencies() {
		if err := l.closed(dep); err != nil {
			return err
		}
	}
	return nil
}

// outside finds a reference of a schema that leads out of it. Whatever stands at a key that
// could be one is taken for one: too many are refused then, but none is missed.
func outside(schema any) (key, target string) {
	switch s := schema.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(s)) {
			if to, ok := s[k].(string); ok && leadsOut(k, to) {
				return k, to
			}
			if key, target = outside(s[k]); key != "" {
				return key, target
			}
		}
	case []any:
		for _, item := range s {
			if key, target = outside(item); key != "" {
				return key, target
			}
		}
	}
	return "", ""
}

// leadsOut reports whether the string at a key of a schema makes the library load something.
// It has the published schemas of schemas in it, and takes a urn for a schema that permits
// everything.
func leadsOut(key, to string) bool {
	switch key {
	case "$schema":
	case "$ref", "$dynamicRef", "$recursiveRef":
		if to == "" || to[0] == '#' || strings.HasPrefix(to, "urn:") {
			return false
		}
	default:
		return false
	}
	to, fragment, _ := strings.Cut(to, "#")
	_, to, _ = strings.Cut(to, "://")
	return !slices.Contains(published, to) || key == "$schema" && fragment != ""
}

// published are the schemas of schemas that the library has, without "http://" or "https://".
var published = []string{
	"json-schema.org/schema",
	"json-schema.org/draft/2020-12/schema",
	"json-schema.org/draft/2019-09/schema",
	"json-schema.org/draft-07/schema",
	"json-schema.org/draft-06/schema",
	"json-schema.org/draft-04/schema",
}
