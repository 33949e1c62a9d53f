package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/hbafile"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/role"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func (a *app) hba() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hba",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "Read, check, ask, compare and format pg_hba.conf, as PostgreSQL 13 to 18 reads it",
		Long: `Read a pg_hba.conf exactly as a server of --pg-version does: the lines it would
refuse and with which words, which line decides an attempt and what the client sees,
and what differs between two files for any attempt there is.

FILE is a pg_hba.conf with the files that it names, or - for standard input. It may
also be a manifest, or a directory of them, with the objects of an operator: then it
is the file that the operator renders. --server chooses one of several.

--dialect pgbouncer reads FILE as PgBouncer does its auth_hba_file: by a parser of its
own, which passes over lines that it cannot read (docs/hba.md).

--roles FILE gives the roles, without which nobody knows who is a member of +role.
It is JSON as this query prints it:

  psql -XAtc "` + strings.ReplaceAll(hbafile.Query, "\n", "\n  ") + `"

Exit status: 0 yes, loads, nothing found, no difference; 1 no, refused, findings,
differences; 2 cannot tell; 3 the run failed or an input could not be read.`,
		Example: `  pgmoat hba lint pg_hba.conf
  pgmoat hba eval pg_hba.conf --user app --db ledger --from 10.1.2.3 --tls
  pgmoat hba diff old/pg_hba.conf new/pg_hba.conf
  pgmoat hba fmt --check pg_hba.conf
  pgmoat hba rules cluster.yaml --server payments/ledger
  pgmoat hba lint auth_hba.conf --dialect pgbouncer --pgbouncer-version 1.24.1`,
	}
	cmd.AddCommand(a.hbaLint(), a.hbaEval(), a.hbaDiff(), a.hbaFmt(), a.hbaRules())
	return cmd
}

// hbaInput are the flags that say how files are read.
type hbaInput struct {
	version int
	roles   string
	ident   string
	server  string
	// newVersion is for the second of two files; mixed says that one of them may be a
	// manifest, which says its version itself.
	newVersion int
	mixed      bool
	dialect    hbaDialect
}

func checkVersion(flag string, version int, given bool) error {
	if given && (version < 13 || version > hba.Newest) {
		return fmt.Errorf("%s %d: want 13 to %d", flag, version, hba.Newest)
	}
	return nil
}

// flags adds them to a command, and -o with the formats.
func (in *hbaInput) flags(a *app, cmd *cobra.Command, formats ...string) *cobra.Command {
	f := cmd.Flags()
	f.IntVar(&in.version, "pg-version", 0, "major version of the server, 13 to 18; the default is the manifest's, or 18")
	f.StringVar(&in.roles, "roles", "", "file with all roles and memberships, JSON; see pgmoat hba --help")
	f.StringVar(&in.ident, "ident", "", "pg_ident.conf that goes with the file")
	f.StringVar(&in.server, "server", "", "one server of a manifest: NAME or NAMESPACE/NAME")
	f.StringVarP(&a.namespace, "namespace", "n", "default", "namespace of objects that name none")
	f.StringVar(&a.facts, "facts", "", "file with what manifests cannot say")
	f.StringVarP(&a.output, "output", "o", formats[0], "output format: "+strings.Join(formats, ", "))
	in.dialect.flags(cmd)
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if !f.Changed("output") {
			a.output = formats[0] // the last command that was made has set its own
		}
		switch {
		case !slices.Contains(formats, a.output):
			return fmt.Errorf("-o %s: want one of %s", a.output, strings.Join(formats, ", "))
		}
		return errors.Join(in.dialect.check(cmd), checkVersion("--pg-version", in.version, f.Changed("pg-version")),
			checkVersion("--new-version", in.newVersion, in.newVersion != 0))
	}
	return cmd
}

// An hbaFile is one pg_hba.conf and what belongs to it.
type hbaFile struct {
	// Name is the path, or the server's reference.
	Name  string
	HBA   hba.File
	Ident ident.File // without --ident or a manifest it has no maps
	// HasIdent says that Ident is what the server has.
	HasIdent bool
	Roles    *role.Set // nil without --roles
	Version  int
	// Server is the one of a manifest, with the snapshot it is in; nil for a bare file.
	Server *snapshot.Server
	World  *snapshot.Snapshot
	// Text is the file's; "" for one that was rendered.
	Text string
}

