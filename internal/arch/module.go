package arch

import (
	"bytes"
	"errors"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// module checks go.mod, and that docs/dependencies.md has a heading for each direct
// dependency and for nothing else.
func (c *checker) module(tree fs.FS) error {
	mod, err := fs.ReadFile(tree, "go.mod")
	if err != nil {
		return err
	}
	direct := c.requirements(string(mod))
	doc, err := fs.ReadFile(tree, "docs/dependencies.md")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var told []string
	for _, m := range heading.FindAllStringSubmatch(string(doc), -1) {
		told = append(told, m[1])
	}
	for _, d := range direct {
		if !slices.Contains(told, d) {
			c.report("docs/dependencies.md: nothing about %s, which go.mod requires", d)
		}
	}
	for _, d := range told {
		if !slices.Contains(direct, d) {
			c.report("docs/dependencies.md: tells of %s, which go.mod does not require directly", d)
		}
	}
	return nil
}

var heading = regexp.MustCompile("(?m)^## `([^`]+)`$")

// requirements returns the direct ones, and reports every replace directive.
func (c *checker) requirements(mod string) []string {
	var direct []string
	block := ""
	for line := range strings.Lines(mod) {
		line, comment, _ := strings.Cut(line, "//")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
			continue
		case words[0] == ")":
			block = ""
			continue
		case len(words) == 2 && words[1] == "(":
			block = words[0]
			continue
		case block != "":
			words = append([]string{block}, words...)
		}
		switch {
		case words[0] == "replace":
			c.report("go.mod: replaces %s; whoever installs pgmoat would not get it", words[1])
		case words[0] == "require" && !strings.Contains(comment, "indirect"):
			direct = append(direct, words[1])
		}
	}
	return direct
}

// words looks for what no file may say, in everything that is text.
func (c *checker) words(tree fs.FS) error {
	return fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".git", ".cache", "bin", "dist"}, name) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil || bytes.IndexByte(text, 0) >= 0 {
			return err
		}
		for word, why := range c.rules.Words {
			if i := bytes.Index(text, []byte(word)); i >= 0 {
				c.report("%s:%d: says %q: %s", name, 1+bytes.Count(text[:i], []byte("\n")), word, why)
			}
		}
		return nil
	})
}
