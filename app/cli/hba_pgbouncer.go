package cli

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/hbafile"
	"github.com/pgmoat/pgmoat/engine/login"
	"github.com/pgmoat/pgmoat/model/hba"
)

// hbaDialect are the flags that say whose file it is.
type hbaDialect struct {
	name    string
	release string
}

const pgBouncerDialect = "pgbouncer"

func (d *hbaDialect) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&d.name, "dialect", "postgresql", "whose file it is: postgresql, or pgbouncer for the file of auth_hba_file")
	f.StringVar(&d.release, "pgbouncer-version", "", "release of PgBouncer, such as 1.24.1; without it, what differs between releases is in doubt")
}

func (d *hbaDialect) pgBouncer() bool { return d.name == pgBouncerDialect }

var bouncerReleaseText = regexp.MustCompile(`^v?1\.\d{1,3}(\.\d{1,3})?$`)

// forPostgreSQL are flags that say something which PgBouncer does not have; the first of
// those that were given is told.
var forPostgreSQL = []struct{ flag, why string }{
	{"pg-version", "--pgbouncer-version tells the release"},
	{"new-version", "both files are read by --pgbouncer-version"},
	{"target-version", "it is a version of PostgreSQL"},
	{"server", "audit and explain know the poolers of manifests"},
	{"batch", "a case is about PostgreSQL"},
	{"interface", "PgBouncer knows neither samehost nor samenet"},
	{"host-name", "PgBouncer looks no names up"},
	{"gss", "PgBouncer has no GSSAPI encryption"},
	{"ident-user", "PgBouncer has no method ident"},
}

// check looks at the words of the flags, and whether they go together.
func (d *hbaDialect) check(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	switch {
	case d.name != "postgresql" && !d.pgBouncer():
		return fmt.Errorf("--dialect %s: want postgresql or pgbouncer", d.name)
	case !d.pgBouncer() && changed("pgbouncer-version"):
		return errors.New("--pgbouncer-version goes with --dialect pgbouncer")
	case d.release != "" && !bouncerReleaseText.MatchString(d.release):
		return fmt.Errorf("--pgbouncer-version %s: want a release such as 1.24.1", d.release)
	case !d.pgBouncer():
		return nil
	}
	for _, f := range forPostgreSQL {
		if changed(f.flag) {
			return fmt.Errorf("--%s is not for --dialect pgbouncer: %s", f.flag, f.why)
		}
	}
	return nil
}

// bouncerFile reads an auth_hba_file. Of the file of auth_ident_file only the names of
// the maps matter to it.
func (a *app) bouncerFile(text hbafile.Text, in *hbaInput) (hbaFile, error) {
	if manifestStart.MatchString(text.Text) {
		return hbaFile{}, errors.New("--dialect pgbouncer is for a bare auth_hba_file: audit and explain know the poolers of manifests")
	}
	f := hbaFile{Name: text.Name, Text: text.Text}
	var maps []string
	if in.ident != "" {
		other, err := hbafile.Open(in.ident, a.in)
		if err != nil {
			return f, fmt.Errorf("--ident: %w", err)
		}
		f.Ident, f.HasIdent, maps = other.Ident(hba.Newest), true, []string{}
		for _, m := range f.Ident.Mappings {
			maps = append(maps, m.Map)
		}
	}
	f.HBA = text.PgBouncer(in.dialect.release, maps)
	f.Version = f.HBA.Version
	return f, nil
}

// inItsWords leaves out of an answer the words that only PostgreSQL has.
func inItsWords(f hba.File, got login.Answer) login.Answer {
	if f.Dialect == hba.PgBouncer {
		got.SQLState, got.Message = "", ""
	}
	return got
}
