package repo

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/render"
)

// A ground is the tree that a path lies in, and how people name what it holds.
type ground struct {
	// top is the folder of the tree: absolute, and without links.
	top string
	// dir is the folder that the path names, or the folder of the file that it names: a path
	// in the tree, "." for its top.
	dir string
	// repository says that the tree is a Git repository; otherwise it may be a part of
	// something larger.
	repository bool
	// at and above lead people to dir and to top.
	at, above string
}

// groundOf finds the tree of a folder, as people name it: see Read.
func groundOf(folder string) (ground, error) {
	real, err := realPath(folder)
	if err != nil {
		return ground{}, err
	}
	g := ground{top: real, at: filepath.Clean(folder)}
	if top := repositoryOf(real); top != "" {
		g.top, g.repository = top, true
	} else if here, err := realPath("."); err == nil && below(here, real) && filepath.Dir(here) != here {
		g.top = here
	}
	rel, err := filepath.Rel(g.top, real)
	if err != nil {
		return ground{}, err
	}
	g.dir, g.above = filepath.ToSlash(rel), above(g.at, g.top, rel)
	return g, nil
}

// realPath returns a path, absolute and without links.
func realPath(p string) (string, error) {
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		return "", err
	}
	return filepath.Abs(real)
}

func below(dir, real string) bool {
	rel, err := filepath.Rel(dir, real)
	return err == nil && filepath.IsLocal(rel)
}

// repositoryOf returns the nearest folder at or above dir that has a .git; empty for none.
func repositoryOf(dir string) string {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// above returns how people name the top, who name the folder rel below it at. A folder that
// they reach through a link has another one above it, and then the top is named from where
// they are.
func above(at, top, rel string) string {
	up := at
	if rel != "." {
		up = filepath.Join(at, strings.Repeat("../", strings.Count(filepath.ToSlash(rel), "/")+1))
	}
	if real, err := realPath(up); err == nil && real == top {
		return up
	}
	if here, err := realPath("."); err == nil && !filepath.IsAbs(at) {
		if up, err := filepath.Rel(here, top); err == nil {
			return up
		}
	}
	return top
}

// shown returns how people name a path in the tree.
func (g ground) shown(p string) string {
	if rel, ok := inside(g.dir, p); ok {
		return filepath.Join(g.at, filepath.FromSlash(rel))
	}
	return filepath.Join(g.above, filepath.FromSlash(p))
}

// inside returns the path from a folder of the tree to what is in it, or to itself.
func inside(dir, p string) (rel string, ok bool) {
	switch {
	case dir == ".":
		return p, true
	case p == dir:
		return ".", true
	}
	return strings.CutPrefix(p, dir+"/")
}

// place returns the path in the tree of a real path; false for one outside.
func (g ground) place(real string) (string, bool) {
	rel, err := filepath.Rel(g.top, real)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// placeOf is place of the folder that a file is in, as people name the file: a link to a
// kustomization is one of the folder that has the link.
func (g ground) placeOf(name string) (dir string, ok bool) {
	real, err := realPath(filepath.Dir(name))
	if err != nil {
		return "", false
	}
	return g.place(real)
}

// wider explains an error about a file outside of a tree that may be part of a larger one.
func (g ground) wider(err error) error {
	if g.repository || !errors.Is(err, errOutside) && !errors.Is(err, render.ErrOutside) {
		return err
	}
	return fmt.Errorf("%w: nothing outside of %s is read, which is in no Git repository; run in the folder that holds both, or name that folder with -f", err, g.shown("."))
}

// up reports whether a path leaves the folder that it begins in.
func up(p string) bool {
	return path.IsAbs(p) || !filepath.IsLocal(filepath.FromSlash(p))
}
