package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/hbacase"
	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/regions"
	"github.com/pgmoat/pgmoat/model/hba"
)

func (a *app) hbaDiff() *cobra.Command {
	var in hbaInput
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

What is the same on both sides is taken to be the server: whether it offers TLS, its
secrets, and pg_ident.conf, unless two manifests say otherwise; then nothing is proven
of lines with map= and the exit status is 2.

A difference in wording only is one between two refusals that the client can tell
apart; nobody gets in who did not before.

Exit status: 0 the same, or the same but for wording with --ignore-wording; 1
differences; 2 not all of it could be told; 3 the run failed, or the server would not
load one of the files.`,
		Example: `  pgmoat hba diff pg_hba.conf.old pg_hba.conf
  pgmoat hba diff pg_hba.conf pg_hba.conf --pg-version 15 --new-version 16
  pgmoat hba diff old.yaml new.yaml --server payments/ledger
  pgmoat hba diff old.conf new.conf --dialect pgbouncer
  pgmoat hba diff a.conf b.conf --roles roles.json --interface 10.0.0.5/24 -o json`,
		Args: cobra.ExactArgs(2),
	}
	f := cmd.Flags()
	f.IntVar(&in.newVersion, "new-version", 0, "major version that reads NEW; by default --pg-version")
	f.StringArrayVar(&interfaces, "interface", nil, "address of the server with its network's length, for samehost and samenet; repeatable; loopback is always among them")
	wording := f.Bool("ignore-wording", false, "leave out differences between two refusals")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if args[0] == "-" && args[1] == "-" {
			return errors.New("only one of OLD and NEW can be standard input")
		}
		if in.ident != "" {
			return errors.New("--ident is not for diff: what a user name map allows is compared between manifests only")
		}
		old, renewed, err := a.both(cmd.Context(), args, in)
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

// both reads the two files. A bare one beside a manifest is read by the manifest's
// version, unless a flag says otherwise.
func (a *app) both(ctx context.Context, paths []string, in hbaInput) (old, next hbaFile, err error) {
	in.mixed = true
	if old, err = a.oneHBA(ctx, paths[0], &in); err != nil {
		return old, next, err
	}
	second := in
	switch {
	case in.newVersion != 0:
		second.version = in.newVersion
	case in.version == 0 && old.Server != nil:
		second.version = old.Version
	}
	if next, err = a.oneHBA(ctx, paths[1], &second); err != nil {
		return old, next, err
	}
	if old.Server == nil && next.Server != nil && in.version == 0 && next.Version != 0 && paths[0] != "-" {
		in.version = next.Version
		old, err = a.oneHBA(ctx, paths[0], &in)
	}
	return old, next, err
}

// prefixes reads the server's interfaces; loopback is always among them.
func prefixes(texts []string) ([]netip.Prefix, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	out := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")}
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("--interface: %w", err)
		}
		out = append(out, p)
	}
	return out, nil
}

// doubts says what besides the two files differs, and is not compared.
func doubts(old, next hbaFile) []string {
	if !usesMaps(old.HBA) && !usesMaps(next.HBA) {
		return nil
	}
	older := func(v int) bool { return v != 0 && v < 16 }
	if old.HasIdent == next.HasIdent && older(old.Version) == older(next.Version) && old.Ident.Same(&next.Ident) {
		return nil
	}
	return []string{"lines use user name maps (pg_ident.conf) that differ, are not known on one side, or are read by versions that differ in them: whom a map lets log in is not compared"}
}

func usesMaps(f hba.File) bool {
	return slices.ContainsFunc(f.Records, func(r hba.Record) bool { return r.Map() != "" })
}

func (a *app) compare(old, next hbaFile, ctx regions.Context, ignoreWording bool) error {
	for _, f := range []hbaFile{old, next} {
		switch err := report.NotLoaded(f.Name, f.HBA); {
		case f.HBA.Loads():
		case hbacase.Loaded(f.HBA.Errors) == "unknown":
			a.exit(exitUnknown)
			_, err = fmt.Fprintln(a.err, report.PrintableLines("pgmoat: "+err.Error()))
			return err
		default:
			return err
		}
	}
	result, err := regions.Diff(old.HBA, next.HBA, ctx)
	if err != nil {
		return err
	}
	shown := report.NewHBADiff(report.SideOf(old.Name, old.HBA, old.Version), report.SideOf(next.Name, next.HBA, next.Version),
		result, ignoreWording, doubts(old, next))
	switch {
	case result.Incomplete, len(shown.Doubts) > 0:
		a.exit(exitUnknown)
	case shown.Differs():
		a.exit(exitNo)
	}
	return shown.Write(a.out, a.output)
}
