package stackgres

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// storeSecrets adds the Secrets that the object store of a backup asks for: they are the
// cluster's as much as those that the operator makes.
func (c *cluster) storeSecrets(add func(name, what, role, field string)) {
	for i, b := range c.spec.Configurations.Backups {
		o, ok := c.named("SGObjectStorage", b.SGObjectStorage, c.ref.Namespace)
		if !ok {
			continue
		}
		for _, name := range selected(o) {
			add(name, "backup", "", fmt.Sprintf("spec.configurations.backups[%d].sgObjectStorage", i))
		}
	}
}

// selected are the Secrets that an object names with a key of each, sorted.
func selected(o object.Object) []string {
	var in map[string]any
	if json.Unmarshal(o.JSON, &in) != nil {
		return nil // which has been said of the whole object
	}
	found := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			name, named := v["name"].(string)
			if _, keyed := v["key"].(string); named && keyed && len(v) == 2 {
				found[name] = true
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(in["spec"])
	return slices.Sorted(maps.Keys(found))
}
