package render

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"
)

// helmVersion is what testdata/charts was recorded with.
const helmVersion = "v4.2.4"

var helmProgram = flag.String("helm", "", "a helm program, "+helmVersion+": write what it says into testdata/charts")

// TestRecordedHelm says when the records of helm's answers are older than the library.
func TestRecordedHelm(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(mod, []byte("helm.sh/helm/v4 "+helmVersion+" ")) && !bytes.Contains(mod, []byte("helm.sh/helm/v4 "+helmVersion+"\n")) {
		t.Errorf("testdata/charts was recorded with helm %s, and go.mod requires another: "+
			"build that one from helm.sh/helm/v4/cmd/helm, and run this with -helm PROGRAM", helmVersion)
	}
}

// TestCharts compares what we render with what "helm template --include-crds" printed for
// the same files. A case is a tree and, above it, what helm was asked; a name with .tgz in
// its path is put into that archive. Below are helm's answer, "helm", and ours, "ours".
func TestCharts(t *testing.T) {
	paths, err := filepath.Glob("testdata/charts/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	limits := Limits{}
	if raced {
		limits.Memory = 16 << 30
	}
	r := New(limits)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, p := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(p), ".txtar"), func(t *testing.T) {
			c := readCase(t, p)
			if *helmProgram != "" {
				c.record(t)
			}
			got, err := c.render(renderHere)
			c.compare(t, got, err)
			there, err := c.render(func(c Chart) ([]Document, error) { return r.Chart(t.Context(), c) })
			c.compare(t, there, err)
		})
	}
}

func renderHere(c Chart) ([]Document, error) { return renderChart(&c, Limits{}) }

// A chartCase is one file of testdata/charts.
type chartCase struct {
	path    string
	archive *txtar.Archive
	asked   map[string][]string
	tree    fstest.MapFS
	// helm and ours are the recorded answers.
	helm, ours string
}

func readCase(t *testing.T, file string) *chartCase {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := &chartCase{path: file, archive: a, asked: map[string][]string{}, tree: fstest.MapFS{}}
	known := []string{"chart", "release", "namespace", "values", "set", "set-string", "kube-version", "api-versions", "skip-crds"}
	_, asked, _ := strings.Cut(string(a.Comment), "\n\n")
	for line := range strings.Lines(asked) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok && key == "" {
			continue
		}
		if !ok || !slices.Contains(known, key) {
			t.Fatalf("%s: %q", file, line)
		}
		c.asked[key] = append(c.asked[key], value)
	}
	if len(c.asked["kube-version"]) != 1 {
		t.Fatalf("%s: helm's own version of Kubernetes changes with helm: name one", file)
	}
	packed := map[string][]txtar.File{}
	for _, f := range a.Files {
		before, after, inside := strings.Cut(f.Name, ".tgz/")
		switch {
		case f.Name == "helm":
			c.helm = string(f.Data)
		case f.Name == "ours":
			c.ours = string(f.Data)
		case inside:
			packed[before+".tgz"] = append(packed[before+".tgz"], txtar.File{Name: "packed/" + after, Data: f.Data})
		default:
			c.tree[f.Name] = &fstest.MapFile{Data: f.Data}
		}
	}
	for name, files := range packed {
		c.tree[name] = &fstest.MapFile{Data: pack(t, files)}
	}
	return c
}

