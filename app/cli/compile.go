package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// backends are all layers that are compiled, in the order in which they may be written.
var backends = []compile.Backend{
	compile.Namespace, compile.NetworkPolicy, compile.ClusterNetworkPolicy, compile.TLS, compile.Ident, compile.HBA, compile.RBAC,
}

// The forms in which artefacts are written, beside those of a report.
const (
	formYAML      = "yaml"
	formDir       = "dir"
	formKustomize = "kustomize"
)

func (a *app) compile() *cobra.Command {
	var dir, now string
	cmd := &cobra.Command{
		Use:   "compile -f DIR",
		Short: "Make of PostgresPerimeter and PostgresAccess what each layer has to say",
		Long: `Make of PostgresPerimeter and PostgresAccess objects (group pgmoat.dev) what each layer
has to say: NetworkPolicies, ClusterNetworkPolicies, lines of pg_hba.conf and pg_ident.conf
by the field that the operator has for them, TLS, and the Role that reads the one Secret.
Nothing wider is made than was asked: what a layer cannot express is a gap, and is told
with what comes of it. The estate that -f names has to hold the servers.

Exit status: 0 compiled; 1 an intent cannot be compiled; 2 compiled, with gaps that no
layer carries; 3 the run failed or an input could not be read.`,
		Example: `  pgmoat compile -f k8s/ -f access/
  pgmoat compile -f k8s/ -f access/ -o yaml | kubectl apply -f -
  pgmoat compile -f k8s/ -f access/ -o kustomize --out compiled/
  pgmoat compile -f k8s/ -f access/ --now 2027-01-01 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			written := a.output == formDir || a.output == formKustomize
			if written != (dir != "") {
				return errors.New("--out DIRECTORY goes with -o dir and -o kustomize, which need it")
			}
			at, err := moment(now)
			if err != nil {
				return err
			}
			return a.compiled(cmd.Context(), dir, at)
		},
	}
	cmd.Flags().StringVar(&dir, "out", "", "directory to write to, with -o dir and -o kustomize; what an earlier run wrote there is replaced")
	cmd.Flags().StringVar(&now, "now", "", "the time by which accesses have ended, as 2027-01-01 or 2027-01-01T08:00:00Z (default: the facts file's, else the clock's)")
	return a.sourced(cmd, append(slices.Clone(report.CompiledFormats), formYAML, formDir, formKustomize)...)
}

// moment reads a time as a person writes it; zero for nothing.
func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("--now %s: want a day as 2027-01-01, or a time as 2027-01-01T08:00:00Z", text)
}

// compiled reads, compiles and writes.
func (a *app) compiled(ctx context.Context, dir string, now time.Time) error {
	var intents intent.Intents
	world, batch, err := a.loadObjects(ctx, &intents)
	if err != nil {
		return err
	}
	at := world.Facts.Now
	if !now.IsZero() {
		at = snapshot.Moment(now.Unix())
	}
	job, faults := compile.Plan(intents, world, at)
	// What could not be read may be what keeps a policy narrow.
	unread := len(intents.Problems)+len(world.Problems) > 0
	result := report.Compiled{Errors: faults, Unread: unread, Locate: world.Locate}
	if !unread && !result.Failed() {
		result.Job, result.Output = job, compile.Compile(job, backends)
	}
	switch {
	case unread:
		a.exit(exitFailed)
	case result.Failed():
		a.exit(exitNo)
	case slices.ContainsFunc(result.Output.Gaps, uncarried):
		a.exit(exitUnknown)
	}
	return a.writeCompiled(&result, dir, manifest.Options{Objects: batch.Objects, Locate: world.Locate})
}

func uncarried(g artefact.Gap) bool { return g.Carried == "" }

// writeCompiled prints, or writes files and tells what was written.
func (a *app) writeCompiled(result *report.Compiled, dir string, opts manifest.Options) error {
	if result.Output == nil && !slices.Contains(report.CompiledFormats, a.output) {
		return result.Write(a.err, "table")
	}
	switch a.output {
	case formYAML:
		return manifest.Stream(a.out, result.Output, opts)
	case formDir, formKustomize:
		files := manifest.Dir
		if a.output == formKustomize {
			files = manifest.Kustomize
		}
		list, err := files(result.Output, opts)
		if err != nil {
			return err
		}
		if err := manifest.Write(dir, list); err != nil {
			return err
		}
		return result.Write(a.out, "table")
	}
	return result.Write(a.out, a.output)
}

// loadObjects reads the estate and what was asked, and keeps the objects it was read from.
func (a *app) loadObjects(ctx context.Context, intents *intent.Intents) (*snapshot.Snapshot, object.Batch, error) {
	var batch object.Batch
	if len(a.files) == 0 {
		return nil, batch, errors.New("nothing to read: name manifests with -f FILE, -f DIRECTORY or -f -")
	}
	opts := a.options(a.files, a.facts)
	opts.Intents = intents
	source := func(ctx context.Context, wants estate.Wants) (object.Batch, error) {
		var err error
		batch, err = estate.Files(opts)(ctx, wants)
		return batch, err
	}
	world, err := estate.From(ctx, source, opts)
	if err != nil {
		return nil, batch, err
	}
	a.tell(world)
	return world, batch, nil
}
