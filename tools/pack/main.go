// Command pack writes a directory as .tar.gz or .zip so that the same files give
// the same bytes: sorted names, one time, no owner, two modes.
package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	out := flag.String("o", "", "the archive; its name decides the format")
	epoch := flag.Int64("epoch", 0, "the time of every file, in seconds since 1970")
	flag.Parse()
	if err := pack(*out, flag.Arg(0), time.Unix(*epoch, 0).UTC()); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// An entry is a file of the archive; its mode is 0755 or 0644.
type entry struct {
	name string
	mode fs.FileMode
	data []byte
}

func pack(out, dir string, at time.Time) error {
	entries, err := read(dir)
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer f.Close()
	write := tarball
	if strings.HasSuffix(out, ".zip") {
		write = zipball
	}
	if err := write(f, entries, at); err != nil {
		return err
	}
	return f.Close()
}

// read returns the files below dir, sorted by name as WalkDir walks.
func read(dir string) ([]entry, error) {
	var entries []entry
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		e := entry{mode: 0o644}
		if info.Mode()&0o100 != 0 {
			e.mode = 0o755
		}
		if e.name, err = filepath.Rel(dir, path); err != nil {
			return err
		}
		e.name = filepath.ToSlash(e.name)
		e.data, err = os.ReadFile(path)
		entries = append(entries, e)
		return err
	})
	return entries, err
}

func tarball(w io.Writer, entries []entry, at time.Time) error {
	gz, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(gz)
	for _, e := range entries {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Mode: int64(e.mode), Size: int64(len(e.data)), ModTime: at, Format: tar.FormatUSTAR}
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
		if _, err := tw.Write(e.data); err != nil {
			return err
		}
	}
	if err := tw.Close(); err != nil {
		return err
	}
	return gz.Close()
}

func zipball(w io.Writer, entries []entry, at time.Time) error {
	zw := zip.NewWriter(w)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: at}
		h.SetMode(e.mode)
		fw, err := zw.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := fw.Write(e.data); err != nil {
			return err
		}
	}
	return zw.Close()
}
