package overlay

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// dump is a Cluster as a real operator completed it, with its status.
const dump = "../operator/cnpg/testdata/dump/manifests.yaml"

func fieldsOf(apiVersion, kind, namespace, name string, fields ...artefact.Field) artefact.Artefact {
	ref := snapshot.Ref{Kind: kind, Namespace: namespace, Name: name}
	return artefact.Artefact{Backend: "hba", APIVersion: apiVersion, Ref: ref, Fields: fields, At: verdict.Origin{Object: ref.String()}}
}

func field(value artefact.Value, path ...string) artefact.Field {
	return artefact.Field{Path: path, Value: value}
}

func tree(t *testing.T, data []byte) map[string]any {
	t.Helper()
	out, err := decoded(data)
	if err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return out.(map[string]any)
}

var closed = fieldsOf("postgresql.cnpg.io/v1", "Cluster", "db", "pg",
	field(artefact.Strings("hostssl app app 10.0.0.0/8 scram-sha-256", "host all all all reject"), "spec", "postgresql", "pg_hba"),
	field(artefact.Strings("local postgres app"), "spec", "postgresql", "pg_ident"))

// Every field of a real object that an artefact does not own stays as it is, number by
// number, and every other object byte by byte.
func TestClusterKeepsTheRest(t *testing.T) {
	batch, err := file.Read(context.Background(), []string{dump}, file.Options{})
	if err != nil || len(batch.Problems) > 0 {
		t.Fatal(err, batch.Problems)
	}
	before := string(batch.Objects[0].JSON)
	out, err := Apply(batch.Objects, []artefact.Artefact{closed})
	if err != nil {
		t.Fatal(err)
	}
	if string(batch.Objects[0].JSON) != before {
		t.Error("the source's object was changed")
	}
	for i, o := range out[1:] {
		if !reflect.DeepEqual(o, batch.Objects[i+1]) {
			t.Errorf("%s was changed", o.Ref())
		}
	}
	was, is := tree(t, batch.Objects[0].JSON), tree(t, out[0].JSON)
	postgresql := is["spec"].(map[string]any)["postgresql"].(map[string]any)
	if got := postgresql["pg_hba"].([]any); len(got) != 2 || got[1] != "host all all all reject" {
		t.Errorf("%v", got)
	}
	delete(postgresql, "pg_hba")
	delete(postgresql, "pg_ident")
	delete(was["spec"].(map[string]any)["postgresql"].(map[string]any), "pg_hba")
	if !reflect.DeepEqual(was, is) {
		t.Error("something else was changed")
	}
	got := out[0]
	got.JSON = batch.Objects[0].JSON
	if !reflect.DeepEqual(got, batch.Objects[0]) {
		t.Errorf("the identity is %+v", got)
	}
}

// The snapshot after applying is that of the estate as it would be, and explains by the
// artefact; what it did not set keeps the lines of the file.
func TestSnapshotAfter(t *testing.T) {
	opts := estate.Options{Paths: []string{dump}, Adapters: known.Adapters()}
	policy := artefact.Artefact{Backend: "networkpolicy", APIVersion: "networking.k8s.io/v1",
		Ref: snapshot.Ref{Kind: "NetworkPolicy", Namespace: "db", Name: "pg"},
		Object: artefact.Map{
			{Key: "apiVersion", Value: "networking.k8s.io/v1"}, {Key: "kind", Value: "NetworkPolicy"},
			{Key: "metadata", Value: artefact.Map{{Key: "name", Value: "pg"}, {Key: "namespace", Value: "db"}}},
			{Key: "spec", Value: artefact.Map{{Key: "podSelector", Value: artefact.Map{}}}},
		}}
	s, err := estate.From(context.Background(), Source(estate.Files(opts), []artefact.Artefact{closed, policy}), opts)
	if err != nil || len(s.Problems) > 0 {
		t.Fatal(err, s.Problems)
	}
	var set []string
	for _, r := range s.Servers[0].HBA.Records {
		if o := s.Locate(r.Origin); o.File == Compiled {
			set = append(set, r.Raw+" @ "+o.String())
		}
	}
	want := []string{
		"hostssl app app 10.0.0.0/8 scram-sha-256 @ compiled Cluster db/pg spec.postgresql.pg_hba[0]",
		"host all all all reject @ compiled Cluster db/pg spec.postgresql.pg_hba[1]",
	}
	if !slices.Equal(set, want) {
		t.Errorf("%v", set)
	}
	server := s.Servers[0].Origin
	for field, want := range map[string]string{
		"spec.postgresql.pg_hba[1]": "compiled Cluster db/pg spec.postgresql.pg_hba[1]",
		"spec.postgresql.pg_hbas":   dump + ":44 Cluster db/pg spec.postgresql.pg_hbas",
		"spec.instances":            dump + ":25 Cluster db/pg spec.instances",
	} {
		if got := s.Locate(server.At("%s", field)).String(); got != want {
			t.Errorf("%s is at %s, want %s", field, got, want)
		}
	}
	if len(s.Policies) != 1 || s.Policies[0].Origin.String() != "compiled NetworkPolicy db/pg" {
		t.Errorf("%+v", s.Policies)
	}
}

