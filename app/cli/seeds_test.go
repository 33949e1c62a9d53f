package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit/rules"
)

var update = flag.Bool("update", false, "write what is compiled and proven into examples/seeds")

// A seed is one folder of examples/seeds: a short intent, and what is made of it. Its README
// is held to: it has the commands, and says where compile's exit status is not 0 and what is
// not proven.
type seed struct {
	dir    string
	readme string
	args   map[string][]string // of each command
}

// eachSeed runs a test for each folder, at the root of the repository, as readers do.
func eachSeed(t *testing.T, test func(*testing.T, seed)) {
	t.Chdir("../..")
	readmes, err := filepath.Glob("examples/seeds/*/README.md")
	if err != nil || len(readmes) == 0 {
		t.Fatalf("%d examples, %v", len(readmes), err)
	}
	for _, path := range readmes {
		s := seed{dir: filepath.Dir(path), readme: fileText(t, path), args: map[string][]string{}}
		for line := range strings.Lines(s.readme) {
			if command, ok := strings.CutPrefix(line, indent+"pgmoat "); ok {
				name, args, _ := strings.Cut(command, " ")
				s.args[name] = strings.Fields(args)
			}
		}
		t.Run(filepath.Base(s.dir), func(t *testing.T) { test(t, s) })
	}
}

var exitWords = regexp.MustCompile(`(?m)^Exit status (\d): `)

// status is the exit status that the README tells.
func (s seed) status() string {
	if m := exitWords.FindStringSubmatch(s.readme); m != nil {
		return m[1]
	}
	return "0"
}

// compile compiles a seed, with more arguments, into a new directory, and returns its files.
func (s seed) compile(t *testing.T, more ...string) map[string]string {
	dir := t.TempDir()
	_, status := s.run(t, "compile", append(more, "-o", "dir", "--out", dir)...)
	if status != s.status() {
		t.Errorf("exit status %s, the README says %s", status, s.status())
	}
	return filesOf(t, dir)
}

func (s seed) run(t *testing.T, command string, more ...string) (output, status string) {
	var stdout, stderr bytes.Buffer
	if len(s.args[command]) == 0 {
		t.Fatalf("the README of %s has no pgmoat %s", s.dir, command)
	}
	args := slices.Concat([]string{"pgmoat", command}, s.args[command], more)
	code := Main(context.Background(), args, strings.NewReader(""), &stdout, &stderr)
	if stderr.Len() > 0 {
		t.Errorf("%s says\n%s", strings.Join(args, " "), stderr.String())
	}
	return stdout.String(), fmt.Sprint(code)
}

// What is compiled of each example is what stands beside it.
func TestSeedsAreCompiled(t *testing.T) {
	eachSeed(t, func(t *testing.T, s seed) {
		got, golden := s.compile(t), filepath.Join(s.dir, "compiled")
		if *update {
			rewriteFiles(t, golden, got)
		}
		sameFiles(t, filesOf(t, golden), got)
	})
}

// Compiled again with its own objects applied, each example stays as it is: whoever keeps
// the directory in a repository would else take away what he has just applied.
func TestSeedsStayWhenApplied(t *testing.T) {
	eachSeed(t, func(t *testing.T, s seed) {
		again := s.compile(t, "-f", filepath.Join(s.dir, "compiled", "objects"))
		sameFiles(t, filesOf(t, filepath.Join(s.dir, "compiled")), again)
	})
}

// Each statement about each example is proven, but where its README says "Not proven" or
// "Refuted". prove.txt has the statements, without the attempts that were made.
func TestSeedsAreProven(t *testing.T) {
	eachSeed(t, func(t *testing.T, s seed) {
		output, status := s.run(t, "prove")
		want := "0"
		if strings.Contains(s.readme, "\nRefuted: ") {
			want = "1"
		}
		if strings.Contains(s.readme, "\nNot proven: ") {
			want = "2"
		}
		stated := ""
		for _, m := range statement.FindAllStringSubmatch(output, -1) {
			stated += m[1] + "\n"
		}
		if status != want || !strings.Contains(stated, "PROVEN") {
			t.Errorf("exit status %s, want %s\n%s", status, want, output)
		}
		if *update {
			writeFile(t, filepath.Join(s.dir, "prove.txt"), stated)
		}
		sameFiles(t, map[string]string{"prove.txt": fileText(t, filepath.Join(s.dir, "prove.txt"))}, map[string]string{"prove.txt": stated})
	})
}

