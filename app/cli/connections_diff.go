package cli

import (
	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func (a *app) connectionsDiff() *cobra.Command {
	var c comparison
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say which connections appear, disappear or change between two sources, and why",
		Long: `Compare what policies let through in two estates: every pair of workloads that both
have, and every workload with the outside, all ports and addresses. OLD and NEW are
sources as of -f; one of them can be - for standard input. With --over, NEW is laid over
OLD: a pull request over the cluster.

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
			args, err := a.compared(args)
			if err != nil {
				return err
			}
			worlds, err := a.loadBoth(cmd.Context(), c, args)
			if err != nil {
				return err
			}
			return a.compareConnections(args, worlds)
		},
	}
	a.sourced(cmd, "table", "json", "csv", "md")
	a.comparing(cmd, &c)
	return cmd
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
