package file

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// globs are patterns, each cut at its slashes.
type globs [][]string

func newGlobs(patterns []string) (globs, error) {
	var gs globs
	for _, p := range patterns {
		clean := path.Clean(filepath.ToSlash(p))
		if _, err := path.Match(clean, ""); err != nil || p == "" {
			return nil, fmt.Errorf("skip %q: not a valid pattern", p)
		}
		gs = append(gs, strings.Split(clean, "/"))
	}
	return gs, nil
}

// Skips reports whether Skip leaves out a path by itself. The error is that of the patterns.
func (o Options) Skips(name string) (bool, error) {
	gs, err := newGlobs(o.Skip)
	return err == nil && gs.match(name), err
}

// match reports whether a pattern matches the path or a suffix of it that begins
// at a name. A pattern that begins with a slash matches from the root only.
func (gs globs) match(p string) bool {
	names := strings.Split(path.Clean(filepath.ToSlash(p)), "/")
	for _, g := range gs {
		for from := range names {
			if (from == 0 || g[0] != "") && matchNames(g, names[from:]) {
				return true
			}
		}
	}
	return false
}

// matchNames matches name by name. After each "**" the nearest match is enough,
// so going back to the last "**" finds every match without branching.
func matchNames(g, names []string) bool {
	gi, ni := 0, 0
	star, mark := -1, 0
	for ni < len(names) {
		switch {
		case gi < len(g) && g[gi] == "**":
			star, mark = gi, ni
			gi++
		case gi < len(g) && matchName(g[gi], names[ni]):
			gi++
			ni++
		case star >= 0:
			mark++
			gi, ni = star+1, mark
		default:
			return false
		}
	}
	for gi < len(g) && g[gi] == "**" {
		gi++
	}
	return gi == len(g)
}

func matchName(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}
