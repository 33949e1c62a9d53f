package cli

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/artefact"
)

// backends are all layers that are compiled, in the order in which they may be written.
var backends = []compile.Backend{
	compile.Namespace, compile.NetworkPolicy, compile.ClusterNetworkPolicy, compile.TLS, compile.Ident, compile.HBA, compile.RBAC, compile.Privileges,
}

// The forms in which artefacts are written, beside those of a report.
const (
	formYAML      = "yaml"
	formDir       = "dir"
	formKustomize = "kustomize"
)

// compileTo is where what is compiled goes; dir is empty for standard output.
type compileTo struct {
	dir      string
	unproven bool
}

func (a *app) compile() *cobra.Command {
	var now string
	var to compileTo
	cmd := &cobra.Command{
		Use:   "compile -f DIR",
		Short: "Make of PostgresPerimeter and PostgresAccess what each layer has to say",
		Long: `Make of PostgresPerimeter and PostgresAccess objects (group pgmoat.dev) what each layer
has to say: NetworkPolicies, ClusterNetworkPolicies, lines of pg_hba.conf and pg_ident.conf
by the field that the operator has for them, TLS, and the Role that reads the one Secret.
Nothing wider is made than was asked: what a layer cannot express is a gap, and is told
with what comes of it. The estate that -f names has to hold the servers.

-o yaml is a stream of whole objects for kubectl apply; fields of objects that an operator
or a person owns, such as spec.postgresql.pg_hba of a Cluster, stand in it as comments.
-o dir and -o kustomize write them as patches, too.

What is compiled is proven before it is written (pgmoat prove tells all of that): where it
would itself let somebody in who was not declared, cut what a server needs to stay alive, or
change a connection that nobody spoke of, nothing is written. --unproven leaves the proof out.

Exit status: 0 compiled; 1 an intent cannot be compiled, or what was compiled does not stand
the proof; 2 compiled, with gaps that no layer carries; 3 the run failed or an input could
not be read.`,
		Example: `  pgmoat compile -f k8s/ -f access/
  pgmoat compile -f k8s/ -f access/ -o yaml | kubectl apply -f -
  pgmoat compile -f k8s/ -f access/ -o kustomize --out compiled/
  pgmoat compile -f k8s/ -f access/ --now 2027-01-01 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			written := a.output == formDir || a.output == formKustomize
			if written != (to.dir != "") {
				return errors.New("--out DIRECTORY goes with -o dir and -o kustomize, which need it")
			}
			at, err := moment(now)
			if err != nil {
				return err
			}
			return a.compiled(cmd.Context(), to, at)
		},
	}
	cmd.Flags().StringVar(&to.dir, "out", "", "directory to write to, with -o dir and -o kustomize; what an earlier run wrote there is replaced")
	cmd.Flags().StringVar(&now, "now", "", nowFlag)
	cmd.Flags().BoolVar(&to.unproven, "unproven", false, "do not prove what is compiled, and write it all the same")
	return a.sourced(cmd, append(slices.Clone(report.CompiledFormats), formYAML, formDir, formKustomize)...)
}

// compiled reads, compiles, proves and writes.
func (a *app) compiled(ctx context.Context, to compileTo, now time.Time) error {
	p, err := a.plan(ctx, now, nil)
	if err != nil {
		return err
	}
	result := report.Compiled{Errors: p.faults, Unread: p.unread(), Locate: p.world.Locate}
	if !p.unread() && !p.failed() {
		result.Job, result.Output = p.job, compile.Compile(p.job, backends)
		if result.Proof, err = a.standing(ctx, to, p, result.Output); err != nil {
			return err
		}
	}
	switch {
	case p.unread():
		a.exit(exitFailed)
	case p.failed():
		a.exit(exitNo)
	case slices.ContainsFunc(result.Output.Gaps, uncarried):
		a.exit(exitUnknown)
	}
	return a.writeCompiled(&result, to.dir, manifest.Options{Objects: p.batch.Objects, Locate: p.world.Locate})
}

// standing proves what was compiled; nil where nobody wants it proven.
func (a *app) standing(ctx context.Context, to compileTo, p *plan, output *compile.Output) (*report.Proved, error) {
	if to.unproven {
		return nil, nil
	}
	proof := &report.Proved{World: p.world, Output: output, Version: version}
	return proof, a.holdAgainst(ctx, p, proof)
}

func uncarried(g artefact.Gap) bool { return g.Carried == "" }

// writeCompiled prints, or writes files and tells what was written.
func (a *app) writeCompiled(result *report.Compiled, dir string, opts manifest.Options) error {
	if result.Output == nil && !slices.Contains(report.CompiledFormats, a.output) {
		return result.Write(a.err, "table")
	}
	if result.Harms() {
		a.exit(exitNo)
		if !slices.Contains(report.CompiledFormats, a.output) {
			return result.WriteHarm(a.err)
		}
	}
	switch a.output {
	case formYAML:
		if err := result.WriteProof(a.err); err != nil {
			return err
		}
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
