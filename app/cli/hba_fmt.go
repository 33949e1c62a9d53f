package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/hbafile"
	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/model/authfile"
)

func (a *app) hbaFmt() *cobra.Command {
	var check, write bool
	cmd := &cobra.Command{
		Use:   "fmt FILE...",
		Short: "Align the columns of pg_hba.conf or pg_ident.conf, and change nothing else",
		Long: `Write a pg_hba.conf or pg_ident.conf with its fields in columns. Comments, the order
and the number of lines stay, and so does what any server from 13 to 18 reads in each
line: that is proven before anything is written. Lines that continue with a backslash
stay as they are, and so do files that a line includes.

Exit status: 0 written; 1 with --check, where a file is not formatted; 3 the run failed.`,
		Example: `  pgmoat hba fmt pg_hba.conf
  pgmoat hba fmt -w pg_hba.conf pg_ident.conf
  pgmoat hba fmt --check pg_hba.conf`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if check && write {
				return errors.New("want either --check or --write")
			}
			var failed error
			for _, path := range args {
				if err := a.format(path, check, write); err != nil {
					failed = errors.Join(failed, fmt.Errorf("%s: %w", path, err))
				}
			}
			return failed
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; name the files that are not formatted")
	cmd.Flags().BoolVarP(&write, "write", "w", false, "write to the file in place of standard output")
	return cmd
}

func (a *app) format(path string, check, write bool) error {
	if write && path == "-" {
		return errors.New("standard input cannot be written")
	}
	text, err := hbafile.Open(path, a.in)
	if err != nil {
		return err
	}
	if manifestStart.MatchString(text.Text) {
		return errors.New("this is a manifest; only a bare file is formatted")
	}
	formatted, err := authfile.Format(text.Text)
	switch {
	case err != nil:
		return err
	case check && formatted == text.Text, write && formatted == text.Text:
		return nil
	case check:
		a.exit(exitNo)
		_, err = fmt.Fprintln(a.out, report.Printable(path))
		return err
	case write:
		return hbafile.Replace(path, formatted)
	}
	_, err = fmt.Fprint(a.out, formatted)
	return err
}