func estateOf(t *testing.T, texts ...string) []object.Object {
	t.Helper()
	var out []object.Object
	for _, text := range texts {
		o, err := object.New([]byte(text), object.Source{File: "a.yaml", Line: 1}, "default")
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}

// What cannot be applied is an error that names the object and the field, and nothing is.
func TestErrors(t *testing.T) {
	objects := estateOf(t, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"n"},"data":"text","spec":{"list":[{}],"b":true,"n":1}}`)
	for _, test := range []struct {
		artefacts []artefact.Artefact
		want      string
	}{
		{[]artefact.Artefact{closed}, "Cluster db/pg: is not among the objects that were read"},
		{[]artefact.Artefact{fieldsOf("v1", "ConfigMap", "n", "b", field("x", "data", "x"))}, "ConfigMap n/b: is not among the objects that were read"},
		{[]artefact.Artefact{fieldsOf("other/v1", "ConfigMap", "n", "a", field("x", "data", "x"))}, "ConfigMap n/a: is not among the objects that were read"},
		{[]artefact.Artefact{fieldsOf("v1", "ConfigMap", "n", "a", field("x", "data", "x.conf", "y"))}, "ConfigMap n/a: data: a string where an object is expected"},
		{[]artefact.Artefact{fieldsOf("v1", "ConfigMap", "n", "a", field("x", "spec", "list", "0", "y"))}, "ConfigMap n/a: spec.list: a list where an object is expected"},
		{[]artefact.Artefact{fieldsOf("v1", "ConfigMap", "n", "a", field("x", "spec", "b", "y"))}, "ConfigMap n/a: spec.b: a boolean where an object is expected"},
		{[]artefact.Artefact{fieldsOf("v1", "ConfigMap", "n", "a", field("x", "spec", "n", "y"))}, "ConfigMap n/a: spec.n: a number where an object is expected"},
		{[]artefact.Artefact{fieldsOf("v1", "ConfigMap", "n", "a", field("b", "metadata", "name"))}, "ConfigMap n/a: metadata.name: is not for anybody to set"},
		{[]artefact.Artefact{fieldsOf("v1", "ConfigMap", "n", "a", field("x", "a")), fieldsOf("v1", "ConfigMap", "n", "a", field("x", "a", "b"))},
			"ConfigMap n/a: a and a.b are both set"},
		{[]artefact.Artefact{fieldsOf("v1", "ConfigMap", "n", "a", field(nil, "a"))}, "ConfigMap n/a: a: null says nothing"},
	} {
		if _, err := Apply(objects, test.artefacts); err == nil || err.Error() != test.want {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
}

func namespace(labels ...artefact.Entry) artefact.Artefact {
	return artefact.Artefact{APIVersion: "v1", Ref: snapshot.Ref{Kind: "Namespace", Name: "n"}, Object: artefact.Map{
		{Key: "apiVersion", Value: "v1"}, {Key: "kind", Value: "Namespace"},
		{Key: "metadata", Value: artefact.Map{{Key: "name", Value: "n"}, {Key: "labels", Value: artefact.Map(labels)}}},
		{Key: "spec", Value: artefact.Map{{Key: "a", Value: "ours"}}},
	}}
}

// A whole object takes the place of the one that is there, in whatever version; metadata
// that others wrote stays, as the API server keeps what other managers own.
func TestWholeObjects(t *testing.T) {
	objects := estateOf(t,
		`{"apiVersion":"v1beta1","kind":"Namespace","metadata":{"name":"n","uid":"u","labels":{"a":"theirs","b":"theirs"},"annotations":{"c":"d"}},"spec":{"a":"theirs","b":1},"status":{"phase":"Active"}}`,
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"n"}}`)
	out, err := Apply(objects, []artefact.Artefact{namespace(artefact.Entry{Key: "a", Value: "ours"})})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n","labels":{"a":"ours","b":"theirs"},"uid":"u","annotations":{"c":"d"}},"spec":{"a":"ours"},"status":{"phase":"Active"}}`
	if len(out) != 2 || !reflect.DeepEqual(tree(t, out[0].JSON), tree(t, []byte(want))) {
		t.Errorf("%s", out[0].JSON)
	}
	if o := out[0]; o.Labels["b"] != "theirs" || o.Labels["a"] != "ours" || o.UID != "u" || o.Origin().String() != "compiled Namespace n" {
		t.Errorf("%+v", o)
	}
	if out, err = Apply(nil, []artefact.Artefact{namespace()}); err != nil || len(out) != 1 || out[0].Ref().String() != "Namespace n" {
		t.Error(out, err)
	}
}

