//go:build linux

package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/pgmoat"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
	"github.com/rogpeppe/go-internal/txtar"
)

// documents reads the objects of ours below a path.
func documents(t *testing.T, path string) []object.Object {
	t.Helper()
	batch, err := file.Read(t.Context(), []string{path}, file.Options{
		Wants: func(t object.Type, _ []byte) bool { return pgmoat.Wants(t) },
	})
	if err != nil && !errors.Is(err, file.ErrNothing) {
		t.Fatal(err)
	}
	return batch.Objects
}

// parsed reads the objects of ours in a text.
func parsed(t *testing.T, text []byte) []object.Object {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return documents(t, name)
}

var fenced = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// good are all documents that we show to people or test with, and that are right.
func good(t *testing.T) []object.Object {
	t.Helper()
	out := documents(t, "../../examples")
	page, err := os.ReadFile("../../docs/intents.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range fenced.FindAllSubmatch(page, -1) {
		out = append(out, parsed(t, block[1])...)
	}
	archive, err := txtar.ParseFile("../../adapter/pgmoat/testdata/intents.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(archive.Files); i += 2 {
		out = append(out, parsed(t, archive.Files[i].Data)...)
	}
	return out
}

// factsOf explain each range outside that the documents name.
func factsOf(t *testing.T, objects []object.Object) snapshot.Facts {
	t.Helper()
	facts := snapshot.Facts{PodCIDRs: []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}}
	seen := map[string]bool{"*": true}
	for _, o := range objects {
		each(tree(t, o.JSON), func(key string, value any) {
			names, _ := value.([]any)
			for _, name := range names {
				if key == "outside" && !seen[name.(string)] {
					seen[name.(string)] = true
					facts.Outside = append(facts.Outside, snapshot.OutsideRange{
						Name: name.(string), Addresses: flow.AddressesOf(netip.MustParsePrefix("192.0.2.0/28")),
					})
				}
			}
		})
	}
	return facts
}

// each visits the values of all keys.
func each(v any, visit func(key string, value any)) {
	switch v := v.(type) {
	case map[string]any:
		for key, child := range v {
			visit(key, child)
			each(child, visit)
		}
	case []any:
		for _, child := range v {
			each(child, visit)
		}
	}
}

// propose asks whether the server would take an object, with its strictness about fields
// that the definition does not have: "Strict" as kubectl has it, or "Ignore".
func propose(ctx context.Context, c *Cluster, o object.Object, strictness string) (Answer, error) {
	path, err := c.Path(ctx, Name{o.APIVersion, o.Kind, o.Namespace, ""})
	if err != nil {
		return Answer{}, err
	}
	return c.Do(ctx, Request{
		Method: http.MethodPost, Path: path, Body: o.JSON,
		Query: url.Values{"dryRun": {"All"}, "fieldValidation": {strictness}},
	})
}

// The server takes every document of the manual and of the examples, and who reads back
// what it stored reads the same intent as who reads the file.
func TestGoodIntentsAreTaken(t *testing.T) {
	c := ours(t)
	objects := good(t)
	facts := factsOf(t, objects)
	if len(objects) < 20 {
		t.Fatalf("only %d documents", len(objects))
	}
	for _, o := range objects {
		namespace(t, c, o.Namespace)
		a, err := propose(t.Context(), c, o, "Strict")
		if err == nil {
			err = a.Err()
		}
		if err != nil {
			t.Errorf("%s: %v", o.Origin(), err)
			continue
		}
		stored, err := object.New(a.Body, object.Source{}, "")
		if err != nil {
			t.Fatal(err)
		}
		want, is := intentsOf(t, o, facts), intentsOf(t, stored, facts)
		if !reflect.DeepEqual(is, want) {
			t.Errorf("%s: reads\n%+v\nas stored\n%+v", o.Origin(), want, is)
		}
	}
	t.Logf("%d documents", len(objects))
}

// intentsOf reads an object without the places that the answers came from.
func intentsOf(t *testing.T, o object.Object, facts snapshot.Facts) intent.Intents {
	t.Helper()
	in := pgmoat.Read(object.Batch{Objects: []object.Object{o}}, facts)
	if len(in.Problems) > 0 {
		t.Errorf("%s: %+v", o.Ref(), in.Problems)
	}
	placeless(reflect.ValueOf(&in))
	return in
}

