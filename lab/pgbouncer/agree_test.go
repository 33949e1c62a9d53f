//go:build linux

package pgbouncer

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/authfile"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func TestMain(m *testing.M) {
	Inside()
	os.Exit(m.Run())
}

// startLab skips where there can be no PgBouncer, except in CI, where a test that is
// skipped for ever would be missed by nobody.
func startLab(t *testing.T) *Lab {
	t.Helper()
	lab, err := Start()
	if errors.Is(err, ErrUnavailable) && os.Getenv("CI") == "" {
		t.Skipf("skipped, nothing was compared with a real PgBouncer: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return lab
}

// lab118 is a lab for what is written about 1.18, Debian's own.
func lab118(t *testing.T) *Lab {
	t.Helper()
	lab := startLab(t)
	if !strings.HasPrefix(lab.Release, "1.18.") {
		t.Skipf("the cases are about PgBouncer 1.18, and %s is installed", lab.Release)
	}
	return lab
}

// forced is the user of the tests that are about PgBouncer alone.
const forced = labRole

// modelled reads the file of a setup as the model does.
func modelled(s Setup, release string) hba.File {
	files := authfile.Memory{"/conf/pg_hba.conf": s.HBA}
	for name, text := range s.Files {
		files["/conf/"+name] = text
	}
	return hba.ReadPgBouncer(hba.PgBouncerInput{Release: release, Path: "/conf/pg_hba.conf", Files: files, Maps: []string{},
		Sources: []hba.Source{{Text: s.HBA}}})
}

func session(a Attempt) hba.Session {
	s := hba.Session{Local: a.From == "", TLS: a.TLS, User: hba.Named(a.User), Database: hba.Named(a.Database)}
	if a.From != "" {
		s.Client = hba.ClientAt(netip.MustParseAddr(a.From))
	}
	return s
}

// expected is what the model lets PgBouncer answer: the outcomes that it may be.
func expected(f hba.File, a Attempt) ([]string, *hba.Record) {
	r := hba.Decide(f, session(a))
	known := slices.Contains(Users, a.User)
	switch {
	case !r.Certain():
		return []string{"the model is not sure: " + string(r.Reason)}, nil
	case len(r.Candidates) == 0:
		return []string{Rejected}, nil
	}
	one := func(yes bool, other string) []string {
		if yes && known {
			return []string{In}
		}
		return []string{other}
	}
	switch r.Record.Method {
	case "trust":
		return one(true, TrustFailed), r.Record
	case "peer":
		return one(a.OSUser == a.User, PeerFailed), r.Record
	case "cert":
		return one(a.TLS && a.Cert == a.User, CertFailed), r.Record
	case "md5":
		return []string{MD5}, r.Record
	case "scram-sha-256":
		return []string{SCRAM}, r.Record
	case "password":
		return []string{Password}, r.Record
	}
	if r.Verdict == verdict.Deny && r.Record.Origin.Note != "" {
		return []string{PeerFailed, CertFailed}, r.Record
	}
	return []string{Rejected}, r.Record
}

// compare asks both about a file and attempts.
func compare(t *testing.T, lab *Lab, s Setup, attempts []Attempt) (disagree int) {
	t.Helper()
	s.User = forced
	skipped, answers, err := lab.Try(s, attempts...)
	if err != nil {
		t.Fatalf("the lab is broken: %v\n%s", err, s.HBA)
	}
	f := modelled(s, lab.Release)
	if len(f.Errors) > 0 {
		t.Errorf("the model does not know the file: %v\n%s", f.Errors, s.HBA)
		return 1
	}
	var want []int
	for _, e := range f.Skipped {
		want = append(want, e.Line)
	}
	if !slices.Equal(skipped, want) {
		t.Errorf("PgBouncer passes over lines %d, the model over %d of\n%s\n%v", skipped, want, numbered(s.HBA), f.Skipped)
		disagree++
	}
	for i, got := range answers {
		outcomes, record := expected(f, attempts[i])
		if !slices.Contains(outcomes, got.Outcome) {
			t.Errorf("PgBouncer answers %+v, the model %q by %+v to\n%+v by\n%s\nfiles %q", got, outcomes, record, attempts[i], numbered(s.HBA), s.Files)
			disagree++
		}
	}
	return disagree
}

func numbered(text string) string {
	var b strings.Builder
	for i, line := range strings.Split(text, "\n") {
		fmt.Fprintf(&b, "%d: %q\n", i+1, line)
	}
	return b.String()
}
