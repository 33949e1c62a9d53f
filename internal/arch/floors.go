package arch

import "strings"

// The floors, from the ground. A package imports its own floor and those below.
// api stands beside model, lab and config (what is applied to a cluster, generated from
// api) beside adapter; internal is test support and stands outside.
var floors = map[string]int{
	"model": 1, "api": 1,
	"engine":  2,
	"adapter": 3, "lab": 3, "config": 3,
	"app": 4,
	"cmd": 5,
}

// wireReaders are those that may import api: the types of our own objects on the wire
// are turned into model values by adapters, and written by the controller.
var wireReaders = []string{"api", "adapter", "lab", "app/controller"}

// maxMain is how many lines a file of a main package may have.
const maxMain = 30

func (c *checker) file(f file) {
	floor, ok := floors[top(f.dir)]
	if !ok && top(f.dir) != "internal" {
		c.report("%s: no floor is called %s", f.path, top(f.dir))
		return
	}
	if f.main && !f.test && f.lines >= maxMain {
		c.report("%s: a main package has less than %d lines; the rest belongs to app", f.path, maxMain)
	}
	for _, imported := range f.imports {
		if own, isOwn := strings.CutPrefix(imported, Module+"/"); isOwn {
			c.own(f, floor, own)
		} else if !f.test && within(f.dir, "model", "engine") {
			c.quiet(f, imported)
		}
	}
}

// own checks an import of one of our packages.
func (c *checker) own(f file, floor int, own string) {
	switch {
	case top(own) == "internal":
		if !f.test && !within(f.dir, "internal", "cmd") {
			c.report("%s: imports %s, which is for tests and mains", f.path, own)
		}
	case top(f.dir) == "internal":
		// Test support builds worlds of any floor.
	case floors[top(own)] == 0:
		c.report("%s: imports %s, which is on no floor", f.path, own)
	case floors[top(own)] > floor:
		c.report("%s: %s imports %s, a floor above", f.path, top(f.dir), own)
	case top(own) == "api" && !within(f.dir, wireReaders...):
		c.report("%s: imports %s; only adapters and the controller know the wire", f.path, own)
	}
}

// loud are the standard packages that look at the world or tell it something, by
// path or by its beginning: deciding must give the same bytes for the same snapshot.
var loud = []string{
	"os", "net", "log", "time", "syscall", "unsafe", "plugin", "flag", "testing",
	"math/rand", "crypto/rand", "io/ioutil", "runtime", "database",
}

// quiet checks what model and engine import from outside the house.
func (c *checker) quiet(f file, imported string) {
	outside := strings.Contains(top(imported), ".")
	if imported == "net/netip" || !outside && !within(imported, loud...) {
		return
	}
	for key := range c.rules.Reasons {
		dir, pkg, _ := strings.Cut(key, " ")
		if within(f.dir, dir) && within(imported, pkg) {
			c.used[key] = true
			return
		}
	}
	if outside {
		c.report("%s: imports %s from outside without a reason", f.path, imported)
		return
	}
	c.report("%s: imports %s; deciding looks at no network, file, clock, environment or log", f.path, imported)
}

// top returns the first element of a path.
func top(p string) string {
	first, _, _ := strings.Cut(p, "/")
	return first
}

// within reports whether p is one of the paths or lies below one.
func within(p string, paths ...string) bool {
	for _, q := range paths {
		if p == q || strings.HasPrefix(p, q+"/") {
			return true
		}
	}
	return false
}
