package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/saved"
	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/model/intent"
)

func (a *app) snapshot() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snapshot",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "Save what was read of an estate in a file, and look at or compare such files",
		Long: `Save what was read of an estate in one file, which is a source again: of a cluster for
those who cannot reach it, of yesterday for those who ask what changed. Never a Secret's
value is in it. docs/snapshot.md says what is, and what the file's format promises.`,
		Example: `  pgmoat snapshot save cluster.snapshot
  pgmoat who-can payments/ledger -f cluster.snapshot
  pgmoat snapshot diff cluster.snapshot k8s/`,
	}
	cmd.AddCommand(a.snapshotSave(), a.snapshotShow(), a.snapshotDiff())
	return cmd
}

func (a *app) snapshotSave() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "save FILE",
		Short: "Save what was read of an estate in a file",
		Long: `Save what was read of an estate in a file, or with - on standard output. A file that is
there already stays, unless --force is given; the new one is there as a whole or not at all.

Kept are all objects that any command of pgmoat reads, with the places they were read at,
and what could not be read, was skipped or not listed. Of Secrets the names of the entries
are kept and the certificates of those named as one, and nothing else. The facts file is
not: it is given again with --facts to whoever reads the snapshot.

Exit status: 0 saved; 3 the run failed, or something could not be read. In that case the
file is written all the same: the problem is in it, and keeps answers in doubt as it does
without.`,
		Example: `  pgmoat snapshot save cluster.snapshot
  pgmoat snapshot save -f k8s/ main.snapshot
  pgmoat snapshot save - --context prod | ssh audit 'cat > prod.snapshot'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range []string{"facts", "cni", "strict"} {
				if cmd.Flags().Changed(name) {
					return fmt.Errorf("--%s is not for saving: give it to the command that reads the snapshot", name)
				}
			}
			return a.saveSnapshot(cmd.Context(), args[0], force)
		},
	}
	a.sourced(cmd, "table") // there is one line to say, and "show -o json" has the rest
	cmd.Flags().BoolVar(&force, "force", false, "write over a file that is there already")
	for _, name := range []string{"facts", "cni", "strict", "output"} {
		_ = cmd.Flags().MarkHidden(name) // of every command with a source
	}
	return cmd
}

// saveSnapshot reads what there is, writes it and says what was written.
func (a *app) saveSnapshot(ctx context.Context, path string, force bool) error {
	batch, err := a.everything(ctx, a.paths())
	if err != nil {
		return err
	}
	header := saved.Header{Program: versionText(), Taken: time.Now().Truncate(time.Second), Sources: a.paths()}
	if path == "-" {
		var file bytes.Buffer
		if header, err = saved.Write(&file, header, batch); err != nil {
			return err
		}
		size := int64(file.Len())
		if _, err = file.WriteTo(a.out); err != nil {
			return err
		}
		return a.saidSaved(a.err, "standard output", header, size)
	}
	header, size, err := saved.WriteFile(path, force, header, batch)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s: is there already; --force writes over it", path)
	case err != nil:
		return err
	}
	return a.saidSaved(a.out, path, header, size)
}

func (a *app) saidSaved(out io.Writer, path string, h saved.Header, size int64) error {
	_, err := fmt.Fprintln(out, report.Printable(fmt.Sprintf("%s: %d objects, %d bytes, sha256 %s", path, h.Objects, size, h.Digest)))
	return err
}

// everything reads all objects that any command reads, and tells what could not be read. It
// asks for no digests: that of a file with a password tells whoever guesses it that he is right.
func (a *app) everything(ctx context.Context, paths []string) (object.Batch, error) {
	opts := a.options(paths, "")
	opts.Intents = &intent.Intents{}
	_, batch, err := a.loadBatch(ctx, opts)
	return batch, err
}

func (a *app) snapshotShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show FILE",
		Short: "Say what a saved snapshot is of",
		Long: `Say what a saved snapshot is of: when and from what it was made, which kinds of objects
it has in which namespaces, what the cluster did not list, and what could not be read. The
digest is verified: a file that was changed or cut off is an error.

Exit status: 0 shown; 3 the file is no snapshot, is damaged, or is of a newer pgmoat.`,
		Example: `  pgmoat snapshot show cluster.snapshot
  pgmoat snapshot show cluster.snapshot -o json | jq .coverage`,
		Args: cobra.ExactArgs(1),
	}
	var output string
	cmd.Flags().StringVarP(&output, "output", "o", "table", "output format: table, json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if output != "table" && output != "json" {
			return fmt.Errorf("-o %s: want one of table, json", output)
		}
		shown := &report.Saved{File: args[0]}
		var err error
		if args[0] == "-" {
			shown.Header, shown.Batch, err = saved.Read(cmd.Context(), "standard input", a.in, nil)
		} else {
			shown.Header, shown.Batch, err = saved.ReadFile(cmd.Context(), args[0], nil)
		}
		if err != nil {
			return err
		}
		return shown.Write(a.out, output)
	}
	return cmd
}

func (a *app) snapshotDiff() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say which objects of two sources differ, and in which fields",
		Long: `Say which objects of two sources differ, and in which fields: each is a snapshot, or
whatever else -f of the other commands takes. Objects are compared, not what they do:
pgmoat diff says who gains or loses access.

The status, and what the API server writes into metadata (uid, resourceVersion, generation,
creationTimestamp, managedFields), is left out; --all compares it too, but for
managedFields, which is never kept. Of Secrets the names of entries and the certificates
are compared: that a password is another one is not seen.

Exit status: 0 no object differs; 1 objects differ; 3 the run failed, or a source could not
be read fully.`,
		Example: `  pgmoat snapshot diff monday.snapshot tuesday.snapshot
  pgmoat snapshot diff cluster.snapshot k8s/ -o json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.compareObjects(cmd.Context(), args, all)
		},
	}
	a.sourced(cmd, "table", "json")
	cmd.Flags().BoolVar(&all, "all", false, "compare the status and what the API server writes into metadata, too")
	for _, name := range []string{"filename", "facts", "cni", "strict", "context", "delete"} {
		_ = cmd.Flags().MarkHidden(name) // of every command with a source
	}
	return cmd
}

func (a *app) compareObjects(ctx context.Context, names []string, all bool) error {
	switch {
	case len(a.files) > 0:
		return errors.New("-f is not for snapshot diff: name OLD and NEW")
	case names[0] == "-" && names[1] == "-":
		return errors.New("only one of OLD and NEW can be standard input")
	}
	names, err := a.compared(names)
	if err != nil {
		return err
	}
	d := &report.SavedDiff{Old: report.SavedSide{Name: names[0]}, New: report.SavedSide{Name: names[1]}}
	for _, side := range []*report.SavedSide{&d.Old, &d.New} {
		if side.Batch, err = a.everything(ctx, []string{side.Name}); err != nil {
			return err
		}
	}
	if d.Changes, err = saved.Compare(d.Old.Batch, d.New.Batch, all); err != nil {
		return err
	}
	if len(d.Changes) > 0 {
		a.exit(exitNo)
	}
	return d.Write(a.out, a.output)
}