var statement = regexp.MustCompile(`(?m)^((?:PROVEN|REFUTED|UNKNOWN) .*?)(?: \(\d+ \w+\))?$`)

var (
	ruleWord = regexp.MustCompile(`\b[A-Z]{3}1\d{3}\b`)
	linkWord = regexp.MustCompile(`\]\(([^)]+)\)`)
)

// Every page that is linked is there, every rule that a page names exists, and every example
// is linked.
func TestPagesAreThere(t *testing.T) {
	t.Chdir("../..")
	named, linked := 0, map[string]bool{}
	for _, page := range pages(t) {
		text := fileText(t, page)
		for _, id := range ruleWord.FindAllString(text, -1) {
			named++
			if _, err := rules.Named(id); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
		for _, m := range linkWord.FindAllStringSubmatch(text, -1) {
			if target := isThere(t, page, m[1]); target != "" {
				linked[target] = true
			}
		}
	}
	for _, page := range pages(t) {
		if dir := filepath.Dir(page); strings.HasPrefix(page, "examples/seeds/") && !linked[dir] && !linked[page] {
			t.Errorf("nothing leads to %s", page)
		}
		if strings.HasPrefix(page, "docs/") && !linked[page] && !linked[filepath.Dir(page)] {
			t.Errorf("nothing leads to %s", page)
		}
	}
	if named == 0 {
		t.Error("no page names a rule")
	}
}

// pages are all of the repository that people read.
func pages(t *testing.T) (out []string) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"bin", "dist", "testdata", "compiled"}, d.Name())) {
			return fs.SkipDir
		}
		if filepath.Ext(path) == ".md" {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// isThere checks a link of a page and returns the file that it leads to; empty for one that
// leads out of the repository.
func isThere(t *testing.T, page, link string) string {
	if strings.Contains(link, "://") {
		return ""
	}
	target, anchor, _ := strings.Cut(link, "#")
	if target = filepath.Join(filepath.Dir(page), target); link[0] == '#' {
		target = page
	}
	switch _, err := os.Stat(target); {
	case err != nil:
		t.Errorf("%s: %v", page, err)
	case anchor != "" && !slices.Contains(anchors(fileText(t, target)), anchor):
		t.Errorf("%s: %s has no heading for #%s", page, target, anchor)
	}
	return filepath.Clean(target)
}

// anchors are the names that headings of a page are linked by.
func anchors(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && line[0] == '#' {
			kept := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			out = append(out, strings.ReplaceAll(kept, " ", "-"))
		}
	}
	return out
}

// filesOf is what the files of a directory hold, by their paths.
func filesOf(t *testing.T, dir string) map[string]string {
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		out[filepath.ToSlash(name)] = fileText(t, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func rewriteFiles(t *testing.T, dir string, files map[string]string) {
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		writeFile(t, filepath.Join(dir, filepath.FromSlash(name)), text)
	}
}

func writeFile(t *testing.T, path, text string) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func fileText(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sameFiles tells of the first line in which each file differs.
func sameFiles(t *testing.T, want, got map[string]string) {
	t.Helper()
	names := slices.Concat(slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(got)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		old, wanted := want[name]
		now, made := got[name]
		switch {
		case !made:
			t.Errorf("%s is not made any more", name)
		case !wanted:
			t.Errorf("%s is new:\n%s", name, now)
		case old != now:
			t.Errorf("%s differs at line %s: go test ./app/cli -run TestSeeds -update", name, firstDifference(old, now))
		}
	}
}

func firstDifference(old, now string) string {
	a, b := strings.Split(old, "\n"), strings.Split(now, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("%d:\n- %s\n+ %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprint(min(len(a), len(b)) + 1)
}
