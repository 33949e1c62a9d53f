// Package hbafile reads pg_hba.conf, pg_ident.conf and lists of roles from disk, as
// they lie there without any Kubernetes around them.
package hbafile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pgmoat/pgmoat/model/authfile"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
)

// A Text is one file.
type Text struct {
	// Name is the path as the user gave it; "-" for standard input.
	Name string
	Text string
}

// Open reads the file at a path, or in where that is "-".
func Open(path string, in io.Reader) (Text, error) {
	if path == "-" {
		data, err := io.ReadAll(in)
		return Text{"-", string(data)}, err
	}
	data, err := os.ReadFile(path)
	return Text{path, string(data)}, err
}

// HBA reads the text as a pg_hba.conf with the files that it names.
func (t Text) HBA(version int, server hba.Server) hba.File {
	return hba.Read(hba.Input{Version: version, Path: t.path(), Files: t.files(), Server: server,
		Sources: []hba.Source{{Text: t.Text}}})
}

// PgBouncer reads the text as PgBouncer of a release reads its auth_hba_file, with the files
// that it names; maps are those of auth_ident_file, nil where they are not known.
func (t Text) PgBouncer(release string, maps []string) hba.File {
	return hba.ReadPgBouncer(hba.PgBouncerInput{Release: release, Path: t.path(), Files: t.files(), Maps: maps,
		Sources: []hba.Source{{Text: t.Text}}})
}

// Ident reads the text as a pg_ident.conf with the files that it names.
func (t Text) Ident(version int) ident.File {
	return ident.Read(ident.Input{Version: version, Path: t.path(), Files: t.files(), Sources: []hba.Source{{Text: t.Text}}})
}

// path is what the server would call the file.
func (t Text) path() string {
	if t.Name == "-" {
		return "pg_hba.conf"
	}
	return filepath.ToSlash(t.Name)
}

// files are those beside the text. Of standard input none is known.
func (t Text) files() authfile.Files {
	if t.Name == "-" {
		return authfile.None{}
	}
	return disk{absolute: filepath.IsAbs(t.Name)}
}

// disk is the files of this machine. What is at an absolute path says nothing about the
// server, unless the first file was named by one, too.
type disk struct{ absolute bool }

func (d disk) Read(path string) (string, error) {
	if filepath.IsAbs(path) && !d.absolute {
		return "", authfile.ErrUnknown
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", d.known(path, err)
	case info.Mode().IsDir():
		return "", authfile.ErrIsDirectory
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return "", fmt.Errorf("%w: it is no file of at most %d bytes", authfile.ErrUnknown, maxFile)
	}
	data, err := os.ReadFile(path) //nolint:gosec // the files that a file of the user's names are what is asked about
	return string(data), d.known(path, err)
}

// maxFile is how large a file that another names may be.
const maxFile = 1 << 25

func (d disk) List(path string) ([]string, error) {
	if filepath.IsAbs(path) && !d.absolute {
		return nil, authfile.ErrUnknown
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, d.known(path, err)
	}
	var out []string
	for _, e := range entries {
		if !authfile.IsConf(e.Name()) {
			continue
		}
		info, err := os.Stat(filepath.Join(path, e.Name()))
		if err != nil {
			return nil, d.known(path, err)
		}
		if !info.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out, nil
}

func (d disk) known(path string, err error) error {
	var number syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission): // the server's user may read it
		return fmt.Errorf("%w: %w", authfile.ErrUnknown, err)
	case !errors.As(err, &number):
		return err
	}
	known := map[syscall.Errno]error{
		syscall.ENOENT: fs.ErrNotExist, syscall.EISDIR: authfile.ErrIsDirectory,
		syscall.ENOTDIR: authfile.ErrNotDirectory, syscall.ENAMETOOLONG: authfile.ErrNameTooLong,
	}
	return fmt.Errorf("%s: %w", path, cmp.Or(known[number], error(number)))
}
