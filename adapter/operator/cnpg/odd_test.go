package cnpg

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Whatever stands in a field, a server comes of it, or a Problem.
func TestOddFields(t *testing.T) {
	w := worldtest.World(t, ownCertificates+"\n---\n"+settled)
	for key, objects := range w.Objects {
		for i := range objects {
			var whole map[string]any
			if err := json.Unmarshal(objects[i].JSON, &whole); err != nil {
				t.Fatal(err)
			}
			each(whole, func() {
				text, err := json.Marshal(whole)
				if err != nil {
					t.Fatal(err)
				}
				odd := slices.Clone(objects)
				odd[i].JSON = text
				world := &operator.World{Snapshot: &snapshot.Snapshot{}, Objects: map[string][]object.Object{}}
				for k, v := range w.Objects {
					world.Objects[k] = v
				}
				world.Objects[key] = odd
				Adapt(world)
				if len(world.Snapshot.Servers) == 0 && len(world.Snapshot.Problems) == 0 {
					t.Errorf("nothing came of %s", text)
				}
			})
		}
	}
}

var oddities = []any{nil, "x", "", 1.5, -1.0, true, []any{}, []any{nil}, map[string]any{}, map[string]any{"name": 1.0}}

// each puts oddities into every place of a value, one at a time.
func each(v any, f func()) {
	switch v := v.(type) {
	case map[string]any:
		for k, old := range v {
			for _, o := range oddities {
				v[k] = o
				f()
			}
			v[k] = old
			each(old, f)
		}
	case []any:
		for i, old := range v {
			for _, o := range oddities {
				v[i] = o
				f()
			}
			v[i] = old
			each(old, f)
		}
	}
}
