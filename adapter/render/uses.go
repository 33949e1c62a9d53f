package render

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Used is what building a kustomization reads.
type Used struct {
	// File is the kustomization's own file.
	File string
	// Files are all that is read, File too, by their paths in the tree without links.
	Files map[string][]byte
	// Links are the symbolic links on the way to them, with what each one says.
	Links map[string]string
	// Dirs are the folders of the other kustomizations that are built with it: bases and
	// components, those of these too. They are sorted.
	Dirs []string
	// Component says that it is one, and so of no use by itself.
	Component bool
}

// Kustomization is what is to be built, in the folder that Uses was asked about.
func (u Used) Kustomization(dir string, anyPath bool) Kustomization {
	return Kustomization{Files: u.Files, Links: u.Links, Dir: dir, AnyPath: anyPath}
}

// A Refusal says why a kustomization is not built: it needs what is fetched, what is run,
// what lies outside the tree or what is not there.
type Refusal struct {
	// File is the kustomization, Field the field in it, empty for the whole, and Entry what
	// is written there.
	File, Field, Entry string
	// Err is what is wrong with that.
	Err error
	// Run is the command that makes of it what can be read; empty where none does.
	Run string
	// command is Run, where it has to name the folder of the kustomization, top, or the tree.
	command, top string
}

// Named is the refusal with the paths of its file and its command as shown says them: people
// may be elsewhere than at the top of the tree.
func (r *Refusal) Named(shown func(string) string) *Refusal {
	named := *r
	named.File = shown(r.File)
	if r.command != "" {
		named.Run = strings.ReplaceAll(strings.ReplaceAll(r.command, "%[1]s", shown(r.top)), "%[2]s", shown("."))
	}
	return &named
}

func (r *Refusal) Error() string {
	var b strings.Builder
	b.WriteString(r.File)
	if r.Field != "" {
		b.WriteString(": " + r.Field)
	}
	b.WriteString(": ")
	if r.Entry != "" {
		fmt.Fprintf(&b, "%.200q ", shownAddress(r.Entry))
	}
	b.WriteString(r.Err.Error())
	if r.Run != "" {
		fmt.Fprintf(&b, "; run %q first", r.Run)
	}
	return b.String()
}

func (r *Refusal) Unwrap() error { return r.Err }

// What a Refusal can be about, beside a file that cannot be read.
var (
	ErrRemote   = errors.New("is remote, and nothing is fetched")
	ErrNamed    = errors.New("is a repository to kustomize, and nothing is fetched; the folder in the tree is ./ with this name")
	ErrPlugin   = errors.New("is not built into kustomize, and no plugin or function runs")
	ErrInflated = errors.New("is a chart that kustomize has helm inflate, and no program runs")
	ErrOutside  = errors.New("leads out of the tree, where nothing is read")
	ErrRoot     = errors.New("lies outside the kustomization's folder, where kustomize reads no file")
	ErrAbsolute = errors.New("is an absolute path, and nothing outside the tree is read")
	ErrCycle    = errors.New("is a cycle: the folder uses what uses it")
	ErrMissing  = errors.New("does not exist")
	ErrNoFile   = errors.New("is no regular file")
	ErrNoKust   = errors.New("is a folder without a kustomization")
	ErrTwoKusts = errors.New("is one of several kustomizations in a folder, of which kustomize takes none")
	ErrLoop     = errors.New("is a loop of symbolic links")
)

const (
	// maxUsed is how many files a kustomization may read.
	maxUsed = 20_000
	// maxConfig is how large a file may be that says what else is read, and maxConfigs how
	// large all of them: they are parsed here, where time has no end.
	maxConfig  = 4 << 20
	maxConfigs = 32 << 20
)

// Uses reads what building the kustomization in dir reads, and refuses it where that is
// more than files of the tree: so nothing reaches kustomize that would make it fetch or
// run. The error is a *Refusal. With anyPath a kustomization may name files above its own folder. What else kustomize
// finds wrong is for kustomize to say.
func Uses(tree Tree, dir string, anyPath bool) (Used, error) {
	s := &scan{
		tree: tree, top: dir, anyPath: anyPath, left: maxInput, configs: maxConfigs,
		built: map[string]*kustomization{}, links: map[string]string{},
		used: Used{Files: map[string][]byte{}, Links: map[string]string{}},
	}
	real, _, err := s.find(dir)
	if err != nil {
		return Used{}, &Refusal{File: dir, Err: err}
	}
	top, err := s.build(real, nil)
	if err != nil {
		return Used{}, atTop(dir, err)
	}
	s.used.File, s.used.Component = top.file, top.Kind == "Component"
	delete(s.built, real)
	s.used.Dirs = slices.Sorted(maps.Keys(s.built))
	return s.used, nil
}

// atTop says of the folder itself what is otherwise said of the entry that names one.
func atTop(dir string, err error) error {
	var refused *Refusal
	if errors.As(err, &refused) {
		return err
	}
	return &Refusal{File: path.Clean(dir), Err: err}
}
