package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/adapter/source"
	"github.com/pgmoat/pgmoat/app/starter"
)

// chooseCI takes the system of the CI step.
func (b *beginning) chooseCI(*cobra.Command) error {
	if b.ci != "" {
		return nil
	}
	b.ci = ciGitHub
	if _, err := os.Stat(filepath.Join(repository(), ".gitlab-ci.yml")); err == nil {
		b.ci = ciGitLab
	}
	if !b.asksForMore() {
		return nil
	}
	return b.q.put(question{"A CI step for github, gitlab or none?", b.ci, "--ci", func(answer string) error {
		known, err := knownCI(answer)
		if err == nil {
			b.ci = known
		}
		return err
	}})
}

// repository is the top of the repository that the run is in; here where it is in none.
func repository() string {
	here, err := os.Getwd()
	if err != nil {
		return "."
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			if rel, err := filepath.Rel(here, dir); err == nil {
				return rel
			}
		}
		if dir == filepath.Dir(dir) {
			return "."
		}
	}
}

// release is a version that the module proxy has.
var release = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+$`)

// step is what the CI step is made of. Its commands run where init ran, so that paths are
// those that were typed.
func (b *beginning) step() starter.CI {
	c := starter.CI{Documents: fromHere(b.out), Facts: fromHere(b.facts)}
	if release.MatchString(versionText()) {
		c.Version = versionText()
	}
	for _, f := range b.files {
		if f != "-" && !strings.HasPrefix(f, source.Live) {
			c.Estate = append(c.Estate, fromHere(f))
		}
	}
	if top := repository(); top != "." {
		here, errHere := os.Getwd()
		absolute, errTop := filepath.Abs(top)
		if rel, err := filepath.Rel(absolute, here); err == nil && errHere == nil && errTop == nil {
			c.Directory = filepath.ToSlash(rel)
		}
	}
	return c
}

// fromHere is a path as it is seen from where the run is: what begins at the root of this
// machine says nothing to another.
func fromHere(path string) string {
	if !filepath.IsAbs(path) {
		return path
	}
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(here, path)
	if err != nil || !filepath.IsLocal(rel) {
		return path
	}
	return rel
}

// strayPaths are those that CI will not have.
func strayPaths(c starter.CI) []string {
	var out []string
	for _, p := range append([]string{c.Documents, c.Facts}, c.Estate...) {
		if p != "" && !filepath.IsLocal(filepath.Join(filepath.FromSlash(c.Directory), p)) {
			out = append(out, p)
		}
	}
	return out
}

// ciFile is the file of the CI step; none where none is wanted.
func (b *beginning) ciFile() ([]manifest.File, error) {
	var f manifest.File
	var err error
	if stray := strayPaths(b.step()); b.ci != ciNone && len(stray) > 0 {
		b.q.say("pgmoat: warning: %s: outside this repository, where CI has nothing: change the path in the step", strings.Join(stray, ", "))
	}
	switch b.ci {
	case ciGitHub:
		f, err = b.step().GitHub()
	case ciGitLab:
		f, err = b.step().GitLab()
	default:
		return nil, nil
	}
	f.Name = filepath.Join(repository(), filepath.FromSlash(f.Name))
	return []manifest.File{f}, err
}

// writeNew writes all files or none: each is written beside its place first, and all get
// their names at the end. One that is there is an error, before anything is written,
// unless it may be replaced.
func writeNew(files []manifest.File, replace bool) error {
	if err := free(files, replace); err != nil {
		return err
	}
	staged := make([]string, len(files))
	defer func() {
		for _, s := range staged {
			if s != "" {
				_ = os.Remove(s)
			}
		}
	}()
	for i, f := range files {
		var err error
		if staged[i], err = stage(f); err != nil {
			return err
		}
	}
	for i, f := range files {
		if err := settle(staged[i], f.Name, replace); err != nil {
			return fmt.Errorf("%s: %w%s", f.Name, err, already(files[:i]))
		}
	}
	return nil
}

// free refuses files that are there, all of them at once.
func free(files []manifest.File, replace bool) error {
	var there []string
	for _, f := range files {
		info, err := os.Lstat(f.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is there, and is no file that could be replaced: nothing was written", f.Name)
		case !replace:
			there = append(there, f.Name)
		}
	}
	if len(there) > 0 {
		return fmt.Errorf("nothing was written: %s there already; --force replaces what is there, --out writes elsewhere", isOrAre(there))
	}
	return nil
}

func isOrAre(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return strings.Join(names, ", ") + " are"
}

// stage writes a file under another name beside its place.
func stage(f manifest.File) (string, error) {
	dir := filepath.Dir(f.Name)
	//nolint:gosec // like the files of a repository, this is for everybody to read; no secret is in it
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	temp, err := os.CreateTemp(dir, ".pgmoat-new-*")
	if err != nil {
		return "", err
	}
	_, err = temp.WriteString(f.Data)
	//nolint:gosec // as above
	if err = errors.Join(err, temp.Chmod(0o644), temp.Close()); err != nil {
		return temp.Name(), err
	}
	return temp.Name(), nil
}

// settle gives a staged file its name. Linking it fails where somebody else has made a file
// of the name meanwhile; file systems without links are renamed on.
func settle(staged, name string, replace bool) error {
	if !replace {
		if err := os.Link(staged, name); err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return os.Rename(staged, name)
}

func already(files []manifest.File) string {
	if len(files) == 0 {
		return ""
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	return "; written by then: " + strings.Join(names, ", ")
}
