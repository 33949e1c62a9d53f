package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/hbafile"
	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/rules"
	"github.com/pgmoat/pgmoat/engine/audit/rules/hbarules"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// hbaLintAsked is what is to be looked for.
type hbaLintAsked struct {
	severity string
	ids      []string
	target   int
}

func (a *app) hbaLint() *cobra.Command {
	var in hbaInput
	var asked hbaLintAsked
	cmd := &cobra.Command{
		Use:   "lint FILE",
		Short: "Find what is wrong in a pg_hba.conf: refused lines, dead ones, open doors",
		Long: `Tell which lines the server would refuse, in its own words, and whether a reload
would be refused and a start fail; then what is wrong with the lines that it takes:
those that match nothing or come too late, addresses that mean something else than
they seem to, doors that are open, and what another major version reads differently.
Each finding names the line and what to write. docs/rules.md explains the rules.

With --roles the members of +role and the superusers are known, with --ident what the
maps of pg_ident.conf let in. --target-version says to which major version the server
is to be upgraded; without it every newer one is compared. Of a file of PgBouncer the
lines that it passes over are told too; they count as findings.

Exit status: 0 nothing found; 1 findings, or the server refuses the file; 2 something
could not be decided; 3 the run failed or an input could not be read. --severity and
--rule limit what counts.`,
		Example: `  pgmoat hba lint pg_hba.conf
  pgmoat hba lint pg_hba.conf --pg-version 15 --target-version 17
  pgmoat hba lint pg_hba.conf --roles roles.json --ident pg_ident.conf -o sarif
  kubectl exec ledger-1 -- cat /var/lib/postgresql/data/pgdata/pg_hba.conf | pgmoat hba lint -
  pgmoat hba lint auth_hba.conf --dialect pgbouncer
  pgmoat hba lint cluster.yaml --severity high`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.lint(cmd.Context(), args[0], &in, &asked)
		},
	}
	f := cmd.Flags()
	f.StringVar(&asked.severity, "severity", "low", "tell findings of this severity or worse: low, medium, high, critical")
	f.StringArrayVar(&asked.ids, "rule", nil, "check only this rule, such as HBA1012; repeatable")
	f.IntVar(&asked.target, "target-version", 0, "major version that the server is to be upgraded to; the default is any newer one")
	return in.flags(a, cmd, report.AuditFormats...)
}

func (a *app) lint(ctx context.Context, path string, in *hbaInput, asked *hbaLintAsked) error {
	wanted, err := asked.rules()
	if err != nil {
		return err
	}
	least, err := audit.ParseSeverity(asked.severity)
	if err != nil {
		return fmt.Errorf("--severity: %w", err)
	}
	if asked.target != 0 && (asked.target < 13 || asked.target > hba.Newest) {
		return fmt.Errorf("--target-version %d: want 13 to %d", asked.target, hba.Newest)
	}
	files, err := a.hbaFiles(ctx, path, in)
	if err != nil {
		return err
	}
	out := report.Linted{}
	world := lintWorld(files)
	for i, s := range world.Servers {
		s.Target = asked.target
		out.Files = append(out.Files, report.LintedFiles(s, lintName(files[i], "pg_hba.conf"), identName(files[i], in))...)
	}
	result := audit.Run(world, wanted).AtLeast(least)
	a.lintStatus(result, out.Files)
	out.Audited = report.Audited{World: world, Rules: wanted, Result: result, Version: version}
	return out.Write(a.out, a.output)
}

// rules are those of the family, or the named ones of it.
func (asked *hbaLintAsked) rules() ([]*audit.Rule, error) {
	if len(asked.ids) == 0 {
		return hbarules.Rules, nil
	}
	wanted, err := rules.Named(asked.ids...)
	if err != nil {
		return nil, err
	}
	for _, r := range wanted {
		if !slices.Contains(hbarules.Rules, r) {
			return nil, fmt.Errorf("--rule %s: it is not about pg_hba.conf; pgmoat audit checks it", r.ID)
		}
	}
	return wanted, nil
}

// lintStatus sets the exit status: a doubt wins over findings, and a refused file is
// one whatever rules were asked for.
func (a *app) lintStatus(result audit.Result, files []report.LintedFile) {
	if result.Found() > 0 {
		a.exit(exitNo)
	}
	if result.Unsettled() {
		a.exit(exitUnknown)
	}
	for _, f := range files {
		if len(f.Skipped) > 0 {
			a.exit(exitNo)
		}
		for _, e := range f.Errors {
			if e.Missing {
				a.exit(exitUnknown)
			} else {
				a.exit(exitNo)
			}
		}
	}
}

// lintWorld is a snapshot of the files' servers alone, with what the flags tell of
// them. Files of manifests are all of one world.
func lintWorld(files []hbaFile) *snapshot.Snapshot {
	var servers []*snapshot.Server
	for _, f := range files {
		servers = append(servers, lintServer(f))
	}
	if files[0].World == nil {
		return hbafile.World(servers...)
	}
	world := *files[0].World
	world.Servers = servers
	return &world
}

func lintServer(f hbaFile) *snapshot.Server {
	if f.Server == nil {
		var maps *ident.File
		if f.HasIdent {
			maps = &f.Ident
		}
		if f.HBA.Dialect == hba.PgBouncer {
			return hbafile.PgBouncerServer(f.Name, f.HBA, f.Roles)
		}
		text := hbafile.Text{Name: f.Name, Text: f.Text}
		return hbafile.Server(text.Input(f.Version, hba.Server{}), maps, f.Roles)
	}
	return hbafile.WithRoles(f.Server, f.Roles)
}

// lintName names a file of a server.
func lintName(f hbaFile, file string) string {
	if f.Server != nil {
		return file + " of " + f.Server.Ref().String()
	}
	if f.Name == "-" {
		return "standard input"
	}
	return f.Name
}

// identName names the pg_ident.conf; "" where there is none.
func identName(f hbaFile, in *hbaInput) string {
	if !f.HasIdent {
		return ""
	}
	return cmp.Or(in.ident, lintName(f, "pg_ident.conf"))
}
