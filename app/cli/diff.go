package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/source"
	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A comparison is what diff is asked besides its sources.
type comparison struct {
	oldFacts, newFacts string
	failOn             string
	// over says that NEW is laid over OLD.
	over bool
}

func (a *app) diff() *cobra.Command {
	var c comparison
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say who gains or loses access between two sources, what stops working, and why",
		Long: `Compare all answers of two estates: the closed list of who-can for every server, the
flows that each server needs to stay alive, and who reaches its control ports. OLD and
NEW are sources as of -f (files, directories, saved snapshots, live:, live:CONTEXT); one of
them can be - for standard input. With --over, NEW is laid over OLD: a pull request's folder
over the cluster it is for.

Each difference names what was edited to cause it, with the line, and an attempt that
the sources answer differently: the command shown asks for all of its steps.

Exit status: 0 no answer differs; 1 answers differ; 2 they differ only in what is not
known on one side, or not the same namespaces of clusters were read for both; 3 the run
failed, or a source could not be read fully. With --fail-on it is 1 only where something
was opened or cut, as asked for, 2 where that may be, and else 0.`,
		Example: `  pgmoat diff k8s.old/ k8s/
  git show main:k8s/all.yaml | pgmoat diff - k8s/all.yaml -o json
  pgmoat diff base/k8s k8s --fail-on opened -o github
  pgmoat diff live: pr/ --over --delete networkpolicy/payments/ledger
  pgmoat diff cluster.snapshot live:`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			args, err := a.compared(args)
			if err != nil {
				return err
			}
			worlds, err := a.loadBoth(cmd.Context(), c, args)
			if err != nil {
				return err
			}
			return a.compareAnswers(c, args, worlds)
		},
	}
	a.sourced(cmd, "table", "json", "md", "github")
	a.comparing(cmd, &c)
	cmd.Flags().StringVar(&c.failOn, "fail-on", "", "exit status 1 only for what was opened, cut or either")
	return cmd
}

// comparing adds the flags of a command that compares two sources.
func (a *app) comparing(cmd *cobra.Command, c *comparison) {
	cmd.Flags().StringVar(&c.oldFacts, "old-facts", "", "facts file of OLD alone")
	cmd.Flags().StringVar(&c.newFacts, "new-facts", "", "facts file of NEW alone")
	cmd.Flags().BoolVar(&c.over, "over", false, "lay NEW over OLD: its objects take the place of those of OLD, the rest of OLD stays; --delete is of NEW")
	_ = cmd.Flags().MarkHidden("filename")
	cmd.Flags().Lookup("context").Usage = "the kube context that live: means (default: the current one)"
}

// checkComparison refuses flags and sources that do not go together.
func (a *app) checkComparison(c comparison, args []string) error {
	switch {
	case len(a.files) > 0:
		return errors.New("-f is not for diff: name OLD and NEW")
	case args[0] == "-" && args[1] == "-":
		return errors.New("only one of OLD and NEW can be standard input")
	case a.facts != "" && (c.oldFacts != "" || c.newFacts != ""):
		return errors.New("--facts is for both sources: it excludes --old-facts and --new-facts")
	}
	switch c.failOn {
	case "", "opened", "cut", "either":
		return nil
	}
	return fmt.Errorf("--fail-on %s: want opened, cut or either", c.failOn)
}

// factsOf returns the facts files of both sources.
func (a *app) factsOf(c comparison) [2]string {
	return [2]string{cmp.Or(c.oldFacts, a.facts), cmp.Or(c.newFacts, a.facts)}
}

// loadBoth reads both sources at once, and then tells of each what could not be read.
func (a *app) loadBoth(ctx context.Context, c comparison, names []string) (worlds [2]*snapshot.Snapshot, err error) {
	if err := a.checkComparison(c, names); err != nil {
		return worlds, err
	}
	sources, err := a.bothSources(c, names)
	if err != nil {
		return worlds, err
	}
	facts := a.factsOf(c)
	var errs [2]error
	var wait sync.WaitGroup
	for i := range names {
		wait.Go(func() { worlds[i], errs[i] = estate.From(ctx, sources[i], a.options(names[i:i+1], facts[i])) })
	}
	wait.Wait()
	if err := cmp.Or(errs[0], errs[1]); err != nil {
		return worlds, err
	}
	for _, world := range worlds {
		a.tell(world)
	}
	a.tellApart(names, worlds)
	return worlds, nil
}

