package audittest

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pgmoat/pgmoat/adapter/hbafile"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/role"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// hbaFile is the name of a bare pg_hba.conf.
const hbaFile = "pg_hba.conf"

// bareExample makes an example of lines, or of an archive with pg_hba.conf in it.
func bareExample(text string) example {
	files := map[string]string{}
	for _, f := range txtar.Parse([]byte(text)).Files {
		files[f.Name] = string(f.Data)
	}
	if len(files) == 0 {
		files[hbaFile] = text
	}
	return example{files: files}
}

// Bare reads a pg_hba.conf with what goes with it, by name, as sections of a rule's
// file have it.
func Bare(t *testing.T, files map[string]string) *snapshot.Snapshot {
	t.Helper()
	return example{files: files}.loadBare(t)
}

// loadBare reads a pg_hba.conf with the files beside it: pg_ident.conf, roles.json,
// and the numbers version and target.
func (e example) loadBare(t *testing.T) *snapshot.Snapshot {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, e.files)
	text, err := hbafile.Open(filepath.Join(dir, hbaFile), nil)
	check(t, err)
	version := e.number(t, "version", hba.Newest)
	var maps *ident.File
	if _, ok := e.files["pg_ident.conf"]; ok {
		text, err := hbafile.Open(filepath.Join(dir, "pg_ident.conf"), nil)
		check(t, err)
		f := text.Ident(version)
		maps = &f
	}
	var roles *role.Set
	if _, ok := e.files["roles.json"]; ok {
		roles, err = hbafile.Roles(filepath.Join(dir, "roles.json"), nil)
		check(t, err)
	}
	s := hbafile.Server(text.Input(version, hba.Server{}), maps, roles)
	s.Target = e.number(t, "target", 0)
	return hbafile.World(s)
}

func (e example) number(t *testing.T, name string, usual int) int {
	t.Helper()
	text, ok := e.files[name]
	if !ok {
		return usual
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	check(t, err)
	return n
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
