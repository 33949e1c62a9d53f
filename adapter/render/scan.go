package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
)

// A scan reads what a kustomization uses.
type scan struct {
	tree    Tree
	top     string
	anyPath bool
	used    Used
	// built are the kustomizations by their folders; each is read once, however often it is
	// used.
	built map[string]*kustomization
	// links are all that were looked at, empty for what is none.
	links map[string]string
	// left is how many bytes may still be read, configs how many that say what else is.
	left, configs int64
}

// A kustomization is one that was read.
type kustomization struct {
	types.Kustomization
	// file is its file, dir the folder, both without links.
	file, dir string
	// above are the folders of those that use it, and its own.
	above []string
	// resources are the files that it names as such, bases the folders.
	resources, bases []string
}

// A place is a field of a kustomization, with the entry.
type place struct {
	of           *kustomization
	field, entry string
}

// refuse refuses what is written at a place.
func (s *scan) refuse(p place, err error) error {
	r := &Refusal{File: p.of.file, Field: p.field, Entry: strings.TrimSpace(p.entry), Err: err}
	switch {
	case errors.Is(err, ErrRemote):
		r.command = "kustomize localize --scope %[2]s %[1]s"
	case errors.Is(err, ErrInflated):
		r.command = "kustomize build --enable-helm %[1]s > FILE"
	case errors.Is(err, ErrPlugin):
		r.command = "kustomize build --enable-alpha-plugins --enable-exec %[1]s > FILE"
	}
	r.top = path.Clean(s.top)
	return r.Named(func(name string) string { return name })
}

// build reads the kustomization of a folder, and then what it uses. Its error is a Refusal
// of something inside, or about the folder itself.
func (s *scan) build(dir string, above []string) (*kustomization, error) {
	if k := s.built[dir]; k != nil {
		return k, nil
	}
	file, err := s.kustomizationIn(dir)
	if err != nil {
		return nil, err
	}
	k := &kustomization{file: file, dir: dir, above: append(append([]string{}, above...), dir)}
	text, err := s.config(file)
	if err == nil {
		err = k.Unmarshal(text)
	}
	if err != nil {
		return nil, &Refusal{File: file, Err: oneLine(err)}
	}
	s.built[dir] = k
	return k, s.fields(k)
}

// kustomizationIn is the one kustomization of a folder.
func (s *scan) kustomizationIn(dir string) (string, error) {
	var found []string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		real, info, err := s.find(path.Join(dir, name))
		if errors.Is(err, ErrMissing) {
			continue
		}
		if err != nil {
			return "", &Refusal{File: path.Join(dir, name), Err: err}
		}
		if info.Mode().IsRegular() {
			found = append(found, real)
		}
	}
	switch len(found) {
	case 0:
		return "", ErrNoKust
	case 1:
		return found[0], nil
	}
	return "", &Refusal{File: found[0], Err: ErrTwoKusts}
}

// find follows the links to a file or folder of the tree.
func (s *scan) find(name string) (string, fs.FileInfo, error) {
	real, err := follow(path.Clean(name), s.link)
	if err != nil {
		return "", nil, err
	}
	info, err := s.tree.Stat(real)
	return real, info, missing(err)
}

// link is what a link says, and remembers it for kustomize.
func (s *scan) link(name string) string {
	if target, ok := s.links[name]; ok {
		return target
	}
	target, err := s.tree.ReadLink(name)
	if err != nil {
		target = ""
	}
	if s.links[name] = target; target != "" {
		s.used.Links[name] = target
	}
	return target
}

// missing says of a file that is not there just that, and of others why.
func missing(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return ErrMissing
	}
	return fmt.Errorf("cannot be read: %w", err)
}

// config reads a file that says what else is read.
func (s *scan) config(name string) ([]byte, error) {
	text, err := s.read(name)
	if err != nil {
		return nil, err
	}
	if s.configs -= int64(len(text)); s.configs < 0 || len(text) > maxConfig {
		return nil, tooMuch("size")
	}
	return text, nil
}

// read reads a file that find found, once, and keeps it.
func (s *scan) read(name string) ([]byte, error) {
	if text, ok := s.used.Files[name]; ok {
		return text, nil
	}
	if len(s.used.Files) == maxUsed {
		return nil, tooMuch("files")
	}
	info, err := s.tree.Stat(name)
	if err != nil {
		return nil, missing(err)
	}
	if info.Size() > s.left {
		return nil, tooMuch("files")
	}
	text, err := s.tree.ReadFile(name)
	if err != nil {
		return nil, missing(err)
	}
	if s.left -= int64(len(text)); s.left < 0 {
		return nil, tooMuch("files")
	}
	s.used.Files[name] = text
	return text, nil
}

// oneLine says an error of a library in one line that is not endless.
func oneLine(err error) error {
	if errors.Is(err, ErrTooMuch) {
		return err
	}
	return errors.New(short(err.Error()))
}

// short is text in one line, without what it repeats of the input.
func short(text string) string {
	const most = 1000
	runes := []rune(strings.Join(strings.Fields(unquoted(text)), " "))
	if len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return string(runes)
}
