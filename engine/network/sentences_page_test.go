package network_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/network.md lists the tests of sentences, each once and no others.
func TestSentencesAreListed(t *testing.T) {
	page, err := os.ReadFile("../../docs/network.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "## What the API says, and where it is tested\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var listed []string
	for _, row := range regexp.MustCompile(`(?m)^\|[^|]+\| (\w[^|]*) \|$`).FindAllStringSubmatch(section, -1) {
		if row[1] != "tests" {
			listed = append(listed, strings.Split(row[1], ", ")...)
		}
	}
	written := sentences(t)
	slices.Sort(listed)
	if !slices.Equal(listed, written) {
		t.Errorf("docs/network.md lists\n%q\nthe tests are\n%q", listed, written)
	}
}

// sentences are the names of the tests in sentences_*_test.go, sorted.
func sentences(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("sentences_*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func TestSentence([A-Z]\w*)\(`).FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
	}
	slices.Sort(names)
	return names
}
