package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/rules"
)

func (a *app) audit() *cobra.Command {
	var severity string
	var ids []string
	var list bool
	cmd := &cobra.Command{
		Use:   "audit -f DIR",
		Short: "Find what is wrong: dead policies, doors that are open, flows that are cut",
		Long: `Find what is wrong: policies that select or admit nobody, lines of pg_hba.conf that
restrict nothing, databases that everybody reaches, and flows that a database needs
and that something cuts. Each finding names the line to edit and what to write.

Exit status: 0 nothing found; 1 findings; 2 some of them in doubt, or rules that had
something to check and could not; 3 the run failed or an input could not be read. --severity and --rule limit what counts.`,
		Example: `  pgmoat audit -f k8s/
  pgmoat audit -f k8s/ --severity high -o sarif > pgmoat.sarif
  pgmoat audit -f k8s/ --rule NET1001 --rule NET1004
  pgmoat audit --list-rules`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			wanted, err := rules.Named(ids...)
			if err != nil {
				return err
			}
			least, err := audit.ParseSeverity(severity)
			if err != nil {
				return fmt.Errorf("--severity: %w", err)
			}
			if list {
				return a.listRules(wanted)
			}
			return a.check(cmd, wanted, least)
		},
	}
	f := cmd.Flags()
	f.StringVar(&severity, "severity", "low", "tell findings of this severity or worse: low, medium, high, critical")
	f.StringArrayVar(&ids, "rule", nil, "check only this rule; repeatable")
	f.BoolVar(&list, "list-rules", false, "list the rules and check nothing")
	return a.sourced(cmd, report.AuditFormats...)
}

// check runs the rules and sets the exit status by what they found: a doubt wins
// over findings, and a database that no rule understands is one.
func (a *app) check(cmd *cobra.Command, wanted []*audit.Rule, least audit.Severity) error {
	world, err := a.load(cmd.Context())
	if err != nil {
		return err
	}
	result := audit.Run(world, wanted).AtLeast(least)
	if result.Found() > 0 {
		a.exit(exitNo)
	}
	if result.Unsettled() || incomplete(world) {
		a.exit(exitUnknown)
	}
	audited := report.Audited{World: world, Rules: wanted, Result: result, Version: version}
	return audited.Write(a.out, a.output)
}

func (a *app) listRules(wanted []*audit.Rule) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, r := range wanted {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", r.ID, r.Severity, r.Title)
	}
	return w.Flush()
}
