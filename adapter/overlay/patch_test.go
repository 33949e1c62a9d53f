package overlay

import (
	"reflect"
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/model/artefact"
)

// merged applies fields as one JSON merge patch.
func merged(t *testing.T, target map[string]any, fields []artefact.Field) map[string]any {
	t.Helper()
	patch := map[string]any{}
	for _, f := range fields {
		if !setSlowly(patch, f) {
			t.Fatalf("%+v: no patch can say this", fields)
		}
	}
	return mergePatch(target, patch).(map[string]any)
}

// mergePatch is the pseudocode of RFC 7386, section 2.
func mergePatch(target, patch any) any {
	from, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	into, ok := target.(map[string]any)
	if !ok {
		into = map[string]any{}
	}
	for name, value := range from {
		if value == nil {
			delete(into, name)
		} else {
			into[name] = mergePatch(into[name], value)
		}
	}
	return into
}

// What runs may have more than what was read: nothing of that is lost, but for what is in a
// list.
func TestMergeKeepsWhatTheFileLacks(t *testing.T) {
	o := estateOf(t, `{"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"pg"},"spec":{"instances":1,"bare":{"old":{"x":"y"}}}}`)[0]
	merge, err := Merge(o, append(slices.Clone(closed.Fields), field(artefact.Map{}, "spec", "bare")))
	if err != nil {
		t.Fatal(err)
	}
	live := tree(t, []byte(`{"spec":{"instances":3,"postgresql":{"parameters":{"work_mem":"8MB"},"pg_hba":["host all all all trust"]},"bare":{"old":{},"new":"1"}}}`))
	want := tree(t, []byte(`{"spec":{"instances":3,"postgresql":{"parameters":{"work_mem":"8MB"},
		"pg_hba":["hostssl app app 10.0.0.0/8 scram-sha-256","host all all all reject"],"pg_ident":["local postgres app"]},"bare":{"new":"1"}}}`))
	if got := merged(t, live, merge); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}
