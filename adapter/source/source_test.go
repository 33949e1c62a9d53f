package source

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/render"
	"github.com/pgmoat/pgmoat/adapter/repo"
	"github.com/pgmoat/pgmoat/adapter/saved"
)

func TestMain(m *testing.M) {
	if render.IsWorker(os.Args) {
		if err := render.Serve(os.Stdin, os.Stdout); err != nil {
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func everything(object.Type, []byte) bool { return true }

// configMap is one that says a word.
func configMap(name, word string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", namespace: shop}\ndata: {word: " + word + "}\n"
}

// written writes files below a new directory, by name and text, and returns it.
func written(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, opts Options) (object.Batch, error) {
	t.Helper()
	s, err := Open(opts)
	if err != nil {
		return object.Batch{}, err
	}
	return s(t.Context(), everything)
}

// words are what the objects of a batch say, by name.
func words(b object.Batch) []string {
	var out []string
	for _, o := range b.Objects {
		_, rest, _ := bytes.Cut(o.JSON, []byte(`"word":"`))
		word, _, _ := bytes.Cut(rest, []byte(`"`))
		out = append(out, o.Name+"="+string(word))
	}
	slices.Sort(out)
	return out
}

func snapshotOf(t *testing.T, text string) []byte {
	t.Helper()
	b, err := file.Read(t.Context(), []string{"-"}, file.Options{Stdin: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := saved.Write(&out, saved.Header{Sources: []string{"-"}}, b); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Every kind of source is told by what it is, whatever its name is.
func TestOpen(t *testing.T) {
	dir := written(t,
		"plain/a.yaml", configMap("a", "one"),
		"kustomized/kustomization.yaml", "resources: [a.yaml]\nnamePrefix: k-\n",
		"kustomized/a.yaml", configMap("a", "one"),
		"chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
		"chart/values.yaml", "word: own\n",
		"chart/templates/a.yaml", configMap("{{ .Release.Name }}", "{{ .Values.word }}"),
		"values.yaml", "word: given\n",
		"kept.yaml", string(snapshotOf(t, configMap("s", "saved"))),
	)
	at := func(names ...string) []string {
		for i := range names {
			names[i] = filepath.Join(dir, names[i])
		}
		return names
	}
	t.Chdir(dir)
	values := Options{Paths: at("chart")}
	values.Charts.Values = at("values.yaml")
	values.Charts.Release = "till"
	beside := values
	beside.Paths = at("kept.yaml", "chart")
	for name, test := range map[string]struct {
		opts Options
		want []string
	}{
		"plain":            {Options{Paths: at("plain")}, []string{"a=one"}},
		"kustomization":    {Options{Paths: at("kustomized")}, []string{"k-a=one"}},
		"chart":            {Options{Paths: at("chart")}, []string{"shop=own"}},
		"chart and values": {values, []string{"till=given"}},
		"values and saved": {beside, []string{"s=saved", "till=given"}},
		"saved":            {Options{Paths: at("kept.yaml")}, []string{"s=saved"}},
		"saved on stdin":   {Options{Paths: []string{"-"}, Stdin: bytes.NewReader(snapshotOf(t, configMap("s", "in")))}, []string{"s=in"}},
		"plain on stdin":   {Options{Paths: []string{"-"}, Stdin: strings.NewReader(configMap("p", "in"))}, []string{"p=in"}},
		"later replaces": {Options{Paths: append(at("plain"), "-"), Stdin: strings.NewReader(configMap("a", "two"))},
			[]string{"a=two"}},
		"deleted": {Options{Paths: at("plain", "kept.yaml"), Delete: []string{"cm/shop/a"}}, []string{"s=saved"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := read(t, test.opts)
			if err != nil || len(b.Problems) > 0 {
				t.Fatal(err, b.Problems)
			}
			if got := words(b); !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// What cannot be opened says what to do.
func TestRefusals(t *testing.T) {
	dir := written(t, "a.yaml", configMap("a", "one"), "empty/README", "nothing here", "kept", string(snapshotOf(t, configMap("s", "saved"))),
		"chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "chart/templates/a.yaml", configMap("a", "one"))
	values := Options{Paths: []string{dir + "/kept"}}
	values.Charts.Set = []string{"a=b"}
	for name, test := range map[string]struct {
		opts Options
		want string
	}{
		"nothing":          {Options{}, "no path was given"},
		"a registry":       {Options{Paths: []string{"oci://charts.example/shop"}}, "oci://charts.example/shop: nothing is fetched: run helm pull first, and name the archive"},
		"a repository":     {Options{Paths: []string{"ssh://git@git.example/shop"}}, "nothing is fetched: clone the repository first"},
		"a site":           {Options{Paths: []string{"https://git.example/a.yaml"}}, "nothing is fetched: download it first"},
		"a password":       {Options{Paths: []string{"https://me:hunter2@git.example/a.yaml?token=hunter2"}}, "https://git.example/a.yaml: nothing is fetched"},
		"a bad address":    {Options{Paths: []string{"https://me:hunter2@git.example:port/"}}, "https://…: nothing is fetched"},
		"ssh":              {Options{Paths: []string{"git@git.example:shop/estate"}}, "git@git.example:shop/estate: nothing is fetched: clone the repository first"},
		"remote values":    {Options{Paths: []string{dir + "/chart"}, Charts: repo.Charts{Values: []string{"https://me:hunter2@git.example/v.yaml"}}}, "values: a file is wanted, and nothing is fetched"},
		"no name":          {Options{Paths: []string{""}}, "an empty path names nothing to read"},
		"no such object":   {Options{Paths: []string{dir + "/a.yaml"}, Delete: []string{"configmap/shop/b"}}, "configmap/shop/b"},
		"no object's name": {Options{Paths: []string{dir + "/a.yaml"}, Delete: []string{"a"}}, "--delete a: "},
		"nothing in it":    {Options{Paths: []string{dir + "/empty"}}, file.ErrNothing.Error()},
		"no cluster":       {Options{Paths: []string{"live:nosuch"}}, "nosuch"},
		"no chart":         {values, "kept has none to be rendered by itself"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", filepath.Join(dir, "none"))
			_, err := read(t, test.opts)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v tells the password", err)
			}
		})
	}
}

// That one of several sources holds nothing is no error; what it could not read stays told.
func TestNothingInOneOfSeveral(t *testing.T) {
	dir := written(t, "a.yaml", configMap("a", "one"), "empty/README", "nothing here")
	b, err := read(t, Options{Paths: []string{dir + "/empty", dir + "/a.yaml", dir + "/gone.yaml"}})
	if err != nil || len(b.Objects) != 1 || len(b.Problems) != 1 || b.Problems[0].Origin.File != dir+"/gone.yaml" {
		t.Error(err, b)
	}
}

// A snapshot is one input with its digest, whatever it was made from.
func TestDigests(t *testing.T) {
	kept := snapshotOf(t, configMap("a", "one"))
	dir := written(t, "kept", string(kept), "b.yaml", configMap("b", "two"))
	b, err := read(t, Options{Paths: []string{dir + "/kept", dir + "/b.yaml"}, Digests: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []object.Input{object.InputOf(dir+"/kept", kept), object.InputOf(dir+"/b.yaml", []byte(configMap("b", "two")))}
	if !slices.Equal(b.Inputs, want) {
		t.Errorf("%v, want %v", b.Inputs, want)
	}
}

// A source that is laid over another is read after it, and the one below once for both.
func TestOver(t *testing.T) {
	reads := 0
	of := func(name, word string) estate.Source {
		return func(ctx context.Context, _ estate.Wants) (object.Batch, error) {
			reads++
			return file.Read(ctx, []string{"-"}, file.Options{Stdin: strings.NewReader(configMap(name, word))})
		}
	}
	base := Once(of("a", "one"))
	for _, s := range []estate.Source{base, Over(base, of("a", "two"))} {
		if _, err := s(t.Context(), everything); err != nil {
			t.Fatal(err)
		}
	}
	b, err := Over(base, of("b", "two"))(t.Context(), everything)
	if got := words(b); err != nil || reads != 3 || !slices.Equal(got, []string{"a=one", "b=two"}) {
		t.Errorf("%v, %d reads, %q", err, reads, got)
	}
	nothing := func(context.Context, estate.Wants) (object.Batch, error) { return object.Batch{}, file.ErrNothing }
	if _, err := Over(base, nothing)(t.Context(), everything); !errors.Is(err, file.ErrNothing) {
		t.Errorf("a pull request without an object: %v", err)
	}
}