// An object that was never read takes part in no answer, before and after.
func TestFieldsOfWhatIsNotDeclared(t *testing.T) {
	objects := estateOf(t, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"n"}}`)
	label := fieldsOf("v1", "Namespace", "", "n", field("restricted", "metadata", "labels", "pod-security.kubernetes.io/enforce"))
	label.At = verdict.Origin{}
	if out, err := Apply(objects, []artefact.Artefact{label}); err != nil || !reflect.DeepEqual(out, objects) {
		t.Errorf("%v %v", out, err)
	}
}

// Nothing is marked that was there already, and a null on the way is no value.
func TestFieldsThatAreThere(t *testing.T) {
	objects := estateOf(t, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":"1"},"more":null}`)
	batch := object.Batch{Objects: objects}
	same := fieldsOf("v1", "ConfigMap", "default", "a", field("1", "data", "x"))
	out, err := Batch(batch, []artefact.Artefact{same})
	if err != nil || out.Locate != nil || string(out.Objects[0].JSON) != string(objects[0].JSON) {
		t.Errorf("%v, %s", err, out.Objects[0].JSON)
	}
	out, err = Batch(batch, []artefact.Artefact{fieldsOf("v1", "ConfigMap", "default", "a", field(int64(1), "more", "x.y/z", "a"))})
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{"more[x.y/z].a": "compiled ConfigMap default/a more[x.y/z].a", "more": "a.yaml:1 ConfigMap default/a more"} {
		if got := out.Locate(objects[0].Origin().At("%s", field)).String(); got != want {
			t.Errorf("%s", got)
		}
	}
}

