package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pgmoat/pgmoat/app/report"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

func (a *app) connectionsExplain() *cobra.Command {
	var port string
	cmd := &cobra.Command{
		Use:   "explain FROM TO",
		Short: "Say of every policy over either end what it makes of a connection, and why",
		Long: `Show how policies decide between two ends, allowed or refused: each tier, each policy
that selects the pod, the rule and peer that match, or of each rule what is missing,
nearest miss first; policies that would admit it if they selected the pod; and the
smallest change that would turn the answer around.

FROM and TO are a workload, a pod, an address, a named outside range, or (TO) a
Service, written [NAMESPACE/][KIND/]NAME. Without --port every port is explained,
ports that are treated alike together. Only policies are asked: whether anything
listens at the port is another question.

Exit status: 0 it passes, 1 it does not, 2 it cannot be told, or depends on the port or
the member, 3 the run failed or an input could not be read.`,
		Example: `  pgmoat connections explain shop/web data/db --port 5432 -f k8s/
  pgmoat connections explain shop/web svc/db.data --port 5432 -f k8s/
  pgmoat connections explain shop/web kube-system/coredns --port UDP/53 -f k8s/ -o json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.explainPolicies(cmd.Context(), args[0], args[1], port)
		},
	}
	cmd.Flags().StringVar(&port, "port", "", "pod port (of a Service: its port), as 5432, UDP/53, or a port's name (default: every port)")
	return a.sourced(cmd, "table", "json", "md")
}

func (a *app) explainPolicies(ctx context.Context, fromText, toText, port string) error {
	world, err := a.load(ctx)
	if err != nil {
		return err
	}
	from, err := findClient(world, fromText)
	if err != nil {
		return err
	}
	engine := reach.New(world)
	to, service, err := findDestination(world, engine, toText)
	if err != nil {
		return err
	}
	if from.endpoints[0].Pod == nil && to.endpoints[0].Pod == nil {
		return fmt.Errorf("%s and %s are both outside: policies are about pods", from.ref, to.ref)
	}
	wanted, err := parsePort(port)
	if err != nil {
		return err
	}
	if service != nil {
		if err := wanted.through(service); err != nil {
			return err
		}
	}
	result := report.Explained{World: world, From: from.ref, To: to.ref}
	for _, f := range from.endpoints {
		for _, t := range to.endpoints {
			if apart := len(from.endpoints)*len(to.endpoints) > 1; apart && isSame(f, t) {
				continue
			}
			views, err := wanted.explain(engine.Network, f, t)
			if err != nil {
				return err
			}
			result.Add(f, t, views)
		}
	}
	a.exit(answer(result.Verdict()))
	return result.Write(a.out, a.output)
}

// isSame reports whether both ends are the one pod.
func isSame(f, t network.Endpoint) bool { return f.Pod != nil && f.Pod == t.Pod && !f.Pod.Many }

// findDestination resolves TO: what findClient does, and Services, by the pods behind.
func findDestination(world *snapshot.Snapshot, engine *reach.Engine, text string) (client, *snapshot.Service, error) {
	r, err := parseReference(text, world)
	if err == nil {
		if named, ok := serviceName(world, r); ok {
			r = named
		}
		if svc := theService(world, r); svc != nil {
			pods := engine.Backends(svc)
			if len(pods) == 0 {
				return client{}, nil, fmt.Errorf("%s leads to no pod that was read", svc.Ref())
			}
			return client{svc.Ref(), endpointsOf(pods)}, svc, nil
		}
	}
	c, err := findClient(world, text)
	return c, nil, err
}

// theService is the Service that a reference can only mean: no workload has the name.
func theService(world *snapshot.Snapshot, r reference) *snapshot.Service {
	isWorkload := slices.ContainsFunc(world.Workloads, func(w *snapshot.Workload) bool { return len(clientsOf(r, w)) > 0 })
	if isWorkload && r.kind != "Service" {
		return nil
	}
	for _, s := range world.Services {
		if r.names(s.Ref()) {
			return s
		}
	}
	return nil
}

// A wantedPort is a --port. The zero value is every port.
type wantedPort struct {
	protocol flow.Protocol
	number   uint16
	name     string
	target   *snapshot.ServicePort // of a Service
}

func parsePort(text string) (*wantedPort, error) {
	w := &wantedPort{protocol: flow.TCP}
	if text == "" {
		return &wantedPort{}, nil
	}
	proto, rest, both := strings.Cut(text, "/")
	if !both {
		rest = text
	} else {
		var err error
		if w.protocol, err = flow.ParseProtocol(strings.ToUpper(proto)); err != nil {
			return nil, fmt.Errorf("--port %q: %w", text, err)
		}
	}
	if n, err := strconv.ParseUint(rest, 10, 16); err == nil && n > 0 {
		w.number = uint16(n)
		return w, nil
	}
	if len(validation.IsValidPortName(rest)) > 0 {
		return nil, fmt.Errorf("--port %q: want a port from 1 to 65535, PROTOCOL/PORT, or the name of a port", text)
	}
	w.name = rest
	return w, nil
}

// through takes the port for one of the Service's.
func (w *wantedPort) through(svc *snapshot.Service) error {
	if w.number == 0 && w.name == "" {
		return nil
	}
	var have []string
	for i, sp := range svc.Ports {
		if sp.Protocol == w.protocol && (w.number == sp.Port || w.name != "" && w.name == sp.Name) {
			w.target = &svc.Ports[i]
			return nil
		}
		have = append(have, fmt.Sprintf("%s/%d", sp.Protocol, sp.Port))
	}
	return fmt.Errorf("%s has no such port; it has %s", svc.Ref(), cmp.Or(strings.Join(have, ", "), "none"))
}

// explain explains the port, or every port, between two ends.
func (w *wantedPort) explain(engine *network.Engine, from, to network.Endpoint) ([]network.PortView, error) {
	if w.protocol == flow.NoProtocol {
		return engine.ExplainPorts(from, to), nil
	}
	number := w.number
	switch {
	case w.target != nil && to.Pod != nil:
		number = w.target.PodPort(to.Pod)
	case w.name != "" && to.Pod != nil:
		number = to.Pod.NamedPort(w.name, w.protocol)
	}
	if number == 0 {
		return nil, fmt.Errorf("--port: %s has no %s port named %q", endName(to), w.protocol, w.name)
	}
	x := engine.Explain(network.Attempt{From: from, To: to, Protocol: w.protocol, Port: number})
	return []network.PortView{{Ports: flow.PortsOf(flow.PortRange{Protocol: w.protocol, From: number, To: number}), Explanation: x}}, nil
}

func endName(e network.Endpoint) string {
	if e.Pod == nil {
		return "an address outside"
	}
	return e.Pod.Ref().String()
}
