// Package cli is the command line: one file a command, flags in, one engine asked,
// one answer printed. It is also the kubectl plugin, by its name.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/facts"
	"github.com/pgmoat/pgmoat/adapter/kube"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/adapter/operator/other"
	"github.com/pgmoat/pgmoat/adapter/render"
	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The exit statuses of every command.
const (
	exitYes     = 0 // yes, nothing found, no difference
	exitNo      = 1 // no, findings, a difference
	exitUnknown = 2 // cannot tell
	exitFailed  = 3 // the run failed or an input could not be read
)

// An app is one run of the program: its streams, its flags and its exit status.
type app struct {
	in       io.Reader
	out, err io.Writer

	files     []string
	skip      []string
	namespace string
	facts     string
	cni       string
	strict    bool
	output    string
	sources   sources

	code int
}

// Main runs the program and returns its exit status. Args begins with the
// program's name, from which it knows whether it is the kubectl plugin. It does not
// wait for a run that is interrupted: a read of a terminal or a pipe hears nothing
// of ctx.
func Main(ctx context.Context, args []string, in io.Reader, out, err io.Writer) int {
	if render.IsWorker(args) {
		return worker(in, out, err)
	}
	err = onScreen(err)
	done := make(chan int, 1)
	go func() { done <- guarded(err, func() int { return run(ctx, args, in, out, err) }) }()
	select {
	case code := <-done:
		return code
	case <-ctx.Done():
		_, _ = fmt.Fprintln(err, "pgmoat: interrupted")
		return exitFailed
	}
}

// worker is what the program does where another one of it started it to render.
func worker(in io.Reader, out, err io.Writer) int {
	if failed := render.Serve(in, out); failed != nil {
		_, _ = fmt.Fprintf(err, "pgmoat: rendering: %v\n", failed)
		return exitFailed
	}
	return exitYes
}

// guarded makes a fault of ours a failed run. Go's own status for it is 2, which
// here means that nobody can tell.
func guarded(err io.Writer, run func() int) (code int) {
	defer func() {
		if fault := recover(); fault != nil {
			_, _ = fmt.Fprintf(err, "pgmoat: internal error: %v\n%s", fault, debug.Stack())
			code = exitFailed
		}
	}()
	return run()
}

func run(ctx context.Context, args []string, in io.Reader, out, err io.Writer) int {
	a := &app{in: in, out: out, err: err}
	root := a.root(programName(args))
	help := &helpWriter{out: out}
	root.SetOut(help)
	root.SetArgs(args[1:])
	e := root.ExecuteContext(ctx)
	if e = cmp.Or(e, help.err); e != nil {
		_, _ = fmt.Fprintln(err, report.PrintableLines("pgmoat: "+e.Error()))
		return exitFailed
	}
	return a.code
}

// A helpWriter keeps the error that cobra drops when it writes its help.
type helpWriter struct {
	out io.Writer
	err error
}

func (w *helpWriter) Write(p []byte) (int, error) {
	n, err := w.out.Write(p)
	w.err = cmp.Or(w.err, err)
	return n, err
}

// programName is how the user calls us: "kubectl pgmoat" or "pgmoat".
func programName(args []string) string {
	if strings.HasPrefix(filepath.Base(args[0]), "kubectl-") {
		return "kubectl pgmoat"
	}
	return "pgmoat"
}

func (a *app) root(name string) *cobra.Command {
	root := &cobra.Command{
		Use:   "pgmoat",
		Short: "Who may reach which PostgreSQL on Kubernetes: written once, compiled into every layer, and proven",
		Long: `pgmoat reads Kubernetes manifests and answers, over all layers together, who can
reach which PostgreSQL: Services, NetworkPolicies, poolers, pg_hba.conf and the
identity map. Every answer names the line a person would edit to change it.

Who may reach it is written once, in objects of pgmoat: init writes the first of them,
import drafts them from what is there, compile makes of them what each layer has to say,
and prove holds all layers together against them.

What is read is named with -f, and without it is the cluster of the current kube context.
Kustomizations and Helm charts are built, saved snapshots are sources too, and of several
sources later ones replace objects of earlier ones: docs/sources.md.

Exit status of every command: 0 yes, nothing found; 1 no, findings; 2 cannot
tell; 3 the run failed or an input could not be read. 3 wins over 2, 2 over 1.`,
		Example: `  pgmoat audit -f k8s/
  pgmoat can shop/web payments/ledger --as app --db ledger -f k8s/
  pgmoat explain shop/web ledger-rw.payments --as app --db ledger -f k8s/
  pgmoat who-can payments/ledger -f k8s/
  pgmoat init -f k8s/
  pgmoat compile -f k8s/ -f access/
  pgmoat prove -f k8s/ -f access/`,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: name},
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(a.in)
	root.SetErr(a.err)
	root.AddCommand(a.audit(), a.can(), a.explain(), a.whoCan(), a.matrix(), a.vital(), a.diff(), a.init(), a.compile(), a.prove(), a.imports(), a.snapshot(), a.connections(), a.hba(), a.version())
	return root
}

