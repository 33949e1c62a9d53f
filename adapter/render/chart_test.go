package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
)

// TestChartUsesWhatHelmLoads compares the files with those that helm's own loader takes from
// a folder.
func TestChartUsesWhatHelmLoads(t *testing.T) {
	names := []string{
		"Chart.yaml", "values.yaml", "README.md", "README.md.bak", "a/b/c.txt", "a/b.txt", "b/a.txt", "b/.hidden", ".hidden/a",
		"templates/a.yaml", "templates/.a.yaml", "templates/.a/b.yaml", "templates/a/b.yaml", "templates/tests/a.yaml",
		"charts/sub/Chart.yaml", "charts/sub/.helmignore", "charts/sub/a.txt", "charts/sub/templates/.a.yaml", "charts/_off/x",
	}
	for _, rules := range []string{
		"", "# nothing\n\n", "*.bak", "a/", "a", "/a", "a/b.txt", "b/*", "/b/a.txt", "templates/tests", ".*", "*.txt\r\n*.md", "\ufeff*.md",
		"!*.yaml", "!/a/", "?hidden", "[ab]", "charts/sub/a.txt", "a.txt", "/charts/_off",
	} {
		dir := t.TempDir()
		for _, name := range names {
			text := "x: 1\n"
			if filepath.Base(name) == "Chart.yaml" {
				text = "{apiVersion: v2, name: " + strings.ReplaceAll(filepath.Base(filepath.Dir(name)), ".", "c") + ", version: 1.0.0}"
			}
			write(t, filepath.Join(dir, "charts", "c", name), text)
		}
		write(t, filepath.Join(dir, "charts", "c", ".helmignore"), rules)
		files, err := ChartUses(tempTree(dir), "charts/c")
		loaded, helmErr := loader.LoadDir(filepath.Join(dir, "charts", "c"))
		if (err != nil) != (helmErr != nil) {
			t.Errorf("%q: %v, and helm %v", rules, err, helmErr)
			continue
		}
		if err != nil {
			continue
		}
		var want []string
		for _, f := range loaded.Raw {
			want = append(want, "charts/c/"+f.Name)
		}
		slices.Sort(want)
		if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) {
			t.Errorf("%q:\n%s\nhelm's\n%s", rules, got, want)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func tempTree(dir string) Tree {
	return os.DirFS(dir).(Tree)
}

// A reading tree tells what was read of it.
type reading struct {
	Tree
	read map[string]bool
}

func (r reading) ReadFile(name string) ([]byte, error) {
	r.read[name] = true
	return r.Tree.ReadFile(name)
}

func TestChartUses(t *testing.T) {
	good := func() fstest.MapFS {
		return fstest.MapFS{
			"c/Chart.yaml":        {Data: []byte("\ufeffname: c")},
			"c/.helmignore":       {Data: []byte("big\n")},
			"c/big":               {Data: make([]byte, 6<<20)},
			"c/.git/objects/pack": {Data: make([]byte, 6<<20)},
			"other/Chart.yaml":    {Data: []byte("name: other")},
		}
	}
	tree := reading{good(), map[string]bool{}}
	files, err := ChartUses(tree, "c/")
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, []string{"c/.helmignore", "c/Chart.yaml"}) || string(files["c/Chart.yaml"]) != "name: c" {
		t.Errorf("%q, %q", got, files["c/Chart.yaml"])
	}
	if tree.read["c/big"] || tree.read["other/Chart.yaml"] {
		t.Error("a file was read that is not used")
	}
	deep := "c/" + strings.Repeat("d/", 100) + "x"
	for want, plant := range map[string]func(fstest.MapFS){
		"c/large: 5242881 bytes, and helm takes no file of a chart with more than 5242880: except it in c/.helmignore": func(m fstest.MapFS) {
			m["c/large"] = &fstest.MapFile{Data: make([]byte, 5<<20+1)}
		},
		"c: more than 104857600 bytes in the chart": func(m fstest.MapFS) {
			part := make([]byte, 5<<20)
			for i := range 21 {
				m[fmt.Sprint("c/part", i)] = &fstest.MapFile{Data: part}
			}
		},
		"c: more than 20000 files and folders in the chart": func(m fstest.MapFS) {
			for i := range 20_001 {
				m[fmt.Sprint("c/", i)] = &fstest.MapFile{}
			}
		},
		"folders more than 64 deep in the chart": func(m fstest.MapFS) { m[deep] = &fstest.MapFile{} },
		"c/pipe: not a regular file":             func(m fstest.MapFS) { m["c/pipe"] = &fstest.MapFile{Mode: fs.ModeNamedPipe} },
		"c/.helmignore: double-star":             func(m fstest.MapFS) { m["c/.helmignore"] = &fstest.MapFile{Data: []byte("a/**")} },
		strings.Repeat("a/", 61) + "a: folders more than 64 deep": func(m fstest.MapFS) {
			m["c/d/a"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte(".")}
			m["c/d/b"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte(".")}
		},
		"c: Chart.yaml is missing": func(m fstest.MapFS) { delete(m, "c/Chart.yaml") },
	} {
		m := good()
		plant(m)
		if _, err := ChartUses(m, "c"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s: %v", want, err)
		}
	}
	if _, err := ChartUses(good(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// tape packs headers as they are, and the text of those that are files.
func tape(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	for _, h := range headers {
		h.Mode = 0o644
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, h.Size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestHostileArchives: an archive is refused by itself and as a dependency.
func TestHostileArchives(t *testing.T) {
	chart := tar.Header{Name: "c/Chart.yaml", Size: 10}
	many := make([]tar.Header, maxFiles+2)
	for i := range many {
		many[i] = tar.Header{Name: fmt.Sprint("c/", i)}
	}
	var parts []tar.Header
	for i := range 21 {
		parts = append(parts, tar.Header{Name: fmt.Sprint("c/part", i), Size: 5 << 20})
	}
	good := tape(t, chart)
	for name, c := range map[string]struct {
		packed []byte
		want   string
	}{
		"no archive":    {[]byte("name: c"), "not a packaged chart"},
		"cut":           {good[:len(good)-20], "not a packaged chart"},
		"empty":         {tape(t), "no files in chart archive"},
		"large file":    {tape(t, chart, tar.Header{Name: "c/large", Size: 5<<20 + 1}), "c/large: 5242881 bytes"},
		"large archive": {tape(t, parts...), "larger than the maximum size"},
		"many files":    {tape(t, many...), "takes more than it may (files)"},
		"parent":        {tape(t, chart, tar.Header{Name: "c/../../etc/passwd"}), "parent directory"},
		"absolute":      {tape(t, chart, tar.Header{Name: "c//etc/passwd"}), "absolute paths"},
		"backslashes":   {tape(t, chart, tar.Header{Name: `c\..\..\etc\passwd`}), "parent directory"},
		"drive":         {tape(t, chart, tar.Header{Name: `c\C:\a`}), "illegally named"},
		"no folder":     {tape(t, tar.Header{Name: "Chart.yaml"}), "outside the base directory"},
		"link":          {tape(t, chart, tar.Header{Name: "c/templates/a.yaml", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}), "c/templates/a.yaml: neither a file nor a folder"},
		"hard link":     {tape(t, chart, tar.Header{Name: "c/a", Typeflag: tar.TypeLink, Linkname: "c/Chart.yaml"}), "c/a: neither a file nor a folder"},
		"pipe":          {tape(t, chart, tar.Header{Name: "c/a", Typeflag: tar.TypeFifo}), "c/a: neither a file nor a folder"},
		"twice":         {tape(t, chart, chart), "Chart.yaml is in the archive twice"},
	} {
		if _, err := ChartArchive("a/c.tgz", c.packed); err == nil || !strings.HasPrefix(err.Error(), "a/c.tgz: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		in := small("")
		in.Files["c/charts/c.tgz"] = c.packed
		if _, err := renderChart(&in, Limits{}); err == nil || !strings.HasPrefix(err.Error(), "c/charts/c.tgz: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s as a dependency: %v", name, err)
		}
	}
}

// TestManyArchives: each is within helm's bounds, and all of them together are not.
func TestManyArchives(t *testing.T) {
	files := []txtar.File{{Name: "sub/Chart.yaml", Data: []byte("{apiVersion: v2, name: sub, version: 1.0.0}")}}
	for i := range 8 {
		files = append(files, txtar.File{Name: fmt.Sprint("sub/part", i), Data: make([]byte, 5<<20)})
	}
	in := small("")
	for i := range 3 {
		in.Files[fmt.Sprintf("c/charts/%d.tgz", i)] = pack(t, files)
	}
	if _, err := renderChart(&in, Limits{}); !errors.Is(err, ErrTooMuch) || !strings.HasPrefix(err.Error(), "c/charts/2.tgz: ") {
		t.Error(err)
	}
}

// TestLargeDependency: what lies below charts/ counts once.
func TestLargeDependency(t *testing.T) {
	in := small("-- charts/sub/Chart.yaml --\n{apiVersion: v2, name: sub, version: 1.0.0}\n" +
		"-- charts/sub/charts/leaf/Chart.yaml --\n{apiVersion: v2, name: leaf, version: 1.0.0}\n")
	part := make([]byte, 5<<20)
	for i := range 14 {
		in.Files[fmt.Sprint("c/charts/sub/charts/leaf/part", i)] = part
	}
	if _, err := renderChart(&in, Limits{}); err != nil {
		t.Error(err)
	}
}

func TestFolderNamedLikeAnArchive(t *testing.T) {
	in := small("-- charts/sub.tgz/Chart.yaml --\n{apiVersion: v2, name: sub, version: 1.0.0}\n")
	if _, err := renderChart(&in, Limits{}); err == nil || err.Error() != "c/charts/sub.tgz: a folder by the name of an archive" {
		t.Error(err)
	}
}