// pack makes a packaged chart. An archive below charts/ of the archive is packed too.
func pack(t *testing.T, files []txtar.File) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	tape := tar.NewWriter(zip)
	inner := map[string][]txtar.File{}
	write := func(name string, text []byte) {
		if err := tape.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := tape.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range files {
		if before, after, ok := strings.Cut(f.Name, ".tgz/"); ok {
			inner[before+".tgz"] = append(inner[before+".tgz"], txtar.File{Name: "packed/" + after, Data: f.Data})
			continue
		}
		write(f.Name, f.Data)
	}
	for _, name := range slices.Sorted(maps.Keys(inner)) {
		write(name, pack(t, inner[name]))
	}
	if err := tape.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (c *chartCase) one(key string) string {
	if v := c.asked[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// render asks for the chart as a caller does who has the tree.
func (c *chartCase) render(ask func(Chart) ([]Document, error)) ([]Document, error) {
	in := Chart{
		Dir: c.one("chart"), Release: c.one("release"), Namespace: c.one("namespace"),
		Set: c.asked["set"], SetString: c.asked["set-string"],
		KubeVersion: c.one("kube-version"), APIVersions: c.asked["api-versions"], SkipCRDs: c.one("skip-crds") == "true",
	}
	var err error
	if strings.HasSuffix(in.Dir, ".tgz") {
		in.Files, err = ChartArchive(in.Dir, c.tree[in.Dir].Data)
	} else {
		in.Files, err = ChartUses(c.tree, in.Dir)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range c.asked["values"] {
		in.Values = append(in.Values, Values{Name: name, Text: c.tree[name].Data})
	}
	return ask(in)
}

// record asks helm, and writes down what it says and what we do.
func (c *chartCase) record(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for name, f := range c.tree {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"template", c.one("release"), "./" + c.one("chart"), "-n", c.one("namespace"), "--kube-version", c.one("kube-version")}
	if c.one("skip-crds") != "true" {
		args = append(args, "--include-crds")
	}
	for _, key := range []string{"values", "set", "set-string", "api-versions"} {
		for _, v := range c.asked[key] {
			args = append(args, "--"+key, v)
		}
	}
	cmd := exec.Command(*helmProgram, args...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + t.TempDir()}
	var said, complained bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &complained
	c.helm = ""
	if err := cmd.Run(); err != nil {
		_, fault, _ := strings.Cut(complained.String(), "Error: ")
		c.helm = "Error: " + strings.ReplaceAll(fault, dir, "")
		if len(c.helm) > 1000 {
			c.helm = c.helm[:1000] + "…\n"
		}
	} else {
		c.helm = said.String()
	}
	documents, err := c.render(renderHere)
	c.ours = listed(t, documents, err)
	c.archive.Files = slices.DeleteFunc(c.archive.Files, func(f txtar.File) bool { return f.Name == "helm" || f.Name == "ours" })
	c.archive.Files = append(c.archive.Files,
		txtar.File{Name: "ours", Data: []byte(c.ours)}, txtar.File{Name: "helm", Data: []byte(c.helm)})
	if err := os.WriteFile(c.path, txtar.Format(c.archive), 0o600); err != nil {
		t.Fatal(err)
	}
}

// listed says what was rendered: where each object comes from and at which hook, or what is
// wrong.
func listed(t *testing.T, documents []Document, err error) string {
	t.Helper()
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	for _, d := range documents {
		all := objects(t, string(d.Text))
		if len(all) == 0 {
			fmt.Fprintf(&b, "%s without an object\n", d.File)
		}
		for _, o := range all {
			meta, _ := o["metadata"].(map[string]any)
			fmt.Fprintf(&b, "%s %v %v", d.File, o["kind"], meta["name"])
			if d.Hook != "" {
				fmt.Fprintf(&b, " (hook: %s)", d.Hook)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

var separator = regexp.MustCompile(`(?m)^---.*$`)

func objects(t *testing.T, stream string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, doc := range separator.Split(stream, -1) {
		var o map[string]any
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
		if o != nil {
			all = append(all, o)
		}
	}
	return all
}

// compare wants helm's objects in helm's order, without those of hooks that helm does not
// know, which it does not print; and our files and hooks as recorded. What helm refuses we
// refuse.
func (c *chartCase) compare(t *testing.T, documents []Document, err error) {
	t.Helper()
	if got := listed(t, documents, err); got != c.ours {
		t.Errorf("we said\n%s\nand not\n%s", got, c.ours)
	}
	if refused := strings.HasPrefix(c.helm, "Error: "); refused != (err != nil) {
		t.Fatalf("we said %v, and helm %s", err, c.helm)
	} else if refused {
		return
	}
	var got []map[string]any
	for _, d := range documents {
		if !strings.Contains(d.Hook, "no-such") {
			got = append(got, objects(t, string(d.Text))...)
		}
	}
	var want []map[string]any
	for _, o := range objects(t, c.helm) {
		// Aliases of a chart have its definitions in common, and we name them once.
		repeated := func(w map[string]any) bool { return reflect.DeepEqual(w, o) }
		if o["kind"] != "CustomResourceDefinition" || !slices.ContainsFunc(want, repeated) {
			want = append(want, o)
		}
	}
	if len(want) == 0 {
		t.Error("helm printed no object: a case that shows nothing")
	}
	for i := range max(len(got), len(want)) {
		var g, w map[string]any
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if !reflect.DeepEqual(g, w) {
			t.Errorf("object %d:\nours  %s\nhelm's %s", i, inJSON(g), inJSON(w))
		}
	}
}

func inJSON(v any) string {
	text, err := json.Marshal(v)
	return cmp.Or(string(text), fmt.Sprint(err))
}

// The tree of a test is one that the package may read.
var _ Tree = fstest.MapFS{}

// chartFiles makes Chart.Files of a txtar's text.
func chartFiles(dir, text string) map[string][]byte {
	files := map[string][]byte{}
	for _, f := range txtar.Parse([]byte(text)).Files {
		files[path.Join(dir, f.Name)] = f.Data
	}
	return files
}
