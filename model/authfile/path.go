package authfile

import (
	"path"
	"strings"
)

// maxPath is the length at which the server cuts a path.
const maxPath = 1023

// beside returns the path that a file names: relative to the directory of the file
// that names it (port/path.c).
func beside(file, name string, version int) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	dir := parent(file)
	for strings.HasPrefix(name, "./") {
		name = name[2:]
	}
	full := dir
	if name != "" {
		full = dir + "/" + name
		if dir == "" {
			full = name
		}
	}
	full = full[:min(len(full), maxPath)]
	if version >= 15 {
		return cleaned(full)
	}
	return trimmed(full)
}

// parent is get_parent_directory.
func parent(file string) string {
	switch i := strings.LastIndexByte(strings.TrimRight(file, "/"), '/'); {
	case i > 0:
		return strings.TrimRight(file[:i], "/")
	case i == 0:
		return "/"
	}
	return ""
}

// cleaned is canonicalize_path since 15: all "." and ".." are resolved.
func cleaned(p string) string { return path.Clean(p) }

// trimmed is canonicalize_path before 15: doubled slashes vanish, but "." and ".."
// are resolved at the end only.
func trimmed(p string) string {
	for strings.Contains(p, "//") {
		p = strings.ReplaceAll(p, "//", "/")
	}
	if len(p) > 1 {
		p = strings.TrimSuffix(p, "/")
	}
	pending := 0
	for {
		base := path.Base(p)
		switch {
		case p == ".", p == "/", p == "":
			return p
		case base == ".":
			p = up(p)
		case base == "..":
			p = up(p)
			pending++
		case pending > 0:
			p = up(p)
			pending--
			if p == "" {
				p = "."
			}
		default:
			return p
		}
	}
}

// up takes off the last part of a path.
func up(p string) string {
	switch i := strings.LastIndexByte(p, '/'); {
	case i > 0:
		return p[:i]
	case i == 0:
		return "/"
	}
	return ""
}