// On random objects: what Apply sets, and merging sets, is what setting it in maps sets.
func TestSetTwin(t *testing.T) {
	patched := 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		body := randomObject(r, 0)
		body["apiVersion"], body["kind"], body["metadata"] = "v1", "ConfigMap", map[string]any{"name": "a", "namespace": "n"}
		data, _ := json.Marshal(body)
		o := estateOf(t, string(data))[0]
		a := fieldsOf("v1", "ConfigMap", "n", "a")
		want, ok := tree(t, data), true
		for range 1 + r.IntN(2) {
			f := randomField(r)
			a.Fields = append(a.Fields, f)
			ok = ok && setSlowly(want, f)
		}
		if a.Check() != nil {
			continue
		}
		out, err := Apply([]object.Object{o}, []artefact.Artefact{a})
		if ok != (err == nil) {
			t.Fatalf("seed %d: %v", seed, err)
		}
		merge, perr := Merge(o, a.Fields)
		if ok != (perr == nil) {
			t.Fatalf("seed %d: %v", seed, perr)
		}
		if !ok {
			continue
		}
		patched++
		if got := tree(t, out[0].JSON); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %s %+v\n%v\n%v", seed, data, a.Fields, got, want)
		}
		if got := merged(t, tree(t, data), merge); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %s %+v\n%v\n%v", seed, data, merge, got, want)
		}
		if again, err := Merge(out[0], a.Fields); err != nil || len(again) > 0 {
			t.Fatalf("seed %d: %v %v", seed, again, err)
		}
	}
	if patched < 1000 {
		t.Errorf("only %d were compared", patched)
	}
}

var keys = []string{"a", "b", "a.b", "x/y", "a~1b", "<"}

func randomObject(r *rand.Rand, depth int) map[string]any {
	out := map[string]any{}
	for range r.IntN(4) {
		key := keys[r.IntN(len(keys))]
		switch n := r.IntN(8); {
		case n < 4 && depth < 4:
			out[key] = randomObject(r, depth+1)
		case n == 4:
			out[key] = nil
		case n == 5:
			out[key] = []any{json.Number("1.0"), json.Number("12345678901234567890"), nil}
		case n == 6:
			out[key] = json.Number("-1e400")
		default:
			out[key] = "text"
		}
	}
	return out
}

func randomField(r *rand.Rand) artefact.Field {
	var path []string
	for range 1 + r.IntN(4) {
		path = append(path, keys[r.IntN(len(keys))])
	}
	values := []artefact.Value{"text", int64(5432), true, artefact.Map{}, artefact.List{}, artefact.Strings("<a>"),
		artefact.Map{{Key: "b", Value: artefact.Strings()}, {Key: "a", Value: "1"}}}
	return field(values[r.IntN(len(values))], path...)
}

// setSlowly sets a field in a map; false where something on the way is none.
func setSlowly(m map[string]any, f artefact.Field) bool {
	for _, key := range f.Path[:len(f.Path)-1] {
		if m[key] == nil {
			m[key] = map[string]any{}
		}
		below, ok := m[key].(map[string]any)
		if !ok {
			return false
		}
		m = below
	}
	data, _ := json.Marshal(f.Value)
	m[f.Path[len(f.Path)-1]], _ = decoded(data)
	return true
}

// Objects that only artefacts are about are read for them, and shown to nobody who did
// not ask.
func TestSourceWants(t *testing.T) {
	var asked []string
	inner := func(_ context.Context, wants estate.Wants) (object.Batch, error) {
		var b object.Batch
		for i, kind := range []string{"ConfigMap", "Secret", "Pod"} {
			o := estateOf(t, `{"apiVersion":"v1","kind":"`+kind+`","metadata":{"name":"a`+strconv.Itoa(i)+`"},"data":{}}`)[0]
			if wants(o.Type(), o.JSON) {
				asked = append(asked, kind)
				b.Objects = append(b.Objects, o)
			}
		}
		return b, nil
	}
	only := func(want string) estate.Wants {
		return func(t object.Type, text []byte) bool { return t.Kind == want || strings.Contains(string(text), "seen") }
	}
	a := []artefact.Artefact{fieldsOf("v1", "ConfigMap", "default", "a0", field("x", "data", "x"))}
	b, err := Source(inner, a)(context.Background(), only("Pod"))
	if err != nil || strings.Join(asked, " ") != "ConfigMap Pod" || len(b.Objects) != 1 || b.Objects[0].Kind != "Pod" || b.Unused != 1 {
		t.Errorf("%v %v %+v", err, asked, b)
	}
	a[0].Fields[0].Value = "seen"
	if b, err = Source(inner, a)(context.Background(), only("Pod")); err != nil || len(b.Objects) != 2 {
		t.Errorf("%v %+v", err, b)
	}
}
