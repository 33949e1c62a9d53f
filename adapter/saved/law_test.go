package saved_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/adapter/saved"
	"github.com/pgmoat/pgmoat/internal/estategen"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// again writes a batch and reads it.
func again(t *testing.T, b object.Batch, wants estate.Wants) object.Batch {
	t.Helper()
	var file bytes.Buffer
	if _, err := saved.Write(&file, saved.Header{Taken: time.Unix(1, 0)}, b); err != nil {
		t.Fatal(err)
	}
	_, out, err := saved.Read(context.Background(), "file", &file, wants)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// filled sets all that can be set to something else than nothing, each to something of its
// own.
func filled(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).Kind() != reflect.Func {
				filled(v.Field(i), n)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		filled(v.Index(0), n)
		filled(v.Index(1), n)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		filled(key, n)
		filled(value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("text" + strings.Repeat("x", *n%7) + string(rune('0'+*n%10)))
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.Set(reflect.ValueOf(*n).Convert(v.Type()))
	}
}

// Nothing of a batch is forgotten: not a field that somebody will add, either.
func TestEverythingIsKept(t *testing.T) {
	var b object.Batch
	n := 0
	filled(reflect.ValueOf(&b).Elem(), &n)
	for i := range b.Objects {
		b.Objects[i].JSON = []byte(`{"a":[1,"two",{}]}`)
	}
	b.Objects = append(b.Objects, object.Object{Kind: "Pod", Name: "bare", JSON: []byte("{}")},
		object.Object{Kind: "Pod", Name: "empty", JSON: []byte("{}"), Labels: map[string]string{}, Owners: []object.Owner{{Kind: "A"}, {Controller: new(bool)}}})
	if got := again(t, b, nil); !reflect.DeepEqual(got, b) {
		t.Errorf("kept\n%+v\nof\n%+v", got, b)
	}
	if got := again(t, object.Batch{}, nil); len(got.Objects) != 0 {
		t.Errorf("kept %+v of nothing", got)
	}
}

// lineless is a batch whose lines are those of documents.
func lineless(b object.Batch) object.Batch {
	for i := range b.Problems {
		b.Problems[i].Origin = b.Locate(b.Problems[i].Origin)
	}
	b.Locate = nil
	return b
}

// sameEstate holds what is made of files against what is made of them once they were saved.
// The snapshot is read with the wants of the command, and saved with those of all.
func sameEstate(t *testing.T, opts estate.Options) {
	t.Helper()
	ctx := context.Background()
	everything := opts
	everything.Intents = &intent.Intents{}
	var kept object.Batch
	_, err := estate.From(ctx, func(ctx context.Context, wants estate.Wants) (b object.Batch, err error) {
		kept, err = estate.Files(everything)(ctx, wants)
		return kept, err
	}, everything)
	if err != nil {
		t.Fatal(err)
	}
	var worlds [2]*snapshot.Snapshot
	var intents [2]intent.Intents
	for i, source := range []estate.Source{
		func(context.Context, estate.Wants) (object.Batch, error) { return lineless(kept), nil },
		func(_ context.Context, wants estate.Wants) (object.Batch, error) { return again(t, kept, wants), nil },
	} {
		opts.Intents = &intents[i]
		if worlds[i], err = estate.From(ctx, source, opts); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(worlds[0], worlds[1]) {
		t.Errorf("%v: the estate differs once it was saved", opts.Paths)
	}
	if !reflect.DeepEqual(intents[0], intents[1]) {
		t.Errorf("%v: what is asked for differs once it was saved", opts.Paths)
	}
}

// The snapshot of files and that of the same files saved are the same, for what people write.
func TestExamplesSaved(t *testing.T) {
	dirs, err := filepath.Glob("../../examples/*")
	if err != nil || len(dirs) < 4 {
		t.Fatal(dirs, err)
	}
	for _, dir := range dirs {
		if filepath.Base(dir) == "hba" {
			continue // bare files, without an object
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			sameEstate(t, estate.Options{Paths: []string{dir}, Adapters: known.Adapters()})
		})
	}
}

// The same for what nobody would write.
func TestRandomEstatesSaved(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		e := estategen.New(uint64(seed))
		dir := t.TempDir()
		write(t, filepath.Join(dir, "estate.yaml"), e.YAML())
		opts := estate.Options{Paths: []string{filepath.Join(dir, "estate.yaml")}, Adapters: known.Adapters()}
		if text := e.FactsYAML(); text != "" {
			opts.FactsFile = filepath.Join(dir, "facts")
			write(t, opts.FactsFile, text)
		}
		if sameEstate(t, opts); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Problems keep the line of the field, which was found while there was a file to find it in.
func TestProblemsKeepTheirLines(t *testing.T) {
	const text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: b\n  labels: 7\n"
	name := filepath.Join(t.TempDir(), "a.yaml")
	write(t, name, text)
	batch, err := estate.Files(estate.Options{Paths: []string{name}})(context.Background(), func(object.Type, []byte) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	got := again(t, batch, nil)
	if len(got.Problems) != 1 || got.Problems[0].Origin.Line != 9 || got.Objects[0].Source.Line != 1 {
		t.Errorf("%+v", got)
	}
}

// So do those of a source that finds lines when it is asked.
func TestLinesAreAskedFor(t *testing.T) {
	b := object.Batch{
		Problems: []snapshot.Problem{{Err: "odd"}}, Warnings: []snapshot.Warning{{Code: "c"}},
		Locate: func(verdict.Origin) verdict.Origin { return verdict.Origin{File: "a.yaml", Line: 7} },
	}
	if got := again(t, b, nil); got.Problems[0].Origin.Line != 7 || got.Warnings[0].Origin.Line != 7 || b.Problems[0].Origin.Line != 0 {
		t.Errorf("%+v of %+v", got, b)
	}
}

// Nothing that a Secret holds is kept, nor in what kubectl and the API server write beside an
// object; the batch that was saved stays as it is.
func TestWhatIsNeverKept(t *testing.T) {
	const applied = "kubectl.kubernetes.io/last-applied-configuration"
	var b object.Batch
	for _, text := range []string{
		`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","managedFields":[{"x":"hunter2"}],"annotations":{"` + applied + `":"hunter2","a":"b"}},"data":{"password":"aHVudGVyMg=="},"stringData":{"p":"hunter2"}}`,
		`{ "apiVersion": "v1", "kind": "Pod", "metadata": {"managedFields": [{"x":"hunter2"}], "name": "a", "annotations": {"a":"b", "` + applied + `":"hunter2"}}, "spec": {"a": 1, "a": 1}}`,
	} {
		o, err := object.New([]byte(text), object.Source{}, "default")
		if err != nil {
			t.Fatal(err)
		}
		b.Objects = append(b.Objects, o)
	}
	got := again(t, b, nil).Objects
	for i, want := range []string{
		`{"apiVersion":"v1","data":{"password":""},"kind":"Secret","metadata":{"annotations":{"a":"b"},"name":"a"},"stringData":{"p":""}}`,
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","annotations":{"a":"b"}},"spec":{"a":1,"a":1}}`,
	} {
		if string(got[i].JSON) != want || !maps.Equal(got[i].Annotations, map[string]string{"a": "b"}) {
			t.Errorf("kept %s, annotations %v", got[i].JSON, got[i].Annotations)
		}
		if len(b.Objects[i].Annotations) != 2 || !bytes.Contains(b.Objects[i].JSON, []byte("hunter2")) {
			t.Error("the batch itself was changed")
		}
	}
}

// Objects that nobody wants are counted; wants sees the type and the JSON.
func TestUnwanted(t *testing.T) {
	b := object.Batch{Unused: 2}
	for _, text := range []string{
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}`,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"pg_hba.conf":""}}`,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}}`,
	} {
		o, err := object.New([]byte(text), object.Source{}, "default")
		if err != nil {
			t.Fatal(err)
		}
		b.Objects = append(b.Objects, o)
	}
	got := again(t, b, func(_ object.Type, text []byte) bool { return bytes.Contains(text, []byte("pg_hba")) })
	if len(got.Objects) != 1 || got.Objects[0].Name != "a" || got.Objects[0].Kind != "ConfigMap" || got.Unused != 4 {
		t.Errorf("%+v", got)
	}
}

// The JSON of an object ends where it ends: whoever appends to it does not write into the
// next one.
func TestObjectsDoNotRunIntoEachOther(t *testing.T) {
	var b object.Batch
	for _, name := range []string{"a", "b"} {
		b.Objects = append(b.Objects, object.Object{Kind: "Pod", Name: name, JSON: []byte(`{"n":"` + name + `"}`)})
	}
	got := again(t, b, nil)
	_ = append(got.Objects[0].JSON, "written over"...)
	if text := string(got.Objects[1].JSON); text != `{"n":"b"}` {
		t.Error(text)
	}
}
