package world_test

import (
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
)

// A word that is in a string of an object is found in its text, however it is escaped there;
// what only looks alike is not.
func TestMentions(t *testing.T) {
	for text, want := range map[string]bool{
		`{"image": "r/postgres-operator:1"}`:      true,
		`{"postgres-operator": 1}`:                true,
		`{"image": "r/postgres\u002doperator:1"}`: true,
		`{"image": "r\/postgres-operator"}`:       true,
		`{"image": "r/postgres_operator:1"}`:      false,
		`{"image": "r/Postgres-Operator:1"}`:      false,
		`{"args": ["postgres-\noperator"]}`:       false,
		`{}`:                                      false,
	} {
		if got := world.Mentions(object.Object{JSON: []byte(text)}, "postgres-operator"); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

// PodsHave is Has of PodLabels, whatever it reads to know.
func TestPodsHave(t *testing.T) {
	for _, labels := range []string{
		`{"app": "db", "tier": "data"}`, `{"app": "\u0064b", "tier": "data"}`, `{"app": "data", "tier": "db"}`, `{"app": "db"}`, `{"app": 1}`, `null`,
	} {
		o := object.Object{JSON: []byte(`{"spec": {"template": {"metadata": {"labels": ` + labels + `}}}}`)}
		for _, want := range []map[string]string{{"app": "db"}, {"app": "db", "tier": "data"}, {"app": ""}, {"none": "db"}, {}} {
			if got := world.PodsHave(o, want); got != world.Has(world.PodLabels(o), want) {
				t.Errorf("%s, %v: %t", labels, want, got)
			}
		}
	}
}
