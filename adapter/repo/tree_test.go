package repo

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/render"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// treeOf opens the working directory as a tree, as a part of something larger.
func treeOf(t *testing.T) *tree {
	t.Helper()
	g, err := groundOf(".")
	if err != nil {
		t.Fatal(err)
	}
	tr, err := openTree(g, file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

// Nothing outside of a tree can be read, by no name and through no link; links inside of it
// are followed, and those that go round are an error.
func TestTreeStaysInside(t *testing.T) {
	top := tempTree(t)
	put(t, filepath.Join(top, "out/secret"), "secret")
	put(t, filepath.Join(top, "tree/a/file"), "inside")
	put(t, filepath.Join(top, "tree/kept/file"), "kept")
	setup(t, top, "link tree/b a\nlink tree/c/up ../a/file\nlink tree/out ../out\nlink tree/abs $TOP/out/secret\nlink tree/loop loop\nlink tree/one two\nlink tree/two one\nlink tree/round .\n")
	t.Chdir(filepath.Join(top, "tree"))
	tr := treeOf(t)
	for name, want := range map[string]string{
		"a/file": "inside", "b/file": "inside", "c/up": "inside", "./a/../b/file": "inside", "round/round/a/file": "inside",
	} {
		if got, err := tr.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	for name, want := range map[string]error{
		"../out/secret": errOutside, "out/secret": errOutside, "abs": errOutside, "/etc/hostname": errOutside,
		"a/../../out/secret": errOutside, "none": fs.ErrNotExist, "a": nil, "loop": nil, "one": nil,
	} {
		if got, err := tr.ReadFile(name); err == nil || want != nil && !errors.Is(err, want) || strings.Contains(err.Error(), "secret: secret") {
			t.Errorf("%s: %q %v, want %v", name, got, err, want)
		}
		if errors.Is(want, errOutside) {
			if _, err := tr.Stat(name); !errors.Is(err, errOutside) {
				t.Errorf("%s: stat: %v", name, err)
			}
			if _, err := tr.ReadDir(name); err == nil {
				t.Errorf("%s: is listed", name)
			}
		}
	}
	if !tr.isDir("a") || !tr.isDir("b") || tr.isDir("a/file") || tr.isDir("../out") || tr.isDir("out") || tr.isDir("none") {
		t.Error("folders are not those of the tree")
	}
	// A link is listed by its name, so that whoever needs what it leads to hears that it cannot be read.
	if got := strings.Join(tr.list("."), " "); got != "a/file abs c/up kept/file" {
		t.Errorf("%s", got)
	}
}

// A tree names what it leaves out as the user does.
func TestTreeListsWhatIsNotSkipped(t *testing.T) {
	t.Chdir(tempTree(t))
	put(t, "a/b.yaml", "")
	put(t, "a/c/d", "")
	put(t, "a/.git/e", "")
	tr := treeOf(t)
	tr.opts.Skip = []string{"a/c"}
	if got := strings.Join(tr.list("a"), " "); got != "a/b.yaml" {
		t.Errorf("%s", got)
	}
	if got := tr.list("none"); got != nil {
		t.Errorf("%v", got)
	}
}

// What is too large, alone or with all the rest, is refused by name before it is read.
func TestTreeLimits(t *testing.T) {
	t.Chdir(tempTree(t))
	put(t, "small", "12345")
	setup(t, ".", "size huge 1073741824\n")
	tr := treeOf(t)
	if took := allocated(func() {
		if _, err := tr.ReadFile("huge"); err == nil || !strings.HasPrefix(err.Error(), "huge: is larger than 32 MiB") {
			t.Error(err)
		}
	}); took > 1<<20 {
		t.Errorf("%d bytes of memory", took)
	}
	tr.left = 7
	for range 3 { // what was read is read no more
		if _, err := tr.ReadFile("./small"); err != nil || tr.left != 2 {
			t.Error(err, tr.left)
		}
	}
	put(t, "other", "12345")
	if _, err := tr.ReadFile("other"); err == nil || !strings.HasPrefix(err.Error(), "other: is one too many") {
		t.Error(err)
	}
}

// allocated returns how many bytes a call asks for.
func allocated(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A file of 1 GB in a tree ends in its name, and soon, wherever it lies.
func TestHugeFile(t *testing.T) {
	t.Chdir(tempTree(t))
	put(t, "kustomization.yaml", "resources: [huge.yaml]\n")
	put(t, "chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n")
	put(t, "pod/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n")
	setup(t, ".", "size huge.yaml 1073741824\nsize chart/templates/huge.yaml 1073741824\nsize plain/huge.yaml 1073741824\nsize mark/kustomization.yaml 1073741824\n")
	for path, want := range map[string]string{".": "huge.yaml", "chart": "huge.yaml", "plain": "plain/huge.yaml", "mark": "mark", "plain/huge.yaml": "plain/huge.yaml"} {
		begin := time.Now()
		memory := allocated(func() {
			b, err := readHere(t, path, Options{})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v %v", path, err, b.Problems)
			}
		})
		if took := time.Since(begin); took > 10*time.Second || memory > 64<<20 {
			t.Errorf("%s: %v, %d MiB", path, took, memory>>20)
		}
	}
}

// Units that together come to more than may be held end in an error that names the one.
func TestRenderedInSum(t *testing.T) {
	defer func(old int) { maxRendered = old }(maxRendered)
	maxRendered = 1 << 20
	t.Chdir(tempTree(t))
	for _, dir := range []string{"a", "b", "c"} {
		put(t, dir+"/kustomization.yaml", "resources: [map.yaml]\nnamespace: "+dir+"\n")
		put(t, dir+"/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: "+strings.Repeat("x", 400<<10)+"}\n")
	}
	_, err := readHere(t, ".", Options{})
	if !errors.Is(err, render.ErrTooMuch) || !strings.Contains(err.Error(), "kustomization c: ") {
		t.Error(err)
	}
}

// Kustomizations that use each other in a long chain are looked at once: each is a part of
// the one before.
func TestLongChain(t *testing.T) {
	t.Chdir(tempTree(t))
	const long = 300
	for i := range long {
		put(t, fmt.Sprintf("k%03d/kustomization.yaml", i), fmt.Sprintf("resources: [../k%03d]\n", i+1))
	}
	put(t, fmt.Sprintf("k%03d/kustomization.yaml", long), "resources: [pod.yaml]\n")
	put(t, fmt.Sprintf("k%03d/pod.yaml", long), "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n")
	tr := treeOf(t)
	p, err := planOf(t.Context(), tr, ".", "")
	if err != nil || len(p.entries()) != 1 || p.entries()[0].dir != "k000" {
		t.Fatalf("%v %v", p.entries(), err)
	}
}

func readHere(t *testing.T, path string, opts Options) (object.Batch, error) {
	t.Helper()
	opts.Renderer = render.New(render.Limits{})
	defer func() {
		if err := opts.Renderer.Close(); err != nil {
			t.Error(err)
		}
	}()
	return Read(t.Context(), path, opts)
}

// The root of the file system is no tree because somebody stands there: it has everything.
func TestRootIsNoTree(t *testing.T) {
	top := tempTree(t)
	put(t, filepath.Join(top, "overlay/kustomization.yaml"), "resources: [../pod.yaml]\n")
	t.Chdir("/")
	for _, folder := range []string{filepath.Join(top, "overlay"), strings.TrimPrefix(top, "/") + "/overlay"} {
		if g, err := groundOf(folder); err != nil || g.top != filepath.Join(top, "overlay") || g.dir != "." || g.repository {
			t.Errorf("%+v %v", g, err)
		}
	}
}

// A packaged chart is rendered; its templates are named below it.
func TestPackagedChart(t *testing.T) {
	t.Chdir(tempTree(t))
	put(t, "db-1.0.0.tgz", packed(t, map[string]string{
		"db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n", "db/values.yaml": "size: 1\n",
		"db/templates/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Release.Name }}-{{ .Values.size }}}\n",
	}))
	put(t, "more.yaml", "size: 2\n")
	b, err := readHere(t, "./db-1.0.0.tgz", Options{Options: file.Options{Namespace: "data", Digests: true}, Charts: Charts{Values: []string{"more.yaml"}}})
	if err != nil || len(b.Objects) != 1 || len(b.Inputs) != 2 || b.Inputs[0].Name != "db-1.0.0.tgz" || b.Inputs[1].Name != "more.yaml" {
		t.Fatalf("%+v %v", b, err)
	}
	want := object.Source{File: "db-1.0.0.tgz/templates/pod.yaml", Via: "chart db-1.0.0.tgz"}
	if o := b.Objects[0]; o.Ref().String() != "Pod data/db-2" || o.Source != want {
		t.Errorf("%s %+v", o.Ref(), o.Source)
	}
	put(t, "no.tgz", "no archive")
	if _, err := readHere(t, "no.tgz", Options{}); err == nil || !strings.Contains(err.Error(), "no.tgz") {
		t.Error(err)
	}
	put(t, "empty.tgz", packed(t, map[string]string{"x/readme": "x"}))
	if _, err := readHere(t, "empty.tgz", Options{}); err == nil || !strings.Contains(err.Error(), "empty.tgz") {
		t.Error(err)
	}
}

// packed makes an archive as helm package does.
func packed(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Lines are found for what stands in files, and never for what was rendered, also where both
// have a field of the name.
func TestNoLineOfWhatIsRendered(t *testing.T) {
	t.Chdir(tempTree(t))
	pod := "apiVersion: v1\nkind: Pod\nmetadata:\n  name: "
	put(t, "k/kustomization.yaml", "resources: [pod.yaml]\n")
	put(t, "k/pod.yaml", pod+"rendered\n")
	put(t, "plain/pod.yaml", pod+"plain\n")
	b, err := readHere(t, ".", Options{})
	if err != nil || len(b.Objects) != 2 {
		t.Fatalf("%+v %v", b, err)
	}
	for _, o := range b.Objects {
		want := verdict.Origin{File: "plain/pod.yaml", Line: 4, Object: "Pod default/plain", Field: "metadata.name"}
		if o.Name == "rendered" {
			want = o.Origin().At("%s", "metadata.name")
		}
		if got := b.Locate(o.Origin().At("%s", "metadata.name")); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

// A pipe of the shell is read as it is.
func TestPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // only read
	if _, err := w.WriteString("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "linux" {
		t.Skip("/dev/fd is Linux's")
	}
	name := "/proc/self/fd/" + strconv.Itoa(int(r.Fd()))
	if b, err := readHere(t, name, Options{}); err != nil || len(b.Objects) != 1 {
		t.Errorf("%+v %v", b, err)
	}
}

// A folder that a Flux Kustomization names is listed wherever it lies in the tree, and what
// cannot be listed there is a problem: the kustomization of its files would be smaller.
func TestTreeTellsWhatItCannotList(t *testing.T) {
	t.Chdir(tempTree(t))
	put(t, "a/b.yaml", "")
	if err := os.Symlink("nowhere", "a/gone.yaml"); err != nil {
		t.Fatal(err)
	}
	tr := treeOf(t)
	tr.list("a")
	if len(tr.problems) != 1 || !strings.HasSuffix(tr.problems[0].Origin.File, "a/gone.yaml") {
		t.Errorf("%v", tr.problems)
	}
}
