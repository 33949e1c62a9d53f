package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// An attempt is what can and explain ask; both take exactly the same arguments.
type attempt struct {
	role, database, cert string
	port                 uint16
	noTLS, replication   bool
}

func (t *attempt) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.role, "as", "", "PostgreSQL role to log in as (required)")
	f.StringVar(&t.database, "db", "", "database (default: the role's name, as PostgreSQL does)")
	f.Uint16Var(&t.port, "port", 0, "port of the Service, or of the pod where TO is no Service (default: every port that speaks PostgreSQL)")
	f.BoolVar(&t.noTLS, "no-tls", false, "connect without TLS")
	f.StringVar(&t.cert, "cert", "", "present a client certificate with this common name")
	f.BoolVar(&t.replication, "replication", false, "ask for physical replication")
	_ = cmd.MarkFlagRequired("as")
	cmd.MarkFlagsMutuallyExclusive("no-tls", "cert")
}

func (t *attempt) session() reach.Session {
	s := reach.Session{Database: t.database, Role: t.role, Replication: t.replication, TLS: !t.noTLS, Cert: t.cert}
	if s.Database == "" {
		s.Database = t.role
	}
	return s
}

const referenceHelp = `FROM is a workload, a pod, an address or a named outside range; TO is a
PostgreSQL server, one of its Services, poolers or pods, or an address. Both are
written [NAMESPACE/][KIND/]NAME; NAME.NAMESPACE is a Service.

FROM kubectl/port-forward is whoever may create pods/portforward in the server's pods,
kubectl/exec whoever may create pods/exec there: past every policy, over loopback or,
with exec, over the Unix socket.`

func (a *app) can() *cobra.Command {
	return a.question("can", "Answer whether a client gets a session, with the step that decides", `
Every path is asked: through each Service, through each pooler, and straight to
each pod's address; the answer is yes if any path is. `,
		`  pgmoat can shop/web payments/ledger --as app --db ledger -f k8s/
  pgmoat can shop/web ledger-rw.payments --as app --db ledger --no-tls -f k8s/
  pgmoat can 192.0.2.7 payments/ledger --as app --db ledger -f k8s/ -o json
  pgmoat can kubectl/exec payments/ledger --as postgres -f k8s/`, report.Can)
}

func (a *app) explain() *cobra.Command {
	return a.question("explain", "Show every layer of every path, all blockers, and the smallest fix", `
It takes the same arguments as can and gives the same answer and exit status.`,
		`  pgmoat explain shop/web payments/ledger --as app --db ledger -f k8s/
  pgmoat explain shop/web ledger-rw.payments --as app --db ledger -f k8s/ -o json`, report.Explain)
}

// question builds can and explain, which differ in how much they print.
func (a *app) question(name, short, long, example string, detail report.Detail) *cobra.Command {
	var t attempt
	cmd := &cobra.Command{
		Use:     name + " FROM TO --as ROLE --db DATABASE",
		Short:   short,
		Long:    short + ".\n\n" + referenceHelp + "\n" + long,
		Example: example,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.ask(cmd.Context(), args[0], args[1], t, detail)
		},
	}
	t.flags(cmd)
	return a.sourced(cmd, "table", "json", "csv", "md")
}

func (a *app) ask(ctx context.Context, from, to string, t attempt, detail report.Detail) error {
	if t.role == "" {
		return errors.New("--as: want the name of a role")
	}
	world, err := a.load(ctx)
	if err != nil {
		return err
	}
	c, err := findAsker(world, from)
	if err != nil {
		return err
	}
	p, err := findTarget(world, to)
	if err != nil {
		return err
	}
	engine := reach.New(world)
	result := report.Asked{
		World: world, Engine: engine, From: c.ref, To: p.ref, Session: t.session(), Port: t.port, Detail: detail}
	for _, endpoint := range c.endpoints {
		q := reach.Question{From: endpoint, Inside: c.Inside, To: p.target, Session: t.session(), Port: t.port}
		result.Add(nameOf(c.client, endpoint), q, engine.Decide(q))
	}
	a.exit(answer(result.Verdict()))
	return result.Write(a.out, a.output)
}

// An asker is a client, or who comes into pods by kubectl.
type asker struct {
	client
	reach.Inside
}

func findAsker(world *snapshot.Snapshot, text string) (asker, error) {
	if i, ok := findInsider(world, text); ok {
		return asker{client{i.Ref, []network.Endpoint{{}}}, i.Inside}, nil
	}
	c, err := findClient(world, text)
	return asker{client: c}, err
}

// nameOf names one member of a client.
func nameOf(c client, e network.Endpoint) snapshot.Ref {
	if e.Pod == nil {
		return c.ref
	}
	return e.Pod.Ref()
}