// hbaFiles reads the files that a path names: one that is bare, or those of all
// servers of manifests.
func (a *app) hbaFiles(ctx context.Context, path string, in *hbaInput) ([]hbaFile, error) {
	roles, err := a.rolesOf(in)
	if err != nil {
		return nil, err
	}
	var out []hbaFile
	if info, err := os.Stat(path); path != "-" && err == nil && info.IsDir() && !in.dialect.pgBouncer() {
		out, err = a.rendered(ctx, path, in)
		if err != nil {
			return nil, err
		}
	} else {
		text, err := hbafile.Open(path, a.in)
		if err != nil {
			return nil, err
		}
		if out, err = a.bareOrRendered(ctx, text, in); err != nil {
			return nil, err
		}
	}
	for i := range out {
		out[i].Roles = roles
	}
	return out, nil
}

func (a *app) rolesOf(in *hbaInput) (*role.Set, error) {
	if in.roles == "" {
		return nil, nil
	}
	roles, err := hbafile.Roles(in.roles, a.in)
	if err != nil {
		return nil, fmt.Errorf("--roles: %w", err)
	}
	return roles, nil
}

// manifestStart is how a manifest begins, somewhere: no line of pg_hba.conf does.
var manifestStart = regexp.MustCompile(`(?m)^(apiVersion|kind|"apiVersion"|items)[ \t]*:|^[ \t]*\{[ \t]*("|\r?$)`)

func (a *app) bareOrRendered(ctx context.Context, text hbafile.Text, in *hbaInput) ([]hbaFile, error) {
	if in.dialect.pgBouncer() {
		f, err := a.bouncerFile(text, in)
		return []hbaFile{f}, err
	}
	if manifestStart.MatchString(text.Text) {
		a.in = bytes.NewReader([]byte(text.Text))
		return a.rendered(ctx, text.Name, in)
	}
	if in.server != "" && !in.mixed {
		return nil, fmt.Errorf("--server %s is for manifests, and %s is a bare file", in.server, text.Name)
	}
	version := in.version
	if version == 0 {
		version = hba.Newest
	}
	f := hbaFile{Name: text.Name, Text: text.Text, Version: version, HBA: text.HBA(version, hba.Server{})}
	if in.ident != "" {
		maps, err := hbafile.Open(in.ident, a.in)
		if err != nil {
			return nil, fmt.Errorf("--ident: %w", err)
		}
		f.Ident, f.HasIdent = maps.Ident(version), true
	}
	return []hbaFile{f}, nil
}

// rendered are the files that operators write for the servers of manifests.
func (a *app) rendered(ctx context.Context, path string, in *hbaInput) ([]hbaFile, error) {
	if in.version != 0 && !in.mixed || in.ident != "" {
		return nil, errors.New("--pg-version and --ident are for a bare pg_hba.conf: a manifest says both")
	}
	a.files = []string{path}
	world, err := a.load(ctx)
	if err != nil {
		return nil, err
	}
	var out []hbaFile
	var names []string
	for _, s := range world.Servers {
		ref := s.Ref()
		names = append(names, ref.Namespace+"/"+ref.Name)
		if in.server == "" || in.server == ref.Name || in.server == ref.Namespace+"/"+ref.Name {
			out = append(out, hbaFile{Name: ref.Namespace + "/" + ref.Name, HBA: s.HBA, Ident: s.Maps, HasIdent: true,
				Version: s.Version, Server: s, World: world})
		}
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("%s: there is no PostgreSQL server in it whose pg_hba.conf could be told", path)
	case len(out) == 0:
		return nil, fmt.Errorf("--server %s: %s has %s", in.server, path, strings.Join(names, ", "))
	}
	return out, nil
}

// oneHBA reads the one file that a path names.
func (a *app) oneHBA(ctx context.Context, path string, in *hbaInput) (hbaFile, error) {
	files, err := a.hbaFiles(ctx, path, in)
	if err != nil {
		return hbaFile{}, err
	}
	if len(files) > 1 {
		var names []string
		for _, f := range files {
			names = append(names, f.Name)
		}
		return hbaFile{}, fmt.Errorf("%s has several servers: choose one with --server: %s", path, strings.Join(names, ", "))
	}
	return files[0], nil
}