// tellApart tells of two clusters that were not read in the same namespaces: what lies in
// those of one alone would pass for added or removed, so that nothing is certain.
func (a *app) tellApart(names []string, worlds [2]*snapshot.Snapshot) {
	var read [2]string
	for i, world := range worlds {
		switch c := world.Coverage; {
		case c == nil:
			return
		case len(c.Namespaces) == 0:
			read[i] = "all namespaces"
		default:
			read[i] = strings.Join(c.Namespaces, ", ")
		}
	}
	if read[0] == read[1] {
		return
	}
	_, _ = fmt.Fprintf(a.err, "pgmoat: %s\n", report.Printable(fmt.Sprintf(
		"%s has what is in %s, and %s what is in %s: what only one of them was read for is compared as if the other had none of it",
		names[0], read[0], names[1], read[1])))
	a.exit(exitUnknown)
}

// bothSources opens the sources of a comparison; what is deleted is deleted in the new one.
func (a *app) bothSources(c comparison, names []string) (out [2]estate.Source, err error) {
	for i := range out {
		if out[i], err = a.source(names[i:i+1], a.options(names[i:i+1], "")); err != nil {
			return out, err
		}
	}
	if c.over {
		out[0] = source.Once(out[0])
		out[1] = source.Over(out[0], out[1])
	}
	out[1], err = source.Without(out[1], a.sources.delete)
	return out, err
}

func (a *app) compareAnswers(c comparison, names []string, worlds [2]*snapshot.Snapshot) error {
	for _, world := range worlds {
		for _, s := range world.Servers {
			if err := tooMany(s); err != nil {
				return err
			}
		}
	}
	d := change.Compare(reach.New(worlds[0]), reach.New(worlds[1]))
	out := report.NewChanged(report.EstateSide{Name: names[0], World: worlds[0]}, report.EstateSide{Name: names[1], World: worlds[1]}, d)
	facts := a.factsOf(c)
	out.OldFlags, out.NewFlags = a.sourceFlags(facts[0]), a.sourceFlags(facts[1])
	for _, ref := range a.sources.delete {
		out.NewFlags = append(out.NewFlags, "--delete", ref)
	}
	if c.over {
		out.Base = names[0]
	}
	a.exit(differenceStatus(c.failOn, out))
	return out.Write(a.out, a.output)
}

// sourceFlags are those that read one source again as it was read.
func (a *app) sourceFlags(facts string) []string {
	out := a.sources.again()
	for _, glob := range a.skip {
		out = append(out, "--skip", glob)
	}
	if a.namespace != "default" {
		out = append(out, "-n", a.namespace)
	}
	if facts != "" {
		out = append(out, "--facts", facts)
	}
	if a.cni != "" {
		out = append(out, "--cni", a.cni)
	}
	if a.strict {
		out = append(out, "--strict")
	}
	return out
}

// differenceStatus is the exit status of a difference.
func differenceStatus(failOn string, d *report.Changed) int {
	opens, mayOpen := d.Opens()
	cuts, mayCut := d.Cuts()
	switch failOn {
	case "opened":
		return foundStatus(opens, mayOpen)
	case "cut":
		return foundStatus(cuts, mayCut)
	case "either":
		return foundStatus(opens || cuts, mayOpen || mayCut)
	}
	return foundStatus(d.IsCertain(), !d.IsEmpty())
}

// foundStatus is that of something to be found: it is there, or it may be.
func foundStatus(sure, doubt bool) int {
	switch {
	case sure:
		return exitNo
	case doubt:
		return exitUnknown
	}
	return exitYes
}
