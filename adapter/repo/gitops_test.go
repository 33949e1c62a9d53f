package repo

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
)

var updateGitops = flag.Bool("update-gitops", false, "rewrite what testdata/gitops expects")

// Each file is a tree. "read: PATH…" in its comment are the manifests that stand by themselves;
// "want" is what is followed from there. Rendering is a fake: it reads folders, and of
// kustomizations their resources and the namespace.
func TestGitops(t *testing.T) {
	tests, err := filepath.Glob("testdata/gitops/*.txtar")
	if err != nil || len(tests) == 0 {
		t.Fatal(tests, err)
	}
	for _, name := range tests {
		if name, err = filepath.Abs(name); err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { testTree(t, name) })
	}
}

func testTree(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var read []string
	for line := range strings.Lines(string(archive.Comment)) {
		if rest, ok := strings.CutPrefix(line, "read:"); ok {
			read = append(read, strings.Fields(rest)...)
		}
	}
	if len(read) == 0 {
		t.Fatal("nothing is read")
	}
	t.Chdir(t.TempDir())
	at := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
	if at < 0 {
		t.Fatal("nothing is wanted")
	}
	for i, f := range archive.Files {
		if i == at {
			continue
		}
		write(t, f.Name, f.Data)
	}
	got := following(t, read)
	if strings.Contains(got, "hunter2") {
		t.Errorf("a password is printed:\n%s", got)
	}
	if *updateGitops {
		archive.Files[at].Data = []byte(got)
		if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := string(archive.Files[at].Data); got != want {
		t.Errorf("followed:\n%s\nwanted:\n%s", got, want)
	}
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// following follows manifests of the working directory, and says what came of it.
func following(t *testing.T, read []string) string {
	t.Helper()
	g, err := groundOf(".")
	if err != nil {
		t.Fatal(err)
	}
	tr, err := openTree(g, file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close() //nolint:errcheck // only read
	var objects []object.Object
	for _, name := range read { // each by itself: two forms of an object are for gitops to find
		batch, err := file.Read(t.Context(), []string{name}, file.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(batch.Problems) > 0 {
			t.Fatal(batch.Problems)
		}
		objects = append(objects, batch.Objects...)
	}
	fake := fakeRender{t, tr}
	f, err := gitopsOf(tr).all(objects, fake.render)
	text := said(f)
	if err != nil {
		text += "error: " + err.Error() + "\n"
	}
	return text
}

func said(f followed) string {
	var b strings.Builder
	for _, u := range f.units {
		fmt.Fprintf(&b, "%s: %s\n", u.by, u.what())
	}
	for _, u := range f.elsewhere {
		fmt.Fprintf(&b, "elsewhere: %s: %s\n", u.by, u.what())
	}
	for _, m := range f.missing {
		fmt.Fprintf(&b, "missing: %s: %s", m.By, m.What)
		if m.Namespace != "" {
			fmt.Fprintf(&b, " -> %s", m.Namespace)
		}
		b.WriteString("\n")
	}
	for _, w := range f.warnings {
		fmt.Fprintf(&b, "warning: %s: %s: %s\n", w.Origin, w.Code, w.Text)
	}
	for _, p := range f.problems {
		fmt.Fprintf(&b, "problem: %s: %s\n", p.Origin, p.Fault())
	}
	return b.String()
}

// what writes all that a unit says.
func (u unit) what() string {
	text := u.dir
	if u.namespace != "" {
		text += " -> " + u.namespace
	}
	indent := func(what string, data []byte) {
		text += "\n  " + what + ":"
		for line := range strings.Lines(strings.TrimRight(string(data), "\n")) {
			text += "\n    " + strings.TrimRight(line, "\n")
		}
	}
	switch {
	case u.folder != nil:
		return fmt.Sprintf("folder %s %+v", text, *u.folder)
	case u.kustomization != nil:
		text = "kustomization " + text
		k := u.kustomization
		if k.anyPath {
			text += " any path"
		}
		if k.text != nil {
			indent("text", k.text)
		}
		if s := k.substitute; s != nil {
			text += fmt.Sprintf("\n  substitute: %v unread %v rest %q labels %v annotations %v", s.values, s.unread, s.rest, s.labels, s.annotations)
		}
		return text
	}
	c := u.chart
	text = "chart " + text + " release " + c.release
	if c.namespace != "" {
		text += " in " + c.namespace
	}
	if c.skipCRDs || c.kubeVersion != "" || c.apiVersions != nil {
		text += fmt.Sprintf(" %v %s %v", c.skipCRDs, c.kubeVersion, c.apiVersions)
	}
	if c.defaults != nil {
		indent("defaults", c.defaults)
	}
	for _, v := range c.values {
		indent(v.Name, v.Text)
	}
	for _, s := range c.set {
		text += "\n  set " + s
	}
	for _, s := range c.setString {
		text += "\n  set-string " + s
	}
	for _, p := range c.post {
		indent("post", p)
	}
	return text
}

// A fakeRender renders enough to find objects that deploy more.
type fakeRender struct {
	t    *testing.T
	tree *tree
}

func (f fakeRender) render(u unit) []object.Object {
	var texts []file.Text
	switch {
	case u.folder != nil:
		for _, name := range f.tree.list(u.dir) {
			if rel, _ := inside(u.dir, name); u.folder.takes(rel) {
				texts = append(texts, f.file(name, "folder "+u.dir))
			}
		}
		return f.objects(texts, u.namespace)
	case u.kustomization != nil:
		texts = f.kustomization(u.dir, u.kustomization.text)
		for i := range texts {
			var err error
			if texts[i].Text, err = u.kustomization.substitute.apply(texts[i].Text); err != nil {
				f.t.Fatal(err)
			}
		}
		return f.objects(texts, u.namespace)
	}
	return nil
}

func (f fakeRender) file(name, via string) file.Text {
	data, err := f.tree.read(name)
	if err != nil {
		f.t.Fatal(err)
	}
	return file.Text{Name: name, Via: via, Text: data}
}

func (f fakeRender) kustomization(dir string, text []byte) []file.Text {
	var k struct {
		Namespace string
		Resources []string
	}
	if text == nil {
		whole, err := readKustomization(f.tree, dir)
		if err != nil || whole == nil {
			f.t.Fatal(dir, err)
		}
		if text, err = whole.text(); err != nil {
			f.t.Fatal(err)
		}
	}
	if err := yaml.Unmarshal(text, &k); err != nil {
		f.t.Fatal(err)
	}
	var texts []file.Text
	for _, r := range k.Resources {
		name := path.Join(dir, r)
		if f.tree.isDir(name) {
			texts = append(texts, f.kustomization(name, nil)...)
			continue
		}
		texts = append(texts, f.file(name, "kustomization "+dir))
	}
	if k.Namespace != "" {
		for i := range texts {
			texts[i].Text = inNamespace(f.t, texts[i].Text, k.Namespace)
		}
	}
	return texts
}

// inNamespace puts every object into a namespace, as kustomize does.
func inNamespace(t *testing.T, text []byte, namespace string) []byte {
	var out []string
	for _, doc := range documentEnd.Split(string(text), -1) {
		var o map[string]any
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil || o == nil {
			t.Fatal(doc, err)
		}
		o["metadata"].(map[string]any)["namespace"] = namespace
		data, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(data))
	}
	return []byte(strings.Join(out, "---\n"))
}

func (f fakeRender) objects(texts []file.Text, namespace string) []object.Object {
	batch, err := file.Rendered(context.Background(), texts, file.Options{Namespace: namespace})
	if err != nil || len(batch.Problems) > 0 {
		f.t.Fatal(err, batch.Problems)
	}
	return batch.Objects
}