// placeless clears every origin below v.
func placeless(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			placeless(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			placeless(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[verdict.Origin]() && v.CanSet() {
			v.SetZero()
			return
		}
		for i := range v.NumField() {
			placeless(v.Field(i))
		}
	}
}

// namespace makes a namespace where it is not there.
func namespace(t *testing.T, c *Cluster, name string) {
	t.Helper()
	if name == "" {
		return
	}
	apply(t, c, []byte(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"`+name+`"}}`), "lab")
}

// apply is a server-side apply that has to be taken.
func apply(t *testing.T, c *Cluster, o []byte, manager string) []byte {
	t.Helper()
	a, err := c.Apply(t.Context(), o, manager)
	if err == nil {
		err = a.Err()
	}
	if err != nil {
		t.Fatalf("%s\n%v", o, err)
	}
	return a.Body
}

// Each document of the table is refused, and its first line says with which words; so is
// the change of what may not change.
func TestBadIntentsAreRefused(t *testing.T) {
	c := ours(t)
	namespace(t, c, "shop")
	archive, err := txtar.ParseFile("testdata/refused.txtar")
	if err != nil || len(archive.Files) < 20 {
		t.Fatal(archive, err)
	}
	for _, f := range archive.Files {
		t.Run(f.Name, func(t *testing.T) {
			first, document, _ := bytes.Cut(f.Data, []byte("\n"))
			want, ok := strings.CutPrefix(string(first), "# says: ")
			if !ok {
				t.Fatal("the first line does not say what is said")
			}
			data := asJSON(t, document)
			o, err := object.New(data, object.Source{}, "shop")
			if err != nil {
				t.Fatal(err)
			}
			a, err := propose(t.Context(), c, o, "Strict")
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Err(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%d %v\nwant %s", a.Status, err, want)
			}
		})
	}
}

// A perimeter stays around its server; all else of it may change, and an access may
// change its server.
func TestServerOfAPerimeterStays(t *testing.T) {
	c := ours(t)
	namespace(t, c, "shop")
	perimeter := apply(t, c, []byte(`{"apiVersion":"pgmoat.dev/v1alpha1","kind":"PostgresPerimeter",
		"metadata":{"name":"stays","namespace":"shop"},"spec":{"server":{"name":"orders"}}}`), "lab")
	access := apply(t, c, []byte(`{"apiVersion":"pgmoat.dev/v1alpha1","kind":"PostgresAccess",
		"metadata":{"name":"moves","namespace":"shop"},"spec":{"server":{"name":"orders"},
		"from":[{"podSelector":{}}],"to":[{"databases":["orders"],"role":"web"}]}}`), "lab")
	const stays = "a perimeter stays around its server: delete it and make another"
	for _, test := range []struct {
		object      []byte
		patch, want string
	}{
		{perimeter, `{"spec":{"server":{"name":"bills"}}}`, stays},
		{perimeter, `{"spec":{"server":{"kind":"Cluster"}}}`, stays},
		{perimeter, `{"spec":{"mode":"Enforce","tls":{"required":false}}}`, ""},
		{access, `{"spec":{"server":{"name":"bills"}}}`, ""},
	} {
		n, err := NameOf(test.object)
		if err != nil {
			t.Fatal(err)
		}
		a, err := c.Patch(t.Context(), n, MergePatch, []byte(test.patch))
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		if err := a.Err(); err != nil {
			said = err.Error()
		}
		if (said == "") != (test.want == "") || !strings.Contains(said, test.want) {
			t.Errorf("%s: %q, want %q", test.patch, said, test.want)
		}
	}
}

// Status is the controller's part, and its subresource the only way to it: who writes an
// intent cannot say that it is proven.
func TestStatusIsNotWritten(t *testing.T) {
	c := ours(t)
	namespace(t, c, "shop")
	stored := apply(t, c, []byte(`{"apiVersion":"pgmoat.dev/v1alpha1","kind":"PostgresPerimeter",
		"metadata":{"name":"proven","namespace":"shop"},"spec":{"server":{"name":"orders"}},
		"status":{"conditions":[{"type":"Proven","status":"True","reason":"a","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}`), "lab")
	var is struct{ Status json.RawMessage }
	if err := json.Unmarshal(stored, &is); err != nil || is.Status != nil {
		t.Errorf("%s %v", is.Status, err)
	}
}
