package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/app/report"
)

func (a *app) hbaRules() *cobra.Command {
	var in hbaInput
	var batch string
	var secrets bool
	cmd := &cobra.Command{
		Use:   "rules FILE",
		Short: "Show what pg_hba_file_rules and pg_ident_file_mappings would show",
		Long: `Show the rows that the server's view pg_hba_file_rules would have, errors in the
server's words among them, and with --ident those of pg_ident_file_mappings. Of a file of PgBouncer, which has no such view, the
rows are its lines, those that it passes over with the warning of its log.

--batch reads JSON Lines instead, each with a server and its files, and answers one
line each, in order; docs/hba.md has the fields. Secrets are shown there as a server
shows them.

Exit status: 0 the server would load the file; 1 it would refuse it; 2 that depends
on a file that is not there; 3 the run failed. With --batch 0, or 3 where a line was
not read.`,
		Example: `  pgmoat hba rules pg_hba.conf
  pgmoat hba rules pg_hba.conf --pg-version 15 -o json
  pgmoat hba rules cluster.yaml --server payments/ledger
  pgmoat hba rules auth_hba.conf --dialect pgbouncer --pgbouncer-version 1.24.1
  pgmoat hba rules --batch cases.jsonl > rules.jsonl`,
		Args: func(_ *cobra.Command, args []string) error { return fileOrBatch(args, batch) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if batch != "" {
				return a.batch(batch, func(e *hbacase.Evaluator, text []byte) (any, error) { return e.Rules(text) })
			}
			f, err := a.oneHBA(cmd.Context(), args[0], &in)
			if err != nil {
				return err
			}
			a.loads(f)
			shown := report.Rules(f.HBA, f.Ident, f.HasIdent, secrets)
			return shown.Write(a.out, a.output)
		},
	}
	cmd.Flags().StringVar(&batch, "batch", "", "answer JSON Lines of this file, or - for standard input")
	cmd.Flags().BoolVar(&secrets, "show-secrets", false, "show the values of ldapbindpasswd and radiussecrets, as the server's view does")
	return in.flags(a, cmd, "table", "json")
}

// loads sets the exit status by what the server makes of the file.
func (a *app) loads(f hbaFile) {
	words := []string{hbacase.Loaded(f.HBA.Errors), hbacase.Loaded(f.Ident.Errors)}
	switch {
	case slices.Contains(words, "rejected"):
		a.exit(exitNo)
	case slices.Contains(words, "unknown"):
		a.exit(exitUnknown)
	}
}
