package exposurerules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// EXP1004 finds ports that control a database and that others reach than its
// members, its operator and who else is known to need them.
var EXP1004 = &audit.Rule{
	ID:       "EXP1004",
	Title:    "a control port is open to others",
	Severity: audit.High,
	Why: `Beside 5432 a member listens on ports of its operator: Patroni's REST API, the
instance manager's status port, a proxy's administration, metrics. Most ask for no
credential, and some can restart, fail over or reconfigure the database. Only the
members, the operator and a metrics collector need them. How bad it is depends on the
port: one that obeys everybody is high, one that asks for credentials medium, one that
only tells low. CloudNativePG's 8000 obeys everybody before release 1.30
(GHSA-7qwx-x8ff-3px9); where nobody told the release, that is a doubt.`,
	Setting: `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: payments}
spec: {instances: 2, imageName: "ghcr.io/cloudnative-pg/postgresql:17", storage: {size: 1Gi}}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
  ingress:
    - from: [{namespaceSelector: {}}]
      ports: [{port: 8000}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
  ingress:
    - from:
        - podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: cnpg-system}}
          podSelector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
      ports: [{port: 8000}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		ways, arrivals, met := outsideWays(p.World), words.ArrivalsIn(p.World), selections{}
		for _, s := range p.World.Servers {
			flows := arrivals.At(s.Members())
			for _, port := range s.Control {
				c := controlled{server: s, ControlPort: port, flows: asking(flows, port.Port), met: met}
				c.within(p)
				c.ledOut(p, ways.to(door{ref: s.Ref(), origin: s.Origin, pods: s.Members(), ports: []uint16{c.Port}, server: s}))
			}
		}
	},
}

// severities are what it means that others reach a port, by what it gives. One of which
// nobody knows is told as the worst, and as a doubt.
var severities = map[snapshot.Power]audit.Severity{
	snapshot.PowerUnknown: audit.High, snapshot.Tells: audit.Low, snapshot.Guarded: audit.Medium, snapshot.Obeys: audit.High,
}

// A controlled is a control port of a server, with the flows of all servers that lead to
// it.
type controlled struct {
	server *snapshot.Server
	snapshot.ControlPort
	flows []*snapshot.VitalFlow
	met   selections
}

// asking are the flows that lead to the port.
func asking(flows []*snapshot.VitalFlow, port uint16) []*snapshot.VitalFlow {
	var out []*snapshot.VitalFlow
	for _, f := range flows {
		if slices.ContainsFunc(f.Ports, func(r flow.PortRange) bool { return r.From <= port && port <= r.To }) {
			out = append(out, f)
		}
	}
	return out
}

// found begins a finding about the port.
func (c controlled) found() audit.Finding {
	return audit.Finding{Subject: c.server.Ref(), Severity: severities[c.Gives], Certain: c.Gives != snapshot.PowerUnknown, Fix: c.fix()}
}

// within reports who reaches the port from within the cluster.
func (c controlled) within(p *audit.Pass) {
	s := c.server
	step := knock(p, stranger, s.Members(), []uint16{c.Port})
	f := c.found()
	switch {
	case step.Verdict == verdict.Allow && step.Reason != network.NotEnforced:
		f.Origin, f.Because = step.Origin, []verdict.Step{step}
		if f.Origin.IsZero() {
			f.Origin = s.Origin
		}
		f.Message = fmt.Sprintf("every pod of every namespace reaches port %d (%s) of %s: %s", c.Port, c.Name, s.Ref(), c.Why)
		p.Report(f)
	case step.Verdict == verdict.Deny:
		for _, e := range entries(p, s.Members(), []uint16{c.Port}) {
			if who := c.uninvited(p, e); len(who) > 0 {
				f.Origin, f.Severity = e.origin(), min(f.Severity, audit.Medium)
				f.Message = fmt.Sprintf("%s admits %s to port %d (%s) of %s, which needs none of them there: %s",
					e.ref(), words.List(who), c.Port, c.Name, s.Ref(), c.Why)
				p.Report(f)
			}
		}
	case step.Verdict == verdict.Unknown:
		p.Skip(s.Ref(), fmt.Sprintf("who reaches port %d (%s) cannot be told", c.Port, c.Name))
	}
}

// ledOut reports the Services and routes that take clients from outside to the port.
func (c controlled) ledOut(p *audit.Pass, ways []outsideWay) {
	for _, w := range ways {
		f := c.found()
		f.Origin, f.Assumptions = w.origin, w.assumptions
		f.Message = fmt.Sprintf("%s leads from outside the cluster to port %d (%s) of %s: %s", w.name, c.Port, c.Name, w.door.ref, c.Why)
		f.Fix = "lead nothing from outside there: " + w.shut
		p.Report(f)
	}
}

// fix is the rule that admits only those who are known to need the port.
func (c controlled) fix() string {
	lines := []string{fmt.Sprintf("admit port %d only from those who need it, in a policy that selects the members:", c.Port)}
	rules := words.Ingress(c.server.Ref().Namespace, c.needing())
	if len(rules) == 0 {
		rules = []string{"- from: # the collector of metrics, where there is one", "    - podSelector: {matchLabels: {app: COLLECTOR}}",
			"  ports:", fmt.Sprintf("    - {protocol: TCP, port: %d}", c.Port)}
	}
	lines = append(lines, rules...)
	if c.Fix != "" {
		lines = append(lines, "and "+c.Fix)
	}
	return strings.Join(lines, "\n")
}

// needing are the flows to the port, and one from each member to each, whatever part they
// have today. What only comforts is left out, unless the port is for nothing else, as that
// for logs is.
func (c controlled) needing() []*snapshot.VitalFlow {
	var out []*snapshot.VitalFlow
	port := []flow.PortRange{{Protocol: flow.TCP, From: c.Port, To: c.Port}}
	members := c.server.Members()
	comforts := !slices.ContainsFunc(c.flows, func(f *snapshot.VitalFlow) bool { return !f.Optional })
	if c.Gives != snapshot.Tells {
		out = append(out, &snapshot.VitalFlow{From: snapshot.VitalPeer{Name: "the members", Pods: members}, Ports: port})
	}
	for _, f := range c.flows {
		mine := len(f.From.Pods) > 0 && !slices.ContainsFunc(f.From.Pods, func(p *snapshot.Pod) bool { return !slices.Contains(members, p) })
		if !mine && (!f.Optional || comforts || c.Gives == snapshot.Tells) {
			out = append(out, &snapshot.VitalFlow{From: f.From, Ports: port, Optional: f.Optional})
		}
	}
	return out
}

// uninvited names the workloads that an entry admits and that no flow to the port
// brings. Whoever scrapes metrics is left alone on a port that only tells.
func (c controlled) uninvited(p *audit.Pass, e entry) []string {
	if e.peer == nil || e.peer.Block != nil || c.Gives == snapshot.Tells {
		return nil
	}
	var out []string
	for _, pod := range c.met.pods(p, e) {
		if !c.invited(pod) {
			out = append(out, pod.Workload.Ref.String())
		}
	}
	return out
}

// invited: the server's own pods, and those of whoever begins a flow to the port, whatever
// part of it does.
func (c controlled) invited(pod *snapshot.Pod) bool {
	return pod.Workload == c.server.Workload ||
		slices.ContainsFunc(c.flows, func(f *snapshot.VitalFlow) bool {
			return slices.ContainsFunc(f.From.Pods, func(from *snapshot.Pod) bool { return from.Workload == pod.Workload })
		})
}

// selections are the pods that entries surely mean, by what they say: the collector of
// metrics that every server admits is looked for once.
type selections map[string][]*snapshot.Pod

func (s selections) pods(p *audit.Pass, e entry) []*snapshot.Pod {
	key := "namespace " + e.policy.Namespace
	if e.peer.Namespaces != nil {
		key = e.peer.Namespaces.String()
	}
	if e.peer.Pods != nil {
		key += "; " + e.peer.Pods.String()
	}
	out, ok := s[key]
	if ok {
		return out
	}
	for _, namespace := range meant(p, e) {
		for _, pod := range p.PodsIn(namespace) {
			if e.peer.Pods == nil || e.peer.Pods.Match(pod.Labels) == netpol.Yes {
				out = append(out, pod)
			}
		}
	}
	s[key] = out
	return out
}

// meant are the namespaces that an entry surely means.
func meant(p *audit.Pass, e entry) []string {
	if e.peer.Namespaces == nil {
		return []string{e.policy.Namespace}
	}
	var out []string
	for _, name := range p.Namespaces() {
		if e.peer.Namespaces.Match(p.World.NamespaceOf(name).Labels) == netpol.Yes {
			out = append(out, name)
		}
	}
	return out
}
