package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/draft"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func (a *app) imports() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "import -f DIR [SERVER...]",
		Short: "Draft PostgresPerimeter and PostgresAccess from what policies and pg_hba.conf let in today",
		Long: `Draft from an estate as it is the objects that ask for it: a PostgresPerimeter for each
server, and a PostgresAccess for each group of clients that gets the same. Above each
stands from which policies and lines it was drawn.

The draft is checked before it is printed: it is compiled over the estate, once with the
policies that are there and once without those that it takes the place of, and all
answers are compared with those of today. An entry that would let in somebody who is
refused today is left out; where what the server needs to live does so, the draft begins
with DO NOT APPLY. Who loses what is listed. Databases and roles that nothing names are
not made up.

Exit status: 0 the draft compiles back to the same access; 1 something could not be
expressed, and is listed; 2 nothing is lost for certain, but something is not known;
3 the run failed or an input could not be read.`,
		Example: `  pgmoat import -f k8s/ > access.yaml
  pgmoat import -f k8s/ payments/ledger -o table
  pgmoat import -f k8s/ --facts facts.yaml --out access/
  pgmoat import -f k8s/ > access.yaml; pgmoat compile -f k8s/ -f access.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("output") {
				a.output = formYAML
			}
			if out != "" && a.output != formYAML {
				return errors.New("--out goes with -o yaml")
			}
			return a.imported(cmd.Context(), args, out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file to write the YAML to, or a directory that is there, or ends in a slash, for a file for each server")
	return a.sourced(cmd, append([]string{formYAML}, report.ImportedFormats...)...)
}

// imported reads, drafts, checks and writes.
func (a *app) imported(ctx context.Context, names []string, out string) error {
	var have intent.Intents
	world, batch, err := a.loadObjects(ctx, &have)
	if err != nil {
		return err
	}
	for _, p := range have.Problems {
		_, _ = fmt.Fprintf(a.err, "pgmoat: %s: %s\n", report.Printable(world.Locate(p.Origin).String()), report.Printable(p.Err))
	}
	if len(world.Problems)+len(have.Problems) > 0 {
		// A policy that was not read may be the one that lets somebody in.
		return errors.New("nothing is drafted: something could not be read")
	}
	servers, err := a.importable(world, names)
	if err != nil {
		return err
	}
	c := &draftCheck{
		opts: a.options(a.files, a.facts), batch: batch, before: reach.New(world),
		result: draft.Beside(reach.New(world), servers, have),
	}
	if err := c.run(ctx); err != nil {
		return err
	}
	result := &report.Imported{Result: c.result, Judgement: c.judgement, World: world}
	a.exit(importedStatus(result))
	return a.writeImported(result, out)
}

// importable are the servers that are named, or all: not those that are a part of another,
// nor bare files.
func (a *app) importable(world *snapshot.Snapshot, names []string) ([]*snapshot.Server, error) {
	var out []*snapshot.Server
	for _, name := range names {
		s, err := findServer(world, name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if len(names) == 0 {
		out = world.Servers
		if incomplete(world) {
			a.exit(exitUnknown)
		}
	}
	for _, s := range out {
		if err := tooMany(s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// importedStatus is the exit status of a draft.
func importedStatus(r *report.Imported) int {
	switch s := r.Summary(); {
	case s.Gains+s.Lost > 0:
		return exitNo
	case s.Doubtful > 0:
		return exitUnknown
	}
	return exitYes
}

// writeImported prints, or writes files and tells which.
func (a *app) writeImported(r *report.Imported, out string) error {
	switch {
	case a.output != formYAML:
		return r.Write(a.out, a.output)
	case out == "":
		if err := r.YAML(a.out); err != nil {
			return err
		}
		return r.Remark(a.err)
	}
	if info, err := os.Stat(out); err == nil && info.IsDir() || os.IsPathSeparator(out[len(out)-1]) {
		files, err := r.Files()
		if err == nil {
			err = manifest.Write(out, files)
		}
		if err != nil {
			return err
		}
		return r.Write(a.out, "table")
	}
	f, err := os.Create(filepath.Clean(out))
	if err != nil {
		return err
	}
	if err := errors.Join(r.YAML(f), f.Close()); err != nil {
		return err
	}
	return r.Write(a.out, "table")
}
