package hbafile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/hba"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return name
}

// read parses a file of a directory by its relative name, as users name files.
func read(t *testing.T, text string) hba.File {
	t.Helper()
	opened, err := Open(write(t, "pg_hba.conf", text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return opened.HBA(17, hba.Server{})
}

func TestIncludedFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "conf.d/a.conf", "local all all peer\n")
	if err := os.Symlink("nowhere", "conf.d/README"); err != nil {
		t.Fatal(err)
	}
	if f := read(t, "include_dir conf.d\n"); !f.Loads() || len(f.Records) != 1 || f.Records[0].File != "conf.d/a.conf" {
		t.Errorf("only names that end in .conf count: %+v", f)
	}
	if f := read(t, "include gone.conf\n"); f.Loads() || f.Errors[0].Missing {
		t.Errorf("what is not there beside the file is not there: %+v", f.Errors)
	}
	there := write(t, filepath.Join(t.TempDir(), "there.conf"), "local all all trust\n")
	if err := os.Symlink("/dev/null", "device.conf"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"include device.conf", "include " + there, "include /dev/zero", "include_dir " + filepath.Dir(there)} {
		if f := read(t, text); f.Loads() || !f.Errors[0].Missing {
			t.Errorf("%s: this machine is not the server: %+v", text, f)
		}
	}
}

func TestReplaceKeepsModeAndLink(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "real.conf", "old")
	if err := os.Symlink("real.conf", "link.conf"); err != nil {
		t.Fatal(err)
	}
	if err := Replace("link.conf", "new"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat("link.conf")
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	text, err := os.ReadFile("real.conf")
	if err != nil || string(text) != "new" {
		t.Errorf("%q %v", text, err)
	}
	if info, err = os.Stat("real.conf"); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if names, _ := filepath.Glob(".pgmoat-*"); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
	if err := Replace("none.conf", "new"); err == nil {
		t.Error("a file that is not there is not made")
	}
}

func TestRoles(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "roles.json", `{"roles":[{"name":"app","password":"md5"},{"name":"dev"}],"memberships":[{"role":"dev","member":"app"}]}`)
	roles, err := Roles("roles.json", nil)
	if err != nil || !roles.Member("app", "dev") || roles.Member("dev", "app") {
		t.Errorf("%v", err)
	}
	for text, want := range map[string]string{
		`{}`:                      `no "roles"`,
		`{"roles":[{"name":""}]}`: "roles[0]: name is missing",
		`{"roles":[{"name":"a","password":"md5x"}]}`: "roles[0]: password is neither",
		`{"rolls":[]}`: "rolls",
	} {
		write(t, "bad.json", text)
		_, err := Roles("bad.json", nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "md5x") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
