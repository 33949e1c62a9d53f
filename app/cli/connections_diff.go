package cli

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func (a *app) connectionsDiff() *cobra.Command {
	var oldFacts, newFacts string
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say which connections appear, disappear or change between two sources, and why",
		Long: `Compare what policies let through in two estates: every pair of workloads that both
have, and every workload with the outside, all ports and addresses. OLD and NEW are
each a file or a directory; one of them can be - for standard input.

Each difference names what was changed to cause it: the policy, label, port, address
or fact without which the connection would be as it was. That is tried, not guessed:
the attempt is decided again with the change undone. One attempt is shown that the
sources answer differently, with the steps that decide it in each.

Workloads that only one source has are listed apart, with the connections that come
or go with them. One of the same name but another kind is another workload.

Exit status: 0 no difference; 1 differences; 2 whether something differs cannot be
told, or a connection is not known on one side; 3 the run failed, or a source could not
be read fully.`,
		Example: `  pgmoat connections diff k8s.old/ k8s/
  git show main:k8s/all.yaml | pgmoat connections diff - k8s/all.yaml -o json
  pgmoat connections diff k8s/ k8s/ --old-facts today.yaml --new-facts cilium.yaml`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(a.files) > 0:
				return errors.New("-f is not for diff: name OLD and NEW")
			case args[0] == "-" && args[1] == "-":
				return errors.New("only one of OLD and NEW can be standard input")
			case a.facts != "" && (oldFacts != "" || newFacts != ""):
				return errors.New("--facts is for both sources: it excludes --old-facts and --new-facts")
			}
			facts := [2]string{cmp.Or(oldFacts, a.facts), cmp.Or(newFacts, a.facts)}
			worlds, err := a.loadBoth(cmd.Context(), [2]string(args), facts)
			if err != nil {
				return err
			}
			return a.compareConnections(args, worlds)
		},
	}
	a.sourced(cmd, "table", "json", "csv", "md")
	cmd.Flags().StringVar(&oldFacts, "old-facts", "", "facts file of OLD alone")
	cmd.Flags().StringVar(&newFacts, "new-facts", "", "facts file of NEW alone")
	_ = cmd.Flags().MarkHidden("filename")
	return cmd
}

// loadBoth reads both sources at once, and then tells of each what could not be read.
func (a *app) loadBoth(ctx context.Context, paths, facts [2]string) (worlds [2]*snapshot.Snapshot, err error) {
	var errs [2]error
	var wait sync.WaitGroup
	for i := range paths {
		wait.Go(func() { worlds[i], errs[i] = a.read(ctx, paths[i:i+1], facts[i]) })
	}
	wait.Wait()
	if err := cmp.Or(errs[0], errs[1]); err != nil {
		return worlds, err
	}
	for _, world := range worlds {
		a.tell(world)
	}
	return worlds, nil
}

func (a *app) compareConnections(names []string, worlds [2]*snapshot.Snapshot) error {
	var engines [2]*network.Engine
	for i, world := range worlds {
		engines[i] = reach.New(world).Network
	}
	d := network.Diff(engines[0], engines[1])
	switch {
	case !d.IsCertain():
		a.exit(exitUnknown)
	case !d.IsEmpty():
		a.exit(exitNo)
	}
	var sides [2]report.EstateSide
	for i := range sides {
		sides[i] = report.EstateSide{Name: names[i], World: worlds[i], Assumptions: engines[i].Connections().Assumptions}
	}
	return report.NewConnectionsDiff(sides[0], sides[1], d).Write(a.out, a.output)
}
