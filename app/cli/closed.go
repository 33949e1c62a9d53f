package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func (a *app) whoCan() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "who-can SERVER",
		Short: "List everybody who can reach a PostgreSQL server, as whom, and how",
		Long: `The list is closed: every workload that was read and everybody outside, every
database and role that is named anywhere and all others as one class, through each
Service, through each pooler, and straight to the address of each pod. Whoever is
not in it is refused. Who reaches the ports that give control without SQL (Patroni,
operator status, Envoy admin, exporter) follows below.

Exit status: 0 somebody can, 1 nobody can, 2 nobody for certain but somebody may.`,
		Example: `  pgmoat who-can payments/ledger -f k8s/
  pgmoat who-can cluster/ledger -f k8s/ --facts facts.yaml -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.closed(cmd.Context(), args, true)
		},
	}
	return a.sourced(cmd, "table", "json", "csv", "md")
}

func (a *app) matrix() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "matrix",
		Short: "List who can reach which PostgreSQL server, for all servers",
		Long: `The closed list of who-can for every server that was read. What is not in it is
refused.

Exit status: 0 somebody can, 1 nobody can, 2 nobody for certain but somebody may, or
a database of an operator was read that pgmoat does not understand yet.`,
		Example: `  pgmoat matrix -f k8s/
  pgmoat matrix -f k8s/ -o csv > access.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.closed(cmd.Context(), nil, false)
		},
	}
	return a.sourced(cmd, "table", "json", "csv", "md")
}

// closed answers for the server that args name, or for all.
func (a *app) closed(ctx context.Context, args []string, control bool) error {
	world, err := a.load(ctx)
	if err != nil {
		return err
	}
	servers := world.Servers
	if len(args) == 0 && incomplete(world) {
		a.exit(exitUnknown)
	}
	if len(args) > 0 {
		s, err := findServer(world, args[0])
		if err != nil {
			return err
		}
		servers = []*snapshot.Server{s}
	}
	engine := reach.New(world)
	list := report.Closed{World: world}
	for _, s := range servers {
		if err := tooMany(s); err != nil {
			return err
		}
		list.Access = append(list.Access, engine.WhoCan(s)...)
		if control {
			list.Control = append(list.Control, engine.Control(s)...)
		}
		list.Servers = append(list.Servers, s)
	}
	a.exit(answer(anyAccess(list.Access)))
	return list.Write(a.out, a.output)
}

// mostCells is what a client's list can have and still be held for all of them.
const mostCells = 2_000_000

// tooMany is an error about a server whose list would be longer.
func tooMany(s *snapshot.Server) error {
	n := reach.NamesOf(s).Cells()
	if n <= mostCells {
		return nil
	}
	return fmt.Errorf("%s: the closed list would have %d cells for each client, too many for the %d databases and %d roles that are named; ask can or explain for those that matter",
		s.Ref(), n, len(reach.Databases(s)), len(reach.Roles(s)))
}

func anyAccess(list []reach.Access) verdict.Verdict {
	v := verdict.Deny
	for _, c := range list {
		v = verdict.Any(v, c.Verdict)
	}
	return v
}

func (a *app) vital() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "vital SERVER",
		Short: "List the flows a PostgreSQL server needs to stay alive, and what cuts them",
		Long: `Replication, the operator, Patroni, the kube-apiserver, DNS, poolers, backups: what
the server's operator documents as needed, each decided over the network layers and,
where it is a session, over pg_hba.conf.

Exit status: 0 all pass, 1 one is cut, 2 one may be cut.`,
		Example: "  pgmoat vital payments/ledger -f k8s/",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			world, err := a.load(cmd.Context())
			if err != nil {
				return err
			}
			s, err := findServer(world, args[0])
			if err != nil {
				return err
			}
			list := report.Vital{World: world, Server: s, Flows: reach.New(world).Vital(s)}
			a.exit(answer(list.Verdict()))
			return list.Write(a.out, a.output)
		},
	}
	return a.sourced(cmd, "table", "json", "csv", "md")
}

func (a *app) connections() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "connections",
		Short: "List what NetworkPolicy lets through: every pair of workloads, all ports",
		Long: `The network layer alone: policies only, container ports and Services are ignored.
A pair that is not listed may not open any connection. What depends on a fact that
no manifest tells is listed apart.

Exit status: 0 everything is known, 2 something is not.`,
		Example: "  pgmoat connections -f k8s/\n  pgmoat connections -f k8s/ -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			world, err := a.load(cmd.Context())
			if err != nil {
				return err
			}
			c := reach.New(world).Network.Connections()
			for range c.Unknown() {
				a.exit(exitUnknown)
				break
			}
			return report.Connections(a.out, world, c, a.output)
		},
	}
	cmd.AddCommand(a.connectionsExplain(), a.connectionsDiff())
	return a.sourced(cmd, "table", "json", "csv", "md")
}
