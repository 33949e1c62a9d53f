package pgmoat

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"
)

// Whatever JSON a source delivers, reading it does not panic, gives the same twice, and
// ends in an intent or in a Problem, never in both or in neither.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"testdata/faults.txtar", "testdata/intents.txtar"} {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			for _, document := range bytes.Split(file.Data, []byte("---\n")) {
				if data, err := yaml.YAMLToJSON(document); err == nil && data[0] == '{' {
					f.Add(data)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !lawful(t, data) {
			t.Skip()
		}
	})
}

// lawful checks what holds of every object, and reports whether the text is one of ours.
func lawful(t *testing.T, data []byte) bool {
	t.Helper()
	o, err := object.New(data, object.Source{File: "a.yaml", Line: 1}, "shop")
	if err != nil || !Wants(o.Type()) {
		return false
	}
	batch := object.Batch{Objects: []object.Object{o}}
	in := Read(batch, known)
	intents := len(in.Perimeters) + len(in.Accesses) + len(in.Invariants)
	if intents > 1 || (intents == 1) == (len(in.Problems) > 0) {
		t.Errorf("%d intents and %d problems of %s", intents, len(in.Problems), data)
	}
	if again := Read(batch, known); !reflect.DeepEqual(in, again) {
		t.Errorf("%v, and then %v", in, again)
	}
	return true
}

// The same holds with anything else in the place of any value.
func TestReadTakesAnythingAnywhere(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/intents.txtar")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, file := range archive.Files {
		for _, document := range bytes.Split(file.Data, []byte("---\n")) {
			var root map[string]any
			if yaml.Unmarshal(document, &root) != nil || root["spec"] == nil {
				continue
			}
			swap(root["spec"], func(v any) { root["spec"] = v }, func() {
				data, err := json.Marshal(root)
				if err != nil {
					t.Fatal(err)
				}
				lawful(t, data)
				tried++
			})
		}
	}
	if tried < 1000 {
		t.Errorf("only %d were tried", tried)
	}
}

// swap puts each odd value in the place of v, then of each value below it.
func swap(v any, put func(any), try func()) {
	for _, odd := range []any{
		nil, true, "", "x", strings.Repeat("ü", 300), -1, 1.5, 1e300, []any{}, []any{nil}, []any{map[string]any{}}, map[string]any{}, map[string]any{"": nil},
	} {
		put(odd)
		try()
	}
	put(v)
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			swap(child, func(odd any) { v[key] = odd }, try)
		}
	case []any:
		for i, child := range v {
			swap(child, func(odd any) { v[i] = odd }, try)
		}
	}
}

// Each rule of the schema has a document that breaks it, but for those that compare with
// what was there before: a file has no before.
func TestRulesAreBroken(t *testing.T) {
	text, err := os.ReadFile("testdata/faults.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range stored(t) {
		for _, message := range messages(in.Spec.Versions[0].Schema.OpenAPIV3Schema) {
			if !bytes.Contains(text, []byte(message)) {
				t.Errorf("%s: nothing breaks %q", in.Name, message)
			}
		}
	}
}
