package cli

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/regions"
)

func (a *app) hbaDiff() *cobra.Command {
	var in hbaInput
	var newVersion int
	var interfaces []string
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say which attempts two files treat differently; none is a proof that they mean the same",
		Long: `Compare two files by what they do, not by how they are written: all attempts there
are (transport, address, database or physical replication, user, certificate) are
covered as sets. Each difference is a region with the old and the new outcome and one
attempt of it to try. No difference is a proof.

Memberships (without --roles), host names, the server's own networks (without
--interface) and expressions with back references are conditions that a region
names: the difference is there for attempts that meet them.

A difference in wording only is one between two refusals that the client can tell
apart; nobody gets in who did not before.

Exit status: 0 the same, or the same but for wording with --ignore-wording; 1
differences; 2 not all of it could be told; 3 the run failed, or the server would not
load one of the files.`,
		Example: `  pgmoat hba diff pg_hba.conf.old pg_hba.conf
  pgmoat hba diff pg_hba.conf pg_hba.conf --pg-version 15 --new-version 16
  pgmoat hba diff old.yaml new.yaml --server payments/ledger
  pgmoat hba diff a.conf b.conf --roles roles.json --interface 10.0.0.5/24 -o json`,
		Args: cobra.ExactArgs(2),
	}
	f := cmd.Flags()
	f.IntVar(&newVersion, "new-version", 0, "major version that reads NEW; by default --pg-version")
	f.StringArrayVar(&interfaces, "interface", nil, "address of the server with its network's length, for samehost and samenet; repeatable")
	wording := f.Bool("ignore-wording", false, "leave out differences between two refusals")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if args[0] == "-" && args[1] == "-" {
			return errors.New("only one of OLD and NEW can be standard input")
		}
		old, err := a.oneHBA(cmd.Context(), args[0], &in)
		if err != nil {
			return err
		}
		next := in
		if newVersion != 0 {
			next.version = newVersion
		}
		renewed, err := a.oneHBA(cmd.Context(), args[1], &next)
		if err != nil {
			return err
		}
		ctx := regions.Context{Roles: old.Roles}
		if ctx.Interfaces, err = prefixes(interfaces); err != nil {
			return err
		}
		return a.compare(old, renewed, ctx, *wording)
	}
	return in.flags(a, cmd, "text", "json")
}

func prefixes(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("--interface: %w", err)
		}
		out = append(out, p)
	}
	return out, nil
}

func (a *app) compare(old, next hbaFile, ctx regions.Context, ignoreWording bool) error {
	for _, f := range []hbaFile{old, next} {
		if !f.HBA.Loads() {
			return report.NotLoaded(f.Name, f.HBA)
		}
	}
	result, err := regions.Diff(old.HBA, next.HBA, ctx)
	if err != nil {
		return err
	}
	shown := report.NewHBADiff(old.Name, next.Name, result, ignoreWording)
	switch {
	case result.Incomplete:
		a.exit(exitUnknown)
	case shown.Differs():
		a.exit(exitNo)
	}
	return shown.Write(a.out, a.output)
}
