package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/draft"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func (a *app) imports() *cobra.Command {
	var to importTo
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
			if to.out != "" && a.output != formYAML {
				return errors.New("--out goes with -o yaml")
			}
			if to.force && (to.out == "" || to.isDir()) {
				return errors.New("--force goes with --out FILE")
			}
			return a.imported(cmd.Context(), args, to)
		},
	}
	cmd.Flags().StringVar(&to.out, "out", "", "file to write the YAML to, or a directory that is there, or ends in a slash, for a file for each server")
	cmd.Flags().BoolVar(&to.force, "force", false, "replace the file that --out names, where it is there")
	return a.sourced(cmd, append([]string{formYAML}, report.ImportedFormats...)...)
}

// importTo is where a draft goes; out is empty for standard output.
type importTo struct {
	out   string
	force bool
}

func (to importTo) isDir() bool {
	info, err := os.Stat(to.out)
	return err == nil && info.IsDir() || os.IsPathSeparator(to.out[len(to.out)-1])
}

// imported reads, drafts, checks and writes.
func (a *app) imported(ctx context.Context, names []string, to importTo) error {
	var have intent.Intents
	world, batch, err := a.loadObjects(ctx, &have)
	if err != nil {
		return err
	}
	for _, p := range have.Problems {
		_, _ = fmt.Fprintf(a.err, "pgmoat: %s: %s\n", report.Printable(world.Locate(p.Origin).String()), report.Printable(p.Fault()))
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
		opts: a.options(a.paths(), a.facts), batch: batch, before: reach.New(world),
		result: draft.Beside(reach.New(world), servers, have),
	}
	if err := c.run(ctx); err != nil {
		return err
	}
	result := &report.Imported{Result: c.result, Judgement: c.judgement, World: world}
	a.exit(importedStatus(result))
	return a.writeImported(result, to)
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
func (a *app) writeImported(r *report.Imported, to importTo) error {
	switch {
	case a.output != formYAML:
		return r.Write(a.out, a.output)
	case to.out == "":
		if err := r.YAML(a.out); err != nil {
			return err
		}
		return r.Remark(a.err)
	}
	write := writeDraft
	if to.isDir() {
		write = writeDrafts
	}
	if err := write(r, to); err != nil {
		return err
	}
	return r.Write(a.out, "table")
}

// writeDrafts writes a file for each server. They take the place of what an earlier run
// wrote, and of nothing else.
func writeDrafts(r *report.Imported, to importTo) error {
	files, err := r.Files()
	if err != nil {
		return err
	}
	return manifest.Write(to.out, files)
}

// writeDraft writes one file, whole or not at all: who drafts again may have changed the
// first draft by hand.
func writeDraft(r *report.Imported, to importTo) error {
	var text strings.Builder
	if err := r.YAML(&text); err != nil {
		return err
	}
	return writeNew([]manifest.File{{Name: filepath.Clean(to.out), Data: text.String()}}, to.force)
}