// sourced adds the flags of a command that reads an estate.
func (a *app) sourced(cmd *cobra.Command, formats ...string) *cobra.Command {
	f := cmd.Flags()
	f.StringArrayVarP(&a.files, "filename", "f", nil, "file, directory (read recursively, kustomizations and charts are built), saved snapshot, live: or live:CONTEXT for a cluster, or - for standard input; repeatable, later ones replace objects of earlier ones (default: the cluster of the current kube context)")
	f.StringArrayVar(&a.skip, "skip", nil, "leave out files that match this glob; stated among the assumptions; repeatable")
	f.StringVarP(&a.namespace, "namespace", "n", "default", "namespace of objects that name none; of a live cluster, the namespaces to read (default all), with commas between them")
	f.StringVar(&a.facts, "facts", "", "file with what manifests cannot say (CNI, API server, DNS, outside ranges)")
	f.StringVar(&a.cni, "cni", "", "network plugin, before what the facts file and the manifests say: "+strings.Join(cni.Names(), ", "))
	f.BoolVar(&a.strict, "strict", false, "accept no assumption: what rests on one is unknown")
	f.StringVarP(&a.output, "output", "o", formats[0], "output format: "+strings.Join(formats, ", "))
	a.sourceFlagsOf(cmd)
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		a.sources.narrowed = cmd.Flags().Changed("namespace")
		if cmd.Flags().Changed("cni") && a.cni == "" {
			return errors.New("--cni: want the name of a network plugin")
		}
		for _, known := range formats {
			if a.output == known {
				return nil
			}
		}
		return fmt.Errorf("-o %s: want one of %s", a.output, strings.Join(formats, ", "))
	}
	return cmd
}

// load reads the estate that the flags name and tells what could not be read.
func (a *app) load(ctx context.Context) (*snapshot.Snapshot, error) {
	world, err := a.read(ctx, a.paths(), a.facts)
	if err != nil {
		return nil, a.nothingNamed(err)
	}
	a.tell(world)
	return world, nil
}

// read reads the estate that paths hold, as the other flags say.
func (a *app) read(ctx context.Context, paths []string, factsFile string) (*snapshot.Snapshot, error) {
	opts := a.options(paths, factsFile)
	s, err := a.source(paths, opts, a.sources.delete...)
	if err != nil {
		return nil, err
	}
	return estate.From(ctx, s, opts)
}

func (a *app) options(paths []string, factsFile string) estate.Options {
	return estate.Options{
		Paths: paths, Skip: a.skip, Namespace: a.namespace, FactsFile: factsFile,
		CNI: a.cni, Strict: a.strict, Stdin: a.in, Now: time.Now(),
		Adapters: known.Adapters(),
	}
}

// tell tells what could not be read.
func (a *app) tell(world *snapshot.Snapshot) {
	for _, p := range world.Problems {
		_, _ = fmt.Fprintf(a.err, "pgmoat: %s\n", report.Printable(report.Problem(world, p)))
	}
	if len(world.Problems) > 0 {
		a.exit(exitFailed)
	}
	for _, w := range world.Warnings {
		if announced(w.Code) {
			_, _ = fmt.Fprintf(a.err, "pgmoat: %s: %s\n", report.Printable(world.Locate(w.Origin).String()), report.Printable(w.Text))
		}
	}
}

// told are the warnings that nobody should have to ask for: what was read means something
// else than it seems to.
var told = []string{other.NotModelled, other.PoolerNotModelled, facts.Contradiction, kube.FailsClosed}

// toldOf are the beginnings of more such codes: what a source leaves out or takes for granted.
var toldOf = []string{"source/", "sources/", "tree/", "chart/", "gitops/"}

func announced(code string) bool {
	return slices.Contains(told, code) ||
		slices.ContainsFunc(toldOf, func(prefix string) bool { return strings.HasPrefix(code, prefix) })
}

// incomplete reports whether some database that was read is in no answer.
func incomplete(world *snapshot.Snapshot) bool {
	return slices.ContainsFunc(world.Warnings, func(w snapshot.Warning) bool { return w.Code == other.NotModelled })
}

// exit raises the exit status: 3 wins over 2, 2 over 1, 1 over 0.
func (a *app) exit(code int) { a.code = max(a.code, code) }

// answer is the exit status of a verdict.
func answer(v verdict.Verdict) int {
	switch v {
	case verdict.Allow:
		return exitYes
	case verdict.Deny:
		return exitNo
	default:
		return exitUnknown
	}
}
