package repo

import (
	"cmp"
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// A remote is the address of a repository in the form that is compared: host and path, lower
// case, without scheme, user, port and ".git". Argo CD compares in the same way.
type remote string

// scp is the address that ssh takes: user@host:path.
var scp = regexp.MustCompile(`^(?:[^/@]+@)?([^/:]+):([^/].*|/.*)$`)

// remoteOf returns the address of a repository; empty for none.
func remoteOf(url string) remote {
	url = strings.TrimSpace(url)
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		rest = url
		if m := scp.FindStringSubmatch(url); m != nil {
			rest = m[1] + "/" + strings.TrimLeft(m[2], "/")
		}
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	host, folder, _ := strings.Cut(rest, "/")
	host = host[strings.LastIndexByte(host, '@')+1:]
	host, _, _ = strings.Cut(host, ":")
	folder = strings.TrimSuffix(strings.Trim(folder, "/"), ".git")
	if folder == "" {
		return ""
	}
	return remote(strings.ToLower(host + "/" + folder))
}

// remotesOf reads the addresses of all remotes of a .git/config (git-config(1), CONFIGURATION
// FILE). Those of a push, and what other files say, are not looked at.
func remotesOf(config string) []remote {
	var out []remote
	inRemote := false
	for line := range strings.Lines(config) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			inRemote = strings.HasPrefix(strings.ToLower(line), `[remote "`)
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !inRemote || !ok || !strings.EqualFold(strings.TrimSpace(key), "url") {
			continue
		}
		if r := remoteOf(strings.Trim(strings.TrimSpace(value), `"`)); r != "" {
			out = append(out, r)
		}
	}
	return out
}

// shownURL is an address as it may be printed: without what may be a password.
func shownURL(url string) string {
	url = strings.TrimSpace(url)
	scheme, rest, ok := strings.Cut(url, "://")
	if ok {
		scheme += "://"
	} else {
		scheme, rest = "", url
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	return scheme + rest[strings.LastIndexByte(rest, '@')+1:]
}

// isTree reports whether a repository is the tree. Where the tree does not say which one it
// is, or no file says the address, it is taken to be, and told is false.
func (t *trace) isTree(url string) (is, told bool) {
	if len(t.remotes) == 0 || url == "" {
		return true, false
	}
	return slices.Contains(t.remotes, remoteOf(url)), true
}

// A place is a folder of a repository that an object names.
type place struct {
	// url is the repository's; name stands for it where the tree does not tell the address.
	url, name string
	// path is the folder as it is written, field where.
	path, field string
	// namespace is where it goes, as far as that is told.
	namespace string
}

func (p place) repository() string { return cmp.Or(shownURL(p.url), p.name) }

func (p place) folder() string { return cmp.Or(p.path, ".") }

// folderOf returns the folder of the tree that an object names. Where the tree does not have
// it, that is told, and ok is false.
func (t *trace) folderOf(o object.Object, p place) (dir string, ok bool) {
	is, told := t.isTree(p.url)
	if !is {
		t.miss(o, p.namespace, "folder %s of %s", p.folder(), p.repository())
		return "", false
	}
	dir, err := within(".", p.path)
	if err != nil {
		t.refuse(o, fault(p.field, "%q %w", p.path, err))
		return "", false
	}
	if !t.files.isDir(dir) {
		t.miss(o, p.namespace, "folder %s of %s", p.folder(), p.repository())
		if told {
			t.warn(o, warnNoFolder, p.field, o.Ref().String()+p.path, "%s: %s is this repository, and it has no folder %s", o.Ref(), p.repository(), p.folder())
		}
		return "", false
	}
	if !told {
		t.warn(o, warnSameTree, p.field, p.repository(), "%s is taken to be these files: %s", p.repository(), t.untold(p.url))
	}
	return dir, true
}

func (t *trace) untold(url string) string {
	if url == "" {
		return "no file says its address"
	}
	return "they are not a Git repository with a remote"
}

var errLeaves = errors.New("leads out of the repository")

// within returns the path in the tree of one that is written in a folder of it. One that
// begins with a slash, and one that climbs out, is an error.
func within(dir, name string) (string, error) {
	joined := path.Join(dir, name)
	if path.IsAbs(name) || joined == ".." || strings.HasPrefix(joined, "../") || strings.ContainsRune(name, 0) {
		return "", errLeaves
	}
	return joined, nil
}
