//go:build linux

package postgres

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/lab/island"
)

// loaded is what the server read last and what it made of it.
type loaded struct {
	files    map[string]string // nil: nothing of a case
	settings string
	load     hbacase.Load
	log      []string
	rules    []hbacase.Rule // of these files; nil: not asked for yet
	// cleared: where pg_ident.conf was rejected, the maps of the files before are gone
	cleared bool
}

var errCrashed = unobservable{errors.New("the server ended while it loaded the files")}

// prepare brings the server to the state of the case, files last.
func (s *server) prepare(want hbacase.Server) error {
	if err := s.suits(want); err != nil {
		return err
	}
	if !s.running() {
		if err := s.restart(); err != nil {
			return err
		}
	}
	if err := s.become(want); err != nil {
		return err
	}
	if err := s.surroundings(want); err != nil {
		return unobservable{err}
	}
	settings := settingsOf(want, s.dir("tls"))
	files := s.resolved(want.Files)
	if maps.Equal(files, s.loaded.files) && settings == s.loaded.settings {
		return nil
	}
	return s.load(files, settings)
}

func (s *server) surroundings(want hbacase.Server) error {
	if err := s.isle.SetHosts(want.Hosts); err != nil {
		return err
	}
	zone := island.Zone{Names: want.DNS.PTR, Addresses: map[string][]string{}}
	for _, m := range []map[string][]string{want.DNS.A, want.DNS.AAAA} {
		for name, addresses := range m {
			zone.Addresses[name] = append(zone.Addresses[name], addresses...)
		}
	}
	s.isle.SetZone(zone)
	return s.isle.SetInterfaces(want.Interfaces)
}

func settingsOf(want hbacase.Server, tlsDir string) string {
	text := fmt.Sprintf("ssl = %t\n", want.SSL)
	if want.ClientCA {
		text += "ssl_ca_file = '" + tlsDir + "/ca.crt'\n"
	}
	if want.PasswordEncryption != "" {
		text += "password_encryption = " + literal(want.PasswordEncryption) + "\n"
	}
	if len(want.OAuthValidators) > 0 {
		text += "oauth_validator_libraries = " + literal(strings.Join(want.OAuthValidators, ",")) + "\n"
	}
	return text
}

// dirVariable stands for the directory of the files.
const dirVariable = "${DIR}"

// resolved returns the files with the directory in place of its variable.
func (s *server) resolved(files map[string]string) map[string]string {
	out := make(map[string]string, len(files))
	for name, text := range files {
		out[name] = strings.ReplaceAll(text, dirVariable, s.conf())
	}
	return out
}

// load makes the server read files and settings, and waits until it has.
func (s *server) load(files map[string]string, settings string) error {
	s.loaded = loaded{}
	if err := s.writeFiles(files); err != nil {
		return err
	}
	if err := s.writeSettings(settings); err != nil {
		return err
	}
	lines, err := s.reload()
	if err != nil {
		return err
	}
	s.loaded = loaded{files: files, settings: settings, load: hbacase.Load{HBA: "loaded", Ident: "loaded"}}
	for _, l := range lines {
		s.loaded.log = append(s.loaded.log, l.level+": "+l.text)
		switch m := notReloaded.FindStringSubmatch(l.text); {
		case m == nil:
		case m[1] == "hba":
			s.loaded.load.HBA = "rejected"
		case m[1] == "ident":
			s.loaded.load.Ident = "rejected"
		}
	}
	return nil
}

var notReloaded = regexp.MustCompile(`pg_(hba|ident)\.conf"? was not reloaded$`)

// reload sends SIGHUP and returns what the server logs on it. The server takes no
// connection before it has done what the signal asks, so one that is closed tells
// that it has.
func (s *server) reload() ([]line, error) {
	s.log.drain()
	if err := s.process.Process.Signal(syscall.SIGHUP); err != nil {
		return nil, errCrashed
	}
	c, err := s.dialSocket(0)
	if err == nil {
		err = c.Nudge()
		_ = c.Close() // it said all it had to
	}
	lines := s.log.drain()
	if !s.running() {
		return nil, errCrashed
	}
	at := slices.IndexFunc(lines, func(l line) bool { return strings.HasPrefix(l.text, "received SIGHUP") })
	if err != nil || at < 0 {
		return nil, fmt.Errorf("the server did not reload: %q (%w)", lines, err)
	}
	end := slices.IndexFunc(lines, func(l line) bool { return strings.HasPrefix(l.text, "connection received") })
	if end < at {
		end = len(lines)
	}
	return lines[at+1 : end], nil
}

// clearMaps forgets the user name maps of earlier files: a server that starts with a
// pg_ident.conf that it rejects has none, one that reloads it keeps those it had.
func (s *server) clearMaps() error {
	if s.loaded.load.Ident != "rejected" || s.loaded.cleared {
		return nil
	}
	ident := s.conf() + "/pg_ident.conf"
	bad, wasThere := s.loaded.files["pg_ident.conf"]
	if err := s.writeFile("pg_ident.conf", ""); err != nil {
		return err
	}
	if _, err := s.reload(); err != nil {
		return err
	}
	s.loaded.cleared = true
	if !wasThere {
		return os.Remove(ident) //nolint:gosec // ours, in memory
	}
	return s.writeFile("pg_ident.conf", bad)
}

func (s *server) writeSettings(text string) error {
	return os.WriteFile(s.settingsFile(), []byte(text), 0o644) //nolint:gosec // the server reads it
}

// writeFiles makes the files the only ones in their directory.
func (s *server) writeFiles(files map[string]string) error {
	old, err := os.ReadDir(s.conf())
	if err != nil {
		return err
	}
	for _, entry := range old {
		//nolint:gosec // ours, in memory
		if err := os.RemoveAll(filepath.Join(s.conf(), entry.Name())); err != nil {
			return err
		}
	}
	for name, text := range files {
		if !filepath.IsLocal(name) || strings.ContainsRune(name, 0) {
			return cannot("file %q is not below the directory", name)
		}
		if err := s.writeFile(name, text); err != nil {
			return cannot("file %q: %w", name, err)
		}
	}
	return nil
}

func (s *server) writeFile(name, text string) error {
	path := s.conf() + "/" + name
	if strings.HasSuffix(name, "/") {
		return os.MkdirAll(path, 0o755) //nolint:gosec // the server reads it
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // as above
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644) //nolint:gosec // as above
}
